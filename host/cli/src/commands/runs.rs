//! `suture runs`: what runs did, and do.

pub(super) mod diff;
mod export;
mod follow;
mod start;

use serde_json::{Value, json};
use suture_core::clock::kubernetes_time;
use suture_core::{Timestamp, age, display};
use suture_journal::{Filter, ListedRun};
use suture_scenario::Timeline;

use super::listing::{self, Row};
use crate::CommandResult;
use crate::args::{RunArgsOfHost, RunsCommand, RunsShowArgs};
use crate::error::{CliError, Exit};
use crate::ids;
use crate::output::{DIM, GOOD, HEADING, Output, WARN};
use crate::records::{Listed, Records};
use crate::server::{Server, id_path};
use crate::table::Cell;

pub fn run(command: RunsCommand, output: &Output) -> CommandResult {
    crate::executor()?.block_on(async {
        match command {
            RunsCommand::List(args) => {
                listing::list::<ListedRun>(&args.list, &Records::open(&args.source)?, output).await
            }
            RunsCommand::Show(args) => show(&args, output).await,
            RunsCommand::Diff(args) => diff::run(&args, output).await,
            RunsCommand::Start(args) => start::run(&args, output).await,
            RunsCommand::Cancel(args) => cancel(&args, output).await,
            RunsCommand::Follow(args) => {
                let records = Records::Server(Server::of(&args.server)?);
                follow::run(&records, &args.id, output).await
            }
            RunsCommand::Export(args) => export::run(&args, output).await,
        }
    })
}

impl Row for ListedRun {
    const KIND: &'static str = "runs";

    async fn page(records: &Records, filter: &Filter) -> Result<Listed<Self>, CliError> {
        records.runs(filter).await
    }

    fn id(&self) -> &str {
        self.run.id.as_str()
    }

    fn headings(is_wide: bool) -> Vec<&'static str> {
        let mut headings = vec!["RUN", "AGE", "POLICY", "NAMESPACE", "OBJECT", "STATE", "OUTCOME", "TOOK"];
        if is_wide {
            headings.extend(["STARTED", "MODE", "ATTEMPT", "INCIDENT"]);
        }
        headings.push("SUMMARY");
        headings
    }

    fn cells(&self, is_wide: bool, length: usize, now: Timestamp) -> Vec<Cell> {
        let Self { run, subject, .. } = self;
        let id = run.id.as_str();
        let state = match run.ended_at {
            Some(_) => Cell::styled(run.state.as_str(), DIM),
            None => Cell::styled(run.state.as_str(), WARN),
        };
        let took = run.ended_at.map(|ended| age::since(run.started_at, ended));
        let mut cells = vec![
            Cell::from(if is_wide { id } else { ids::short(id, length) }),
            age::since(run.started_at, now).into(),
            run.policy.as_str().into(),
            subject.namespace.as_deref().into(),
            subject.object.as_deref().into(),
            state,
            listing::outcome(run.outcome.as_deref()),
            took.as_deref().into(),
        ];
        if is_wide {
            cells.push(kubernetes_time(run.started_at).into());
            cells.push(run.mode.as_str().into());
            cells.push(run.attempt.to_string().into());
            cells.push(run.incident.as_str().into());
        }
        cells.push(listing::summary(run.summary.as_deref()));
        cells
    }
}

async fn show(args: &RunsShowArgs, output: &Output) -> CommandResult {
    let records = Records::open(&args.source)?;
    let listed = records.run(&args.id).await?;
    let id = &listed.run.id;
    if output.is_json() {
        let (mut entries, mut damaged) = (Vec::new(), Vec::new());
        let mut after = Some(0);
        while let Some(step) = after {
            let part = records.part(id, step).await?;
            entries.extend(part.entries);
            damaged.extend(part.damaged);
            after = part.next;
        }
        damaged.iter().for_each(|damage| output.warn(missing(damage)));
        output.json(&json!({"run": listed, "entries": entries, "damaged": damaged}));
        return Ok(Exit::Done);
    }
    heading(&listed, output);
    // Shown as it is read: a record may be larger than what is to be in memory.
    let mut timeline = Timeline::new(output.look());
    let mut after = Some(0);
    while let Some(step) = after {
        let part = records.part(id, step).await?;
        part.damaged.iter().for_each(|damage| output.warn(missing(damage)));
        part.entries.iter().filter_map(|entry| timeline.entry(entry)).for_each(|line| output.line(line));
        after = part.next;
    }
    output.line(timeline.finish().trim_end());
    Ok(Exit::Done)
}

/// What is to be said of a run above its timeline.
fn heading(listed: &ListedRun, output: &Output) {
    let ListedRun { run, subject, .. } = listed;
    output.line(format!("{HEADING}run {}{HEADING:#}", run.id));
    let about: Vec<&str> = subject.namespace.iter().chain(&subject.object).map(String::as_str).collect();
    if !about.is_empty() {
        output.line(format!("  about {}", display::one_line(&about.join("/"))));
    }
    output.line(format!(
        "  policy {} in mode {}, attempt {}, incident {}",
        run.policy,
        run.mode.as_str(),
        run.attempt,
        run.incident
    ));
    output.line(format!("  {DIM}{}{DIM:#}", run.digest));
    output.line(format!("  started {}\n", kubernetes_time(run.started_at)));
}

fn missing(damage: &str) -> String {
    format!("a part of the record is missing: {damage}")
}

async fn cancel(args: &RunArgsOfHost, output: &Output) -> CommandResult {
    let server = Server::of(&args.server)?;
    let answer: Value = server.post(&format!("{}/cancel", id_path("runs", &args.id)), &json!({})).await?;
    if output.is_json() {
        output.json(&answer);
        return Ok(Exit::Done);
    }
    let id = answer.get("run").and_then(Value::as_str).unwrap_or(&args.id);
    output.line(format!(
        "{GOOD}run {id} ends:{GOOD:#} what it has begun is finished, what it must undo is undone"
    ));
    output.note(format!("{DIM}next: suture runs follow {}{DIM:#}", ids::alone(id)));
    Ok(Exit::Done)
}
