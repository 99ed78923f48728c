//! `suture rbac`: the least Kubernetes RBAC that a configuration needs.

use serde_json::json;
use suture_core::names;

use crate::CommandResult;
use crate::args::RbacArgs;
use crate::error::{CliError, Exit};
use crate::output::Output;

pub fn run(args: &RbacArgs, output: &Output) -> CommandResult {
    if let Some(namespace) = &args.namespace {
        names::dns_label(namespace).map_err(|error| CliError::usage(error).at("--namespace"))?;
    }
    if let Some(account) = &args.service_account {
        names::dns_subdomain(account).map_err(|error| CliError::usage(error).at("--service-account"))?;
    }
    let (namespace, account) = (args.namespace.clone(), args.service_account.clone());
    let report =
        suture_server::rbac(&args.config, namespace, account, suture_server::Compiler::this_program());
    let report = crate::executor()?.block_on(report).map_err(|errors| {
        let all: Vec<_> = errors.iter().map(ToString::to_string).collect();
        CliError::usage(all.join("\n"))
            .help(format!("`suture check --config {}` shows all that is wrong", args.config.display()))
    })?;
    for warning in &report.warnings {
        output.warn(warning);
    }
    let roles = report.needs.roles(&report.installation);
    if output.is_json() {
        output.json(&json!({"apiVersion": "v1", "kind": "List", "items": roles.objects()}));
        return Ok(Exit::Done);
    }
    // Neither where the configuration lies nor what it is called: the same one gives the same bytes.
    output.line(format!(
        "# The least rights that the grants of this host need, made by `suture rbac`; don't edit.\n{}",
        roles.yaml().trim_end()
    ));
    Ok(Exit::Done)
}
