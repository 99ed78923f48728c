//! A journal with a limit.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::*;
use crate::page::Filter;

const MAX: u64 = 4 << 20;

fn bounded(folder: &TempDir, max: u64) -> Journal {
    Journal::open_bounded(folder.path(), Arc::new(RealClock), Some(max)).unwrap()
}

/// A text that nothing makes smaller.
fn noise(seed: u64, length: usize) -> String {
    let mut seed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..length)
        .map(|_| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b' ' + (seed >> 58) as u8)
        })
        .collect()
}

/// A run of a policy, with a record of about so many bytes.
async fn add(journal: &Journal, policy: &str, number: i64, bytes: usize, is_over: bool) {
    let id = format!("{policy}-{number}");
    let of = |run: RunRecord| RunRecord { policy: policy.into(), ..run };
    let incident = IncidentRecord {
        policy: policy.into(),
        closed_at: is_over.then(|| time(number)),
        runs: vec![RunId::new(id.clone())],
        ..incident(&format!("i-{id}"), IncidentState::Resolved)
    };
    let mut changes = vec![
        Change::Incident(incident.clone()),
        Change::Begin(RunRecord { incident: incident.id, ..of(run(&id)) }, header()),
        Change::Entry(RunId::new(id.clone()), entry(1, &noise(number.unsigned_abs(), bytes))),
    ];
    if is_over {
        changes.push(Change::Run(of(ended(&id, number))));
    }
    journal.commit(changes, Durability::Synced).await.unwrap();
}

/// The runs that are left, by policy, oldest first.
async fn left(journal: &Journal) -> BTreeMap<String, Vec<String>> {
    let mut left: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let filter = Filter { limit: Some(Filter::MAX_LIMIT), ..Filter::default() };
    for run in journal.runs(filter).await.unwrap().items.into_iter().rev() {
        left.entry(run.policy).or_default().push(run.id.to_string());
    }
    left
}

/// Nothing is left to be removed for now.
async fn at_rest(journal: &Journal) {
    while journal.room().is_to_be_pruned() {
        // Whatever is asked for lets the thread go round once more.
        journal.writer().unwrap().job(|_| Ok(())).await.unwrap();
    }
}

fn on_disk(folder: &Path) -> u64 {
    let size = |name: &str| folder.join(name).metadata().map_or(0, |found| found.len());
    size("journal.db") + size("journal.db-wal")
}

#[tokio::test]
async fn the_policy_that_holds_the_most_loses_its_oldest_closed_runs_first() {
    let folder = TempDir::new().unwrap();
    let journal = bounded(&folder, MAX);
    for number in 0..10 {
        add(&journal, "quiet", number, 20_000, true).await;
    }
    // It waits, and is as old as any.
    add(&journal, "loud", 0, 100_000, false).await;
    for number in 1..100 {
        add(&journal, "loud", number, 100_000, true).await;
        assert!(on_disk(folder.path()) <= MAX, "{number}: {}", on_disk(folder.path()));
    }
    at_rest(&journal).await;
    let left = left(&journal).await;
    assert_eq!(left["quiet"].len(), 10, "{left:?}");
    let loud = &left["loud"];
    assert_eq!(loud.first().map(String::as_str), Some("loud-0"), "a run at work stays");
    assert_eq!(loud.last().map(String::as_str), Some("loud-99"), "the newest stays");
    assert!((10..40).contains(&loud.len()), "{loud:?}");
    let kept: Vec<String> = (100 - (loud.len() - 1)..100).map(|number| format!("loud-{number}")).collect();
    assert_eq!(loud[1..], kept, "the oldest went first");
    // Their incidents went with them.
    assert_eq!(journal.incident(&IncidentId::new("i-loud-1")).await.unwrap(), None);
    assert!(!journal.room().is_full_with(0));
}

