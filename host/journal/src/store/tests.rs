mod agenda;
mod audit;
mod commits;
mod contents;
mod damage;
mod death;
mod disk;
mod flips;
mod forgotten;
mod lines;
mod log;
mod opening;
mod pages;
mod pauses;
mod power;
mod retention;
mod room;

use std::sync::Arc;

use serde_json::json;
use suture_core::clock::Driven;
use suture_core::{
    Alert, AlertStatus, Clock, Effect, Incident, IncidentId, Labels, Limits, Mode, RealClock, Reply, RunId,
    Timestamp, VirtualClock,
};
use tempfile::TempDir;

use super::{Journal, Survey};
use crate::change::Change;
use crate::entry::{Answer, Body, Entry};
use crate::error::JournalError;
use crate::log::{Durability, RunLog};
use crate::record::{InboxRecord, IncidentRecord, IncidentState, RunHeader, RunRecord, RunState};

fn time(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn open(folder: &TempDir) -> Journal {
    Journal::open(folder.path(), Arc::new(RealClock)).unwrap()
}

fn notification(body: impl Into<Vec<u8>>) -> Change {
    Change::Accept(
        None,
        InboxRecord { received_at: time(0), policy: Some("volsync".into()), waits: false, body: body.into() },
    )
}

fn incident(id: &str, state: IncidentState) -> IncidentRecord {
    let key = Labels::from([("obj_name".to_owned(), id.to_owned())]);
    IncidentRecord {
        id: IncidentId::new(id),
        policy: "volsync".into(),
        key: key.clone(),
        fingerprint: format!("f-{id}"),
        starts_at: time(0),
        state,
        since: None,
        held_in: None,
        opened_at: time(1),
        closed_at: None,
        runs: vec![],
        alert: alert(key),
        attempts: 0,
        due: None,
        summary: "new".into(),
        by_hand: false,
        started_by: None,
        forced: false,
        said_resolved: false,
        cancelled: None,
        approval: None,
        retried_by: Vec::new(),
        paged: false,
        evidence: String::new(),
    }
}

fn alert(labels: Labels) -> Arc<Alert> {
    serde_json::from_value(json!({"status": AlertStatus::Firing, "labels": labels, "annotations": {},
        "startsAt": time(0), "endsAt": time(0), "generatorURL": "", "fingerprint": "f"}))
    .unwrap()
}

fn run(id: &str) -> RunRecord {
    RunRecord {
        id: RunId::new(id),
        incident: IncidentId::new("i1"),
        policy: "volsync".into(),
        digest: "sha256:00".into(),
        mode: Mode::Enforce,
        attempt: 1,
        state: RunState::Running,
        outcome: None,
        summary: None,
        started_at: time(2),
        ended_at: None,
    }
}

fn ended(id: &str, second: i64) -> RunRecord {
    let outcome = Some("remediated".to_owned());
    RunRecord { state: RunState::Ended, outcome, ended_at: Some(time(second)), ..run(id) }
}

fn header() -> RunHeader {
    RunHeader {
        format: RunHeader::FORMAT,
        world: RunHeader::WORLD.into(),
        incident: Incident {
            id: IncidentId::new("i1"),
            key: Labels::new(),
            alert: alert(Labels::new()),
            attempt: 1,
            settings: json!({"ä": [1, 2.5, null]}),
        },
        limits: Limits::default(),
        requested: vec![],
        grants: [].into(),
        approved: None,
        cluster: "uid".into(),
    }
}

fn entry(step: u32, log: &str) -> Entry {
    let effect = Effect::Step { title: log.into() };
    Entry { step, at: time(3), body: Body::Call { effect, answer: Answer::Ok(Reply::Noted), undo_of: None } }
}

async fn begin(journal: &Journal, id: &str) -> Arc<dyn RunLog> {
    journal.commit(vec![Change::Begin(run(id), header())], Durability::Synced).await.unwrap();
    journal.run_log(RunId::new(id))
}

/// Change the file behind the journal's back.
fn tamper(folder: &TempDir, sql: &str) {
    let connection = rusqlite::Connection::open(folder.path().join(Journal::FILE)).unwrap();
    connection.execute_batch(sql).unwrap();
}

#[tokio::test]
async fn all_of_it_is_there_again_after_reopening() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    let large = "a line that repeats itself; ".repeat(10_000);
    journal.commit(vec![notification("{}")], Durability::Synced).await.unwrap();
    journal
        .commit(vec![Change::Incident(incident("i1", IncidentState::Queued))], Durability::Lazy)
        .await
        .unwrap();
    let log = begin(&journal, "r1").await;
    log.append(entry(1, "small"), Durability::Lazy).await.unwrap();
    log.append(entry(2, &large), Durability::Lazy).await.unwrap();
    journal.close().await.unwrap();
    drop((journal, log));

    let journal = open(&folder);
    assert_eq!(journal.inbox_len(), 1);
    let inbox = journal.inbox(10).await.unwrap();
    assert_eq!((inbox[0].1.body.as_slice(), inbox[0].1.policy.as_deref()), (&b"{}"[..], Some("volsync")));
    assert_eq!(journal.open_incidents().await.unwrap(), [incident("i1", IncidentState::Queued)]);
    assert_eq!(journal.unfinished_runs().await.unwrap(), [run("r1")]);
    assert_eq!(journal.run(&RunId::new("r1")).await.unwrap(), Some(run("r1")));
    assert_eq!(journal.header(&RunId::new("r1")).await.unwrap(), Some(header()));
    assert_eq!(journal.entries(&RunId::new("r1")).await.unwrap(), [entry(1, "small"), entry(2, &large)]);
    assert_eq!(journal.run(&RunId::new("other")).await.unwrap(), None);
}

