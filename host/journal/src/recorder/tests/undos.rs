use serde_json::json;
use suture_core::{Effect, Host, Reason, Reply};

use super::fake::{Fake, RecorderHarness, change, create, delete, failure, made, merge};
use crate::entry::Body;

#[test]
fn an_undo_without_a_name_means_the_object_that_was_made_and_no_other() {
    let harness = RecorderHarness::new(Fake::default());
    let effect = change(create(json!({"generateName": "unlock-", "namespace": "media"})), Some(delete("")));
    harness.drive(harness.recorder.answer(effect)).unwrap().unwrap();
    let entries = harness.log.entries();
    let Body::Intent { prepared, .. } = &entries[0].body else { panic!() };
    let Effect::Mutate { undo: Some(undo), .. } = &prepared.effect else { panic!() };
    assert_eq!(undo.reference().name, "unlock-final");
    // The uid is known once the object is there.
    let (step, mut undo) = super::unsettled(&entries).pop().unwrap();
    assert_eq!(step, 1);
    assert_eq!(undo.target_mut().unwrap().uid.as_deref(), Some("uid-of-unlock-final"));
}

#[test]
fn an_undo_of_the_changed_object_is_pinned_before_the_change() {
    let harness = RecorderHarness::new(Fake::default());
    harness.drive(harness.recorder.answer(change(merge("plex"), Some(merge("plex"))))).unwrap().unwrap();
    let Body::Intent { prepared, .. } = &harness.log.entries()[0].body else { panic!() };
    let Effect::Mutate { undo: Some(undo), .. } = &prepared.effect else { panic!() };
    assert_eq!(undo.clone().target_mut().unwrap().uid.as_deref(), Some("uid-of-plex"));
}

#[test]
fn an_undo_of_another_object_is_left_as_it_is() {
    let harness = RecorderHarness::new(Fake::default());
    harness.drive(harness.recorder.answer(change(merge("plex"), Some(delete("other"))))).unwrap().unwrap();
    let (_, mut undo) = super::unsettled(&harness.log.entries()).pop().unwrap();
    assert_eq!(undo.target_mut().unwrap().uid, None);
}

#[test]
fn a_change_that_is_kept_is_not_undone_and_is_kept_once() {
    let harness = RecorderHarness::new(Fake::default());
    harness.drive(async {
        let host = &harness.recorder;
        host.answer(change(merge("plex"), Some(merge("plex")))).await.unwrap().unwrap();
        let keep = || Effect::Settle { step: 1, run_undo: false };
        assert_eq!(host.answer(keep()).await.unwrap(), Ok(Reply::Settled));
        let again = host.answer(keep()).await.unwrap().unwrap_err();
        assert_eq!(again.reason, Reason::INVALID);
        assert!(again.message.contains("step 1"), "{again}");
    });
    assert_eq!(harness.record(), ["1 intent patch", "1 reply ok", "2 kept 1", "3 settle Invalid"]);
}

#[test]
fn an_undo_that_the_policy_runs_is_the_step_in_which_it_asks() {
    let harness = RecorderHarness::new(Fake::default());
    harness.drive(async {
        let host = &harness.recorder;
        host.answer(change(merge("plex"), Some(delete("other")))).await.unwrap().unwrap();
        let settled = host.answer(Effect::Settle { step: 1, run_undo: true }).await.unwrap();
        assert_eq!(settled, Ok(Reply::Settled));
        host.answer(Effect::Now).await.unwrap().unwrap();
    });
    let expected = ["1 intent patch", "1 reply ok", "2 intent delete undo of 1", "2 reply ok", "3 now ok"];
    assert_eq!(harness.record(), expected);
    assert!(super::unsettled(&harness.log.entries()).is_empty());
}

#[test]
fn an_undo_that_fails_for_the_policy_stays_open() {
    let fake = Fake::default().performs([Ok(made("plex")), failure(Reason::FORBIDDEN)]);
    let harness = RecorderHarness::new(fake);
    harness.drive(async {
        let host = &harness.recorder;
        host.answer(change(merge("plex"), Some(delete("other")))).await.unwrap().unwrap();
        let error = host.answer(Effect::Settle { step: 1, run_undo: true }).await.unwrap().unwrap_err();
        assert_eq!(error.reason, Reason::FORBIDDEN);
    });
    assert_eq!(super::unsettled(&harness.log.entries()).len(), 1);
}
