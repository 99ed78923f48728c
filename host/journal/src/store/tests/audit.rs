use serde_json::Value;

use super::*;
use crate::audit::{
    Act, ActOutcome, AuditFilter, AuditHead, AuditRow, BrokenChain, Credential, Extent, Verified, Verifier,
};

fn act(who: &str, what: &str) -> Act {
    Act { reason: Some("the NAS is being replaced".into()), ..Act::new(who, Credential::Token, what) }
}

fn done(second: i64, act: Act) -> Change {
    Change::Acted(None, time(second), Some(act))
}

async fn write(journal: &Journal, count: i64) {
    for second in 1..=count {
        journal.commit(vec![done(second, act("alice", "pause"))], Durability::Synced).await.unwrap();
    }
}

/// All rows, oldest first.
async fn rows(journal: &Journal) -> Vec<Value> {
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let filter = AuditFilter { oldest_first: Some(true), after, ..AuditFilter::default() };
        let page = journal.audit(filter).await.unwrap();
        assert!(page.damaged.is_empty(), "{:?}", page.damaged);
        rows.extend(page.items);
        after = page.next;
        if after.is_none() {
            return rows;
        }
    }
}

async fn verify(journal: &Journal, noted: Option<AuditHead>) -> Result<Verified, BrokenChain> {
    let mut verifier = Verifier::new(noted);
    rows(journal).await.iter().try_for_each(|row| verifier.add(row))?;
    verifier.finish(Extent::Whole)
}

fn read(row: &Value) -> AuditRow {
    AuditRow::of(row.as_object().unwrap()).unwrap()
}

/// A journal with so many rows, closed.
async fn closed(count: i64) -> (TempDir, Option<AuditHead>) {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    write(&journal, count).await;
    let head = journal.audit_head().await.unwrap();
    journal.close().await.unwrap();
    (folder, head)
}

#[tokio::test]
async fn rows_are_there_after_reopening_in_a_chain_that_can_be_verified() {
    let (folder, head) = closed(120).await;
    let journal = open(&folder);
    assert_eq!((journal.audit_head().await.unwrap(), head.map(|head| head.sequence)), (head, Some(120)));
    write(&journal, 3).await;
    let found = verify(&journal, head).await.unwrap();
    assert_eq!((found.rows, found.first, found.head), (123, Some(1), journal.audit_head().await.unwrap()));
    let first = read(&rows(&journal).await[0]);
    assert_eq!((first.sequence, first.at, first.previous), (1, time(1), None));
    assert_eq!(first.act, act("alice", "pause"));
    assert_eq!(journal.damage(), [""; 0]);
}

#[tokio::test]
async fn a_list_is_newest_first_and_a_page_at_a_time_and_only_of_what_is_asked_for() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    write(&journal, 3).await;
    let refused = Act { outcome: ActOutcome::Refused, ..act("bob", "resume") };
    journal.commit(vec![done(4, refused)], Durability::Synced).await.unwrap();
    let of = |filter: AuditFilter| {
        let journal = journal.clone();
        async move {
            let page = journal.audit(filter).await.unwrap();
            let found: Vec<u64> = page.items.iter().map(|row| read(row).sequence).collect();
            (found, page.next)
        }
    };
    let all = AuditFilter::default();
    assert_eq!(of(all.clone()).await.0, [4, 3, 2, 1]);
    let (first, next) = of(AuditFilter { limit: Some(3), ..all.clone() }).await;
    assert_eq!((first, next.as_deref()), (vec![4, 3, 2], Some("2")));
    assert_eq!(of(AuditFilter { after: next, ..all.clone() }).await, (vec![1], None));
    assert_eq!(of(AuditFilter { who: Some("bob".into()), ..all.clone() }).await.0, [4]);
    assert_eq!(of(AuditFilter { what: Some("pause".into()), ..all.clone() }).await.0, [3, 2, 1]);
    assert_eq!(of(AuditFilter { outcome: Some("refused".into()), ..all.clone() }).await.0, [4]);
    let since = Some(crate::Since::At(time(3)));
    assert_eq!(of(AuditFilter { since, oldest_first: Some(true), ..all.clone() }).await.0, [3, 4]);
    let wrong = AuditFilter { outcome: Some("well".into()), ..all };
    assert!(wrong.check().unwrap_err().ends_with("there are: done, refused, failed, unknown"));
}