#[tokio::test]
async fn a_run_that_goes_on_keeps_its_header() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    begin(&journal, "r1").await;
    journal.commit(vec![Change::Run(ended("r1", 9))], Durability::Synced).await.unwrap();
    assert_eq!(journal.run(&RunId::new("r1")).await.unwrap(), Some(ended("r1", 9)));
    assert_eq!(journal.header(&RunId::new("r1")).await.unwrap(), Some(header()));
    assert!(journal.unfinished_runs().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_routed_leaves_the_inbox_and_its_id_is_not_used_again() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    journal.commit(vec![notification("a"), notification("b")], Durability::Synced).await.unwrap();
    let ids: Vec<i64> = journal.inbox(10).await.unwrap().into_iter().map(|(id, _)| id).collect();
    journal.commit(vec![Change::Routed(ids.clone())], Durability::Synced).await.unwrap();
    assert_eq!(journal.inbox_len(), 0);
    // To say it twice does no harm.
    journal.commit(vec![Change::Routed(ids.clone()), notification("c")], Durability::Synced).await.unwrap();
    assert_eq!(journal.inbox_len(), 1);
    let (id, record) = journal.inbox(10).await.unwrap().remove(0);
    assert!(!ids.contains(&id));
    assert_eq!(record.body, b"c");
}

#[test]
fn virtual_time_stands_still_while_a_commit_is_in_flight() {
    let folder = TempDir::new().unwrap();
    let clock = VirtualClock::new(time(0), time(1000));
    let journal = Journal::open(folder.path(), Arc::new(clock.clone())).unwrap();
    let dynamic: Arc<dyn Clock> = Arc::new(clock.clone());
    let work = async {
        let commit = async {
            for _ in 0..10 {
                journal.commit(vec![notification("a")], Durability::Synced).await.unwrap();
            }
            assert_eq!(journal.inbox(99).await.unwrap().len(), 10);
            clock.now()
        };
        let sleep = dynamic.sleep(std::time::Duration::from_secs(5));
        futures::future::join(commit, sleep).await.0
    };
    assert_eq!(pollster::block_on(clock.drive(work)), Driven::Done(time(0)));
}

#[tokio::test]
async fn a_closed_journal_says_so_and_still_answers_questions() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    journal.commit(vec![notification("a")], Durability::Lazy).await.unwrap();
    journal.close().await.unwrap();
    journal.close().await.unwrap();
    let error = journal.commit(vec![notification("b")], Durability::Synced).await.unwrap_err().to_string();
    assert!(error.ends_with("is closed"), "{error}");
    assert_eq!(journal.inbox(9).await.unwrap().len(), 1);
    // The next process can have it while the old handle is still around.
    assert_eq!(open(&folder).inbox_len(), 1);
}
