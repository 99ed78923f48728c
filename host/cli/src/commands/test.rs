//! `suture test`: scenarios against a component.

mod coverage;
mod files;
mod junit;
mod programs;
mod suite;
mod torture;
mod update;

use serde_json::{Value, json};
use suture_scenario::{Report, Timeline, Verdict};

use crate::CommandResult;
use crate::args::{TestArgs, TestFormat};
use crate::error::Exit;
use crate::output::{BAD, Format, GOOD, Output};

pub use programs::Programs;
pub use suite::Suite;

pub fn run(args: &TestArgs, output: &Output) -> CommandResult {
    // A result for programs stands alone on stdout.
    let output = match args.format {
        Some(TestFormat::Text) | None => *output,
        Some(TestFormat::Json | TestFormat::Junit) => Output::new(Format::Json),
    };
    if args.update {
        update::check(args)?;
    }
    let suite = Suite::load(&args.paths, args.filter.as_deref(), &output)?;
    if args.coverage {
        return coverage::run(args, &suite, &output);
    }
    let mut programs = Programs::new(args.policy.as_deref(), &output);
    if args.torture.torture {
        return torture::run(args, &suite.scenarios, suite.broken, &mut programs, &output);
    }
    if args.update {
        let reports = suite.play(&mut programs, |report| output.line(marked(report)))?;
        return update::run(&suite, &reports, &mut programs, &output);
    }
    let reports = suite.play(&mut programs, |report| show(report, args.timeline, &output))?;
    if args.format == Some(TestFormat::Junit) {
        output.document(&junit::document(&reports)?);
    } else if output.is_json() {
        output.json(&summary(&reports, suite.broken));
    }
    Ok(conclude(&reports, suite.broken, &output))
}

/// Show what came of a scenario.
pub fn show(report: &Report, timeline: bool, output: &Output) {
    output.line(marked(report));
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

/// A scenario's line, its first word in colour.
fn marked(report: &Report) -> String {
    let line = report.line();
    let (word, rest) = line.split_at(line.len().min(4));
    let tone = if report.passed() { GOOD } else { BAD };
    format!("{tone}{word}{tone:#}{rest}")
}

/// How many scenarios came to what.
struct Counts {
    passed: usize,
    failed: usize,
    /// Those that could not be played among them, and files that could not be read.
    invalid: usize,
}

impl Counts {
    fn of(reports: &[Report], broken: usize) -> Self {
        let count =
            |wanted: fn(&Verdict) -> bool| reports.iter().filter(|report| wanted(&report.verdict)).count();
        Self {
            passed: count(|verdict| *verdict == Verdict::Passed),
            failed: count(|verdict| matches!(verdict, Verdict::Failed(_))),
            invalid: broken + count(|verdict| matches!(verdict, Verdict::Invalid { .. })),
        }
    }
}

fn summary(reports: &[Report], broken: usize) -> Value {
    let Counts { passed, failed, invalid } = Counts::of(reports, broken);
    let scenarios: Vec<_> = reports.iter().map(Report::json).collect();
    json!({"passed": passed, "failed": failed, "invalid": invalid, "scenarios": scenarios})
}

/// Say how it went as a whole.
pub fn conclude(reports: &[Report], broken: usize, output: &Output) -> Exit {
    let Counts { passed, failed, invalid } = Counts::of(reports, broken);
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
