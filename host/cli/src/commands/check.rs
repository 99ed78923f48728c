//! `suture check`: a configuration, offline.

use serde_json::json;

use crate::CommandResult;
use crate::args::ConfigArgs;
use crate::error::{CliError, Exit};
use crate::output::{BAD, DIM, GOOD, Output};
use crate::simulated;

pub fn run(args: &ConfigArgs, output: &Output) -> CommandResult {
    let report = crate::executor()?.block_on(suture_server::check(&args.config, &simulated::options()));
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
    output.line(format!("{GOOD}{place}: a host can start with it{GOOD:#}"));
    Ok(Exit::Done)
}