#[tokio::test]
async fn a_row_that_somebody_changed_in_the_file_is_found() {
    for (sql, expected) in [
        ("UPDATE audit SET row = replace(row, 'alice', 'bob') WHERE sequence = 3", BrokenChain::Changed(3)),
        (
            "UPDATE audit SET hash = replace(hash, 'sha256:', 'sha512:') WHERE sequence = 3",
            BrokenChain::NotARow { after: Some(2) },
        ),
        (
            "UPDATE audit SET row = (SELECT row FROM audit WHERE sequence = 2) WHERE sequence = 3",
            BrokenChain::Changed(2),
        ),
        ("DELETE FROM audit WHERE sequence = 3", BrokenChain::Missing { from: 3, to: 3 }),
        ("DELETE FROM audit WHERE sequence <= 3", BrokenChain::Beheaded { first: 4 }),
    ] {
        let (folder, head) = closed(5).await;
        tamper(&folder, sql);
        let journal = open(&folder);
        assert_eq!(verify(&journal, None).await, Err(expected), "{sql}");
        assert_eq!(journal.audit_head().await.unwrap(), head, "{sql}");
        assert_eq!(journal.damage(), [""; 0], "a start looks at the last row alone");
        write(&journal, 1).await;
    }
}

#[tokio::test]
async fn an_end_that_was_cut_off_shows_only_against_the_head_that_was_noted() {
    let (folder, head) = closed(5).await;
    tamper(&folder, "DELETE FROM audit WHERE sequence > 3");
    let journal = open(&folder);
    assert_eq!(verify(&journal, None).await.unwrap().rows, 3);
    let error = verify(&journal, head).await.unwrap_err();
    assert_eq!(error, BrokenChain::CutOff { noted: head.unwrap(), last: Some(3) });
    // Nor do others that take their place hide it.
    write(&journal, 4).await;
    assert!(matches!(verify(&journal, head).await, Err(BrokenChain::Rewritten { .. })));
}

#[tokio::test]
async fn a_last_row_that_is_not_as_it_was_written_is_told_at_the_start_and_keeps_nobody_from_work() {
    for sql in [
        "UPDATE audit SET row = replace(row, 'alice', 'bob') WHERE sequence = 5",
        "UPDATE audit SET hash = 'none' WHERE sequence = 5",
        "UPDATE audit SET row = 'none' WHERE sequence = 5",
        "DELETE FROM audit WHERE sequence = 4",
    ] {
        let (folder, _) = closed(5).await;
        tamper(&folder, sql);
        let journal = open(&folder);
        let damage = journal.damage();
        assert!(damage.len() == 1 && damage[0].starts_with("audit 5, the last row"), "{sql}: {damage:?}");
        write(&journal, 1).await;
        assert_eq!(journal.audit_head().await.unwrap().unwrap().sequence, 6);
    }
}

#[tokio::test]
async fn what_was_pruned_is_named_by_a_row_and_the_rest_can_be_verified() {
    let (folder, head) = closed(6).await;
    let journal = open(&folder);
    assert_eq!(journal.prune_audit(time(0)).await, Ok(0));
    assert_eq!(journal.prune_audit(time(5)).await, Ok(4));
    let left = rows(&journal).await;
    let sequences: Vec<u64> = left.iter().map(|row| read(row).sequence).collect();
    assert_eq!(sequences, [5, 6, 7]);
    let pruned = read(&left[2]).act;
    assert_eq!((pruned.who.as_str(), pruned.by, pruned.what.as_str()), ("suture", Credential::Host, "prune"));
    assert_eq!(
        pruned.checkpoint.map(|last| (last.sequence, Some(last.hash))),
        Some((4, read(&left[0]).previous))
    );
    assert_eq!(verify(&journal, head).await.unwrap().first, Some(5));
    // Again and again, until nothing is left but that it was so.
    assert_eq!(journal.prune_audit(Timestamp::MAX).await, Ok(3));
    assert_eq!(journal.prune_audit(Timestamp::MAX).await, Ok(0), "of its own removals it keeps no book");
    assert_eq!(verify(&journal, None).await.unwrap().first, Some(8));
    write(&journal, 1).await;
    assert_eq!(verify(&journal, None).await.unwrap().rows, 2);
}

