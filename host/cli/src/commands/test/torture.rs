//! `suture test --torture`: every scenario again and again, with something going wrong.

use std::io::IsTerminal;
use std::num::NonZero;
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use suture_core::{RealClock, display};
use suture_scenario::torture::{Campaign, Failure, Perturbation, Progress, Subject, Summary};
use suture_scenario::{Report, Scenario};

use super::programs::Programs;
use crate::CommandResult;
use crate::args::TestArgs;
use crate::error::{CliError, Exit};
use crate::output::{BAD, DIM, GOOD, HEADING, Output};

pub fn run(
    all: &TestArgs,
    scenarios: &[Scenario],
    broken: usize,
    programs: &mut Programs<'_>,
    output: &Output,
) -> CommandResult {
    let args = &all.torture;
    let mut subjects = Vec::new();
    for scenario in scenarios {
        subjects.push(Subject { scenario, program: programs.of(&scenario.file)? });
    }
    let campaign = Campaign {
        runs: args.runs,
        time: args.time.map(Into::into),
        seed: args.seed,
        threads: std::thread::available_parallelism().map_or(1, NonZero::get),
        only: perturbations(&args.perturb)?,
    };
    let bar = bar();
    let summary = campaign.run(&subjects, &RealClock, &|progress| tell(bar.as_ref(), progress));
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    Ok(conclude(all, &summary, broken, output))
}

fn perturbations(texts: &[String]) -> Result<Vec<Perturbation>, CliError> {
    let read = |text: &String| {
        serde_json::from_str(text)
            .map_err(|error| CliError::usage(format!("`{text}` is no perturbation: {error}")).at("--perturb"))
    };
    texts.iter().map(read).collect()
}

/// Progress on a terminal; elsewhere there is none.
fn bar() -> Option<ProgressBar> {
    if !std::io::stderr().is_terminal() {
        return None;
    }
    let bar = ProgressBar::new(0);
    let style = "{bar:30.green/dim} {human_pos}/{human_len} runs, {per_sec:.0}, {eta} left{msg:.red}";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    Some(bar)
}

fn tell(bar: Option<&ProgressBar>, Progress { done, total, failed }: Progress) {
    let Some(bar) = bar else { return };
    if bar.length() != Some(total) {
        bar.set_length(total);
    }
    bar.set_position(done);
    if failed > 0 {
        bar.set_message(format!(", {failed} failed"));
    }
}

fn conclude(args: &TestArgs, summary: &Summary, broken: usize, output: &Output) -> Exit {
    for report in &summary.unfit {
        output.line(format!("{BAD}{}{BAD:#}", report.line()));
        output.line(report.explanation(output.look()));
    }
    for failure in &summary.failures {
        show(failure, args.policy.as_deref(), output);
    }
    if summary.more_kinds > 0 {
        output.line(format!("{DIM}{} more kinds of failures are not shown{DIM:#}\n", summary.more_kinds));
    }
    if output.is_json() {
        output.json(&json!({"runs": summary.runs, "moreKinds": summary.more_kinds, "seed": args.torture.seed, "singles": summary.singles,
            "doubts": summary.doubts, "failed": summary.failed, "tookMs": summary.took.as_millis() as u64,
            "failures": summary.failures.iter().map(Failure::json).collect::<Vec<_>>(),
            "unfit": summary.unfit.iter().map(Report::json).collect::<Vec<_>>()}));
    }
    let seconds = summary.took.as_secs_f64();
    output.note(format!(
        "{DIM}{} single perturbations, seed {}; {:.1} s, {:.0} runs a second{DIM:#}",
        summary.singles,
        args.torture.seed,
        seconds,
        summary.runs as f64 / seconds.max(0.001),
    ));
    output.line(verdict(summary, broken));
    match (broken, summary.failed + summary.unfit.len() as u64) {
        (0, 0) => Exit::Done,
        (0, _) => Exit::Failed,
        _ => Exit::Usage,
    }
}

fn verdict(summary: &Summary, broken: usize) -> String {
    let passed = summary.runs - summary.failed;
    let all_played = summary.unfit.is_empty() && broken == 0;
    let mut words = vec![if all_played {
        format!("{GOOD}{passed} perturbed runs passed{GOOD:#}")
    } else {
        format!("{passed} perturbed runs of the other scenarios passed")
    }];
    if summary.failed > 0 {
        words.insert(0, format!("{BAD}{} failed{BAD:#}", summary.failed));
    }
    match summary.unfit.len() {
        0 => {}
        1 => words.insert(0, format!("{BAD}1 scenario fails as it is{BAD:#}")),
        count => words.insert(0, format!("{BAD}{count} scenarios fail as they are{BAD:#}")),
    }
    match broken {
        0 => {}
        1 => words.insert(0, format!("{BAD}1 file could not be read{BAD:#}")),
        count => words.insert(0, format!("{BAD}{count} files could not be read{BAD:#}")),
    }
    if summary.doubts > 0 {
        words.push(format!("{} of all ended in a doubt that a person is told of", summary.doubts));
    }
    words.join(", ")
}

fn show(failure: &Failure, policy: Option<&Path>, output: &Output) {
    output.line(format!("{BAD}FAIL{BAD:#} {HEADING}{}{HEADING:#}", display::one_line(&failure.name)));
    output.line(failure.explanation(output.look()).trim_end());
    let mut words = failure.command();
    if let Some(policy) = policy {
        words.splice(1..1, ["--policy".to_owned(), policy.display().to_string()]);
    }
    let quoted: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    output.line(format!("  {DIM}again:{DIM:#} suture {}\n", quoted.join(" ")));
}

/// A word as a shell takes it whole.
fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_where_a_shell_would_split_or_expand_it() {
        assert_eq!(quoted("policies/volsync"), "policies/volsync");
        assert_eq!(quoted("a stale lock"), "'a stale lock'");
        assert_eq!(quoted(r#"{"again":1}"#), r#"'{"again":1}'"#);
        assert_eq!(quoted("somebody's"), r"'somebody'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