#[tokio::test]
async fn a_full_journal_says_so_and_still_takes_what_runs_write() {
    let folder = TempDir::new().unwrap();
    let journal = bounded(&folder, MAX);
    let mut number = 0;
    while !journal.room().is_full_with(0) {
        add(&journal, "volsync", number, 100_000, false).await;
        number += 1;
    }
    let why = journal.room().full();
    assert!(why.contains("4Mi") && why.contains("raise `storage.maxSize`"), "{why}");
    assert!(journal.room().is_scarce());
    let log = journal.run_log(RunId::new("volsync-0"));
    for step in 2..12 {
        log.append(entry(step, &noise(step.into(), 100_000)), Durability::Synced).await.unwrap();
    }
    assert_eq!(journal.entries(&RunId::new("volsync-0")).await.unwrap().len(), 11);
    // What ends makes room.
    for number in 0..number {
        let run = RunRecord { policy: "volsync".into(), ..ended(&format!("volsync-{number}"), number) };
        journal.commit(vec![Change::Run(run)], Durability::Synced).await.unwrap();
    }
    at_rest(&journal).await;
    assert!(!journal.room().is_full_with(0));
}

#[tokio::test]
async fn a_limit_that_is_lowered_shrinks_the_file_and_one_that_is_raised_ends_the_shortage() {
    let folder = TempDir::new().unwrap();
    let journal = bounded(&folder, 4 * MAX);
    for number in 0..100 {
        add(&journal, "volsync", number, 100_000, true).await;
    }
    journal.close().await.unwrap();
    drop(journal);
    assert!(on_disk(folder.path()) > MAX);

    let journal = bounded(&folder, MAX);
    at_rest(&journal).await;
    assert!(!left(&journal).await.is_empty());
    // It shrinks a little each time that the thread goes round.
    for _ in 0..100 {
        journal.writer().unwrap().job(|_| Ok(())).await.unwrap();
    }
    let used = journal.room().used;
    journal.close().await.unwrap();
    drop(journal);
    assert!(on_disk(folder.path()) <= MAX, "{}", on_disk(folder.path()));
    assert!(!bounded(&folder, 4 * used).room().is_scarce());
}

#[tokio::test]
async fn tallies_are_the_same_whether_they_are_kept_or_counted_anew() {
    let folder = TempDir::new().unwrap();
    let journal = bounded(&folder, 2 * MAX);
    for number in 0..60 {
        add(&journal, "a", number, 5_000, number % 3 != 0).await;
        add(&journal, "b", number, 500, true).await;
    }
    journal.prune(time(30), 5).await.unwrap();
    let kept = |journal: &Journal| {
        let tallies = journal.writer().unwrap().shared.tallies.lock();
        tallies
            .each()
            .filter(|(.., number)| *number != 0)
            .map(|(what, policy, number)| (what.to_owned(), policy.to_owned(), number))
            .collect::<Vec<_>>()
    };
    let before = kept(&journal);
    journal.close().await.unwrap();
    drop(journal);
    let journal = bounded(&folder, 2 * MAX);
    assert_eq!(kept(&journal), before, "they are on disk");
    journal.close().await.unwrap();
    drop(journal);
    tamper(&folder, "DELETE FROM tallies");
    assert_eq!(kept(&bounded(&folder, 2 * MAX)), before, "they are right");
    let bytes = |policy: &str| before.iter().find(|(what, of, _)| what == "bytes" && of == policy).unwrap().2;
    assert!(bytes("a") > bytes("b"));
    assert!(
        before
            .iter()
            .any(|(what, policy, number)| (what.as_str(), policy.as_str(), *number) == ("runs", "a", 20)),
        "{before:?}"
    );
}

#[tokio::test]
async fn the_bytes_of_the_inbox_are_counted_and_a_part_of_it_is_bounded() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    for length in [1000, 2000, 500_000, 10] {
        journal.commit(vec![notification("x".repeat(length))], Durability::Synced).await.unwrap();
    }
    assert_eq!(journal.inbox_bytes(), 503_010);
    let lengths = async |bytes| -> Vec<usize> {
        journal
            .inbox_part(9, bytes, Vec::new(), BTreeSet::new())
            .await
            .unwrap()
            .iter()
            .filter_map(|(_, record)| Some(record.as_ref()?.body.len()))
            .collect()
    };
    assert_eq!(lengths(4000).await, [1000, 2000]);
    assert_eq!(lengths(600_000).await, [1000, 2000, 500_000, 10]);
    // However large it is, it can't stay for ever.
    assert_eq!(lengths(1).await, [1000]);
    let first: Vec<i64> = journal
        .inbox_part(9, 4000, Vec::new(), BTreeSet::new())
        .await
        .unwrap()
        .into_iter()
        .map(|(id, _)| id)
        .collect();
    journal.commit(vec![Change::Routed(first)], Durability::Synced).await.unwrap();
    assert_eq!(lengths(1).await, [500_000]);
    assert_eq!(journal.inbox_bytes(), 500_010);
    journal.close().await.unwrap();
    drop(journal);
    assert_eq!(open(&folder).inbox_bytes(), 500_010);
}

