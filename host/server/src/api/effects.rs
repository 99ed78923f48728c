//! One run, with what it did: a part at a time.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use suture_core::{Effect, Timestamp};
use suture_engine::Engine;
use suture_journal::plan::Basis;
use suture_journal::{
    Answer, ApprovalRecord, Call, Entry, JournalError, Ledger, ListedRun, Plan, RunHeader, RunRecord,
};
use tokio::sync::Semaphore;

use crate::failure::Failure;
use crate::name::Name;

/// Steps of a part where nobody says how many: more than most runs have.
const STEPS: usize = 1000;
/// Bytes of entries after which a part takes in no further step.
const BYTES: usize = 4 << 20;
/// Parts that are put together at the same time: each takes several times its bytes.
static AT_ONCE: Semaphore = Semaphore::const_new(4);

/// Which part of a run's record.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// The `next` of the part before.
    after: Option<u32>,
    /// How many steps at most.
    limit: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    #[serde(flatten)]
    run: &'a ListedRun,
    header: Option<&'a RunHeader>,
    effects: Vec<Shape<'a>>,
    entries: &'a [Entry],
    /// What `after` must be for the next part; none on the last.
    next: Option<String>,
}

/// A call, with the effect as it was tried last. It has no reply (null) while it is at work or in
/// doubt, and where the end of the run cut it off.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shape<'a> {
    step: u32,
    at: Timestamp,
    effect: &'a Effect,
    reply: Option<&'a Answer>,
    undo_of: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
}

pub(super) async fn run(
    State(engine): State<Engine>,
    Name(id): Name,
    asked: Result<Query<Asked>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Failure> {
    let Query(asked) =
        asked.map_err(|error| Failure::new(StatusCode::BAD_REQUEST, "badRequest", error.body_text()))?;
    let journal = engine.journal();
    let internal = |error: JournalError| Failure::internal(error.to_string());
    let record = journal.run_called(&id).await?;
    let incident = journal.incident(&record.incident).await.ok().flatten();
    let listed = ListedRun::new(record, incident);
    let id = &listed.run.id;
    let header = journal.header(id).await.map_err(internal)?;
    let steps = asked.limit.filter(|limit| *limit > 0).unwrap_or(STEPS).min(STEPS);
    let _turn = AT_ONCE.acquire().await;
    let part = journal.part(id, asked.after.unwrap_or_default(), steps, BYTES).await.map_err(internal)?;
    if !part.damaged.is_empty() {
        return Err(Failure::internal(part.damaged.join("; ")));
    }
    let calls = Call::all(&part.entries);
    let shown = Shown {
        run: &listed,
        header: header.as_ref(),
        effects: calls.iter().map(Shape::from).collect(),
        entries: &part.entries,
        next: part.next.map(|step| step.to_string()),
    };
    let text = serde_json::to_vec(&shown).map_err(|error| Failure::internal(error.to_string()))?;
    Ok(([(CONTENT_TYPE, "application/json")], text).into_response())
}

/// What a run changes, or would change.
#[derive(Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunDiff {
    /// The run.
    #[serde(flatten)]
    pub run: ListedRun,
    /// Each change, field by field; of a run at work as far as it has come.
    pub plan: Plan,
    /// What people are asked to approve of it, while they are.
    pub approval: Option<ApprovalRecord>,
}

pub(super) async fn diff(State(engine): State<Engine>, Name(id): Name) -> Result<Json<RunDiff>, Failure> {
    let record = engine.journal().run_called(&id).await?;
    summed_up(&engine, record).await.map(|(diff, _)| Json(diff))
}

/// What a run changed, or would change; and what of that may have taken place or not.
pub(crate) async fn summed_up(engine: &Engine, record: RunRecord) -> Result<(RunDiff, Vec<String>), Failure> {
    let journal = engine.journal();
    let internal = |error: JournalError| Failure::internal(error.to_string());
    let _turn = AT_ONCE.acquire().await;
    let header = journal.header(&record.id).await.map_err(internal)?;
    let header = header.ok_or_else(|| Failure::internal(format!("run {} has no header", record.id)))?;
    let entries = journal.entries(&record.id).await.map_err(internal)?;
    let plan = Plan::of(&record.id, &Basis::of(&record, &header), &entries);
    let incident = journal.incident(&record.incident).await.ok().flatten();
    let approval = incident.as_ref().and_then(|incident| incident.approval.as_deref());
    let approval = approval.filter(|approval| approval.run == record.id).cloned();
    let doubts = Ledger::of(&entries).unknown().to_vec();
    Ok((RunDiff { run: ListedRun::new(record, incident), plan, approval }, doubts))
}

impl<'a> From<&'a Call> for Shape<'a> {
    fn from(call: &'a Call) -> Self {
        Self {
            step: call.step,
            at: call.at,
            effect: call.effect(),
            reply: call.answer.as_ref(),
            undo_of: call.undo_of,
            dry_run: call.prepared.as_ref().map(|prepared| prepared.dry_run),
        }
    }
}
