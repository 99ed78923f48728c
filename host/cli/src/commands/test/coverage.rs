//! `suture test --coverage`: what of a policy no scenario reaches.

use serde_json::{Value, json};
use suture_build::{BuildError, Coverage, FileCoverage, Instrumented, Project, Share};
use suture_mock::ChildPolicy;

use super::programs::Programs;
use super::suite::Suite;
use super::{conclude, show, summary};
use crate::CommandResult;
use crate::args::{TestArgs, TestFormat};
use crate::error::{CliError, Exit};
use crate::output::{BAD, DIM, GOOD, HEADING, Output, WARN};
use crate::progress::Steps;
use crate::table::{Cell, Table};

/// The most missed lines that are shown to people.
const MAX_SHOWN: usize = 400;

pub fn run(args: &TestArgs, suite: &Suite, output: &Output) -> CommandResult {
    if args.format == Some(TestFormat::Junit) {
        return Err(CliError::usage("JUnit has no place for coverage")
            .at("--coverage")
            .help("take --format json"));
    }
    let project = project(suite)?;
    let steps = Steps::new(*output);
    let instrumented = Instrumented::build(&project, &steps);
    steps.clear();
    let instrumented = instrumented.map_err(error)?;
    let program = ChildPolicy::program(&instrumented.program, instrumented.environment())
        .map_err(|error| CliError::usage(error.to_string()))?;
    let mut programs = Programs::loaded(program, output);
    let reports = suite.play(&mut programs, |report| {
        // What passes is told as a number.
        if !report.passed() {
            show(report, false, output);
        }
    })?;
    let coverage = instrumented.coverage().map_err(error)?;
    if output.is_json() {
        let mut value = summary(&reports, suite.broken);
        value["coverage"] = json(&coverage);
        output.json(&value);
    } else {
        print(&coverage, output);
    }
    Ok(conclude(&reports, suite.broken, output))
}

fn error(error: BuildError) -> CliError {
    CliError { exit: Exit::Usage, ..CliError::usage(error.to_string()) }
}

/// The one policy whose scenarios they are.
fn project(suite: &Suite) -> Result<Project, CliError> {
    let mut found: Option<Project> = None;
    for scenario in &suite.scenarios {
        let at = |error: CliError| error.at(scenario.file.display());
        let project = Project::around(&scenario.file).ok_or_else(|| {
            at(CliError::usage(
                "these scenarios stand in no policy's folder, so it is not clear whose code counts",
            )
            .help("put them into the folder `scenarios` of the policy"))
        })?;
        match &found {
            Some(known) if *known != project => {
                return Err(at(CliError::usage(format!(
                    "these are scenarios of several policies ({}, {})",
                    known.name, project.name
                ))
                .help("ask for the coverage of one at a time")));
            }
            _ => found = Some(project),
        }
    }
    found.ok_or_else(|| CliError::usage("there is no scenario that could be played"))
}

fn print(coverage: &Coverage, output: &Output) {
    let mut left = MAX_SHOWN;
    for file in coverage.files.iter().filter(|file| !is_whole(file)) {
        output.line(format!("\n{HEADING}{}{HEADING:#}", file.path.display()));
        let mut last = 0;
        for (line, mark, text) in missed(file) {
            if left == 0 {
                output.line(format!("{DIM}   and more; --format json has all of them{DIM:#}"));
                break;
            }
            left -= 1;
            if last != 0 && line > last + 1 {
                output.line(format!("{DIM}      ⋮{DIM:#}"));
            }
            last = line;
            let tone = if mark.is_empty() { BAD } else { WARN };
            output.line(format!("{tone}{line:>5}{tone:#} {DIM}│{DIM:#} {text}{DIM}{mark}{DIM:#}"));
        }
    }
    output.line("");
    let returns: u64 = coverage.files.iter().map(|file| file.missed_returns).sum();
    if returns > 0 {
        output.line(format!("{DIM}{returns} more regions are a `?` that never returned an error{DIM:#}\n"));
    }
    let mut table = Table::new(vec!["FILE", "LINES", "", "REGIONS", ""]);
    let row = |name: String, lines: Share, regions: Share| {
        let percent = |share: Share| {
            let tone = if share.covered == share.all { GOOD } else { WARN };
            Cell::styled(&format!("{}%", share.percent()), tone)
        };
        let shown = |share: Share| Cell::from(format!("{}/{}", share.covered, share.all));
        vec![Cell::from(name), shown(lines), percent(lines), shown(regions), percent(regions)]
    };
    let mut rows: Vec<_> = coverage
        .files
        .iter()
        .map(|file| row(file.path.display().to_string(), file.lines, file.regions))
        .collect();
    rows.push(row(
        "all".to_owned(),
        total(coverage, |file| file.lines),
        total(coverage, |file| file.regions),
    ));
    table.print(rows, output);
}

fn is_whole(file: &FileCoverage) -> bool {
    file.missed_lines.is_empty() && file.missed_regions.is_empty()
}

/// Lines that were not run, and those of which a part was not: with where that begins.
fn missed(file: &FileCoverage) -> Vec<(u64, String, &str)> {
    let whole = file.missed_lines.iter().map(|(line, text)| (*line, String::new(), text.as_str()));
    let parts = file.missed_regions.iter();
    let parts =
        parts.map(|(line, column, text)| (*line, format!("   ← from column {column}"), text.as_str()));
    let mut all: Vec<_> = whole.chain(parts).collect();
    all.sort();
    all
}

fn total(coverage: &Coverage, of: impl Fn(&FileCoverage) -> Share) -> Share {
    coverage.files.iter().map(of).fold(Share::default(), Share::and)
}

fn json(coverage: &Coverage) -> Value {
    let share =
        |share: Share| json!({"covered": share.covered, "all": share.all, "percent": share.percent()});
    let file = |file: &FileCoverage| {
        let missed: Vec<_> = file.missed_lines.iter().map(|(line, _)| line).collect();
        let regions: Vec<_> = file
            .missed_regions
            .iter()
            .map(|(line, column, _)| json!({"line": line, "column": column}))
            .collect();
        json!({"path": file.path, "lines": share(file.lines), "regions": share(file.regions),
            "missedLines": missed, "missedRegions": regions, "missedReturns": file.missed_returns})
    };
    json!({"files": coverage.files.iter().map(file).collect::<Vec<_>>(),
        "lines": share(total(coverage, |file| file.lines)), "regions": share(total(coverage, |file| file.regions))})
}