#[tokio::test]
async fn a_record_is_read_in_parts_that_meet_without_gaps() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    let log = begin(&journal, "r1").await;
    let run = RunId::new("r1");
    assert_eq!(journal.part(&run, 0, 10, 1000).await.unwrap(), crate::Part::default());
    // Some steps have two entries, as an intent and its reply.
    for step in 1..=30 {
        log.append(entry(step, &"x".repeat(1000)), Durability::Lazy).await.unwrap();
        if step % 3 == 0 {
            log.append(entry(step, "reply"), Durability::Lazy).await.unwrap();
        }
    }
    let all = journal.entries(&run).await.unwrap();
    for (steps, bytes) in [(7, usize::MAX), (usize::MAX, 3000), (1, 1)] {
        let (mut read, mut after, mut parts) = (Vec::new(), 0, 0);
        loop {
            let part = journal.part(&run, after, steps, bytes).await.unwrap();
            assert_eq!(part.damaged, Vec::<String>::new());
            assert!(part.entries.len() <= steps.saturating_mul(2) && part.entries.len() <= 40);
            read.extend(part.entries);
            parts += 1;
            match part.next {
                Some(next) => after = next,
                None => break,
            }
        }
        assert_eq!(read, all);
        assert!(parts >= 5, "{parts}");
    }
}

#[tokio::test]
async fn damage_is_told_in_the_part_that_has_it() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    let log = begin(&journal, "r1").await;
    for step in 1..=9 {
        log.append(entry(step, "x"), Durability::Lazy).await.unwrap();
    }
    journal.close().await.unwrap();
    drop((journal, log));
    tamper(&folder, "DELETE FROM entries WHERE seq IN (5, 9)");
    let journal = open(&folder);
    let run = RunId::new("r1");
    let damaged = async |after| journal.part(&run, after, 3, usize::MAX).await.unwrap().damaged;
    assert_eq!(damaged(0).await, Vec::<String>::new());
    assert_eq!(damaged(3).await, ["entries r1/5 is missing"]);
    assert!(damaged(7).await[0].contains("entries r1/9 is missing"));
}

#[tokio::test]
async fn a_page_of_large_records_has_fewer_and_the_next_goes_on() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    for number in 0..20 {
        let mut large = incident(&format!("i{number}"), IncidentState::Escalated);
        large.summary = "x".repeat(600_000);
        journal.commit(vec![Change::Incident(large)], Durability::Synced).await.unwrap();
    }
    let (mut seen, mut filter) = (0, Filter::default());
    loop {
        let page = journal.incidents(filter.clone()).await.unwrap();
        assert!((1..=7).contains(&page.items.len()), "{}", page.items.len());
        seen += page.items.len();
        match page.next {
            Some(next) => filter.after = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, 20);
}

#[tokio::test]
async fn of_a_notification_that_is_known_there_is_no_more_than_its_id() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    let (one, other) = (journal.reserve().unwrap(), journal.reserve().unwrap());
    let Change::Accept(_, record) = notification("x".repeat(20_000)) else { panic!() };
    let accept = |id| Change::Accept(id, record.clone());
    journal
        .commit(vec![accept(Some(other)), accept(Some(one)), accept(None)], Durability::Synced)
        .await
        .unwrap();
    let listed = journal.inbox_part(9, usize::MAX, Vec::new(), BTreeSet::from([other])).await.unwrap();
    let third = other + 1;
    assert_eq!(listed, [(one, Some(record.clone())), (other, None), (third, Some(record.clone()))]);
}
