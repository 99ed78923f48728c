mod ending;
pub(crate) mod fake;
mod limits;
mod recovery;
mod replay;
mod suspended;
mod undos;

use std::sync::Arc;

use parking_lot::Mutex;
use suture_core::effect::Predicate;
use suture_core::{Effect, Halt, Host, Limits, Prepared, Reason, Reply};

use super::Observer;
use crate::entry::{Body, Entry};
use fake::{Fake, RecorderHarness, change, failure, made, merge, target};

fn wait() -> Effect {
    Effect::Wait { target: target("plex"), until: Predicate::Deleted, timeout_ms: 1000 }
}

#[test]
fn a_read_is_recorded_once_and_a_change_before_and_after() {
    let harness = RecorderHarness::new(Fake::default());
    harness.drive(async {
        let host = &harness.recorder;
        host.answer(Effect::Get { target: target("plex") }).await.unwrap().unwrap();
        host.answer(change(merge("plex"), None)).await.unwrap().unwrap();
        host.answer(wait()).await.unwrap().unwrap();
    });
    let expected = ["1 get ok", "2 intent patch", "2 reply ok", "3 intent wait", "3 reply ok"];
    assert_eq!(harness.record(), expected);
}

#[test]
fn what_is_refused_is_recorded_and_not_performed() {
    let harness = RecorderHarness::new(Fake::default().prepares([failure(Reason::DENIED)]));
    let error = harness.drive(harness.recorder.answer(change(merge("plex"), None))).unwrap().unwrap_err();
    assert_eq!(error.reason, Reason::DENIED);
    assert_eq!(harness.record(), ["1 patch Denied"]);
    assert!(harness.fake.asked().is_empty());
}

#[test]
fn a_conflict_is_prepared_anew_with_an_intent_of_its_own() {
    let conflicts = [failure(Reason::CONFLICT), failure(Reason::CONFLICT)];
    let harness = RecorderHarness::new(Fake::default().performs(conflicts));
    harness.drive(harness.recorder.answer(change(merge("plex"), None))).unwrap().unwrap();
    assert_eq!(harness.record(), ["1 intent patch", "1 intent patch", "1 intent patch", "1 reply ok"]);
}

#[test]
fn after_five_more_conflicts_the_policy_gets_it() {
    let harness = RecorderHarness::new(Fake::default().performs((0..9).map(|_| failure(Reason::CONFLICT))));
    let error = harness.drive(harness.recorder.answer(change(merge("plex"), None))).unwrap().unwrap_err();
    assert_eq!(error.reason, Reason::CONFLICT);
    assert_eq!(harness.fake.asked().len(), 6);
    assert_eq!(harness.record().last().unwrap(), "1 reply Conflict");
}

#[test]
fn a_policy_that_insists_on_a_version_gets_the_first_conflict() {
    let harness = RecorderHarness::new(Fake::default().performs([failure(Reason::CONFLICT)]));
    let mut mutation = merge("plex");
    if let suture_core::Mutation::Patch(patch) = &mut mutation {
        patch.resource_version = Some("7".into());
    }
    let error = harness.drive(harness.recorder.answer(change(mutation, None))).unwrap().unwrap_err();
    assert_eq!(error.reason, Reason::CONFLICT);
    assert_eq!(harness.record(), ["1 intent patch", "1 reply Conflict"]);
}

#[test]
fn a_conflict_whose_second_look_is_refused_ends_with_that() {
    let fake =
        Fake::default().prepares([Ok(()), failure(Reason::NOT_FOUND)]).performs([failure(Reason::CONFLICT)]);
    let harness = RecorderHarness::new(fake);
    let error = harness.drive(harness.recorder.answer(change(merge("plex"), None))).unwrap().unwrap_err();
    assert_eq!(error.reason, Reason::NOT_FOUND);
    assert_eq!(harness.record(), ["1 intent patch", "1 reply NotFound"]);
}

#[test]
fn a_change_that_may_have_happened_is_looked_up() {
    use suture_core::Resolution::{Done, NotDone, Unknown};
    let cases = [
        (Done(made("plex")), "1 reply ok"),
        (NotDone, "1 reply Unavailable"),
        (Unknown("two objects bear its mark".into()), "1 reply Unknown"),
    ];
    for (resolution, expected) in cases {
        let fake = Fake::default().performs([failure(Reason::UNAVAILABLE)]).resolves([Ok(resolution)]);
        let harness = RecorderHarness::new(fake);
        harness.drive(harness.recorder.answer(change(merge("plex"), None))).unwrap().ok();
        assert_eq!(harness.record(), ["1 intent patch", expected]);
        assert_eq!(harness.fake.asked(), ["perform patch plex", "resolve patch plex"]);
    }
}

#[test]
fn looking_up_is_tried_again_while_the_cluster_is_away() {
    let fake = Fake::default().performs([failure(Reason::TIMEOUT)]).resolves([
        failure(Reason::UNAVAILABLE),
        failure(Reason::UNAVAILABLE),
        Ok(suture_core::Resolution::Done(made("plex"))),
    ]);
    let harness = RecorderHarness::new(fake);
    harness.drive(harness.recorder.answer(change(merge("plex"), None))).unwrap().unwrap();
    assert_eq!(harness.record(), ["1 intent patch", "1 reply ok"]);
    assert_eq!(harness.passed(), 3);
}

