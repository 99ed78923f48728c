//! `suture incidents`: what is to be repaired, and how far it is.

use serde_json::{Value, json};
use suture_core::clock::kubernetes_time;
use suture_core::{Labels, Timestamp, age, display};
use suture_journal::{Filter, IncidentState, ListedIncident};
use suture_server::ShownIncident;

use super::listing::{self, Row};
use crate::CommandResult;
use crate::args::{IncidentArgs, IncidentsCommand, IncidentsShowArgs};
use crate::error::{CliError, Exit};
use crate::ids;
use crate::output::{BAD, DIM, GOOD, HEADING, Output, WARN};
use crate::records::{Listed, Records};
use crate::server::{Server, id_path};
use crate::table::Cell;

pub fn run(command: IncidentsCommand, output: &Output) -> CommandResult {
    crate::executor()?.block_on(async {
        match command {
            IncidentsCommand::List(args) => {
                let records = Records::open(&args.source)?;
                let exit = listing::list::<ShownIncident>(&args.list, &records, output).await?;
                only_recorded(&records, output);
                Ok(exit)
            }
            IncidentsCommand::Show(args) => show(&args, output).await,
            IncidentsCommand::Retry(args) => retry(&args, output).await,
            IncidentsCommand::Cancel(args) => cancel(&args, output).await,
            IncidentsCommand::Close(args) => close(&args, output).await,
        }
    })
}

impl Row for ShownIncident {
    const KIND: &'static str = "incidents";

    async fn page(records: &Records, filter: &Filter) -> Result<Listed<Self>, CliError> {
        records.incidents(filter).await
    }

    fn id(&self) -> &str {
        self.listed.incident.id.as_str()
    }

    fn headings(is_wide: bool) -> Vec<&'static str> {
        let mut headings = vec!["INCIDENT", "AGE", "POLICY", "NAMESPACE", "OBJECT", "STATE", "OUTCOME"];
        if is_wide {
            headings.extend(["RUNS", "OPENED", "CLOSED", "KEY"]);
        }
        headings.push("SUMMARY");
        headings
    }

    fn cells(&self, is_wide: bool, length: usize, now: Timestamp) -> Vec<Cell> {
        let Self { listed, waiting_for } = self;
        let ListedIncident { incident, subject, outcome } = listed;
        let id = incident.id.as_str();
        let mut cells = vec![
            Cell::from(if is_wide { id } else { ids::short(id, length) }),
            age::since(incident.opened_at, now).into(),
            incident.policy.as_str().into(),
            subject.namespace.as_deref().into(),
            subject.object.as_deref().into(),
            state(listed),
            listing::outcome(outcome.as_deref()),
        ];
        if is_wide {
            cells.push(incident.runs.len().to_string().into());
            cells.push(kubernetes_time(incident.opened_at).into());
            cells.push(incident.closed_at.map(kubernetes_time).as_deref().into());
            cells.push(labels(&incident.key).into());
        }
        // What keeps it from going on says more than what was last done about it.
        let held_up = waiting_for.as_ref().filter(|waiting| waiting.reason.is_obstacle());
        let waits = held_up.map(|waiting| waiting.message.as_str());
        cells.push(listing::summary(waits.or(Some(&incident.summary))));
        cells
    }
}

/// What waits for what stands in no journal.
fn only_recorded(records: &Records, output: &Output) {
    if let Records::Journal(_, path) = records
        && !output.is_json()
    {
        output.note(format!(
            "{DIM}read from the journal in {}; what they wait for, their host says: --server URL{DIM:#}",
            display::one_line(path)
        ));
    }
}

/// Where it stands, in its colour.
fn state(listed: &ListedIncident) -> Cell {
    let state = listed.incident.state;
    let style = match state {
        IncidentState::Resolved | IncidentState::Unnecessary | IncidentState::Planned => GOOD,
        IncidentState::Escalated | IncidentState::Failed => BAD,
        IncidentState::Received
        | IncidentState::Queued
        | IncidentState::Held
        | IncidentState::Running
        | IncidentState::Waiting
        | IncidentState::Verifying
        | IncidentState::Retrying
        | IncidentState::Silenced
        | IncidentState::AwaitingApproval
        | IncidentState::Cancelled
        | IncidentState::Unconfirmed => WARN,
    };
    match (listed.incident.closed_at, state.is_active() || style == BAD) {
        (None, _) => Cell::styled(state.as_str(), style),
        // In a pipe no colour says so.
        (Some(_), true) => Cell::styled(&format!("{} (closed)", state.as_str()), DIM),
        (Some(_), false) => Cell::styled(state.as_str(), DIM),
    }
}

fn labels(labels: &Labels) -> String {
    labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",")
}

