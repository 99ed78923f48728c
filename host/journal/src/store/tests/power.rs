//! A loss of power at every moment: whatever was promised is there, and what was not is
//! there as a whole or not at all.

use super::contents::{Contents, Files, contents, noise};
use super::*;

const RUNS: [&str; 2] = ["r1", "r2"];
/// A frame of the write-ahead log: its header and a page.
const FRAME: usize = 24 + 8192;
const HEADER: usize = 32;
/// What a disk writes at once.
const SECTOR: usize = 512;

/// A journal that lives: its files and what it holds, after each promise.
async fn lived() -> Vec<(Files, Contents)> {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    let mut moments = vec![(Files::of(folder.path()), contents(&journal, &RUNS).await.unwrap())];
    let intent = |run: &str, step, text: &str| Change::Entry(RunId::new(run), entry(step, text));
    let lives: Vec<(Vec<Change>, Vec<Change>)> = vec![
        (vec![], vec![notification("a")]),
        (vec![], vec![notification("b"), notification(noise(30_000))]),
        (vec![], vec![Change::Incident(incident("i1", IncidentState::Queued)), Change::Routed(vec![1, 2])]),
        (
            vec![],
            vec![
                Change::Begin(run("r1"), header()),
                Change::Incident(incident("i1", IncidentState::Running)),
            ],
        ),
        (vec![intent("r1", 1, "read")], vec![intent("r1", 2, "intent")]),
        (vec![intent("r1", 2, "reply")], vec![intent("r1", 3, &noise(20_000))]),
        (vec![], vec![Change::Begin(run("r2"), header()), Change::Routed(vec![3])]),
        (vec![intent("r2", 1, "read"), intent("r1", 3, "reply")], vec![intent("r2", 2, "intent")]),
        (
            vec![],
            vec![Change::Run(ended("r1", 9)), Change::Incident(incident("i1", IncidentState::Verifying))],
        ),
    ];
    for (lazy, synced) in lives {
        if !lazy.is_empty() {
            journal.commit(lazy, Durability::Lazy).await.unwrap();
        }
        journal.commit(synced, Durability::Synced).await.unwrap();
        moments.push((Files::of(folder.path()), contents(&journal, &RUNS).await.unwrap()));
    }
    moments
}

/// The log as a disk may have it that lost its power between two moments.
fn torn(before: &[u8], after: &[u8]) -> Vec<(String, Vec<u8>)> {
    assert_eq!(before, &after[..before.len()], "a log only grows here");
    let mut logs = Vec::new();
    // SQLite brings the log's header to the disk before the first frame.
    let begin = before.len().max(HEADER);
    let boundaries = (begin..after.len()).step_by(FRAME).chain([after.len()]);
    for boundary in boundaries {
        for cut in [boundary, boundary + 1, boundary + 23, boundary + FRAME / 2] {
            let Some(kept) = after.get(..cut) else { continue };
            logs.push((format!("cut at {cut}"), kept.to_vec()));
            // The file is as long as it should be, and the data never came.
            for (what, filling) in [("zeros", 0), ("garbage", 0xa5)] {
                let mut log = kept.to_vec();
                log.resize(after.len(), filling);
                logs.push((format!("{what} from {cut}"), log));
            }
        }
    }
    // Sectors arrive in any order.
    for seed in 1..=8_usize {
        let mut log = after.to_vec();
        for (number, sector) in log[begin..].chunks_mut(SECTOR).enumerate() {
            if (number * 2_654_435_761 + seed * 40_503) >> 7 & 1 == 0 {
                sector.fill(0);
            }
        }
        logs.push((format!("every other sector, {seed}"), log));
    }
    logs
}

#[tokio::test]
async fn whatever_was_promised_is_there_after_a_loss_of_power_and_the_rest_wholly_or_not_at_all() {
    let moments = lived().await;
    let mut seen = [0, 0];
    for pair in moments.windows(2) {
        let [(before, promised), (after, next)] = pair else { unreachable!() };
        for (what, log) in torn(&before.log, &after.log) {
            let (_folder, journal) = Files { database: after.database.clone(), log }.open();
            let journal = journal.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(journal.survey().await, Survey::default(), "{what}");
            let found = contents(&journal, &RUNS).await.unwrap();
            assert!(found == *promised || found == *next, "{what}: {found:#?}");
            seen[usize::from(found == *next)] += 1;
            assert_eq!(journal.inbox_len(), found.inbox.len());
        }
    }
    assert!(seen[0] > 100 && seen[1] >= moments.len() - 1, "{seen:?}");
}

#[tokio::test]
async fn power_that_goes_while_the_log_is_folded_in_costs_nothing() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    journal.commit(vec![notification("a"), notification(noise(60_000))], Durability::Synced).await.unwrap();
    begin(&journal, "r1").await.append(entry(1, &noise(20_000)), Durability::Synced).await.unwrap();
    let (before, promised) = (Files::of(folder.path()), contents(&journal, &["r1"]).await.unwrap());
    journal.close().await.unwrap();
    let after = Files::of(folder.path());
    assert!(after.log.is_empty() && after.database.len() > before.database.len());
    // The log goes only when the file is on disk; until then the file may be any mixture.
    for (what, database) in torn(&after.database[..100], &after.database).into_iter().step_by(5) {
        let (_folder, journal) = Files { database, log: before.log.clone() }.open();
        let journal = journal.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(contents(&journal, &["r1"]).await.unwrap(), promised, "{what}");
    }
}
