//! `suture grants`: what a policy requests, as configuration.

use serde_json::json;
use suture_core::{Permission, Program, Verb, display};

use crate::CommandResult;
use crate::args::InspectArgs;
use crate::error::Exit;
use crate::output::Output;
use crate::policy;

pub fn run(args: &InspectArgs, output: &Output) -> CommandResult {
    let module = policy::load(&args.file)?;
    let manifest = module.manifest();
    if output.is_json() {
        let grant = |permission: &Permission| {
            json!({"groups": permission.groups, "resources": permission.resources, "verbs": permission.verbs,
                "namespaces": [], "names": ["*"]})
        };
        output.json(&json!({"grants": manifest.permissions.iter().map(grant).collect::<Vec<_>>()}));
        return Ok(Exit::Done);
    }
    output.line(format!(
        "# What policy {} {} requests. Name the namespaces that it may act in, and leave\n\
         # out what you don't want: it may do what is both requested and granted.\ngrants:",
        manifest.name, manifest.version
    ));
    for permission in &manifest.permissions {
        output.line(yaml(permission));
    }
    Ok(Exit::Done)
}

fn yaml(permission: &Permission) -> String {
    let list = |words: Vec<&str>| {
        // The core group is the empty string, and some names are YAML's own words.
        let quoted: Vec<_> = words.into_iter().map(|word| json!(word).to_string()).collect();
        format!("[{}]", quoted.join(", "))
    };
    let texts = |words: &[String]| list(words.iter().map(String::as_str).collect());
    let verbs = list(permission.verbs.iter().copied().map(Verb::as_str).collect());
    let reason = permission.reason.replace(['\n', '\r', '\t'], " ");
    let reason = display::one_line(&reason);
    format!(
        "# {reason}\n- {{groups: {}, resources: {}, verbs: {verbs}, namespaces: [], names: [\"*\"]}}",
        texts(&permission.groups),
        texts(&permission.resources),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_a_grant_that_can_be_read_back() {
        let permission = Permission {
            groups: vec![String::new()],
            resources: vec!["pods/log".into()],
            verbs: vec![Verb::Get],
            reason: "to read\nwhy".into(),
        };
        let grants: Vec<suture_core::Grant> = serde_saphyr::from_str(&yaml(&permission)).unwrap();
        assert_eq!(grants[0].groups, [""]);
        assert_eq!(grants[0].verbs, [Verb::Get]);
        assert!(grants[0].namespaces.is_empty());
    }
}