async fn show(args: &IncidentsShowArgs, output: &Output) -> CommandResult {
    let records = Records::open(&args.source)?;
    let shown = records.incident(&args.id).await?;
    if output.is_json() {
        output.json(&json!(shown));
        return Ok(Exit::Done);
    }
    let ShownIncident { listed, waiting_for } = &shown;
    let ListedIncident { incident, subject, .. } = listed;
    output.line(format!("{HEADING}incident {}{HEADING:#}", incident.id));
    let line = |name: &str, value: &str| {
        let name = display::one_line(name);
        output.line(format!("  {DIM}{name:<9}{DIM:#} {}", display::one_line(value)));
    };
    line("policy", &incident.policy);
    let about: Vec<&str> = subject.namespace.iter().chain(&subject.object).map(String::as_str).collect();
    line("about", &about.join("/"));
    let alertname = incident.alert.labels.get("alertname").map_or("-", String::as_str);
    line("alert", &format!("{alertname}, fires since {}", kubernetes_time(incident.starts_at)));
    line("opened", &format!("{}{}", kubernetes_time(incident.opened_at), by_hand(listed)));
    let over = incident.closed_at.map(|at| format!(", over since {}", kubernetes_time(at)));
    line("state", &format!("{}{}", incident.state.as_str(), over.unwrap_or_default()));
    if let Some(waiting) = waiting_for {
        line("waiting", &waiting.message);
    }
    if let Some(due) = incident.due {
        line("due", &kubernetes_time(due));
    }
    if !incident.summary.is_empty() {
        line("summary", &incident.summary);
    }
    line("labels", &labels(&incident.alert.labels));
    for (name, value) in &incident.alert.annotations {
        line(name, value);
    }
    output.line("");
    if incident.runs.is_empty() {
        output.line("no runs");
    }
    for id in &incident.runs {
        match records.run(id.as_str()).await {
            Ok(listed) => {
                let run = &listed.run;
                let came_to = run.outcome.as_deref().unwrap_or(run.state.as_str());
                let summary = run.summary.as_deref().unwrap_or_default();
                output.line(format!(
                    "run {}  {}  {came_to}  {}",
                    ids::alone(run.id.as_str()),
                    kubernetes_time(run.started_at),
                    display::one_line(summary)
                ));
            }
            Err(error) => output.warn(error.what),
        }
    }
    next(listed, output);
    Ok(Exit::Done)
}

fn by_hand(listed: &ListedIncident) -> String {
    let incident = &listed.incident;
    if !incident.by_hand {
        return String::new();
    }
    let who = incident.started_by.as_deref().unwrap_or("somebody");
    format!(", by hand: {who}{}", if incident.forced { ", forced" } else { "" })
}

/// What to type next.
fn next(listed: &ListedIncident, output: &Output) {
    let incident = &listed.incident;
    let id = ids::alone(incident.id.as_str());
    let last = incident.runs.last().map(|run| ids::alone(run.as_str()));
    let mut commands = Vec::new();
    match (incident.closed_at.is_some(), incident.state.is_active(), last) {
        (true, _, Some(last)) => commands.push(format!("suture runs show {last}")),
        (false, true, Some(last)) => {
            let is_at_work = matches!(incident.state, IncidentState::Running | IncidentState::Waiting);
            match is_at_work {
                true => commands.push(format!("suture runs follow {last}")),
                false => commands.push(format!("suture runs show {last}")),
            }
            commands.push(format!("suture incidents cancel {id}"));
        }
        (false, false, last) => {
            commands.extend(last.map(|last| format!("suture runs show {last}")));
            commands.push(format!("suture incidents retry {id}"));
            commands.push(format!("suture incidents close {id}"));
        }
        (true, _, None) | (false, true, None) => {}
    }
    if !commands.is_empty() {
        output.note(format!("{DIM}next: {}{DIM:#}", commands.join(" | ")));
    }
}

async fn retry(args: &IncidentArgs, output: &Output) -> CommandResult {
    let id = tell(args, "retry", output).await?;
    if !output.is_json() {
        output.line(format!("{GOOD}incident {id} is handled once more{GOOD:#}"));
    }
    Ok(Exit::Done)
}

async fn cancel(args: &IncidentArgs, output: &Output) -> CommandResult {
    let id = tell(args, "cancel", output).await?;
    if !output.is_json() {
        output.line(format!("{GOOD}incident {id} is left alone until its alert has cleared{GOOD:#}"));
    }
    Ok(Exit::Done)
}

async fn close(args: &IncidentArgs, output: &Output) -> CommandResult {
    let id = tell(args, "close", output).await?;
    if !output.is_json() {
        output.line(format!("{GOOD}incident {id} is closed{GOOD:#}"));
    }
    Ok(Exit::Done)
}

/// Tell a host what to do with an incident: which it was.
async fn tell(args: &IncidentArgs, what: &str, output: &Output) -> Result<String, CliError> {
    let server = Server::of(&args.server)?;
    let answer: Value =
        server.post(&format!("{}/{what}", id_path("incidents", &args.id)), &json!({})).await?;
    if output.is_json() {
        output.json(&answer);
    }
    Ok(answer.get("incident").and_then(Value::as_str).unwrap_or(&args.id).to_owned())
}
