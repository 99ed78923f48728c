//! `suture runs start`: a run by hand.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use suture_core::{Clock, Labels, RealClock, display};
use suture_server::ShownIncident;

use super::follow;
use crate::CommandResult;
use crate::alerts;
use crate::args::RunsStartArgs;
use crate::error::{CliError, Exit};
use crate::ids;
use crate::output::{DIM, GOOD, Output};
use crate::records::Records;
use crate::server::{Server, policy_path};

/// How often the host is asked whether the run has begun.
const EVERY: Duration = Duration::from_secs(1);

pub async fn run(args: &RunsStartArgs, output: &Output) -> CommandResult {
    let labels: Labels = match &args.alert {
        Some(file) => one(file)?,
        None => args.labels.iter().cloned().collect(),
    };
    let server = Server::of(&args.server)?;
    let path = format!("{}/runs", policy_path(&args.policy));
    let answer: Value = server.post(&path, &json!({"labels": labels, "force": args.force})).await?;
    let incident = answer.get("incident").and_then(Value::as_str).unwrap_or_default().to_owned();
    if !args.follow {
        if output.is_json() {
            output.json(&answer);
        } else {
            output.line(format!("{GOOD}incident {incident} is opened{GOOD:#}"));
            output.note(format!("{DIM}next: suture incidents show {}{DIM:#}", ids::alone(&incident)));
        }
        return Ok(Exit::Done);
    }
    let records = Records::Server(server);
    let run = first_run(&records, &incident, output).await?;
    follow::run(&records, &run, output).await
}

/// The labels of the one alert in a file.
fn one(file: &Path) -> Result<Labels, CliError> {
    let mut found = alerts::parse(&alerts::text(file)?, RealClock.now())?;
    match (found.pop(), found.len()) {
        (Some(alert), 0) => Ok(alert.labels),
        (_, more) => {
            Err(CliError::usage(format!("it has {} alerts, and one is wanted", more + 1)).at(file.display()))
        }
    }
}

/// The first run of an incident, once it has begun. Says for what it waits.
async fn first_run(records: &Records, incident: &str, output: &Output) -> Result<String, CliError> {
    let clock: &dyn Clock = &RealClock;
    let mut said = None;
    loop {
        let ShownIncident { listed, waiting_for } = records.incident(incident).await?;
        let incident = &listed.incident;
        if let Some(run) = incident.runs.last() {
            return Ok(run.to_string());
        }
        if incident.closed_at.is_some() || !incident.state.is_active() {
            let what = format!("no run was started: {}", incident.summary);
            return Err(CliError { exit: Exit::Failed, ..CliError::usage(what) });
        }
        let state = waiting_for.map_or_else(|| incident.state.as_str().to_owned(), |waiting| waiting.message);
        if said.as_ref() != Some(&state) {
            output.note(format!("{DIM}incident {}: {}{DIM:#}", incident.id, display::one_line(&state)));
            said = Some(state);
        }
        clock.sleep(EVERY).await;
    }
}
