//! A journal that can't be written for a while, or is damaged while the host is at work.

use std::path::Path;

use suture_journal::JournalError;
use tokio::sync::Notify;

use super::resuming::may;
use super::silenced::change;
use super::*;
use crate::waiting::Reason;

/// Another program that keeps the journal from being written.
fn locked(folder: &Path) -> rusqlite::Connection {
    let other = rusqlite::Connection::open(folder.join(Journal::FILE)).unwrap();
    other.busy_timeout(Duration::from_secs(5)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    other
}

async fn with_patience(program: Arc<dyn Program>) -> EngineHarness {
    start(tempfile::tempdir().unwrap(), program, |config| {
        may(config);
        let policy = Arc::get_mut(&mut config.policies[0]).unwrap();
        policy.config.limits.deadline = HumanDuration::from_secs(7 * 86_400);
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_journal_cannot_be_written_runs_are_suspended_and_then_go_on_by_themselves() {
    let (go, has_begun) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (gone, begun) = (go.clone(), has_begun.clone());
    let harness = with_patience(policy(move |calls, _| {
        let (gone, begun) = (gone.clone(), begun.clone());
        async move {
            begun.notify_one();
            gone.notified().await;
            calls.call(change()).await?.ok();
            done()
        }
    }))
    .await;
    harness.post("firing", &["media"]).await;
    has_begun.notified().await;
    let lock = locked(harness.dir.path());
    go.notify_one();
    let waits_for_it = async || {
        let waiting = harness.engine.waiting().await.unwrap();
        waiting.iter().any(|one| one.reason == Reason::Journal && one.policy == "test")
    };
    while !waits_for_it().await {
        harness.clock.sleep(Duration::from_secs(10)).await;
    }
    let other = notification("firing", &["home"]);
    let refused = harness.engine.accept(None, &other, serde_json::to_vec(&other).unwrap()).await;
    assert!(matches!(refused, Err(Refusal::Journal(JournalError::Locked { .. }))), "{refused:?}");
    assert!(harness.engine.journal().health().is_err());
    assert!(harness.engine.exposition().await.contains("suture_journal_failing 1"));
    assert!(harness.cluster.mutations().is_empty(), "nothing is done that can't be written down");
    drop(lock);
    let incident = harness.until(IncidentState::Verifying).await;
    assert_eq!((incident.attempts, incident.runs.len()), (1, 1));
    assert_eq!(harness.cluster.mutations().len(), 1);
    harness.post("firing", &["home"]).await;
    assert!(harness.engine.exposition().await.contains("suture_journal_failing 0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_damaged_while_the_host_is_at_work_is_named_and_the_rest_goes_on() {
    let harness = with_patience(policy(|_, _| async { done() })).await;
    harness.post("firing", &["media"]).await;
    let incident = harness.until(IncidentState::Verifying).await;
    assert_eq!(harness.engine.journal().damage(), Vec::<String>::new());
    let run = &incident.runs[0];
    rusqlite::Connection::open(harness.dir.path().join(Journal::FILE))
        .unwrap()
        .execute("UPDATE runs SET record = '{}' WHERE id = ?", [run.as_str()])
        .unwrap();
    harness.engine.journal().run(run).await.unwrap_err();
    assert_eq!(harness.engine.journal().damage(), [format!("runs {run} is damaged: its checksum is wrong")]);
    assert!(harness.engine.exposition().await.contains("suture_journal_damage 1"));
    assert_eq!(harness.pages_named("SutureJournalDamaged").await, 1);
    harness.engine.journal().health().unwrap();
    harness.post("firing", &["home"]).await;
    while harness.incidents().await.len() < 2 {
        harness.clock.sleep(Duration::from_secs(1)).await;
    }
}
