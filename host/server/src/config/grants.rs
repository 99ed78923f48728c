//! What a grant must say to mean something, and what its words cost.

use serde_saphyr::{Location, Spanned};
use suture_core::{Glob, Grant, Verb};

use super::rules::Findings;

/// What a grant must satisfy beyond its form, and what it is warned about.
pub(super) fn check(grant: &Spanned<Grant>, findings: &mut Findings<'_>) {
    let Spanned { value: grant, referenced: at, .. } = grant;
    if let Err(error) = grant.check_subject() {
        findings.error(*at, error);
    }
    if grant.metrics.iter().any(Glob::is_any) {
        findings.warn(*at, "this grant covers every metric; name those that are meant");
    }
    limits_of_a_grant(grant, *at, findings);
    if grant.namespaces.iter().any(Glob::is_any) {
        findings.warn(*at, "this grant covers every namespace; name those that are meant");
    }
    if grant.groups.iter().any(|group| group == "*") {
        findings.warn(*at, "this grant covers every API group; name those that are meant");
    }
    if let Some(resource) =
        grant.resources.iter().find(|resource| resource.chars().any(|c| c.is_ascii_uppercase()))
    {
        let message =
            format!("`{resource}` looks like a kind; grants name resources: `{}s`", resource.to_lowercase());
        findings.error(*at, message);
    }
}

/// What a grant says of fields, conditions and pods must be about something that it allows.
fn limits_of_a_grant(grant: &Grant, at: Location, findings: &mut Findings<'_>) {
    let allows = |verbs: &[Verb]| verbs.iter().any(|verb| grant.verbs.contains(verb));
    if !grant.fields.is_empty() && !allows(&[Verb::Patch]) {
        findings.error(
            at,
            "`fields` limits what a patch or an apply may touch, and this grant allows no `patch`",
        );
    }
    if !grant.fields.is_empty() && allows(&[Verb::Create]) {
        let message = "`fields` limits what a patch or an apply may touch, and not what is made: give `create` a grant \
                       of its own";
        findings.error(at, message);
    }
    let writes = allows(&[Verb::Create, Verb::Patch, Verb::Delete]);
    if grant.condition.is_some() && !writes {
        findings
            .error(at, "`where` is about changes, and this grant allows none: reads are not judged by it");
    }
    if let Some(condition) = &grant.condition {
        let known = ["object", "oldObject", "incident", "settings"];
        if let Some(unknown) = condition.variables().into_iter().find(|name| !known.contains(&name.as_str()))
        {
            let message = format!("`where` speaks of `{unknown}`; there are {}", known.join(", "));
            findings.error(at, message);
        }
    }
    if let Some(condition) = &grant.condition
        && let Err(error) = can_hold(condition)
    {
        findings.error(at, format!("`where` can never hold: {error}"));
    }
    if grant.pods.from.iter().any(|source| source.cron_job.is_any()) {
        let message = "`pods.from: [cronjobs/*]` lets the template of every CronJob pass, whatever it holds; name those \
                       that are meant";
        findings.warn(at, message);
    }
    let makes = allows(&[Verb::Create, Verb::Patch]);
    if (!grant.pods.is_empty() || !grant.pod_templates.is_empty()) && !makes {
        findings.error(at, "`pods` is about what is created or patched, and this grant allows neither");
    }
    let is_custom = |group: &&String| *group != "*" && !suture_core::object::is_group_of_kubernetes(group);
    if makes
        && grant.pod_templates.is_empty()
        && grant.fields.is_empty()
        && let Some(group) = grant.groups.iter().find(is_custom)
    {
        let message = format!(
            "what the controllers of {group} make of what this grant lets a policy write is not checked: name the `fields` \
             that it may touch, or, where they make pods, where their template stands (`podTemplates: [/spec/template]`)"
        );
        findings.warn(at, message);
    }
    if allows(&[Verb::Create]) && grant.pods.is_empty() && grant.resources.iter().any(|one| makes_pods(one)) {
        let message = "pods that are made under this grant may use nothing: say `pods: {images: [IMAGE]}`, with the \
                       `serviceAccounts`, `secrets` and `claims` that they use, or `pods: {from: [cronjobs/NAME]}` for \
                       Jobs with the template of an existing CronJob";
        findings.warn(at, message);
    }
}

fn makes_pods(resource: &str) -> bool {
    const MAKERS: [&str; 9] = [
        "pods",
        "podtemplates",
        "replicationcontrollers",
        "deployments",
        "statefulsets",
        "daemonsets",
        "replicasets",
        "jobs",
        "cronjobs",
    ];
    MAKERS.contains(&resource)
}

/// Whether a condition could hold: its functions exist, and what reads nothing is true.
fn can_hold(condition: &suture_core::Expression) -> Result<(), String> {
    let nothing = serde_json::json!({});
    let variables = ["object", "oldObject", "incident", "settings"].map(|name| (name, &nothing));
    match condition.test(&variables) {
        Ok(_) => Ok(()),
        Err(error)
            if error.0.contains("Undeclared reference") || error.0.contains("neither true nor false") =>
        {
            Err(error.0)
        }
        // What it reads is not there: it may be, in an object.
        Err(_) => Ok(()),
    }
}
