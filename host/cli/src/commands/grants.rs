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
    let placeholder = [PLACEHOLDER.to_owned()];
    let namespaces = if args.namespaces.is_empty() { &placeholder[..] } else { &args.namespaces[..] };
    let reach = Reach { namespaces, of_cluster: &args.cluster_scoped };
    if output.is_json() {
        let object = |fields: Vec<(String, Value)>| Value::Object(fields.into_iter().collect());
        let requested = manifest.requested(&settings);
        let grants: Vec<_> =
            requested.iter().flat_map(|permission| grants(permission, &reach)).map(object).collect();
        output.json(&json!({"grants": grants}));
        return Ok(Exit::Done);
    }
    output.line(text(manifest, &settings, args.settings.is_some(), &reach));
    Ok(Exit::Done)
}

/// What stands for the namespaces that the operator is to name. No namespace has this name: a check
/// says that one must be put in its place.
const PLACEHOLDER: &str = "NAMESPACE";

/// What is printed: a list of grants with comments.
fn text(manifest: &Manifest, settings: &Value, are_given: bool, reach: &Reach<'_>) -> String {
    let under = if are_given { "with these settings" } else { "with its default settings" };
    let mut lines =
        vec![format!("# What policy {} {} requests {under}, and no more.", manifest.name, manifest.version)];
    if reach.namespaces == [PLACEHOLDER] {
        lines.push(format!(
            "# In place of {PLACEHOLDER} name those that it may act in (`\"*\"` would be all of them, now and later)."
        ));
    }
    lines.push(
        "# Narrow `names` where you can, and leave out what you don't want: it may do what is".to_owned(),
    );
    lines.push("# both requested and granted.".to_owned());
    if manifest.permissions.iter().any(is_in_doubt) {
        lines.push(
            "# Of custom resources that have no namespaces, leave `namespaces` out (--cluster-scoped RESOURCE)."
                .to_owned(),
        );
    }
    lines.push("grants:".to_owned());
    let (now, otherwise): (Vec<_>, Vec<_>) =
        manifest.permissions.iter().partition(|permission| permission.applies(settings));
    lines.extend(now.into_iter().flat_map(|permission| entry(permission, reach)));
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
        lines.extend(entry(permission, reach).into_iter().map(|line| match line.strip_prefix('#') {
            Some(comment) => format!("#  {comment}"),
            None => format!("# {line}"),
        }));
    }
    lines.join("\n")
}

/// The grants of a permission, below its reason and what it puts at risk.
pub fn entry(permission: &Permission, reach: &Reach<'_>) -> Vec<String> {
    let mut lines = vec![format!("# {}", plain(&permission.reason))];
    lines.extend(risks(permission).into_iter().map(|risk| format!("# risk: {risk}")));
    lines.extend(missing(permission).into_iter().map(|sentence| format!("# as it is, {sentence}")));
    for fields in grants(permission, reach) {
        let fields: Vec<_> =
            fields.into_iter().map(|(name, value)| format!("{name}: {}", flow(&value))).collect();
        lines.push(format!("- {{{}}}", fields.join(", ")));
    }
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

/// Where grants reach.
pub struct Reach<'a> {
    /// The namespaces.
    pub namespaces: &'a [String],
    /// Resources that have no namespaces, beside those of which that is known: `RESOURCE` or
    /// `RESOURCE.GROUP`.
    pub of_cluster: &'a [String],
}

impl Reach<'_> {
    /// Whether a resource of a permission has no namespaces.
    fn is_of_cluster(&self, permission: &Permission, resource: &str) -> bool {
        let object = object(resource);
        let is_said = |group: &str| {
            self.of_cluster.iter().any(|said| *said == object || *said == format!("{object}.{group}"))
        };
        let mut groups = permission.groups.iter();
        groups.all(|group| is_namespaced(group, object) == Some(false) || is_said(group))
    }

    /// The first resource of a permission that may live in namespaces.
    pub fn first_in_namespaces<'a>(&self, permission: &'a Permission) -> Option<&'a str> {
        let mut resources = permission.resources.iter().map(String::as_str);
        resources.find(|resource| !self.is_of_cluster(permission, resource))
    }
}

