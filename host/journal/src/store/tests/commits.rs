use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// Keeps the writer busy until the result is used, and waits until it is.
async fn hold_up(journal: &Journal) -> std::sync::mpsc::Sender<()> {
    let (go, held) = std::sync::mpsc::channel();
    let (begun, is_held) = tokio::sync::oneshot::channel();
    let job = move |_: &mut rusqlite::Connection| {
        let _ = begun.send(());
        let _ = held.recv();
        Ok(())
    };
    let holder = journal.clone();
    tokio::spawn(async move { holder.writer().unwrap().job(job).await });
    is_held.await.unwrap();
    go
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_callers_share_their_commits_and_lose_nothing() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    let commits = Arc::new(AtomicUsize::new(0));
    let counter = commits.clone();
    journal.on_commit(Arc::new(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
    }));
    let go = hold_up(&journal).await;
    let callers: Vec<_> = (0..64)
        .map(|caller| {
            let (journal, commits) = (journal.clone(), commits.clone());
            tokio::spawn(async move {
                journal.commit(vec![notification(caller.to_string())], Durability::Synced).await.unwrap();
                let shared = commits.load(Ordering::Relaxed);
                for number in 0..20 {
                    let body = format!("{caller}/{number}");
                    journal.commit(vec![notification(body)], Durability::Synced).await.unwrap();
                }
                shared
            })
        })
        .collect();
    while journal.writer().unwrap().waiting() < 64 {
        tokio::task::yield_now().await;
    }
    assert_eq!(commits.load(Ordering::Relaxed), 0);
    go.send(()).unwrap();
    let mut first = usize::MAX;
    for caller in callers {
        first = first.min(caller.await.unwrap());
    }
    // Whoever was answered first saw one commit, and it was the commit of all 64.
    assert_eq!(first, 1);
    let inbox = journal.inbox(2000).await.unwrap();
    let bodies: BTreeSet<_> = inbox.into_iter().map(|(_, record)| record.body).collect();
    assert_eq!((bodies.len(), journal.inbox_len()), (64 * 21, 64 * 21));
}

#[tokio::test]
async fn what_is_lazy_rides_along_with_the_next_that_is_synced() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    let log = begin(&journal, "r1").await;
    log.append(entry(1, "read"), Durability::Lazy).await.unwrap();
    log.append(entry(2, "intent"), Durability::Synced).await.unwrap();
    // Another reader, which sees only what is on disk.
    let other = Journal::open_read_only(folder.path()).unwrap();
    assert_eq!(other.entries(&RunId::new("r1")).await.unwrap(), [entry(1, "read"), entry(2, "intent")]);
}

#[tokio::test]
async fn what_is_lazy_is_written_before_long_although_nobody_waits() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    let log = begin(&journal, "r1").await;
    let (told, commit) = tokio::sync::oneshot::channel();
    let told = parking_lot::Mutex::new(Some(told));
    journal.on_commit(Arc::new(move |_| {
        if let Some(told) = told.lock().take() {
            let _ = told.send(());
        }
    }));
    log.append(entry(1, "read"), Durability::Lazy).await.unwrap();
    commit.await.unwrap();
    let other = Journal::open_read_only(folder.path()).unwrap();
    assert_eq!(other.entries(&RunId::new("r1")).await.unwrap(), [entry(1, "read")]);
}

#[tokio::test]
async fn what_is_lazy_is_seen_by_the_next_read_and_written_when_the_journal_is_dropped() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    let log = begin(&journal, "r1").await;
    log.append(entry(1, "one"), Durability::Lazy).await.unwrap();
    assert_eq!(journal.entries(&RunId::new("r1")).await.unwrap().len(), 1);
    log.append(entry(2, "two"), Durability::Lazy).await.unwrap();
    drop((journal, log));
    assert_eq!(open(&folder).entries(&RunId::new("r1")).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_cannot_be_written_does_not_take_others_with_it() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    let go = hold_up(&journal).await;
    let stray = Change::Entry(RunId::new("nobody"), entry(1, "stray"));
    let work = async {
        tokio::join!(
            journal.commit(vec![notification("good")], Durability::Synced),
            journal.commit(vec![notification("bad"), stray.clone()], Durability::Synced),
            async { go.send(()).unwrap() },
        )
    };
    let (good, bad, ()) = work.await;
    good.unwrap();
    assert!(bad.unwrap_err().to_string().contains("FOREIGN KEY"));
    assert_eq!(journal.inbox_len(), 1);
    assert_eq!(journal.inbox(9).await.unwrap()[0].1.body, b"good");
    journal.health().unwrap();
}

#[tokio::test]
async fn a_lazy_change_that_is_lost_is_told_to_the_next_caller() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    let stray = Change::Entry(RunId::new("nobody"), entry(1, "stray"));
    journal.commit(vec![stray], Durability::Lazy).await.unwrap();
    assert!(journal.inbox_waiting().await.unwrap().is_empty(), "which waits for what is written");
    let told = journal.commit(vec![notification("a")], Durability::Synced).await.unwrap_err();
    assert!(told.to_string().contains("FOREIGN KEY"), "{told}");
    journal.commit(vec![notification("a")], Durability::Synced).await.unwrap();
    assert_eq!(journal.inbox_len(), 1);
}
