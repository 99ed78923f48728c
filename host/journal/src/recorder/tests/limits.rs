use serde_json::json;
use suture_core::effect::Level;
use suture_core::{Bytes, Effect, Ending, Halt, Host, Limit, Limits};

use super::fake::{Fake, RecorderHarness, change, create, merge, target};
use crate::entry::Body;

#[test]
fn the_call_after_the_last_that_is_allowed_ends_the_run() {
    let limits = Limits { effects: 2, ..Limits::default() };
    let harness = RecorderHarness::with(Fake::default(), limits.clone(), None);
    harness.drive(async {
        harness.recorder.answer(Effect::Now).await.unwrap().unwrap();
        harness.recorder.answer(Effect::Now).await.unwrap().unwrap();
        let halt = harness.recorder.answer(Effect::Now).await.unwrap_err();
        assert_eq!(halt, Halt::Limit(limits.exceeded(Limit::Effects)));
    });
    assert_eq!(harness.record().len(), 2);
}

#[test]
fn a_call_that_is_too_large_ends_the_run_before_it_is_asked() {
    let limits = Limits { call_bytes: Bytes(1000), ..Limits::default() };
    let harness = RecorderHarness::with(Fake::default(), limits.clone(), None);
    let flood = Effect::Log { level: Level::Info, message: "x".repeat(2000) };
    let halt = harness.drive(harness.recorder.answer(flood)).unwrap_err();
    assert_eq!(halt, Halt::Limit(limits.exceeded(Limit::CallBytes)));
    assert!(harness.record().is_empty());
}

#[test]
fn a_reply_that_is_too_large_ends_the_run_and_the_record_says_so() {
    let limits = Limits { call_bytes: Bytes(120), ..Limits::default() };
    let harness = RecorderHarness::with(Fake::default(), limits.clone(), None);
    let halt = harness.drive(harness.recorder.answer(Effect::Get { target: target("plex") })).unwrap_err();
    assert_eq!(halt, Halt::Limit(limits.exceeded(Limit::CallBytes)));
    assert_eq!(harness.record(), ["1 get RequestEntityTooLarge"]);
}

#[test]
fn a_run_that_passes_many_small_calls_is_ended_by_their_sum() {
    let limits = Limits { run_bytes: Bytes(2000), ..Limits::default() };
    let harness = RecorderHarness::with(Fake::default(), limits.clone(), None);
    let halt = harness.drive(async {
        loop {
            let line = Effect::Log { level: Level::Info, message: "x".repeat(200) };
            if let Err(halt) = harness.recorder.answer(line).await {
                return halt;
            }
        }
    });
    assert_eq!(halt, Halt::Limit(limits.exceeded(Limit::RunBytes)));
    assert!((5..10).contains(&harness.record().len()));
}

#[test]
fn the_object_as_it_was_and_the_undo_count_too() {
    let harness = RecorderHarness::new(Fake::default());
    harness.drive(harness.recorder.answer(change(merge("a"), Some(merge("a"))))).unwrap().unwrap();
    let bytes: u64 = harness.log.entries().iter().map(crate::recorder::size::of).sum();
    assert_eq!(harness.recorder.state.lock().bytes, bytes);
    // So much is on record of one; a second one would be too much.
    let limits = Limits { run_bytes: Bytes(bytes + 100), ..Limits::default() };
    let harness = RecorderHarness::with(Fake::default(), limits.clone(), None);
    harness.drive(harness.recorder.answer(change(merge("a"), Some(merge("a"))))).unwrap().unwrap();
    let halt = harness.drive(harness.recorder.answer(change(merge("a"), Some(merge("a"))))).unwrap_err();
    assert_eq!(halt, Halt::Limit(limits.exceeded(Limit::RunBytes)));
    assert_eq!(harness.log.entries().len(), 2, "nothing of it was begun");
    // What must be taken back is.
    let before = harness.log.entries().len();
    harness.drive(harness.recorder.finish(&Ending::from(limits.exceeded(Limit::RunBytes)))).unwrap();
    assert!(harness.log.entries().len() > before + 1, "{:?}", harness.record());
}

#[test]
fn an_undo_that_would_make_an_object_counts_as_one_that_is_made() {
    let limits = Limits { creates: 3, ..Limits::default() };
    let exceeded = Halt::Limit(limits.exceeded(Limit::Creates));
    let harness = RecorderHarness::with(Fake::default(), limits.clone(), None);
    harness.drive(async {
        let host = &harness.recorder;
        host.answer(change(merge("a"), Some(create(json!({"name": "a"}))))).await.unwrap().unwrap();
        host.answer(change(create(json!({"name": "b"})), Some(create(json!({"name": "c"})))))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            host.answer(change(merge("d"), Some(create(json!({"name": "d"}))))).await.unwrap_err(),
            exceeded
        );
        host.answer(change(merge("e"), Some(merge("e")))).await.unwrap().unwrap();
    });
    // One more than there is room for, and nothing of it is begun.
    let harness = RecorderHarness::with(Fake::default(), Limits { creates: 1, ..limits }, None);
    let halt = harness
        .drive(
            harness.recorder.answer(change(create(json!({"name": "b"})), Some(create(json!({"name": "c"}))))),
        )
        .unwrap_err();
    assert!(matches!(halt, Halt::Limit(_)) && harness.record().is_empty(), "{halt:?}");
}

#[test]
fn a_long_line_is_cut_in_the_record() {
    let harness = RecorderHarness::new(Fake::default());
    harness.drive(harness.recorder.answer(Effect::Step { title: "ö".repeat(9000) })).unwrap().unwrap();
    let Body::Call { effect: Effect::Step { title }, .. } = &harness.log.entries()[0].body else { panic!() };
    assert!(title.len() <= 4096);
}
