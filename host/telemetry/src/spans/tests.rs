use std::time::Duration;

use suture_core::clock::later;
use suture_core::effect::{Delete, Propagation, Target};
use suture_core::object::Kind;
use suture_core::{
    Effect, Ending, Error, Halt, IncidentId, Mode, Mutation, Prepared, Reason, Reply, RunId, Step,
};
use suture_journal::{Answer, Body, Entry, RunState};

use super::*;

const RUN: &str = "01m84193w5633sgvcz8vm4hwsn";

/// A moment of the run, in seconds.
fn at(seconds: u64) -> Timestamp {
    later("2026-11-22T04:10:00Z".parse().unwrap(), Duration::from_secs(seconds))
}

fn record() -> RunRecord {
    RunRecord {
        id: RunId::new(RUN),
        incident: IncidentId::new("01m84193w5633sgvcz8vm4hwsm"),
        policy: "volsync".into(),
        digest: "sha256:0".into(),
        mode: Mode::Enforce,
        attempt: 2,
        state: RunState::Ended,
        outcome: Some("remediated".into()),
        summary: Some("hunter2".into()),
        started_at: at(0),
        ended_at: Some(at(100)),
    }
}

fn target() -> Target {
    Target {
        kind: Kind::new("batch/v1", "Job"),
        namespace: Some("media".into()),
        name: "unlock".into(),
        uid: None,
        subresource: None,
    }
}

fn get() -> Effect {
    Effect::Get { target: target() }
}

fn call(step: u32, seconds: u64, effect: Effect, answer: Answer) -> Entry {
    Entry { step, at: at(seconds), body: Body::Call { effect, answer, undo_of: None } }
}

fn intent(step: u32, seconds: u64, undo_of: Option<u32>, dry_run: bool) -> Entry {
    let mutation = Mutation::Delete(Delete {
        target: target(),
        propagation: Propagation::Foreground,
        resource_version: None,
    });
    let step_of_run = Step { run: RunId::new(RUN), number: step };
    let prepared = Prepared::new(step_of_run, Effect::Mutate { mutation, undo: None });
    let prepared = Prepared { dry_run, ..prepared };
    Entry { step, at: at(seconds), body: Body::Intent { prepared, asked: None, undo_of, before: None } }
}

fn reply(step: u32, seconds: u64, answer: Answer) -> Entry {
    Entry { step, at: at(seconds), body: Body::Reply { answer } }
}

fn error(reason: Reason) -> Answer {
    Answer::Error(Error::new(reason, "hunter2"))
}

fn spans(resumed: u64, entries: &[Entry]) -> Vec<Span> {
    let mut run = Run::new(&record(), at(resumed));
    let mut spans: Vec<Span> = entries.iter().filter_map(|entry| run.entry(entry)).collect();
    spans.push(run.end());
    spans
}

/// From when to when, in seconds of the run.
fn times(span: &Span) -> (u64, u64) {
    let seconds = |nanos: u64| (nanos - nanos_of(0)) / 1_000_000_000;
    (seconds(span.start_time_unix_nano), seconds(span.end_time_unix_nano))
}

fn nanos_of(seconds: u64) -> u64 {
    nanos(at(seconds))
}

fn has(span: &Span, name: &str) -> bool {
    span.attributes.iter().any(|attribute| attribute.key == name)
}

fn is_error(span: &Span) -> bool {
    span.status.as_ref().is_some_and(|status| status.code == status::StatusCode::Error as i32)
}

#[test]
fn a_call_lasts_from_the_answer_before_it_to_its_own() {
    let spans =
        spans(0, &[call(1, 3, get(), Answer::Ok(Reply::Noted)), call(2, 7, get(), error(Reason::NOT_FOUND))]);
    assert_eq!((times(&spans[0]), times(&spans[1]), times(&spans[2])), ((0, 3), (3, 7), (0, 100)));
    assert!(!is_error(&spans[1]), "that it is not there is an answer");
}

#[test]
fn what_the_host_was_away_is_no_part_of_the_next_call() {
    let entries = [call(1, 3, get(), Answer::Ok(Reply::Noted)), call(2, 62, get(), Answer::Ok(Reply::Noted))];
    assert_eq!(times(&spans(60, &entries)[1]), (60, 62));
}

#[test]
fn a_change_that_conflicts_and_outlives_its_host_is_one_span() {
    let entries =
        [intent(1, 3, None, false), intent(1, 62, None, false), reply(1, 64, Answer::Ok(Reply::Settled))];
    let spans = spans(60, &entries);
    assert_eq!((spans.len(), times(&spans[0])), (2, (0, 64)));
    let written: Vec<u64> = spans[0].events.iter().map(|event| event.time_unix_nano).collect();
    assert_eq!(written, [nanos_of(3), nanos_of(62)]);
}

#[test]
fn an_undo_a_denial_and_a_dry_run_say_so() {
    let entries = [
        call(1, 1, get(), error(Reason::DENIED)),
        intent(2, 2, None, true),
        reply(2, 3, Answer::Ok(Reply::Settled)),
        Entry { step: 2, at: at(4), body: Body::Ended { ending: Ending::Failed("hunter2".into()) } },
        intent(3, 9, Some(2), false),
        reply(3, 10, error(Reason::FORBIDDEN)),
    ];
    let spans = spans(0, &entries);
    assert!(has(&spans[0], "suture.denied") && is_error(&spans[0]));
    assert!(has(&spans[1], "suture.dry_run") && !is_error(&spans[1]));
    assert_eq!((spans[2].name.as_str(), times(&spans[2])), ("undo delete Job", (9, 10)));
    assert!(has(&spans[2], "suture.undo_of") && is_error(&spans[2]));
}

#[test]
fn a_wait_that_was_cut_off_ends_with_its_run() {
    let ended = Body::Ended { ending: Ending::Halted(Halt::Cancelled("hunter2".into())) };
    let spans = spans(0, &[intent(1, 3, None, false), Entry { step: 1, at: at(9), body: ended }]);
    assert_eq!((spans.len(), times(&spans[0])), (2, (0, 9)));
    assert!(is_error(&spans[0]));
}

#[test]
fn spans_have_ids_of_their_own_in_one_trace_and_no_words_of_errors() {
    let entries = [
        call(1, 1, get(), error(Reason::DENIED)),
        call(
            2,
            2,
            Effect::Log { level: suture_core::effect::Level::Info, message: "hunter2".into() },
            Answer::Ok(Reply::Noted),
        ),
        call(3, 3, Effect::Step { title: "Removing the lock".into() }, Answer::Ok(Reply::Noted)),
        intent(4, 4, None, false),
        reply(4, 5, Answer::Ok(Reply::Logs("hunter2".into()))),
    ];
    let spans = spans(0, &entries);
    assert!(!format!("{spans:?}").contains("hunter2"));
    assert_eq!(spans.len(), 3);
    let run = &spans[2];
    assert_eq!(run.events[0].name, "Removing the lock");
    assert_eq!(run.parent_span_id, ids::alert(&record().incident));
    for effect in &spans[..2] {
        assert_eq!((&effect.trace_id, &effect.parent_span_id), (&run.trace_id, &run.span_id));
    }
    let mut ids: Vec<_> = spans.iter().map(|span| span.span_id.clone()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}
