//! `suture grants`: what a policy requests, as configuration.

use serde_json::{Value, json};
use suture_core::grant::risks;
use suture_core::rbac::is_namespaced;
use suture_core::{Glob, Grant, Manifest, Permission, Program, Verb, display};

use super::run::settings;
use crate::CommandResult;
use crate::args::GrantsArgs;
use crate::error::{CliError, Exit};
use crate::output::Output;
use crate::policy;

pub fn run(args: &GrantsArgs, output: &Output) -> CommandResult {
    let module = policy::load(&args.file)?;
    let manifest = module.manifest();
    let schema = &manifest.settings_schema;
    let settings = match &args.settings {
        None => schema.with_defaults(json!({})),
        Some(file) => schema
            .fill(settings(file)?)
            .map_err(|error| CliError::usage(format!("the settings: {error}")).at(file.display()))?,
    };
    if output.is_json() {
        let grant = |permission: &Permission| Value::Object(fields(permission).into_iter().collect());
        let grants: Vec<_> = manifest.requested(&settings).iter().map(grant).collect();
        output.json(&json!({"grants": grants}));
        return Ok(Exit::Done);
    }
    output.line(text(manifest, &settings, args.settings.is_some()));
    Ok(Exit::Done)
}

/// What stands for the namespaces that the operator is to name.
const PLACEHOLDER: &str = "NAMESPACE";

/// What is printed: a list of grants with comments.
fn text(manifest: &Manifest, settings: &Value, are_given: bool) -> String {
    let under = if are_given { "with these settings" } else { "with its default settings" };
    let mut lines = vec![
        format!(
            "# What policy {} {} requests {under}, and no more. In place of",
            manifest.name, manifest.version
        ),
        format!(
            "# {PLACEHOLDER} name those that it may act in (`\"*\"` would be all of them, now and later),"
        ),
        "# narrow `names` where you can, and leave out what you don't want: it may do what is".to_owned(),
        "# both requested and granted.".to_owned(),
        "grants:".to_owned(),
    ];
    let (now, otherwise): (Vec<_>, Vec<_>) =
        manifest.permissions.iter().partition(|permission| permission.applies(settings));
    lines.extend(now.into_iter().flat_map(entry));
    if !manifest.contract.names_metrics() {
        lines.push(format!(
            "# {} can't say which metrics a policy queries. If it needs some, grant them by",
            manifest.contract
        ));
        lines.push("# name; without that it sees its own alert and no more:".to_owned());
        lines.push("# - {metrics: []}".to_owned());
    }
    for permission in otherwise {
        lines.push(format!("# Only with {}:", plain(&permission.condition().unwrap_or_default())));
        lines.extend(entry(permission).into_iter().map(|line| match line.strip_prefix('#') {
            Some(comment) => format!("#  {comment}"),
            None => format!("# {line}"),
        }));
    }
    lines.join("\n")
}

/// One grant, below its reason and what it puts at risk.
fn entry(permission: &Permission) -> Vec<String> {
    let mut lines = vec![format!("# {}", plain(&permission.reason))];
    lines.extend(risks(permission).into_iter().map(|risk| format!("# risk: {risk}")));
    lines.extend(missing(permission).into_iter().map(|sentence| format!("# as it is, {sentence}")));
    let fields: Vec<_> =
        fields(permission).into_iter().map(|(name, value)| format!("{name}: {}", flow(&value))).collect();
    lines.push(format!("- {{{}}}", fields.join(", ")));
    lines
}

/// What the grant that is printed lacks, which only the operator can say: names, fields, a condition.
fn missing(permission: &Permission) -> Vec<String> {
    let Permission { groups, resources, verbs, .. } = permission;
    let grant = Grant::of(groups.clone(), resources.clone(), verbs.clone(), vec![Glob::any()]);
    grant.unusable().into_iter().chain(grant.unnamed()).map(|sentence| plain(&sentence)).collect()
}

/// A list of words on one line, quoted as JSON has it, which YAML reads: the core group is the
/// empty string, and some names are YAML's own words.
fn flow(list: &Value) -> String {
    let words = list.as_array().into_iter().flatten();
    format!("[{}]", words.map(Value::to_string).collect::<Vec<_>>().join(", "))
}

