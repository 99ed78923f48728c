//! The pages: what each asks of the host.

use std::time::Duration;

use axum::Extension;
use axum::extract::{Query, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use suture_cluster::Contacts;
use suture_console::{Health, Incident, Incidents, Now, Policies, PolicyDetail, Run, Trends, Upstream};
use suture_engine::{Engine, ShownIncident};
use suture_journal::{
    ApprovalStage, Filter, IncidentRecord, IncidentState, JournalError, ListedIncident, Page, RunRecord,
    RunState, Since,
};
use tokio::sync::Mutex;

use super::Console;
use super::visit::Visit;
use crate::api::effects::{self, RunDiff};
use crate::api::{lists, policies as api_policies, status};
use crate::failure::Failure;
use crate::name::Name;

/// Incidents of a page.
const LISTED: usize = 50;
/// Incidents of each state on the first page.
const EACH: usize = 20;
/// Runs of an incident that its page lists.
const RUNS: usize = 20;
/// Steps of a run on a page, and bytes of their entries.
const STEPS: usize = 150;
const BYTES: usize = 1 << 20;
/// How far back an earlier incident is looked for, and trends are counted.
const MONTH: &str = "30d";
/// Pages of the journal that are read to count what was.
const PAGES: usize = 20;
/// How long a count is good for.
const FRESH: Duration = Duration::from_secs(60);

type Shown = Result<Response, Failure>;

fn internal(error: JournalError) -> Failure {
    Failure::internal(error.to_string())
}

/// Which part of the first page.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Part {
    policy: Option<String>,
    namespace: Option<String>,
}

pub(super) async fn now(
    State(engine): State<Engine>,
    Extension(contacts): Extension<Contacts>,
    Extension(visit): Extension<Visit>,
    Query(Part { policy, namespace }): Query<Part>,
) -> Shown {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let (policy, namespace) = (given(policy), given(namespace));
    let status = status::of(&engine, &contacts).await?;
    let in_state = async |state: IncidentState| {
        let filter = Filter {
            policy: policy.clone(),
            namespace: namespace.clone(),
            state: Some(state.as_str().to_owned()),
            open: Some(true),
            limit: Some(EACH),
            ..Filter::default()
        };
        let page = engine.journal().list_incidents(filter).await.map_err(internal)?;
        let shown = page.items.into_iter().map(|listed| ShownIncident::of(&engine, listed));
        Ok::<Vec<_>, Failure>(shown.collect())
    };
    let approvals = in_state(IncidentState::AwaitingApproval).await?;
    let mut escalated = in_state(IncidentState::Escalated).await?;
    escalated.extend(in_state(IncidentState::Failed).await?);
    let mut at_work = Vec::new();
    for state in [IncidentState::Running, IncidentState::Waiting, IncidentState::Verifying] {
        at_work.extend(in_state(state).await?);
    }
    at_work.truncate(EACH);
    let one = Filter { limit: Some(1), ..Filter::default() };
    let has_history = !engine.journal().incidents(one).await.map_err(internal)?.items.is_empty();
    let is_asked_for = |name: &str| policy.as_deref().is_none_or(|policy| policy == name || name.is_empty());
    let waiting = status.waiting.into_iter().map(|line| line.waiting);
    let waiting: Vec<_> = waiting.filter(|waiting| is_asked_for(&waiting.policy)).collect();
    let policies: Vec<_> = status.policies.into_iter().map(|standing| standing.status).collect();
    let upstreams: Vec<_> = status
        .upstreams
        .into_iter()
        .map(|upstream| Upstream {
            url: upstream.url,
            answered_at: upstream.answered_at,
            failing: upstream.failing_since.map(|since| (since, upstream.error.unwrap_or_default())),
        })
        .collect();
    let shown = Now {
        approvals: &approvals,
        escalated: &escalated,
        at_work: &at_work,
        waiting: &waiting,
        policies: &policies,
        pauses: &status.pauses,
        has_history,
        health: Health {
            not_ready: status.not_ready.as_deref(),
            upstreams: &upstreams,
            unreconciled: status.unreconciled.as_ref(),
            inbox: status.inbox.notifications,
            journal_error: status.journal.error.as_deref(),
            journal: (status.journal.used_bytes, status.journal.max_bytes),
            damage: &status.journal.damage,
        },
        policy: policy.as_deref(),
        namespace: namespace.as_deref(),
        now: status.time,
    };
    Ok(visit.show(&suture_console::now(&shown, &visit.viewer())))
}

pub(super) async fn incidents(
    State(engine): State<Engine>,
    Extension(visit): Extension<Visit>,
    RawQuery(asked): RawQuery,
) -> Shown {
    let filter = Filter { limit: Some(LISTED), ..lists::filter(asked, Filter::check_for_incidents)? };
    let found: Page<ListedIncident> =
        engine.journal().list_incidents(filter.clone()).await.map_err(internal)?;
    let page = found.map(|listed| ShownIncident::of(&engine, listed));
    let policies: Vec<String> = engine.policies().into_iter().map(|policy| policy.name).collect();
    let shown = Incidents { page: &page, filter: &filter, policies: &policies, now: engine.now() };
    Ok(visit.show(&suture_console::incidents(&shown)))
}

