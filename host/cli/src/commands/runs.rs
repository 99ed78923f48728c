//! `suture runs`: what runs did.

mod export;

use serde_json::json;
use suture_core::{HumanDuration, Timestamp, display};
use suture_journal::{Filter, RunRecord};
use suture_scenario::Timeline;

use crate::CommandResult;
use crate::args::{RunsCommand, RunsListArgs, RunsShowArgs};
use crate::error::Exit;
use crate::output::{BAD, DIM, GOOD, HEADING, Output, WARN};
use crate::records::Records;

pub fn run(command: RunsCommand, output: &Output) -> CommandResult {
    crate::executor()?.block_on(async {
        match command {
            RunsCommand::List(args) => list(&args, output).await,
            RunsCommand::Show(args) => show(&args, output).await,
            RunsCommand::Export(args) => export::run(&args, output).await,
        }
    })
}

/// The columns before the summary.
const COLUMNS: usize = 26 + 20 + 16 + 12 + 8 + 5 * 2;

async fn list(args: &RunsListArgs, output: &Output) -> CommandResult {
    let records = Records::open(&args.source)?;
    let filter = Filter { policy: args.policy.clone(), limit: Some(args.limit), ..Filter::default() };
    let page = records.runs(&filter).await?;
    for damage in &page.damaged {
        output.warn(damage);
    }
    if output.is_json() {
        output.json(&json!({"items": page.items, "next": page.next}));
        return Ok(Exit::Done);
    }
    if page.items.is_empty() {
        output.note("no runs yet");
        return Ok(Exit::Done);
    }
    output.line(format!(
        "{HEADING}{:<26}  {:<20}  {:<16}  {:<12}  {:>8}  SUMMARY{HEADING:#}",
        "RUN", "STARTED", "POLICY", "OUTCOME", "TOOK"
    ));
    for run in &page.items {
        output.line(line(run, output.look().width));
    }
    if page.next.is_some() {
        output.note(format!("{DIM}there are more; raise --limit to see them{DIM:#}"));
    }
    Ok(Exit::Done)
}

/// One line of the list; the summary is cut where the terminal ends.
fn line(run: &RunRecord, width: Option<usize>) -> String {
    let outcome = run.outcome.as_deref().unwrap_or(run.state.as_str());
    let tone = match outcome {
        "remediated" | "unnecessary" | "planned" => GOOD,
        "failed" => BAD,
        _ => WARN,
    };
    let took = run.ended_at.map(|ended| took(run.started_at, ended)).unwrap_or_default();
    let summary = run.summary.as_deref().unwrap_or_default().lines().next().unwrap_or_default();
    let summary = display::one_line(summary);
    let room = width.map_or(usize::MAX, |width| width.saturating_sub(COLUMNS).max(20));
    let summary: String = match summary.char_indices().nth(room) {
        Some(_) => summary.chars().take(room - 1).chain(['…']).collect(),
        None => summary.into_owned(),
    };
    format!(
        "{:<26}  {:<20}  {:<16}  {tone}{outcome:<12}{tone:#}  {took:>8}  {summary}",
        run.id.as_str(),
        suture_core::clock::kubernetes_time(run.started_at),
        run.policy,
    )
}

fn took(from: Timestamp, to: Timestamp) -> String {
    let duration = std::time::Duration::try_from(from.duration_until(to)).unwrap_or_default();
    HumanDuration::from_secs(duration.as_secs()).to_string()
}

async fn show(args: &RunsShowArgs, output: &Output) -> CommandResult {
    let records = Records::open(&args.source)?;
    let run = records.find(&args.id).await?;
    if output.is_json() {
        let (mut entries, mut damaged) = (Vec::new(), Vec::new());
        let mut after = Some(0);
        while let Some(step) = after {
            let part = records.part(&run.id, step).await?;
            entries.extend(part.entries);
            damaged.extend(part.damaged);
            after = part.next;
        }
        damaged.iter().for_each(|damage| output.warn(missing(damage)));
        output.json(&json!({"run": run, "entries": entries, "damaged": damaged}));
        return Ok(Exit::Done);
    }
    output.line(format!("{HEADING}run {}{HEADING:#}", run.id));
    output.line(format!(
        "  policy {} in mode {}, attempt {}, incident {}",
        run.policy,
        run.mode.as_str(),
        run.attempt,
        run.incident
    ));
    output.line(format!("  {DIM}{}{DIM:#}", run.digest));
    output.line(format!("  started {}\n", suture_core::clock::kubernetes_time(run.started_at)));
    // Shown as it is read: a record may be larger than what is to be in memory.
    let mut timeline = Timeline::new(output.look());
    let mut after = Some(0);
    while let Some(step) = after {
        let part = records.part(&run.id, step).await?;
        part.damaged.iter().for_each(|damage| output.warn(missing(damage)));
        part.entries.iter().filter_map(|entry| timeline.entry(entry)).for_each(|line| output.line(line));
        after = part.next;
    }
    output.line(timeline.finish().trim_end());
    Ok(Exit::Done)
}

fn missing(damage: &str) -> String {
    format!("a part of the record is missing: {damage}")
}

#[cfg(test)]
mod tests {
    use suture_core::{IncidentId, Mode, RunId};
    use suture_journal::RunState;

    use super::*;

    #[test]
    fn a_summary_can_neither_begin_a_line_of_its_own_nor_turn_one_around_nor_command_a_terminal() {
        let run = RunRecord {
            id: RunId::new("r"),
            incident: IncidentId::new("i"),
            policy: "volsync".to_owned(),
            digest: String::new(),
            mode: Mode::Enforce,
            attempt: 1,
            state: RunState::Ended,
            outcome: Some("failed".to_owned()),
            summary: Some("a\u{202e}b\u{1b}[2J\r\u{2028}c\nsecond".to_owned()),
            started_at: Timestamp::UNIX_EPOCH,
            ended_at: None,
        };
        let shown = line(&run, None);
        assert!(shown.ends_with(r"a\u{202e}b\u{1b}[2J\r\u{2028}c"), "{shown:?}");
    }
}
