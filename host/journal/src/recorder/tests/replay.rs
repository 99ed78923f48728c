use serde_json::json;
use suture_core::effect::{Level, Waited};
use suture_core::{Effect, Ending, Error, Halt, Host, Outcome, Reason, Reply, Resolution};

use super::super::Recorder;
use super::fake::{Fake, RecorderHarness, change, create, delete, failure, made, merge, target};
use super::wait;
use crate::entry::{Body, Entry};

/// What a policy that does something of everything asks for, in order.
fn calls() -> Vec<Effect> {
    vec![
        Effect::Step { title: "looking".into() },
        Effect::Get { target: target("plex") },
        Effect::Exclusive { name: "repository".into(), timeout_ms: 1000 },
        change(create(json!({"generateName": "job-", "namespace": "media"})), Some(delete(""))),
        change(merge("plex"), Some(merge("plex"))),
        wait(),
        Effect::Settle { step: 5, run_undo: true },
        Effect::Settle { step: 4, run_undo: false },
        Effect::Now,
    ]
}

type Answers = Vec<Result<Reply, Error>>;

/// Ask for the first so many calls of it.
async fn first(recorder: &Recorder, count: usize) -> Result<Answers, Halt> {
    recorder.awake().await?;
    let mut answers = Vec::new();
    for call in calls().into_iter().take(count) {
        answers.push(recorder.answer(call).await?);
    }
    Ok(answers)
}

async fn live(recorder: &Recorder) -> Result<Answers, Halt> {
    let answers = first(recorder, usize::MAX).await?;
    let ending = Ending::Concluded(Outcome::Remediated { summary: "done".into() });
    recorder.finish(&ending).await.unwrap();
    Ok(answers)
}

fn whole_life() -> (Vec<Entry>, Answers, Vec<String>) {
    let harness = RecorderHarness::new(Fake::default());
    let answers = harness.drive(live(&harness.recorder)).unwrap();
    (harness.log.entries(), answers, harness.fake.asked())
}

#[test]
fn a_run_that_is_replayed_from_end_to_end_asks_the_cluster_nothing_and_writes_nothing() {
    let (life, answers, _) = whole_life();
    let policys_own = life.iter().position(|entry| matches!(entry.body, Body::Ended { .. })).unwrap();
    let next = RecorderHarness::resumed(&life[..policys_own], Fake::default());
    assert_eq!(next.drive(first(&next.recorder, usize::MAX)).unwrap(), answers);
    assert!(next.fake.asked().is_empty() && next.record().is_empty());
}

/// The changes that a record says were made, each with its step.
fn made_by(entries: &[Entry]) -> Vec<(u32, Option<u32>)> {
    let mut made = Vec::new();
    for entry in entries {
        if let Body::Intent { prepared, undo_of, .. } = &entry.body
            && prepared.effect.is_mutation()
        {
            made.push((entry.step, *undo_of));
        }
    }
    made
}

#[test]
fn wherever_the_process_dies_the_run_ends_as_if_it_had_not() {
    let (life, answers, asked) = whole_life();
    let policys_own = life.iter().position(|entry| matches!(entry.body, Body::Ended { .. })).unwrap();
    for length in 0..=policys_own {
        let (lived, lost) = life.split_at(length);
        // What was begun and has no reply took place before the death.
        let in_doubt = matches!(&lived.last().map(|entry| &entry.body),
            Some(Body::Intent { prepared, .. }) if prepared.effect.is_mutation());
        let name = if length == 5 { "job-final" } else { "plex" };
        let resolutions = in_doubt.then(|| Ok(Resolution::Done(made(name))));
        let next = RecorderHarness::resumed(lived, Fake::default().resolves(resolutions));
        let replayed = next.drive(live(&next.recorder)).unwrap();
        assert_eq!(replayed, answers, "died after {length}");
        let performed = next.fake.asked().iter().filter(|asked| asked.starts_with("perform")).count();
        assert_eq!(performed, made_by(lost).len(), "died after {length}: {:?}", next.fake.asked());
        let whole = next.log.entries();
        assert_eq!(made_by(&whole), made_by(&life), "died after {length}");
        assert!(super::unsettled(&whole).is_empty(), "died after {length}");
    }
    assert_eq!(asked.len(), 3);
}

