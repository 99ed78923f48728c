//! What the next host does with what the last one left, whatever became of it meanwhile.

use suture_core::Grant;
use suture_journal::{Durability, RunHeader};

use super::resuming::{asleep, ended, grants, may, next, sleepy};
use super::*;
use crate::run::harness::{policy_of, trapping};

type Left = (tempfile::TempDir, SimulatedCluster, Arc<dyn Clock>);
type Change = fn(&mut EngineConfig);
type HeaderChange = fn(&mut RunHeader);

fn configured(config: &mut EngineConfig) -> &mut Policy {
    may(config);
    Arc::get_mut(&mut config.policies[0]).unwrap()
}

fn tamper(left: &Left, sql: &str) {
    let file = rusqlite::Connection::open(left.0.path().join("journal.db")).unwrap();
    file.execute_batch(sql).unwrap();
}

/// Write something else into the header of the one run, as another version would have.
async fn with_header(left: &Left, change: impl FnOnce(&mut RunHeader)) {
    let journal = Journal::open(left.0.path(), left.2.clone()).unwrap();
    let run = journal.unfinished_runs().await.unwrap().remove(0);
    let mut header = journal.header(&run.id).await.unwrap().unwrap();
    change(&mut header);
    journal.commit(vec![suture_journal::Change::Begin(run, header)], Durability::Synced).await.unwrap();
    journal.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_must_undo_that_can_not_go_on_is_undone_once() {
    let table: [(&str, Change, IncidentState, usize); 6] = [
        (
            "its policy is no longer in the configuration",
            |config| config.policies.clear(),
            IncidentState::Escalated,
            1,
        ),
        (
            "its module can't be loaded",
            |config| configured(config).program = Err("no such file".into()),
            IncidentState::Queued,
            1,
        ),
        (
            "another module requests less",
            |config| {
                let other = policy_of("sha256:other", |_, _| async { done() });
                configured(config).program = Ok(crate::run::harness::requesting_nothing(other));
            },
            IncidentState::Verifying,
            2,
        ),
        (
            "its policy only observes now",
            |config| configured(config).config.mode = Mode::Observe,
            IncidentState::Verifying,
            2,
        ),
        (
            "its settings were changed",
            |config| configured(config).config.settings = json!({"other": 1}),
            IncidentState::Verifying,
            2,
        ),
        (
            "its module traps on replay",
            |config| configured(config).program = Ok(trapping()),
            IncidentState::Retrying,
            1,
        ),
    ];
    for (name, change, state, runs) in table {
        let second = next(asleep().await, policy(|_, _| async { done() }), change).await;
        let incident = second.until(state).await;
        assert_eq!(incident.runs.len(), runs, "{name}: {incident:#?}");
        let verbs: Vec<_> = second.cluster.mutations().iter().map(|done| done.mutation.as_str()).collect();
        assert_eq!(verbs, ["create", "delete"], "{name}: made once, undone once");
        assert!(!incident.summary.contains("In doubt"), "{name}: {incident:#?}");
        if state == IncidentState::Escalated {
            assert!(incident.summary.contains("no longer in the configuration"), "{}", incident.summary);
            assert_eq!(second.pages_named("SutureEscalation").await, 1, "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_that_today_s_grants_forbid_is_a_doubt_that_a_person_is_told_of() {
    let second = next(asleep().await, policy(|calls, _| sleepy(calls)), |config| {
        let mut grants: Vec<Grant> = grants();
        grants[0].verbs.retain(|verb| *verb != suture_core::Verb::Delete);
        let policy = configured(config);
        policy.config.grants = grants.into();
        policy.config.settings = json!({"other": 1});
    })
    .await;
    let incident = second.until(IncidentState::Escalated).await;
    assert!(incident.summary.contains("the undo of step 1") && incident.summary.contains("no grant"));
    assert_eq!(second.pages_named("SutureEscalation").await, 1);
    assert_eq!(second.cluster.mutations().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_passed_while_the_host_was_down_ends_the_run_and_undoes_it() {
    let left = asleep().await;
    left.2.sleep(Duration::from_secs(2 * 3600)).await;
    let second = next(left, policy(|calls, _| sleepy(calls)), may).await;
    let incident = second.until(IncidentState::Retrying).await;
    assert!(incident.summary.contains("limits.deadline"), "{}", incident.summary);
    assert_eq!(second.cluster.mutations().len(), 2, "made once, undone once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sleep_that_ended_while_the_host_was_down_is_over_at_once() {
    let left = asleep().await;
    left.2.sleep(Duration::from_secs(3600)).await;
    let second = next(left, policy(|calls, _| sleepy(calls)), may).await;
    let back = second.clock.now();
    let incident = second.until(IncidentState::Verifying).await;
    assert_eq!(incident.runs.len(), 1);
    let undone = second.cluster.mutations().last().unwrap().at;
    assert!(back.duration_until(undone).as_secs() < 1800, "it slept for the rest only: {back} {undone}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_this_version_can_not_follow_is_not_acted_on_and_a_person_is_told() {
    let cases: [(&str, HeaderChange, &str); 2] = [
        ("a newer format", |header| header.format = 99, "newer version of suture (format 99"),
        ("another cluster", |header| header.cluster = "elsewhere".into(), "another cluster"),
    ];
    for (name, change, words) in cases {
        let left = asleep().await;
        with_header(&left, change).await;
        let second = next(left, policy(|calls, _| sleepy(calls)), may).await;
        let incident = second.until(IncidentState::Escalated).await;
        assert!(incident.summary.contains(words), "{name}: {}", incident.summary);
        assert_eq!(second.cluster.mutations().len(), 1, "{name}: nothing was touched");
        assert_eq!(second.pages_named("SutureEscalation").await, 1, "{name}");
        let run = second.engine.journal().run(&incident.runs[0]).await.unwrap().unwrap();
        assert_eq!(run.outcome.as_deref(), Some("failed"), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_another_world_is_undone_and_another_begins() {
    let left = asleep().await;
    with_header(&left, |header| header.world = "suture:policy@9.0.0".into()).await;
    let second = next(left, policy(|_, _| async { done() }), may).await;
    let incident = second.until(IncidentState::Verifying).await;
    assert_eq!(incident.runs.len(), 2);
    assert_eq!(second.cluster.mutations().len(), 2, "made once, undone once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_row_of_each_kind_is_told_and_nothing_is_done_twice() {
    let cases: [(&str, &str, IncidentState, usize); 5] = [
        // The run's own row, its header, the end of its record: nothing is concluded.
        ("run", "UPDATE runs SET record = '{}'", IncidentState::Escalated, 1),
        ("state", "UPDATE runs SET state = 'ended', ended_at = 5", IncidentState::Escalated, 1),
        ("header", "UPDATE runs SET packed_header = x'7b7d'", IncidentState::Escalated, 1),
        (
            "end",
            "DELETE FROM entries WHERE seq = (SELECT max(seq) FROM entries)",
            IncidentState::Escalated,
            1,
        ),
        // The incident is made anew from its run, which goes on.
        ("incident", "UPDATE incidents SET record = '{}'", IncidentState::Verifying, 2),
    ];
    for (name, sql, state, changes) in cases {
        let left = asleep().await;
        tamper(&left, sql);
        let second = next(left, policy(|calls, _| sleepy(calls)), may).await;
        let incident = second.until(state).await;
        assert_eq!(incident.runs.len(), 1, "{name}: {incident:#?}");
        assert_eq!(second.cluster.mutations().len(), changes, "{name}");
        if state == IncidentState::Escalated {
            assert!(incident.summary.contains("damaged"), "{name}: {}", incident.summary);
            assert_eq!(second.pages_named("SutureEscalation").await, 1, "{name}");
        }
        if name != "end" {
            assert_eq!(second.pages_named("SutureJournalDamaged").await, 1, "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_damaged_run_does_not_keep_the_others_from_going_on() {
    let first = start(tempfile::tempdir().unwrap(), policy(|calls, _| sleepy(calls)), may).await;
    first.post("firing", &["media", "other", "third"]).await;
    for _ in 0..4000 {
        let incidents = first.incidents().await;
        if incidents.len() == 3 && incidents.iter().all(|incident| incident.state == IncidentState::Waiting) {
            break;
        }
        first.clock.sleep(Duration::from_secs(1)).await;
    }
    let left = ended(first).await;
    tamper(&left, "UPDATE entries SET body = x'00' WHERE seq = 2 AND run = (SELECT min(id) FROM runs)");
    let second = next(left, policy(|calls, _| sleepy(calls)), may).await;
    for _ in 0..4000 {
        let incidents = second.incidents().await;
        let count = |state| incidents.iter().filter(|incident| incident.state == state).count();
        if (count(IncidentState::Verifying), count(IncidentState::Escalated)) == (2, 1) {
            return;
        }
        second.clock.sleep(Duration::from_secs(2)).await;
    }
    panic!("{:#?}", second.incidents().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_damaged_in_its_middle_is_told_and_no_run_is_replayed() {
    let first = start(tempfile::tempdir().unwrap(), policy(|calls, _| sleepy(calls)), may).await;
    first.post("firing", &["media"]).await;
    first.until(IncidentState::Waiting).await;
    // The host dies: its files as they are, but for a byte in the last transaction of which it
    // is certain that it was on disk.
    let read = |file: &str| std::fs::read(first.dir.path().join(file)).unwrap();
    let (database, log) = (read("journal.db"), read("journal.db-wal"));
    let with_a_flip = |place: usize| {
        let dir = tempfile::tempdir().unwrap();
        let mut log = log.clone();
        log[place] ^= 1;
        std::fs::write(dir.path().join("journal.db"), &database).unwrap();
        std::fs::write(dir.path().join("journal.db-wal"), log).unwrap();
        dir
    };
    let is_noticed = |place: &usize| {
        let dir = with_a_flip(*place);
        !Journal::open(dir.path(), first.clock.clone()).unwrap().lost().is_empty()
    };
    let frames: Vec<usize> = (32 + 1000..log.len()).step_by(24 + 8192).collect();
    let place = frames.into_iter().rev().find(is_noticed).unwrap();
    let dir = with_a_flip(place);
    let (_kept, cluster, clock) = ended(first).await;
    let before = cluster.mutations().len();
    let second = next((dir, cluster, clock), policy(|calls, _| sleepy(calls)), may).await;
    assert_eq!(second.pages_named("SutureJournalDamaged").await, 1);
    let incident = second.until(IncidentState::Escalated).await;
    assert!(incident.summary.contains("a part of the journal is lost"), "{}", incident.summary);
    assert_eq!(second.cluster.mutations().len(), before, "nothing is done on half a record");
}
