//! More open incidents than anybody would keep in memory.

use suture_core::IncidentId;
use suture_journal::{Change, Durability};

use super::*;

/// One more than a host once held.
const MANY: usize = 20_001;

fn name(number: usize) -> String {
    format!("ns-{number}")
}

/// An incident in need of nothing but a `resolved`, as one of `notification`'s alerts leaves it.
fn resting(number: usize, state: IncidentState) -> IncidentRecord {
    let alert = notification("firing", &[&name(number)]).alerts.remove(0);
    IncidentRecord {
        id: IncidentId::new(format!("00000000000000000000{number:06}")),
        policy: "test".into(),
        key: [("obj_namespace".to_owned(), name(number))].into(),
        fingerprint: alert.fingerprint(),
        starts_at: alert.starts_at,
        state,
        since: None,
        held_in: None,
        opened_at: alert.starts_at,
        closed_at: None,
        runs: vec![],
        alert: alert.into(),
        attempts: 1,
        due: None,
        summary: "fine".into(),
        by_hand: false,
        started_by: None,
        forced: false,
        said_resolved: false,
        cancelled: None,
        approval: None,
        retried_by: Vec::new(),
        paged: true,
        evidence: String::new(),
    }
}

/// The folder of a journal with these incidents.
async fn journal_of(incidents: impl Iterator<Item = IncidentRecord>) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path(), Arc::new(suture_core::RealClock)).unwrap();
    let incidents: Vec<_> = incidents.map(Change::Incident).collect();
    for part in incidents.chunks(1000) {
        journal.commit(part.to_vec(), Durability::Lazy).await.unwrap();
    }
    journal.close().await.unwrap();
    dir
}

impl EngineHarness {
    /// The newest incident of a namespace, once it is as wanted.
    async fn reaches(&self, namespace: &str, is_wanted: impl Fn(&IncidentRecord) -> bool) -> IncidentRecord {
        for _ in 0..4000 {
            for filter in pages() {
                let page = self.engine.journal().incidents(filter).await.unwrap();
                let found = page.items.into_iter().find(|one| one.key["obj_namespace"] == namespace);
                if let Some(found) = found.filter(&is_wanted) {
                    return found;
                }
            }
            self.clock.sleep(Duration::from_secs(10)).await;
        }
        panic!("it never comes to that");
    }
}

/// The newest incidents, and the oldest ones of `journal_of`.
fn pages() -> [Filter; 2] {
    [Filter::default(), Filter { after: Some("100".to_owned()), ..Filter::default() }]
}

#[tokio::test(flavor = "multi_thread")]
async fn among_very_many_that_rest_a_new_alert_is_handled_and_a_resolved_closes_its_incident() {
    let dir = journal_of((0..MANY).map(|number| resting(number, IncidentState::Unnecessary))).await;
    let unnecessary = policy(|_, _| async { Ok(Ok(Outcome::Unnecessary { summary: "fine".into() })) });
    let harness = start(dir, unnecessary, |_| {}).await;
    harness.post("firing", &["media"]).await;
    let new = harness.reaches("media", |new| new.state == IncidentState::Unnecessary).await;
    assert_eq!(new.runs.len(), 1);
    harness.post("resolved", &["ns-3"]).await;
    harness.reaches("ns-3", |old| old.closed_at.is_some()).await;
    // The same alert again is the same incident.
    harness.post("firing", &["ns-4", "other"]).await;
    harness.reaches("other", |new| new.state == IncidentState::Unnecessary).await;
    assert!(harness.reaches("ns-4", |_| true).await.id.as_str().starts_with("00000000"));
}

#[tokio::test(flavor = "multi_thread")]
async fn among_very_many_that_wait_for_a_run_a_resolved_is_heard_and_the_oldest_starts_first() {
    let dir = journal_of((0..MANY).map(|number| resting(number, IncidentState::Queued))).await;
    let harness = start(dir, policy(|_, _| async { std::future::pending().await }), |config| {
        config.budgets.concurrent_runs = 2;
    })
    .await;
    for oldest in ["ns-0", "ns-1"] {
        harness.reaches(oldest, |one| one.state == IncidentState::Running).await;
    }
    harness.post("resolved", &["ns-7"]).await;
    let over = harness.reaches("ns-7", |one| one.closed_at.is_some()).await;
    assert!(over.runs.is_empty(), "{over:#?}");
    assert!(harness.reaches("ns-2", |_| true).await.runs.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_full_of_incidents_that_rest_closes_the_oldest_and_takes_alerts_again() {
    let dir = journal_of((0..3000).map(|number| resting(number, IncidentState::Unnecessary))).await;
    let journal = Journal::open(dir.path(), Arc::new(suture_core::RealClock)).unwrap();
    let used = journal.room().used;
    journal.close().await.unwrap();
    drop(journal);
    let path = dir.path().to_owned();
    let empty = tempfile::tempdir().unwrap();
    let unnecessary = policy(|_, _| async { Ok(Ok(Outcome::Unnecessary { summary: "fine".into() })) });
    let harness = start(empty, unnecessary, |config| {
        config.journal = Journal::open_bounded(&path, config.clock.clone(), Some(used)).unwrap();
    })
    .await;
    for _ in 0..4000 {
        if !harness.engine.journal().room().is_full_with(0) {
            break;
        }
        harness.clock.sleep(Duration::from_secs(2)).await;
    }
    harness.post("firing", &["media"]).await;
    harness.reaches("media", |new| new.state == IncidentState::Unnecessary).await;
    assert!(harness.engine.metrics().encode().contains(r#"result="displaced"}"#));
}

#[tokio::test(flavor = "multi_thread")]
async fn between_the_answer_to_an_alert_and_its_run_there_is_one_write() {
    let commits = Arc::new(AtomicUsize::new(0));
    let fewest = Arc::new(AtomicUsize::new(usize::MAX));
    let (counted, seen) = (commits.clone(), fewest.clone());
    let program = policy(move |_, _| {
        seen.fetch_min(counted.load(Ordering::SeqCst), Ordering::SeqCst);
        async { Ok(Ok(Outcome::Unnecessary { summary: "fine".into() })) }
    });
    let harness = harness(program).await;
    let counter = commits.clone();
    harness.engine.journal().on_commit(Arc::new(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
    }));
    // A host that has just started writes more: what it finds in its journal.
    let done = |open: &[IncidentRecord]| {
        open.iter().filter(|incident| incident.state == IncidentState::Unnecessary).count()
    };
    for (number, namespace) in (1..).zip(["a", "b", "c", "d", "e"]) {
        commits.store(0, Ordering::SeqCst);
        harness.post("firing", &[namespace]).await;
        while done(&harness.open().await) < number {
            harness.clock.sleep(Duration::from_secs(1)).await;
        }
    }
    assert_eq!(fewest.load(Ordering::SeqCst), 2, "what was posted, and the incident with its run");
}
