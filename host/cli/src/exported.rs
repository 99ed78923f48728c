//! A recorded run as a scenario: what was left out of it, and whether it passes.

use std::path::Path;
use std::sync::Arc;

use suture_core::Program;
use suture_scenario::{Export, ExportError, Report, Scenario};

use crate::error::CliError;
use crate::output::{BAD, DIM, GOOD, Output};

/// Why a run can't become a scenario, and what to do instead.
pub fn refused(run: &str, error: ExportError) -> CliError {
    let help = match &error {
        ExportError::StillAtWork => "export it when it has ended; `suture replay` shows it as far as it is",
        ExportError::EndedFromOutside(_) => "`suture replay` shows what another version would have done",
        ExportError::OtherVersion(_) => "export it with the version of Suture that wrote it",
        ExportError::Unfaithful(_) => "`suture replay` compares it with another version all the same",
        ExportError::TooLarge(_) => "write a smaller one by hand, from `suture runs show`",
    };
    CliError::usage(format!("run {run} can't be exported: {error}")).help(help)
}

/// Say what is not in it, and what is.
pub fn say_what_is_masked(export: &Export, output: &Output) {
    output.note(format!("left out: {}", export.masked));
    output.note(format!(
        "{DIM}names, addresses, logs and settings are in it: read it before you share it{DIM:#}"
    ));
}

/// Play it with a module, which is described: whether it passes.
///
/// # Errors
/// That it is no scenario, or could not be played.
pub async fn check(
    scenario: &str,
    program: Arc<dyn Program>,
    which: &str,
    output: &Output,
) -> Result<Report, CliError> {
    let parsed = Scenario::parse(scenario, Path::new("the exported scenario"))?;
    // It drives a clock of its own, and blocks its thread meanwhile.
    let played = tokio::task::spawn_blocking(move || suture_scenario::run(&parsed, program)).await;
    let report = played.map_err(|error| CliError::internal(error.to_string()))?;
    if report.passed() {
        output.note(format!("{GOOD}it passes{GOOD:#} with {which}"));
    } else {
        output.note(format!("{BAD}it does not pass{BAD:#} with {which}"));
        output.note(report.explanation(output.look()));
    }
    Ok(report)
}
