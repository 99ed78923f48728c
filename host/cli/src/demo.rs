//! The demo: a host, a simulated cluster, and the two programs around them that a real
//! installation has, Prometheus and Alertmanager, as small as they can be.

mod alertmanager;
mod host;
mod story;

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use suture_engine::Progress;
use suture_journal::{IncidentRecord, IncidentState};
use suture_scenario::Timeline;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::commands::console;
use crate::error::{CliError, Exit};
use crate::output::{DIM, GOOD, HEADING, Output};
use crate::server::Server;
use alertmanager::Alertmanager;
use host::DemoHost;
use story::{CASES, Case, CaseResult};

/// How long one incident may take before the demo gives up on it, in real time.
const PATIENCE: Duration = Duration::from_secs(60);

/// Play it.
///
/// # Errors
/// Why the host does not start, or an incident does not come to its end.
pub async fn run(policy: &Path, speed: f64, open: bool, output: &Output) -> Result<Exit, CliError> {
    let mut alertmanager = Alertmanager::start().await?;
    let mut host = DemoHost::set(policy, speed, alertmanager.address(), open).await?;
    story::introduce(&host, output);
    let mut told = Vec::new();
    for (index, case) in CASES.iter().enumerate() {
        if index > 0 {
            pause(output).await;
        }
        let heading = format!("{} of {}  {}", index + 1, CASES.len(), case.title);
        output.line(format!("\n{HEADING}{heading}{HEADING:#}"));
        output.line(story::wrapped(case.about, output));
        let played = play(case, &mut host, &mut alertmanager, output);
        let clock = suture_core::RealClock;
        let incident = (&clock as &dyn suture_core::Clock).timeout(PATIENCE, played).await;
        let incident = incident.ok_or_else(|| {
            CliError::internal(format!(
                "`{}` came to no end within {} seconds",
                case.source,
                PATIENCE.as_secs()
            ))
        })??;
        told.push(CaseResult { case, incident });
    }
    let journal = host.journal();
    if output.is_json() {
        let incidents: Vec<_> = told.iter().map(|told| json!(told.incident)).collect();
        output.json(&json!({"incidents": incidents, "journal": journal}));
    } else {
        story::conclude(&told, &journal, output);
    }
    let good = told.iter().all(CaseResult::is_as_it_should_be);
    if open {
        stay(&host, output).await?;
    }
    host.stop().await;
    Ok(if good { Exit::Done } else { Exit::Failed })
}

/// Keep the host running with its console, until somebody ends it.
async fn stay(host: &DemoHost, output: &Output) -> Result<(), CliError> {
    let place = host.place();
    output.line(format!("\n{HEADING}The console{HEADING:#}"));
    console::show(&Server::at(&place)?, false, output).await?;
    if let Some(file) = &place.token_file {
        let command = format!("suture console --server {} --token-file {}", place.url, file.display());
        output.note(format!("{DIM}another link: {command}{DIM:#}\n{DIM}Ctrl-C ends the demo{DIM:#}"));
    }
    tokio::signal::ctrl_c().await.map_err(|error| CliError::internal(error.to_string()))
}

/// Time to read, for those who can.
async fn pause(output: &Output) {
    if output.is_read_by_people() {
        let clock = suture_core::RealClock;
        (&clock as &dyn suture_core::Clock).sleep(Duration::from_secs(3)).await;
    }
}

/// One alert, from the moment it fires until its incident is over.
async fn play(
    case: &Case,
    host: &mut DemoHost,
    alertmanager: &mut Alertmanager,
    output: &Output,
) -> Result<IncidentRecord, CliError> {
    let alert = host.fire(case)?;
    let url = host.webhook();
    let status = alertmanager.post(&url, host.token(), &alert).await?;
    let sent = format!("\n  {DIM}Alertmanager ─► POST {url} ─► {status}{DIM:#}");
    output.line(sent);
    let mut timeline = None;
    loop {
        match next(&mut host.progress).await? {
            Progress::Began(run) => {
                output.line(format!("  {DIM}run {} in mode {}{DIM:#}\n", run.id, run.mode.as_str()));
                timeline = Some(Timeline::starting_at(run.started_at, output.look()));
            }
            Progress::Entry(_, entry) => {
                if let Some(line) = timeline.as_mut().and_then(|timeline| timeline.entry(&entry)) {
                    output.line(line);
                }
            }
            Progress::Ended(_) => {
                if let Some(mut timeline) = timeline.take() {
                    output.line(timeline.finish());
                }
                if host.is_in_sync(case) {
                    output.line(format!(
                        "\n  {DIM}the backup is in sync: the metric follows, the alert resolves{DIM:#}"
                    ));
                    host.resolve(case)?;
                }
            }
            Progress::Incident(incident) if is_over(&incident) => {
                if incident.state == IncidentState::Escalated {
                    let page = alertmanager.paged().await;
                    output.line(format!("\n  {DIM}Alertmanager receives, for the people on call:{DIM:#}"));
                    output.line(story::page(&page, output));
                } else {
                    output.line(format!("  {GOOD}incident {}{GOOD:#}", incident.state.as_str()));
                }
                return Ok(*incident);
            }
            Progress::Incident(_) => {}
        }
    }
}

/// Whether the host has nothing left to do for it.
fn is_over(incident: &IncidentRecord) -> bool {
    !incident.state.is_active()
}

async fn next(progress: &mut Receiver<Progress>) -> Result<Progress, CliError> {
    loop {
        match progress.recv().await {
            Ok(progress) => return Ok(progress),
            // Lines are missing then, and nothing else.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => {
                return Err(CliError::internal("the host ended in the middle of the demo"));
            }
        }
    }
}
