//! `suture test --update`: what scenarios expect, brought to what happens.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;
use suture_scenario::{Report, Scenario};

use super::programs::Programs;
use super::{Suite, conclude};
use crate::CommandResult;
use crate::args::TestArgs;
use crate::edit::{self, TextFile};
use crate::error::{CliError, Exit};
use crate::output::{BAD, DIM, GOOD, Output};

/// Refuse where nobody looks at the difference.
///
/// # Errors
/// On CI, unless that is meant.
pub fn check(args: &TestArgs) -> Result<(), CliError> {
    let is_ci = std::env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"));
    if is_ci && !args.yes {
        return Err(CliError::usage("on CI (the variable CI is set) no expectation is changed")
            .at("--update")
            .help("change it where somebody looks at the difference; or say that you mean it with --yes"));
    }
    Ok(())
}

/// Change the files of what failed.
pub fn run(suite: &Suite, reports: &[Report], programs: &mut Programs<'_>, output: &Output) -> CommandResult {
    let mut files: BTreeMap<&Path, Vec<(&Scenario, &Report)>> = BTreeMap::new();
    for (scenario, report) in suite.scenarios.iter().zip(reports).filter(|(_, report)| !report.passed()) {
        files.entry(&scenario.file).or_default().push((scenario, report));
    }
    let (mut updated, mut left) = (Vec::new(), Vec::new());
    for (file, failed) in files {
        let original = TextFile::read(file, Scenario::MAX_BYTES as u64)?;
        let mut text = original.text.clone();
        // From the last to the first: what is before a change stays where it is.
        for (scenario, report) in failed.into_iter().rev() {
            match follow(&text, scenario, report, programs) {
                Ok(after) => {
                    text = after;
                    updated.push(scenario.name.clone());
                }
                Err(why) => left.push((scenario.name.clone(), why)),
            }
        }
        if text != original.text {
            edit::show(file, &original.text, &text, output);
            output.line("");
            original.replace(&text)?;
        }
    }
    for name in &updated {
        output.line(format!("{GOOD}updated{GOOD:#} {name}"));
    }
    for (name, why) in &left {
        output.line(format!("{BAD}left as it is{BAD:#} {name}: {}", why.what));
    }
    if output.is_json() {
        let left: Vec<_> = left.iter().map(|(name, why)| json!({"name": name, "why": why.what})).collect();
        output.json(&json!({"updated": updated, "left": left, "invalid": suite.broken}));
    }
    if updated.is_empty() && left.is_empty() {
        return Ok(conclude(reports, suite.broken, output));
    }
    output.note(format!("{DIM}look at it before you commit it: `git diff`{DIM:#}"));
    Ok(match (suite.broken, left.len()) {
        (0, 0) => Exit::Done,
        (0, _) => Exit::Failed,
        _ => Exit::Usage,
    })
}

/// The file's text in which one scenario expects what happened, and passes.
fn follow(
    text: &str,
    scenario: &Scenario,
    report: &Report,
    programs: &mut Programs<'_>,
) -> Result<String, CliError> {
    let after =
        suture_scenario::update(text, scenario, report).map_err(|why| CliError::usage(why.to_string()))?;
    let all = Scenario::parse_all(&after, &scenario.file).map_err(|error| {
        CliError::usage(format!("what would be expected makes no sense: {}", error.message))
    })?;
    let again = all.iter().find(|other| other.line == scenario.line);
    let again = again.ok_or_else(|| CliError::internal("the scenario is not where it was"))?;
    let report = suture_scenario::run(again, programs.of(&scenario.file)?);
    if report.passed() {
        return Ok(after);
    }
    Err(CliError::usage("it would still fail; change it by hand"))
}
