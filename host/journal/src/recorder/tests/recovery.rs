use serde_json::json;
use suture_core::{Effect, Ending, Halt, Host, Outcome, Reason, Resolution};

use super::fake::{Fake, RecorderHarness, change, create, delete, failure, made, merge};
use super::wait;

const DIED: Ending = Ending::Halted(Halt::Shutdown);

/// A run that makes an object, changes another, and dies `after` so many entries.
fn died(after: usize) -> Vec<crate::Entry> {
    let harness = RecorderHarness::new(Fake::default());
    harness.drive(async {
        let host = &harness.recorder;
        let made = create(json!({"generateName": "job-", "namespace": "media"}));
        host.answer(change(made, Some(delete("")))).await.unwrap().unwrap();
        host.answer(change(merge("plex"), Some(merge("plex")))).await.unwrap().unwrap();
    });
    let mut entries = harness.log.entries();
    entries.truncate(after);
    entries
}

#[test]
fn a_change_that_took_place_before_the_death_is_recorded_and_undone() {
    let harness =
        RecorderHarness::reborn(&died(3), Fake::default().resolves([Ok(Resolution::Done(made("plex")))]));
    assert!(harness.drive(harness.recorder.finish(&DIED)).unwrap().is_empty());
    let expected = [
        "2 reply ok",
        "2 ended interrupted",
        "3 intent patch undo of 2",
        "3 reply ok",
        "4 intent delete undo of 1",
        "4 reply ok",
    ];
    assert_eq!(harness.record(), expected);
    assert_eq!(harness.fake.asked()[0], "resolve patch plex");
}

#[test]
fn a_change_that_did_not_take_place_is_neither_made_nor_undone() {
    let harness = RecorderHarness::reborn(&died(3), Fake::default().resolves([Ok(Resolution::NotDone)]));
    assert!(harness.drive(harness.recorder.finish(&DIED)).unwrap().is_empty());
    assert_eq!(harness.record()[..2], ["2 reply Unavailable", "2 ended interrupted"]);
    assert_eq!(harness.fake.asked(), ["resolve patch plex", "perform delete job-final"]);
}

#[test]
fn a_change_that_is_in_doubt_is_told_and_its_undo_runs() {
    let unknown = Resolution::Unknown("somebody changed it since".into());
    let harness = RecorderHarness::reborn(&died(3), Fake::default().resolves([Ok(unknown)]));
    let doubts = harness.drive(harness.recorder.finish(&DIED)).unwrap();
    assert_eq!(doubts.len(), 1);
    assert!(doubts[0].contains("step 2 (patch v1 ConfigMap media/plex)"), "{doubts:?}");
    assert_eq!(
        harness.fake.asked(),
        ["resolve patch plex", "perform patch plex", "perform delete job-final"]
    );
}

#[test]
fn an_object_whose_reply_was_recorded_is_undone_by_its_uid() {
    let harness = RecorderHarness::reborn(&died(2), Fake::default());
    assert!(harness.drive(harness.recorder.finish(&DIED)).unwrap().is_empty());
    let entries = harness.log.entries();
    let crate::Body::Intent { prepared, .. } = &entries[1].body else { panic!("{entries:?}") };
    let Effect::Mutate { mutation, .. } = &prepared.effect else { panic!() };
    assert_eq!(mutation.clone().target_mut().unwrap().uid.as_deref(), Some("uid-of-job-final"));
}