/// The resource itself, of a subresource.
fn object(resource: &str) -> &str {
    resource.split('/').next().unwrap_or(resource)
}

/// The grants of a permission: what has no namespaces stands by itself, since a grant that names
/// some allows nothing of it. The fields are in the order in which people write them.
fn grants(permission: &Permission, reach: &Reach<'_>) -> Vec<Vec<(String, Value)>> {
    let field = |name: &str, value: Value| (name.to_owned(), value);
    if !permission.metrics.is_empty() {
        let metrics: Vec<_> = permission.metrics.iter().map(Glob::as_str).collect();
        return vec![vec![field("metrics", json!(metrics))]];
    }
    let verbs: Vec<_> = permission.verbs.iter().copied().map(Verb::as_str).collect();
    let (of_cluster, in_namespaces): (Vec<_>, Vec<_>) =
        permission.resources.iter().partition(|resource| reach.is_of_cluster(permission, resource));
    let grant = |resources: Vec<&String>, namespaces: Option<&[String]>| {
        let mut fields = vec![
            field("groups", json!(permission.groups)),
            field("resources", json!(resources)),
            field("verbs", json!(verbs)),
        ];
        fields.extend(namespaces.map(|namespaces| field("namespaces", json!(namespaces))));
        fields.push(field("names", json!(["*"])));
        (!resources.is_empty()).then_some(fields)
    };
    [grant(in_namespaces, Some(reach.namespaces)), grant(of_cluster, None)].into_iter().flatten().collect()
}

/// Whether nobody knows here if some resource that a grant would name has namespaces.
fn is_in_doubt(permission: &Permission) -> bool {
    let unknown = |resource: &String| {
        permission.groups.iter().any(|group| is_namespaced(group, object(resource)).is_none())
    };
    permission.resources.iter().any(unknown)
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

    fn printed(manifest: &Manifest, settings: &Value, are_given: bool) -> String {
        let namespaces = [PLACEHOLDER.to_owned()];
        text(manifest, settings, are_given, &Reach { namespaces: &namespaces, of_cluster: &[] })
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
        let with = |unlock: &str, are_given| printed(&manifest(), &json!({"unlock": unlock}), are_given);
        let printed = with("native", false);
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
        let grants = read(&with("job", true));
        assert_eq!(grants.len(), 4);
        assert_eq!(grants[3].verbs, [Verb::Create]);
    }

    #[test]
    fn a_policy_of_the_first_contract_is_said_to_name_no_metrics() {
        let manifest = Manifest { contract: suture_core::ContractVersion::V0_1, ..manifest() };
        let printed = printed(&manifest, &json!({"unlock": "native"}), false);
        assert!(printed.contains("suture:policy@0.1.0 can't say which metrics"), "{printed}");
        read(&printed);
    }

    #[test]
    fn what_has_no_namespaces_is_granted_without_any_and_by_itself() {
        let asked = |group: &str, resources: &[&str]| -> Permission {
            serde_json::from_value(
                json!({"groups": [group], "resources": resources, "verbs": ["get"], "reason": "r"}),
            )
            .unwrap()
        };
        let lines = |permission: &Permission, of_cluster: &[String]| {
            let namespaces = ["media".to_owned()];
            let lines = entry(permission, &Reach { namespaces: &namespaces, of_cluster });
            lines.into_iter().filter(|line| line.starts_with('-')).collect::<Vec<_>>()
        };
        let both = asked("cert-manager.io", &["issuers", "clusterissuers"]);
        assert_eq!(
            lines(&both, &[]),
            [
                r#"- {groups: ["cert-manager.io"], resources: ["issuers"], verbs: ["get"], namespaces: ["media"], names: ["*"]}"#,
                r#"- {groups: ["cert-manager.io"], resources: ["clusterissuers"], verbs: ["get"], names: ["*"]}"#,
            ]
        );
        let unknown = asked("example.com", &["widgets"]);
        assert!(lines(&unknown, &[])[0].contains("namespaces"));
        for said in ["widgets", "widgets.example.com"] {
            assert!(!lines(&unknown, &[said.to_owned()])[0].contains("namespaces"), "{said}");
        }
        assert!(lines(&unknown, &["widgets.other.com".to_owned()])[0].contains("namespaces"));
    }
}