#[tokio::test]
async fn of_too_many_rows_the_oldest_leave_and_the_rest_can_be_verified() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    write(&journal, 20).await;
    let shrink = |connection: &mut rusqlite::Connection| {
        super::super::audit::make_room(connection, time(99).as_millisecond(), 20, 5)
    };
    journal.writer().unwrap().job(shrink).await.unwrap();
    assert_eq!(rows(&journal).await.len(), 20);
    write(&journal, 1).await;
    journal.writer().unwrap().job(shrink).await.unwrap();
    let found = verify(&journal, None).await.unwrap();
    assert_eq!((found.rows, found.first), (17, Some(6)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn acts_at_the_same_time_are_one_chain_without_a_gap() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    let acts = (0..8).map(|number| {
        let journal = journal.clone();
        tokio::spawn(async move {
            for second in 0..25 {
                let change = done(second, act(&format!("person-{number}"), "pause"));
                journal.commit(vec![change], Durability::Synced).await.unwrap();
            }
        })
    });
    for act in acts.collect::<Vec<_>>() {
        act.await.unwrap();
    }
    assert_eq!(verify(&journal, None).await.unwrap().rows, 200);
}

#[tokio::test]
async fn an_act_whose_host_was_killed_before_it_answered_is_a_row_of_the_next_host() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    write(&journal, 1).await;
    let (first, second) = (journal.reserve_act().unwrap(), journal.reserve_act().unwrap());
    for (id, who) in [(first, "alice"), (second, "bob")] {
        let begun = Change::ActBegun(id, time(2), act(who, "cancel"));
        journal.commit(vec![begun], Durability::Synced).await.unwrap();
    }
    let end = Change::Acted(Some(second), time(3), Some(act("bob", "cancel")));
    journal.commit(vec![end], Durability::Synced).await.unwrap();
    // The files as a kill leaves them.
    let copy = TempDir::new().unwrap();
    for file in ["journal.db", "journal.db-wal"] {
        std::fs::copy(folder.path().join(file), copy.path().join(file)).unwrap();
    }
    let next = open(&copy);
    let all: Vec<AuditRow> = rows(&next).await.iter().map(read).collect();
    let told: Vec<_> = all.iter().map(|row| (row.act.who.as_str(), row.act.outcome)).collect();
    use ActOutcome::{Done, Unknown};
    assert_eq!(told, [("alice", Done), ("bob", Done), ("alice", Unknown)]);
    assert_eq!((all[2].at, all[2].act.what.as_str()), (time(2), "cancel"));
    assert!(all[2].act.message.as_deref().unwrap().contains("before it had answered"));
    assert_eq!(verify(&next, None).await.unwrap().rows, 3);
    next.close().await.unwrap();
    drop(next);
    assert_eq!(rows(&open(&copy)).await.len(), 3, "it is told once");
}

#[tokio::test]
async fn what_was_no_act_after_all_leaves_no_row() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    let id = journal.reserve_act().unwrap();
    journal
        .commit(vec![Change::ActBegun(id, time(1), act("alice", "sweep"))], Durability::Synced)
        .await
        .unwrap();
    journal.commit(vec![Change::Acted(Some(id), time(2), None)], Durability::Synced).await.unwrap();
    journal.close().await.unwrap();
    let journal = open(&folder);
    assert_eq!((rows(&journal).await.len(), journal.audit_head().await.unwrap()), (0, None));
}

#[tokio::test]
async fn a_reason_of_five_megabytes_is_cut_in_the_row() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    let long = Act { reason: Some("why ".repeat(5 << 18)), ..act("alice", "pause") };
    journal.commit(vec![done(1, long)], Durability::Synced).await.unwrap();
    let row = &rows(&journal).await[0];
    assert!(row.to_string().len() < AuditRow::MAX_BYTES, "{}", row.to_string().len());
    assert!(read(row).act.reason.unwrap().ends_with('…'));
    verify(&journal, None).await.unwrap();
}

#[tokio::test]
async fn a_journal_of_an_older_version_gets_an_empty_trail() {
    let folder = TempDir::new().unwrap();
    drop(open(&folder));
    tamper(&folder, "DROP TABLE audit; DROP TABLE audit_begun; PRAGMA user_version = 7;");
    let error = Journal::open_read_only(folder.path()).err().unwrap().to_string();
    assert!(error.contains("older version of suture (schema 7"), "{error}");
    let journal = open(&folder);
    assert_eq!((journal.audit_head().await.unwrap(), verify(&journal, None).await.unwrap().rows), (None, 0));
    write(&journal, 1).await;
    assert_eq!(verify(&journal, None).await.unwrap().rows, 1);
}
