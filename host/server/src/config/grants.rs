//! What a grant must say to mean something, and what its words cost.

use serde_json::Value;
use serde_saphyr::{Location, Spanned};
use suture_core::rbac::is_namespaced;
use suture_core::{Expression, Glob, Grant, Verb, names};

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
    for namespace in grant.namespaces.iter().filter_map(Glob::exact) {
        if let Err(error) = names::dns_label(namespace) {
            findings.error(*at, format!("no namespace has this name: {error}"));
        }
    }
    if let Some(resource) =
        grant.resources.iter().find(|resource| resource.chars().any(|c| c.is_ascii_uppercase()))
    {
        let message =
            format!("`{resource}` looks like a kind; grants name resources: `{}s`", resource.to_lowercase());
        findings.error(*at, message);
        return;
    }
    for sentence in grant.unusable().into_iter().chain(grant.unnamed()) {
        findings.warn(*at, sentence);
    }
    if let Some(resource) = without_namespaces(grant) {
        let message = format!(
            "this grant names no `namespaces`: it is of no use where `{}` live in some, as most custom resources do",
            names::shortened(resource)
        );
        findings.warn(*at, message);
    }
}

/// A resource of which it is not known whether it has namespaces, where none are named.
fn without_namespaces(grant: &Grant) -> Option<&str> {
    if !grant.namespaces.is_empty() || grant.namespace_selector.is_some() {
        return None;
    }
    let is_unknown = |resource: &&String| {
        let object = resource.split('/').next().unwrap_or_default();
        grant.groups.iter().any(|group| group != "*" && is_namespaced(group, object).is_none())
    };
    grant.resources.iter().find(is_unknown).map(String::as_str)
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
        if let Some(unknown) = condition.variables().iter().find(|name| !known.contains(&name.as_str())) {
            let message = format!("`where` speaks of `{unknown}`; there are {}", known.join(", "));
            findings.error(at, message);
        }
    }
    if let Some(condition) = &grant.condition
        && let Err(error) = can_hold(condition, grant)
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
        let field = if grant.pods.is_empty() { "podTemplates" } else { "pods" };
        let message = format!("`{field}` is about what is created or patched, and this grant allows neither");
        findings.error(at, message);
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

/// Whether a condition could hold for a change that a grant allows, whatever the objects have: its
/// functions exist, its types fit, and it reads nothing of what is not there.
fn can_hold(condition: &Expression, grant: &Grant) -> Result<(), String> {
    let (something, null) = (serde_json::json!({}), Value::Null);
    let never = match condition.variables().is_empty() {
        true => Err("it is always false".to_owned()),
        false => Ok(()),
    };
    let mut why = never.clone();
    for (verb, object, old, hint) in [
        (Verb::Create, &something, &null, " (`oldObject` is null for what is made)"),
        (Verb::Patch, &something, &something, ""),
        (Verb::Delete, &null, &something, " (`object` is null for what is deleted)"),
    ] {
        if !grant.verbs.contains(&verb) {
            continue;
        }
        let variables =
            [("object", object), ("oldObject", old), ("incident", &something), ("settings", &something)];
        match condition.test(&variables) {
            Ok(true) => return Ok(()),
            Ok(false) if never.is_ok() => return Ok(()),
            Ok(false) => {}
            Err(error) if depends_on_what_is_there(&error.0) => return Ok(()),
            Err(error) => why = Err(format!("{}{hint}", error.0)),
        }
    }
    why
}

