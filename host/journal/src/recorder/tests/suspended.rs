//! A disk that is full for a while.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use suture_core::{Clock, Halt};

use super::*;
use crate::log::{Durability, MemoryLog, RunLog};
use crate::{Cancel, JournalError};

/// Refuses so many entries before it takes any more, from one on.
struct Full {
    log: Arc<MemoryLog>,
    from: usize,
    refusals: AtomicUsize,
}

impl Full {
    fn error() -> JournalError {
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL);
        let source = Arc::new(rusqlite::Error::SqliteFailure(code, None));
        JournalError::DiskFull { path: PathBuf::from("journal.db"), source }
    }
}

#[async_trait]
impl RunLog for Full {
    async fn append(&self, entry: Entry, durability: Durability) -> Result<(), JournalError> {
        let less = |left: usize| left.checked_sub(1);
        if self.log.entries().len() >= self.from
            && self.refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok()
        {
            return Err(Self::error());
        }
        RunLog::append(&*self.log, entry, durability).await
    }

    async fn entries(&self) -> Result<Vec<Entry>, JournalError> {
        RunLog::entries(&*self.log).await
    }
}

#[derive(Default)]
struct Told(Mutex<Vec<bool>>);

impl Observer for Told {
    fn suspended(&self, is_suspended: bool) {
        self.0.lock().push(is_suspended);
    }
}

fn clock_of(harness: &RecorderHarness) -> Arc<dyn Clock> {
    Arc::new(harness.clock.clone())
}

/// A run on a disk that is full from an entry on, for so many tries.
fn on_a_full_disk(fake: Fake, from: usize, refusals: usize) -> (RecorderHarness, Arc<Told>) {
    let told = Arc::new(Told::default());
    let harness = RecorderHarness::with(fake, Limits::default(), Some(told.clone()));
    let log = Arc::new(Full { log: harness.log.clone(), from, refusals: AtomicUsize::new(refusals) });
    (harness.recording(log), told)
}

#[test]
fn while_the_disk_is_full_nothing_is_done_and_then_it_goes_on() {
    let (harness, told) = on_a_full_disk(Fake::default(), 0, 100);
    harness.drive(async {
        let before = async { harness.recorder.answer(change(merge("plex"), None)).await };
        let looked = async {
            clock_of(&harness).sleep(Duration::from_secs(90)).await;
            assert!(harness.fake.asked().is_empty() && harness.record().is_empty());
        };
        futures::future::join(before, looked).await.0.unwrap().unwrap();
    });
    // What was looked at before is looked at again.
    assert_eq!(harness.record(), ["1 intent patch", "1 intent patch", "1 reply ok"]);
    assert_eq!(harness.fake.asked(), ["perform patch plex"]);
    assert_eq!(*told.0.lock(), [true, false]);
}

#[test]
fn what_is_not_allowed_any_more_when_there_is_room_again_is_not_done() {
    let fake = Fake::default().prepares([Ok(()), failure(Reason::DENIED)]);
    let (harness, _) = on_a_full_disk(fake, 0, 3);
    let error = harness.drive(harness.recorder.answer(change(merge("plex"), None))).unwrap().unwrap_err();
    assert_eq!(error.reason, Reason::DENIED);
    assert_eq!(harness.record(), ["1 intent patch", "1 reply Denied"]);
    assert!(harness.fake.asked().is_empty());
}

#[test]
fn a_change_that_was_done_waits_for_its_reply_to_be_written_and_is_not_done_again() {
    let (harness, told) = on_a_full_disk(Fake::default(), 1, 50);
    harness.drive(harness.recorder.answer(change(merge("plex"), None))).unwrap().unwrap();
    assert_eq!(harness.record(), ["1 intent patch", "1 reply ok"]);
    assert_eq!(harness.fake.asked(), ["perform patch plex"]);
    assert_eq!((harness.passed(), told.0.lock().len()), (50, 2));
}

#[test]
fn a_suspended_run_is_left_to_the_next_host_when_its_own_stops() {
    let (harness, told) = on_a_full_disk(Fake::default(), 0, usize::MAX);
    let stop = async |cancel: &Cancel| {
        clock_of(&harness).sleep(Duration::from_secs(30)).await;
        cancel.halt(Halt::Shutdown);
    };
    let halt = harness.drive(async {
        let answer = harness.recorder.answer(change(merge("plex"), None));
        futures::future::join(answer, stop(&harness.cancel)).await.0.unwrap_err()
    });
    assert_eq!(halt, Halt::Shutdown);
    assert!(harness.fake.asked().is_empty() && harness.record().is_empty());
    assert_eq!(*told.0.lock(), [true, false]);
}

#[test]
fn an_undo_at_the_end_waits_for_room_too() {
    let (harness, _) = on_a_full_disk(Fake::default(), 2, 20);
    let undo = Some(merge("undo"));
    let doubts = harness.drive(async {
        harness.recorder.answer(change(merge("plex"), undo)).await.unwrap().unwrap();
        harness.recorder.finish(&suture_core::Ending::Failed("no".to_owned())).await
    });
    assert_eq!(doubts, Ok(Vec::new()));
    assert_eq!(harness.record().last().unwrap(), "2 reply ok");
    assert_eq!(harness.fake.asked(), ["perform patch plex", "perform patch undo"]);
}
