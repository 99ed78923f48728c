//! One changed byte, anywhere in the files: the right data, or an error that names what is
//! damaged; never a wrong row, and never a missing one that nobody hears of.

use std::collections::BTreeSet;

use super::contents::{Contents, Files, contents, noise};
use super::*;

const RUNS: [&str; 4] = ["r1", "r2", "r3", "r4"];
/// Bytes at the beginning of each page, of each frame, that are all flipped: headers, and
/// the places of cells.
const HEAD: usize = 48;
/// Of the others, every so many.
const STEP: usize = 211;
const PAGE: usize = 8192;

/// A journal with something of all; the last transaction is one notification.
async fn filled() -> (Files, Files, Contents) {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    for number in 0..4 {
        journal.commit(vec![notification(format!("body {number}"))], Durability::Synced).await.unwrap();
    }
    journal
        .commit(vec![notification(noise(20_000)), Change::Routed(vec![2])], Durability::Synced)
        .await
        .unwrap();
    for (number, id) in RUNS.into_iter().enumerate() {
        let state = if number == 3 { IncidentState::Escalated } else { IncidentState::Running };
        let record = IncidentRecord { runs: vec![RunId::new(id)], ..incident(&format!("i{id}"), state) };
        let run = RunRecord { incident: record.id.clone(), ..run(id) };
        let begin = vec![Change::Incident(record), Change::Begin(run, header())];
        journal.commit(begin, Durability::Synced).await.unwrap();
        let log = journal.run_log(RunId::new(id));
        for step in 1..=12 {
            let text = if step % 5 == 0 { noise(3000) } else { format!("step {step} of {id}") };
            log.append(entry(step, &text), Durability::Lazy).await.unwrap();
        }
        log.append(entry(13, "the last"), Durability::Synced).await.unwrap();
    }
    let over = RunRecord { incident: IncidentId::new("ir4"), ..ended("r4", 99) };
    journal.commit(vec![Change::Run(over)], Durability::Synced).await.unwrap();
    journal.commit(vec![notification("the last")], Durability::Synced).await.unwrap();
    let written = contents(&journal, &RUNS).await.unwrap();
    let logged = Files::of(folder.path());
    journal.close().await.unwrap();
    let folded = Files::of(folder.path());
    assert!(folded.log.is_empty() && !logged.log.is_empty());
    (folded, logged, written)
}

/// Which bytes of a file to flip.
fn places(length: usize, unit: usize, offset: usize) -> BTreeSet<usize> {
    let heads = (offset..length).step_by(unit).flat_map(|begin| begin..(begin + HEAD).min(length));
    (0..length.min(100)).chain(heads).chain((0..length).step_by(STEP)).collect()
}

/// What must hold of a journal with a flipped byte. `may_lose_the_last`: the last transaction
/// of a log can't be told from one that was cut off by a loss of power.
async fn check(files: &Files, written: &Contents, may_lose_the_last: bool, place: usize) -> &'static str {
    let (_folder, journal) = files.open();
    let journal = match journal {
        Ok(journal) => journal,
        Err(error) => {
            let error = error.to_string();
            assert!(error.contains("journal.db"), "byte {place}: {error}");
            return "refused";
        }
    };
    let survey = journal.survey().await;
    let found = match contents(&journal, &RUNS).await {
        Ok(found) => found,
        Err(error) => {
            let error = error.to_string();
            assert!(error.contains("journal"), "byte {place}: {error}");
            return "refused";
        }
    };
    let mut is_said = !survey.damage.is_empty();
    for (run, entries) in &found.entries {
        let right = written.entries[run].as_ref().unwrap();
        match entries {
            // Of a part that is known to be lost, the engine acts on nothing.
            Ok(entries) if survey.is_lost => assert!(right.starts_with(entries), "byte {place}: {run}"),
            Ok(entries) => assert_eq!(entries, right, "byte {place}: {run}"),
            Err(_) => is_said = true,
        }
    }
    for (run, header) in &found.headers {
        match header {
            Ok(None) => assert!(is_said, "byte {place}: the header of {run} is gone"),
            Ok(header) => assert_eq!(header, written.headers[run].as_ref().unwrap(), "byte {place}: {run}"),
            Err(_) => is_said = true,
        }
    }
    if !survey.is_lost {
        assert!(found.inbox.iter().all(|item| written.inbox.contains(item)), "byte {place}");
        assert!(found.incidents.iter().all(|item| written.incidents.contains(item)), "byte {place}");
        assert!(found.runs.iter().all(|item| written.runs.contains(item)), "byte {place}");
    }
    if found == *written {
        return if is_said { "all there, and said" } else { "all there" };
    }
    if may_lose_the_last && !is_said {
        let without_the_last =
            Contents { inbox: written.inbox[..written.inbox.len() - 1].to_vec(), ..written.clone() };
        assert_eq!(found, without_the_last, "byte {place}");
        return "all but what was cut off";
    }
    assert!(is_said, "byte {place}: something is missing, and nobody hears of it: {found:#?}");
    // To go on writing does not bring it down.
    let _ = journal.commit(vec![notification("more")], Durability::Synced).await;
    "a part, and said"
}

#[tokio::test]
async fn a_changed_byte_of_the_database_is_harmless_or_said() {
    let (folded, _, written) = filled().await;
    let mut seen = std::collections::BTreeMap::new();
    for place in places(folded.database.len(), PAGE, 0) {
        let mut files = folded.clone();
        files.database[place] ^= 1 << (place % 8);
        *seen.entry(check(&files, &written, false, place).await).or_insert(0) += 1;
    }
    assert!(seen["a part, and said"] > 20 && seen["all there"] > 20, "{seen:?}");
}

#[tokio::test]
async fn a_changed_byte_of_the_log_is_harmless_or_said() {
    let (_, logged, written) = filled().await;
    let mut seen = std::collections::BTreeMap::new();
    for place in places(logged.log.len(), 24 + PAGE, 32).into_iter().step_by(3) {
        let mut files = logged.clone();
        files.log[place] ^= 1 << (place % 8);
        *seen.entry(check(&files, &written, true, place).await).or_insert(0) += 1;
    }
    assert!(seen["a part, and said"] > 20, "{seen:?}");
}

#[tokio::test]
async fn a_log_that_is_cut_leaves_a_journal_of_an_earlier_moment() {
    let (_, logged, written) = filled().await;
    for place in (0..logged.log.len()).step_by(PAGE / 2) {
        let mut files = logged.clone();
        files.log.truncate(place);
        let (_folder, journal) = files.open();
        let found = match journal {
            Ok(journal) => contents(&journal, &RUNS).await.unwrap(),
            Err(error) => panic!("cut at {place}: {error}"),
        };
        for (run, entries) in &found.entries {
            let right = written.entries[run].as_ref().unwrap();
            assert!(right.starts_with(entries.as_ref().unwrap()), "cut at {place}: {run}");
        }
    }
}