#[test]
fn the_cancelled_run_leaves_its_wait_and_asks_no_more() {
    let harness = RecorderHarness::new(Fake::default().hanging());
    let halt = Halt::Cancelled("by hand".into());
    let halted = harness.drive(async {
        let cancel = async { harness.cancel.halt(halt.clone()) };
        futures::future::join(harness.recorder.answer(wait()), cancel).await.0
    });
    assert_eq!(halted, Err(halt.clone()));
    assert_eq!(harness.drive(harness.recorder.answer(Effect::Now)), Err(halt));
    assert_eq!(harness.record(), ["1 intent wait"]);
}

/// A handler whose mutations take an hour.
struct Slow(Fake, suture_core::VirtualClock);

#[async_trait::async_trait]
impl suture_core::EffectHandler for Slow {
    async fn prepare(
        &self,
        step: &suture_core::Step,
        effect: &Effect,
    ) -> Result<Prepared, suture_core::Fault> {
        self.0.prepare(step, effect).await
    }

    async fn perform(&self, prepared: &Prepared) -> Result<Reply, suture_core::Fault> {
        let clock: &dyn suture_core::Clock = &self.1;
        clock.sleep(std::time::Duration::from_secs(3600)).await;
        self.0.perform(prepared).await
    }

    async fn resolve(&self, prepared: &Prepared) -> Result<suture_core::Resolution, suture_core::Fault> {
        self.0.resolve(prepared).await
    }
}

#[test]
fn a_change_that_has_begun_is_finished_and_recorded_all_the_same() {
    let harness = RecorderHarness::new(Fake::default());
    let slow = Arc::new(Slow(Fake::default(), harness.clock.clone()));
    let recorder = super::Recorder { inner: slow, ..Arc::into_inner(harness.recorder).unwrap() };
    let cancel = harness.cancel.clone();
    let clock: Arc<dyn suture_core::Clock> = Arc::new(harness.clock.clone());
    let work = async {
        let cancel = async {
            clock.sleep(std::time::Duration::from_secs(60)).await;
            cancel.halt(Halt::Shutdown);
        };
        futures::future::join(recorder.answer(change(merge("plex"), None)), cancel).await.0
    };
    let reply = pollster::block_on(harness.clock.drive(work));
    assert!(matches!(reply, suture_core::clock::Driven::Done(Ok(Ok(_)))), "{reply:?}");
    let bodies: Vec<_> = harness.log.entries().into_iter().map(|entry| entry.body).collect();
    assert!(matches!(bodies[..], [Body::Intent { .. }, Body::Reply { .. }]));
}

#[derive(Default)]
struct Watch(Mutex<Vec<String>>);

impl Observer for Watch {
    fn entry(&self, entry: &Entry) {
        self.0.lock().push(format!("entry {}", entry.step));
    }

    fn waiting(&self, on: Option<&Prepared>) {
        self.0.lock().push(on.map_or("goes on", |_| "waits").to_owned());
    }
}

#[test]
fn the_observer_sees_each_entry_and_each_wait() {
    let watch = Arc::new(Watch::default());
    let harness = RecorderHarness::with(Fake::default().hanging(), Limits::default(), Some(watch.clone()));
    harness.drive(async {
        harness.recorder.answer(Effect::Now).await.unwrap().unwrap();
        let cancel = async { harness.cancel.halt(Halt::Shutdown) };
        let waiting = harness.recorder.answer(Effect::Sleep { duration_ms: 5 });
        futures::future::join(waiting, cancel).await.0.unwrap_err();
    });
    assert_eq!(*watch.0.lock(), ["entry 1", "entry 2", "waits", "goes on"]);
}

#[test]
fn a_journal_that_cannot_be_written_ends_the_run_before_anything_is_done() {
    struct Full;
    #[async_trait::async_trait]
    impl crate::RunLog for Full {
        async fn append(&self, _: Entry, _: crate::Durability) -> Result<(), crate::JournalError> {
            Err(crate::JournalError::OfRun("the disk is full".into()))
        }

        async fn entries(&self) -> Result<Vec<Entry>, crate::JournalError> {
            Ok(Vec::new())
        }
    }
    let harness = RecorderHarness::new(Fake::default());
    let recorder = super::Recorder { log: Arc::new(Full), ..Arc::into_inner(harness.recorder).unwrap() };
    let halt = pollster::block_on(recorder.answer(change(merge("plex"), None))).unwrap_err();
    assert_eq!(halt, Halt::Journal("the disk is full".into()));
    assert!(harness.fake.asked().is_empty());
}

/// The undos that a record leaves open, oldest first, each with the step whose change it
/// takes back.
fn unsettled(entries: &[Entry]) -> Vec<(u32, suture_core::Mutation)> {
    let ledger = crate::Ledger::of(entries);
    ledger.open().iter().map(|undo| (undo.change, undo.mutation.clone())).collect()
}