/// Whether there could be objects with which an expression has no such error.
fn depends_on_what_is_there(error: &str) -> bool {
    ["No such key", "Index out of bounds", " by zero", "Overflow"].iter().any(|words| error.contains(words))
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use crate::Config;

    /// What is said of a grant: errors, then warnings.
    fn said(grant: &str) -> (Vec<String>, Vec<String>) {
        let config = format!(
            "listen: 127.0.0.1:0\nstorage: {{path: state}}\ncluster: {{simulated: {{scenario: s.yaml}}}}\n\
             alertmanager: {{url: 'http://127.0.0.1:9'}}\npolicies:\n- name: p\n  source: {{file: p.wasm}}\n  \
             grants:\n  - {grant}\n"
        );
        let parsed = Config::parse(config, Path::new("suture.yaml"), PathBuf::new());
        let lines = |all: Vec<crate::ConfigError>| all.iter().map(|one| one.to_string()).collect();
        match parsed {
            Ok(loaded) => (Vec::new(), lines(loaded.warnings)),
            Err(errors) => (lines(errors), Vec::new()),
        }
    }

    #[test]
    fn a_grant_that_nobody_can_use_is_warned_about_at_its_place() {
        let (_, warnings) = said("{groups: [''], resources: [pods], verbs: [get]}");
        let [warning] = &warnings[..] else { panic!("{warnings:?}") };
        assert!(
            warning.starts_with("suture.yaml:9:") && warning.contains("can be used by no one"),
            "{warning}"
        );
        assert_eq!(said("{groups: [''], resources: [pods], verbs: [get], namespaces: [media]}").1, [""; 0]);
    }

    #[test]
    fn whether_custom_resources_need_a_namespace_is_not_known_and_said() {
        let (_, warnings) = said("{groups: [example.com], resources: [things], verbs: [get]}");
        assert!(warnings.len() == 1 && warnings[0].contains("`things` live in some"), "{warnings:?}");
    }

    #[test]
    fn the_namespace_that_suture_grants_leaves_open_must_be_filled_in() {
        let (errors, _) = said("{groups: [''], resources: [pods], verbs: [get], namespaces: [NAMESPACE]}");
        assert!(errors.len() == 1 && errors[0].contains("`NAMESPACE` is not a DNS label"), "{errors:?}");
    }

    #[test]
    fn an_empty_list_of_fields_is_refused_because_it_would_be_all_of_them() {
        let (errors, _) =
            said("{groups: [apps], resources: [deployments], verbs: [patch], namespaces: [a], fields: []}");
        assert!(
            errors[0].contains("suture.yaml:9:") && errors[0].contains("`fields` is empty"),
            "{errors:?}"
        );
    }

    #[test]
    fn a_condition_that_can_never_hold_is_refused() {
        let of = |verbs: &str, condition: &str| {
            let (errors, _) = said(&format!(
                "{{groups: [apps], resources: [deployments], verbs: [{verbs}], namespaces: [a], where: '{condition}'}}"
            ));
            errors.join("\n")
        };
        for (verbs, condition, why) in [
            ("patch", "object", "neither true nor false"),
            ("patch", "1 + 1", "neither true nor false"),
            ("patch", "nothing(object)", "nothing"),
            ("patch", "1 == \"a\" + 1", "can never hold"),
            ("patch", "alert.labels.x == \"y\"", "speaks of `alert`"),
            ("get", "object.spec.replicas < 3", "allows none"),
            ("create", "oldObject.spec.replicas < 3", "`oldObject` is null"),
            ("delete", "object.spec.replicas < 3", "`object` is null"),
            ("patch, delete", "1 == 2", "always false"),
        ] {
            assert!(of(verbs, condition).contains(why), "{condition}: {}", of(verbs, condition));
        }
        for (verbs, condition) in [
            ("patch", "object.spec.replicas < oldObject.spec.replicas"),
            ("create", "object.spec.replicas < 3"),
            ("create", "oldObject == null"),
            ("delete", "object == null && oldObject.metadata.name.startsWith(\"x\")"),
            ("create, patch", "oldObject.spec.replicas < 3"),
            ("delete, patch", "object.spec.replicas < 3"),
            ("patch", "settings.limit > object.spec.replicas"),
        ] {
            assert_eq!(of(verbs, condition), "", "{verbs}: {condition}");
        }
    }
}