#[test]
fn a_change_that_was_not_done_is_prepared_anew_under_todays_grants() {
    let (life, ..) = whole_life();
    let begun = life.iter().position(|entry| entry.step == 5).unwrap() + 1;
    let fake = Fake::default().resolves([Ok(Resolution::NotDone)]).prepares([failure(Reason::DENIED)]);
    let next = RecorderHarness::resumed(&life[..begun], fake);
    let answers = next.drive(first(&next.recorder, 5)).unwrap();
    assert_eq!(answers[4].as_ref().unwrap_err().reason, Reason::DENIED);
    assert_eq!(next.fake.asked(), ["resolve patch plex"]);
    // It was not made, so nothing of it is open; and the next life answers the same.
    assert_eq!(next.record(), ["5 reply Denied"]);
    assert_eq!(super::unsettled(&next.log.entries()).len(), 1);
    let third = RecorderHarness::resumed(&next.log.entries(), Fake::default());
    assert_eq!(third.drive(first(&third.recorder, 5)).unwrap(), answers);
    assert!(third.fake.asked().is_empty());
}

#[test]
fn a_request_of_the_dead_process_that_arrives_late_is_not_made_twice() {
    let (life, answers, _) = whole_life();
    let begun = life.iter().position(|entry| entry.step == 5).unwrap() + 1;
    let late = [Ok(Resolution::NotDone), Ok(Resolution::Done(made("plex")))];
    let fake = Fake::default().resolves(late).performs([failure(Reason::CONFLICT)]);
    let next = RecorderHarness::resumed(&life[..begun], fake);
    assert_eq!(next.drive(first(&next.recorder, 5)).unwrap(), answers[..5]);
    let asked = next.fake.asked();
    assert_eq!(asked, ["resolve patch plex", "perform patch plex", "resolve patch plex"]);
    assert_eq!(next.record(), ["5 intent patch", "5 reply ok"]);
}

#[test]
fn a_change_in_doubt_is_an_error_that_the_policy_sees() {
    let (life, ..) = whole_life();
    let begun = life.iter().position(|entry| entry.step == 5).unwrap() + 1;
    let unknown = Resolution::Unknown("changed since".into());
    let next = RecorderHarness::resumed(&life[..begun], Fake::default().resolves([Ok(unknown)]));
    let answers = next.drive(first(&next.recorder, 5)).unwrap();
    assert_eq!(answers.last().unwrap().clone().unwrap_err().reason, Reason::UNKNOWN);
    let doubts = next.drive(next.recorder.finish(&Ending::Failed("in doubt".into()))).unwrap();
    assert!(doubts[0].contains("step 5"), "{doubts:?}");
}

#[test]
fn a_wait_is_taken_up_as_it_was_prepared() {
    let (life, ..) = whole_life();
    let begun = life.iter().position(|entry| entry.step == 6).unwrap() + 1;
    let next = RecorderHarness::resumed(&life[..begun], Fake::default());
    let answers = next.drive(first(&next.recorder, 6)).unwrap();
    assert_eq!(answers.last().unwrap().clone().unwrap(), Reply::Waited(Waited::Timeout));
    // No second intent: the deadline is that of the first.
    assert_eq!(next.record(), ["6 reply ok"]);
}

