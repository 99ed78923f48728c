//! A process that dies: its files as they were at that moment, copied away.

use std::path::Path;

use super::*;

fn copied(folder: &TempDir, cut_from_log: u64) -> TempDir {
    let copy = TempDir::new().unwrap();
    for file in ["journal.db", "journal.db-wal"] {
        std::fs::copy(folder.path().join(file), copy.path().join(file)).unwrap();
    }
    let log = std::fs::File::options().write(true).open(log_of(copy.path())).unwrap();
    log.set_len(log.metadata().unwrap().len() - cut_from_log).unwrap();
    copy
}

fn log_of(folder: &Path) -> std::path::PathBuf {
    folder.join("journal.db-wal")
}

async fn bodies(journal: &Journal) -> Vec<String> {
    let inbox = journal.inbox(99).await.unwrap();
    inbox.into_iter().map(|(_, record)| String::from_utf8(record.body).unwrap()).collect()
}

#[tokio::test]
async fn what_was_synced_survives_the_death_of_the_process() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    let log = begin(&journal, "r1").await;
    for step in 1..=5 {
        log.append(entry(step, "a"), Durability::Synced).await.unwrap();
    }
    journal.commit(vec![notification("a")], Durability::Synced).await.unwrap();
    let copy = copied(&folder, 0);
    let next = open(&copy);
    assert_eq!(bodies(&next).await, ["a"]);
    assert_eq!(next.inbox_len(), 1);
    assert_eq!(next.entries(&RunId::new("r1")).await.unwrap().len(), 5);
}

#[tokio::test]
async fn a_commit_that_was_cut_off_in_the_middle_took_no_place_at_all() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    journal.commit(vec![notification("a")], Durability::Synced).await.unwrap();
    let before = std::fs::metadata(log_of(folder.path())).unwrap().len();
    let large = "x".repeat(50_000);
    journal.commit(vec![notification("b"), notification(large)], Durability::Synced).await.unwrap();
    let after = std::fs::metadata(log_of(folder.path())).unwrap().len();
    for cut in [1, 4000, (after - before) / 2, after - before - 1] {
        let copy = copied(&folder, cut);
        assert_eq!(bodies(&open(&copy)).await, ["a"], "{cut} bytes cut");
    }
    let whole = copied(&folder, 0);
    assert_eq!(bodies(&open(&whole)).await.len(), 3);
}
