//! `suture check`: a configuration, offline.

use serde_json::json;
use suture_server::Secrets;

use crate::CommandResult;
use crate::args::CheckArgs;
use crate::error::{CliError, Exit};
use crate::output::{BAD, DIM, GOOD, Output};
use crate::simulated;

pub fn run(args: &CheckArgs, output: &Output) -> CommandResult {
    let secrets = if args.secrets_elsewhere { Secrets::Elsewhere } else { Secrets::Here };
    let options = simulated::options();
    let report = crate::executor()?.block_on(suture_server::check(&args.config, &options, secrets));
    if output.is_json() {
        let value = serde_json::to_value(&report).map_err(|error| CliError::internal(error.to_string()))?;
        output.json(&json!({"good": report.is_good(), "report": value}));
    }
    for error in &report.errors {
        output.note(format!("{BAD}error:{BAD:#} {error}"));
    }
    for warning in &report.warnings {
        output.warn(warning);
    }
    for policy in &report.policies {
        output.line(format!(
            "{GOOD}ok{GOOD:#}   policy {} {} ({}) {DIM}{}{DIM:#}",
            policy.name,
            policy.version,
            policy.mode.as_str(),
            policy.digest
        ));
        for missing in &policy.not_granted {
            output.line(format!("       {DIM}not granted, so denied when it tries: {missing}{DIM:#}"));
        }
    }
    let place = args.config.display();
    if !report.is_good() {
        let count = report.errors.len();
        output.line(format!("{BAD}{place}: {count} {}{BAD:#}", if count == 1 { "error" } else { "errors" }));
        return Ok(Exit::Usage);
    }
    let condition = match secrets {
        Secrets::Here => "",
        Secrets::Elsewhere => ", if its secrets are where it runs",
    };
    output.line(format!("{GOOD}{place}: nothing is wrong with it{condition}{GOOD:#}"));
    output.note(format!(
        "{DIM}whether what it names can be reached is seen where it runs: `suture doctor`{DIM:#}"
    ));
    Ok(Exit::Done)
}