pub(super) async fn incident(
    State(engine): State<Engine>,
    Extension(visit): Extension<Visit>,
    Name(id): Name,
) -> Shown {
    let journal = engine.journal();
    let record = journal.incident_called(&id).await?;
    let mut runs: Vec<RunRecord> = Vec::new();
    for run in record.runs.iter().rev().take(RUNS) {
        runs.extend(journal.run(run).await.map_err(internal)?);
    }
    let earlier = earlier(&engine, &record).await?;
    let outcome = runs.first().and_then(|run| run.outcome.clone());
    let shown = ShownIncident::of(&engine, ListedIncident::new(record, outcome));
    let shown = Incident { shown: &shown, runs: &runs, earlier: &earlier, now: engine.now() };
    Ok(visit.show(&suture_console::incident(&shown, &visit.viewer())))
}

/// Incidents of the same key before one, newest first, as far as one page of the journal has them.
async fn earlier(engine: &Engine, incident: &IncidentRecord) -> Result<Vec<IncidentRecord>, Failure> {
    let filter = Filter {
        policy: Some(incident.policy.clone()),
        since: MONTH.parse::<Since>().ok(),
        limit: Some(Filter::MAX_LIMIT),
        ..Filter::default()
    };
    let page = engine.journal().incidents(filter).await.map_err(internal)?;
    let is_earlier = |one: &IncidentRecord| one.key == incident.key && one.id.as_str() < incident.id.as_str();
    Ok(page.items.into_iter().filter(is_earlier).collect())
}

/// Which part of a run.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Steps {
    after: u32,
}

pub(super) async fn run(
    State(engine): State<Engine>,
    Extension(visit): Extension<Visit>,
    Name(id): Name,
    steps: Result<Query<Steps>, axum::extract::rejection::QueryRejection>,
) -> Shown {
    let Query(Steps { after }) =
        steps.map_err(|error| Failure::new(StatusCode::BAD_REQUEST, "badRequest", error.body_text()))?;
    let record = engine.journal().run_called(&id).await?;
    let part = engine.journal().part(&record.id, after, STEPS, BYTES).await.map_err(internal)?;
    if !part.damaged.is_empty() {
        return Err(Failure::internal(part.damaged.join("; ")));
    }
    let is_over = record.state == RunState::Ended;
    let (RunDiff { run, plan, approval }, doubts) = effects::summed_up(&engine, record).await?;
    // What is at work is not in doubt yet.
    let doubts = if is_over { doubts } else { Vec::new() };
    let shown = Run {
        run: &run,
        entries: &part.entries,
        after,
        next: part.next,
        plan: Some(&plan),
        approval: approval.as_ref().filter(|approval| approval.stage == ApprovalStage::Asked),
        doubts: &doubts,
        now: engine.now(),
    };
    Ok(visit.show(&suture_console::run(&shown, &visit.viewer())))
}

pub(super) async fn policies(State(engine): State<Engine>, Extension(visit): Extension<Visit>) -> Shown {
    let counts = engine.journal().open_counts();
    let open =
        |name: &str| counts.iter().filter(|(policy, ..)| policy == name).map(|(.., count)| count).sum();
    let policies: Vec<_> = engine.policies().into_iter().map(|status| (open(&status.name), status)).collect();
    let policies: Vec<_> = policies.into_iter().map(|(open, status)| (status, open)).collect();
    let shown = Policies { policies: &policies, now: engine.now() };
    Ok(visit.show(&suture_console::policies(&shown)))
}

pub(super) async fn policy(
    State(engine): State<Engine>,
    Extension(visit): Extension<Visit>,
    Name(name): Name,
) -> Shown {
    let (status, policy) = api_policies::find(&engine, &name)?;
    let manifest = policy.program.as_ref().ok().map(|program| program.manifest());
    let shown = PolicyDetail {
        status: &status,
        description: manifest.map_or("", |manifest| &manifest.description),
        requested: manifest.map_or(&[], |manifest| &manifest.permissions),
        grants: &policy.config.grants,
        settings: &policy.config.settings,
        now: engine.now(),
    };
    Ok(visit.show(&suture_console::policy(&shown, &visit.viewer())))
}

/// A count, and when it was made. Whoever comes while it is made waits for it.
#[derive(Default)]
pub(super) struct Counted(Mutex<Option<(Duration, Trends)>>);

pub(super) async fn trends(
    State(engine): State<Engine>,
    Extension(console): Extension<std::sync::Arc<Console>>,
    Extension(visit): Extension<Visit>,
) -> Shown {
    let now = console.clock.monotonic();
    let mut counted = console.counted.0.lock().await;
    let trends = match &*counted {
        Some((at, trends)) if now.saturating_sub(*at) < FRESH => trends.clone(),
        Some(_) | None => {
            let trends = count(&engine).await?;
            *counted = Some((now, trends.clone()));
            trends
        }
    };
    drop(counted);
    Ok(visit.show(&suture_console::trends(&trends)))
}

async fn count(engine: &Engine) -> Result<Trends, Failure> {
    let now = engine.now();
    let mut trends = Trends::until(now);
    let mut after = None;
    for _ in 0..PAGES {
        let filter = Filter {
            since: MONTH.parse::<Since>().ok(),
            limit: Some(Filter::MAX_LIMIT),
            after,
            ..Filter::default()
        };
        let page = engine.journal().incidents(filter).await.map_err(internal)?;
        for incident in &page.items {
            trends.count(incident, now);
        }
        after = page.next;
        if after.is_none() {
            return Ok(trends);
        }
    }
    trends.is_cut = true;
    Ok(trends)
}