/// The fields of a grant, in the order in which people write them.
fn fields(permission: &Permission) -> Vec<(String, Value)> {
    let field = |name: &str, value: Value| (name.to_owned(), value);
    if !permission.metrics.is_empty() {
        let metrics: Vec<_> = permission.metrics.iter().map(Glob::as_str).collect();
        return vec![field("metrics", json!(metrics))];
    }
    let verbs: Vec<_> = permission.verbs.iter().copied().map(Verb::as_str).collect();
    let mut fields = vec![
        field("groups", json!(permission.groups)),
        field("resources", json!(permission.resources)),
        field("verbs", json!(verbs)),
    ];
    let is_of_cluster = |group: &String| {
        let object = |resource: &String| resource.split('/').next().map(str::to_owned).unwrap_or_default();
        permission.resources.iter().all(|resource| is_namespaced(group, &object(resource)) == Some(false))
    };
    if !permission.groups.iter().all(is_of_cluster) {
        // No namespace has this name: a check says that one must be put in its place.
        fields.push(field("namespaces", json!([PLACEHOLDER])));
    }
    fields.push(field("names", json!(["*"])));
    fields
}

/// A text of a manifest on one line.
fn plain(text: &str) -> String {
    display::one_line(&text.replace(['\n', '\r', '\t'], " ")).into_owned()
}

#[cfg(test)]
mod tests {
    use suture_core::manifest::{RawManifest, RawPermission};

    use super::*;

    fn manifest() -> Manifest {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let raw = RawPermission { reason: "to read\nwhy".into(), ..RawPermission::default() };
        let on = |group: &str, resource: &str, verbs: &[&str]| RawPermission {
            groups: words(&[group]),
            resources: words(&[resource]),
            verbs: words(verbs),
            ..raw.clone()
        };
        let raw = RawManifest {
            name: "demo".into(),
            version: "1.0.0".into(),
            description: "For tests".into(),
            matchers: vec![],
            key: vec![],
            permissions: vec![
                on("", "pods/log", &["get"]),
                on("snapshot.storage.k8s.io", "volumesnapshotcontents", &["get"]),
                RawPermission { metrics: words(&["volsync_*"]), ..raw.clone() },
                RawPermission { when: words(&["unlock=job"]), ..on("batch", "jobs", &["create"]) },
            ],
            settings_schema: r#"{"type": "object", "properties": {"unlock": {"default": "native"}}}"#.into(),
        };
        raw.check().unwrap()
    }

    fn read(text: &str) -> Vec<Grant> {
        #[derive(serde::Deserialize)]
        struct Printed {
            grants: Vec<Grant>,
        }
        serde_saphyr::from_str::<Printed>(text).unwrap().grants
    }

    #[test]
    fn what_is_printed_are_grants_that_can_be_read_back_and_no_more_than_the_settings_use() {
        let printed = text(&manifest(), &json!({"unlock": "native"}), false);
        let grants = read(&printed);
        assert_eq!(grants.len(), 3, "{printed}");
        assert_eq!(
            (grants[0].groups.as_slice(), grants[0].verbs.as_slice()),
            (&[String::new()][..], &[Verb::Get][..])
        );
        assert_eq!(grants[0].namespaces[0].as_str(), PLACEHOLDER);
        assert!(suture_core::names::dns_label(PLACEHOLDER).is_err(), "a check must ask for another name");
        assert!(grants.iter().all(|grant| grant.unusable().is_empty()), "{printed}");
        assert!(grants.iter().all(|grant| grant.check_subject().is_ok()), "{printed}");
        assert_eq!(grants[2].metrics[0].as_str(), "volsync_*");
        assert!(
            printed.contains("# Only with `unlock=job`:\n#   to read why\n#   risk: creates pods"),
            "{printed}"
        );
        assert!(!printed.contains("volumesnapshotcontents\"], verbs: [\"get\"], namespaces"), "{printed}");
        let grants = read(&text(&manifest(), &json!({"unlock": "job"}), true));
        assert_eq!(grants.len(), 4);
        assert_eq!(grants[3].verbs, [Verb::Create]);
    }

    #[test]
    fn a_policy_of_the_first_contract_is_said_to_name_no_metrics() {
        let manifest = Manifest { contract: suture_core::ContractVersion::V0_1, ..manifest() };
        let printed = text(&manifest, &json!({"unlock": "native"}), false);
        assert!(printed.contains("suture:policy@0.1.0 can't say which metrics"), "{printed}");
        read(&printed);
    }
}
