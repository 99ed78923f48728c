//! `suture test`: scenarios against a component.

mod files;
mod programs;
mod torture;

use serde_json::json;
use suture_scenario::{Report, Scenario, Timeline, Verdict};

use crate::CommandResult;
use crate::args::TestArgs;
use crate::error::{CliError, Exit};
use crate::output::{BAD, GOOD, Output};
use programs::Programs;

pub fn run(args: &TestArgs, output: &Output) -> CommandResult {
    let files = files::find(&args.paths)?;
    let mut broken = 0;
    let mut scenarios = Vec::new();
    for file in &files {
        match Scenario::load(file) {
            Ok(all) => scenarios.extend(all),
            Err(error) => {
                broken += 1;
                output.error(&error.into());
            }
        }
    }
    if let Some(filter) = &args.filter {
        let fits = |scenario: &Scenario| {
            scenario.name.contains(filter.as_str())
                || scenario.file.to_string_lossy().contains(filter.as_str())
        };
        scenarios.retain(fits);
        if scenarios.is_empty() && broken == 0 {
            return Err(CliError::usage(format!("no scenario has `{filter}` in its name or file")));
        }
    }
    let mut programs = Programs::new(args.policy.as_deref(), output);
    if args.torture.torture {
        return torture::run(args, &scenarios, broken, &mut programs, output);
    }
    let mut reports = Vec::new();
    for scenario in &scenarios {
        let program = programs.of(&scenario.file)?;
        let report = suture_scenario::run(scenario, program);
        show(&report, args.timeline, output);
        reports.push(report);
    }
    Ok(conclude(&reports, broken, output))
}

fn show(report: &Report, timeline: bool, output: &Output) {
    let line = report.line();
    let (word, rest) = line.split_at(line.len().min(4));
    let tone = if report.passed() { GOOD } else { BAD };
    output.line(format!("{tone}{word}{tone:#}{rest}"));
    if report.passed() {
        for run in report.runs.iter().filter(|_| timeline) {
            output.line(format!("\n  run for {}", run.title()));
            output.line(Timeline::render(&run.entries, output.look()));
        }
        for doubt in report.runs.iter().flat_map(|run| &run.doubts) {
            output.warn(format!("in doubt: {doubt}"));
        }
    } else {
        output.line(report.explanation(output.look()));
    }
}

fn conclude(reports: &[Report], broken: usize, output: &Output) -> Exit {
    let count =
        |wanted: fn(&Verdict) -> bool| reports.iter().filter(|report| wanted(&report.verdict)).count();
    let passed = count(|verdict| *verdict == Verdict::Passed);
    let failed = count(|verdict| matches!(verdict, Verdict::Failed(_)));
    let invalid = broken + count(|verdict| matches!(verdict, Verdict::Invalid { .. }));
    if output.is_json() {
        let scenarios: Vec<_> = reports.iter().map(Report::json).collect();
        output.json(&json!({"passed": passed, "failed": failed, "invalid": invalid, "scenarios": scenarios}));
    }
    let mut words = vec![format!("{GOOD}{passed} passed{GOOD:#}")];
    for (count, word) in [(failed, "failed"), (invalid, "could not be run")] {
        if count > 0 {
            words.insert(0, format!("{BAD}{count} {word}{BAD:#}"));
        }
    }
    output.line(format!("\n{}", words.join(", ")));
    match (invalid, failed) {
        (0, 0) => Exit::Done,
        (0, _) => Exit::Failed,
        _ => Exit::Usage,
    }
}
