//! `suture runs export`: from incident to test.

use std::path::Path;

use serde_json::json;
use suture_scenario::{ExportError, Recording, Report, Scenario, export};

use crate::CommandResult;
use crate::args::RunsExportArgs;
use crate::error::{CliError, Exit};
use crate::module::{self, Found};
use crate::output::{BAD, DIM, GOOD, Output};
use crate::records::{Records, Whole};

pub async fn run(args: &RunsExportArgs, output: &Output) -> CommandResult {
    let records = Records::open(&args.source)?;
    let Whole { run, header, entries } = records.whole(&args.id).await?;
    let scenario = export(&Recording { run: &run, header: &header, entries: &entries })
        .map_err(|error| refused(&run.id.to_string(), error))?;
    let module = module::of(&run, &args.module, args.source.config.as_deref(), records.storage()).await;
    // It was asked for by name, so it must be one.
    if args.module.policy.is_some()
        && let Err(error) = module
    {
        return Err(error);
    }
    if !output.is_json() {
        output.document(scenario.trim_end());
    }
    let report = match &module {
        Ok(module) => Some(check(&scenario, module, &run.digest, output).await?),
        Err(error) => {
            output.warn(format!("not checked whether it passes: {}", error.what));
            None
        }
    };
    if output.is_json() {
        output.json(&json!({"run": run, "scenario": scenario, "passes": report.as_ref().map(Report::passed),
            "report": report.as_ref().map(Report::json)}));
    }
    Ok(if report.is_none_or(|report| report.passed()) { Exit::Done } else { Exit::Failed })
}

fn refused(run: &str, error: ExportError) -> CliError {
    let help = match &error {
        ExportError::StillAtWork => "export it when it has ended; `suture replay` shows it as far as it is",
        ExportError::EndedFromOutside(_) => "`suture replay` shows what another version would have done",
        ExportError::OtherVersion(_) => "export it with the version of Suture that wrote it",
        ExportError::Unfaithful(_) => "`suture replay` compares it with another version all the same",
        ExportError::TooLarge(_) => "write a smaller one by hand, from `suture runs show`",
    };
    CliError::usage(format!("run {run} can't be exported: {error}")).help(help)
}

/// Play it with the module: whether it passes.
async fn check(scenario: &str, module: &Found, digest: &str, output: &Output) -> Result<Report, CliError> {
    let parsed = Scenario::parse(scenario, Path::new("the exported scenario"))?;
    let program = module.program.clone();
    // It drives a clock of its own, and blocks its thread meanwhile.
    let played = tokio::task::spawn_blocking(move || suture_scenario::run(&parsed, program)).await;
    let report = played.map_err(|error| CliError::internal(error.to_string()))?;
    let which = if module.program.digest() == digest { "the module of the run" } else { "another module" };
    let file = module.file.display();
    if report.passed() {
        output.note(format!("{GOOD}it passes{GOOD:#} with {which} {DIM}({file}){DIM:#}"));
    } else {
        output.note(format!("{BAD}it does not pass{BAD:#} with {which} {DIM}({file}){DIM:#}"));
        output.note(report.explanation(output.look()));
    }
    Ok(report)
}