#[test]
fn wherever_the_process_dies_each_change_is_undone_once() {
    // A whole life: two changes, the end, two undos.
    let harness = RecorderHarness::new(Fake::default());
    harness.drive(async {
        let host = &harness.recorder;
        let made = create(json!({"name": "job", "namespace": "media"}));
        host.answer(change(made, Some(delete("")))).await.unwrap().unwrap();
        host.answer(Effect::Now).await.unwrap().unwrap();
        host.answer(change(merge("plex"), Some(merge("plex")))).await.unwrap().unwrap();
        let ending = Ending::Concluded(Outcome::Remediated { summary: "done".into() });
        host.finish(&ending).await.unwrap();
    });
    let life = harness.log.entries();
    for length in 0..=life.len() {
        let lived = &life[..length];
        let fake = Fake::default().resolves([Ok(Resolution::Done(made("plex")))]);
        let next = RecorderHarness::reborn(lived, fake);
        assert!(next.drive(next.recorder.finish(&DIED)).unwrap().is_empty());
        let whole = [lived, &next.log.entries()].concat();
        assert!(super::unsettled(&whole).is_empty(), "died after {length}");
        let count = |is_counted: fn(&crate::Body) -> bool| {
            whole.iter().filter(|entry| is_counted(&entry.body)).count()
        };
        let changes = count(
            |body| matches!(body, crate::Body::Intent { prepared, undo_of: None, .. } if prepared.effect.is_mutation()),
        );
        let undos = count(|body| matches!(body, crate::Body::Intent { undo_of: Some(_), .. }));
        assert_eq!(undos, changes, "died after {length}: {:?}", next.record());
        assert_eq!(count(|body| matches!(body, crate::Body::Ended { .. })), 1, "died after {length}");
    }
}

#[test]
fn a_wait_that_was_cut_off_is_not_looked_up() {
    let harness = RecorderHarness::new(Fake::default().hanging());
    harness.drive(async {
        let cancel = async { harness.cancel.halt(Halt::Shutdown) };
        futures::future::join(harness.recorder.answer(wait()), cancel).await.0.unwrap_err();
    });
    let next = RecorderHarness::reborn(&harness.log.entries(), Fake::default());
    assert!(next.drive(next.recorder.finish(&DIED)).unwrap().is_empty());
    assert_eq!(next.record(), ["1 ended interrupted"]);
}

#[test]
fn what_was_unknown_before_the_death_is_still_told_after_it() {
    let unknown = Resolution::Unknown("no trace".into());
    let fake = Fake::default().performs([failure(Reason::TIMEOUT)]).resolves([Ok(unknown)]);
    let harness = RecorderHarness::new(fake);
    harness.drive(harness.recorder.answer(change(merge("plex"), None))).unwrap().unwrap_err();
    let next = RecorderHarness::reborn(&harness.log.entries(), Fake::default());
    let doubts = next.drive(next.recorder.finish(&DIED)).unwrap();
    assert_eq!(doubts.len(), 1);
    assert!(doubts[0].contains("no trace"), "{doubts:?}");
}

#[test]
fn what_observe_mode_planned_before_the_death_is_forgotten() {
    let harness = RecorderHarness::new(Fake::default().observing());
    harness.drive(harness.recorder.answer(change(merge("plex"), Some(merge("plex"))))).unwrap().unwrap();
    let next = RecorderHarness::reborn(&harness.log.entries(), Fake::default());
    assert!(next.drive(next.recorder.finish(&DIED)).unwrap().is_empty());
    assert_eq!(next.record(), ["1 ended interrupted", "1 kept 1"]);
    assert!(next.fake.asked().is_empty());
}

#[test]
fn what_this_host_may_not_undo_any_more_is_left_to_the_next() {
    let fake = Fake::default().performs([Ok(made("plex")), Err(Halt::Shutdown.into())]);
    let harness = RecorderHarness::new(fake);
    let ending = Ending::Concluded(Outcome::Remediated { summary: "done".into() });
    harness.drive(async {
        harness.recorder.answer(change(merge("plex"), Some(merge("plex")))).await.unwrap().unwrap();
        assert_eq!(harness.recorder.finish(&ending).await, Err(Halt::Shutdown));
    });
    assert_eq!(harness.record().last().unwrap(), "2 intent patch undo of 1");
    let next =
        RecorderHarness::reborn(&harness.log.entries(), Fake::default().resolves([Ok(Resolution::NotDone)]));
    assert!(next.drive(next.recorder.finish(&DIED)).unwrap().is_empty());
    assert_eq!(next.fake.asked(), ["resolve patch plex", "perform patch plex"]);
    let whole = [harness.log.entries(), next.log.entries()].concat();
    assert!(super::unsettled(&whole).is_empty());
    assert_eq!(crate::Ledger::of(&whole).ending(), Some(&ending));
}