#[test]
fn a_policy_that_asks_for_something_else_is_stopped_and_what_it_did_is_undone() {
    let (life, ..) = whole_life();
    let begun = life.iter().position(|entry| entry.step == 6).unwrap();
    let next = RecorderHarness::resumed(&life[..begun], Fake::default());
    let halted = next.drive(async {
        next.recorder.awake().await.unwrap();
        next.recorder.answer(Effect::Step { title: "looking".into() }).await.unwrap().unwrap();
        next.recorder.answer(Effect::Get { target: target("other") }).await
    });
    let Err(Halt::Nondeterminism { step, recorded, asked }) = halted else { panic!("{halted:?}") };
    assert_eq!(step, 2);
    assert!(recorded.contains("plex") && asked.contains("other"), "{recorded} {asked}");
    assert!(next.fake.asked().is_empty());
    let ending = Ending::Halted(Halt::Nondeterminism { step, recorded, asked });
    assert!(next.drive(next.recorder.finish(&ending)).unwrap().is_empty());
    assert_eq!(next.fake.asked(), ["perform patch plex", "perform delete job-final"]);
}

#[test]
fn what_a_policy_logs_is_not_compared() {
    let (life, ..) = whole_life();
    let next = RecorderHarness::resumed(&life[..2], Fake::default());
    next.drive(next.recorder.awake()).unwrap();
    let other = Effect::Step { title: "having a look".into() };
    assert_eq!(next.drive(next.recorder.answer(other)), Ok(Ok(Reply::Noted)));
    let line = Effect::Log { level: Level::Info, message: String::new() };
    let halted = next.drive(next.recorder.answer(line));
    assert!(matches!(halted, Err(Halt::Nondeterminism { step: 2, .. })), "{halted:?}");
}

#[test]
fn a_reply_that_was_too_large_is_too_large_again() {
    let limits = suture_core::Limits { call_bytes: suture_core::Bytes(120), ..Default::default() };
    let harness = RecorderHarness::with(Fake::default(), limits.clone(), None);
    let get = || Effect::Get { target: target("plex") };
    let halted = harness.drive(harness.recorder.answer(get())).unwrap_err();
    let again = RecorderHarness::with(Fake::default(), limits, None);
    let recorder = std::sync::Arc::into_inner(again.recorder).unwrap();
    let recorder = Recorder { log: harness.log.clone(), ..recorder }.resuming(&harness.log.entries());
    pollster::block_on(recorder.awake()).unwrap();
    assert_eq!(pollster::block_on(recorder.answer(get())), Err(halted));
}

#[test]
fn a_long_wait_lets_the_instance_go_and_the_next_one_gets_its_end() {
    let harness = RecorderHarness::new(Fake::default().hanging());
    let sleep = || Effect::Sleep { duration_ms: 3_600_000 };
    let get = || Effect::Get { target: target("plex") };
    harness.drive(harness.recorder.answer(get())).unwrap().unwrap();
    assert_eq!(harness.drive(harness.recorder.answer(sleep())), Err(Halt::Suspended));
    assert_eq!(harness.passed(), 5);
    assert_eq!(harness.record(), ["1 get ok", "2 intent sleep"]);
    // It is over by itself; a process that dies meanwhile changes nothing.
    let next = RecorderHarness::resumed(&harness.log.entries(), Fake::default());
    next.drive(next.recorder.awake()).unwrap();
    assert_eq!(next.record(), ["2 reply ok"]);
    next.drive(next.recorder.answer(get())).unwrap().unwrap();
    assert_eq!(next.drive(next.recorder.answer(sleep())), Ok(Ok(Reply::Slept)));
    assert_eq!(next.record(), ["2 reply ok"], "all of it was answered from the record");
}

#[test]
fn a_run_that_is_cancelled_while_it_has_no_instance_ends() {
    let harness = RecorderHarness::new(Fake::default().hanging());
    let halted = harness.drive(async {
        harness.recorder.answer(Effect::Sleep { duration_ms: 3_600_000 }).await.unwrap_err();
        let cancel = async { harness.cancel.halt(Halt::Cancelled("by hand".into())) };
        futures::future::join(harness.recorder.awake(), cancel).await.0
    });
    assert_eq!(halted, Err(Halt::Cancelled("by hand".into())));
}
