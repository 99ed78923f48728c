use std::sync::Arc;

use async_trait::async_trait;
use serde_json::json;
use suture_core::effect::{Level, Predicate, Waited};
use suture_core::settings::Schema;
use suture_core::{
    Alert, AlertStatus, Effect, Ending, Halt, Host, Incident, IncidentId, Labels, Limits, Manifest, Matchers,
    Mutation, Outcome, Program, Reply, Timestamp,
};

use super::{Playback, Played, Recorded, Verdict, play_back};
use crate::entry::{Answer, Body, Entry};
use crate::record::RunHeader;
use crate::recorder::tests::fake::{Fake, RecorderHarness, change, merge, target};

/// A policy that asks for a list of things.
struct Listed(Vec<Effect>, Manifest, &'static str);

#[async_trait]
impl Program for Listed {
    fn manifest(&self) -> &Manifest {
        &self.1
    }

    fn digest(&self) -> &str {
        self.2
    }

    async fn remediate(&self, _: &Incident, _: &Limits, host: Arc<dyn Host>) -> Ending {
        for effect in &self.0 {
            match host.answer(effect.clone()).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return Ending::Failed(error.to_string()),
                Err(halt) => return Ending::Halted(halt),
            }
        }
        remediated("done")
    }
}

fn remediated(summary: &str) -> Ending {
    Ending::Concluded(Outcome::Remediated { summary: summary.into() })
}

fn asking(calls: Vec<Effect>, digest: &'static str) -> Listed {
    let manifest = Manifest {
        name: "listed".into(),
        contract: suture_core::ContractVersion::NEWEST,
        version: "1".into(),
        description: String::new(),
        matchers: Matchers::default(),
        key: vec![],
        permissions: vec![],
        settings_schema: Schema::new(json!({"type": "object"})).unwrap(),
    };
    Listed(calls, manifest, digest)
}

fn header() -> RunHeader {
    let alert = Alert {
        status: AlertStatus::Firing,
        labels: Labels::new(),
        annotations: Labels::new(),
        starts_at: Timestamp::UNIX_EPOCH,
        ends_at: None,
        generator_url: String::new(),
        fingerprint: String::new(),
    };
    let id = IncidentId::new("i");
    RunHeader {
        format: RunHeader::FORMAT,
        world: RunHeader::WORLD.into(),
        incident: Incident { id, key: Labels::new(), alert: alert.into(), attempt: 1, settings: json!({}) },
        limits: Limits::default(),
        requested: vec![],
        grants: [].into(),
        approved: None,
        cluster: "c".into(),
    }
}

/// The record of a run that asks for things and then ends.
fn record(calls: &[Effect]) -> Vec<Entry> {
    let harness = RecorderHarness::new(Fake::default());
    harness.drive(async {
        for call in calls {
            harness.recorder.answer(call.clone()).await.unwrap().unwrap();
        }
        harness.recorder.finish(&remediated("done")).await.unwrap();
    });
    harness.log.entries()
}

fn played(entries: &[Entry], calls: Vec<Effect>, digest: &'static str) -> Playback {
    let header = header();
    let recorded = Recorded { header: &header, digest: "old", entries };
    pollster::block_on(play_back(recorded, &asking(calls, digest))).unwrap()
}

fn get(name: &str) -> Effect {
    Effect::Get { target: target(name) }
}

fn log(text: &str) -> Effect {
    Effect::Log { level: Level::Info, message: text.into() }
}

fn wait(timeout_ms: u64) -> Effect {
    Effect::Wait { target: target("plex"), until: Predicate::Deleted, timeout_ms }
}

fn calls() -> Vec<Effect> {
    vec![
        log("looking"),
        get("a"),
        get("b"),
        Effect::Now,
        change(merge("plex"), Some(merge("plex"))),
        wait(1000),
        Effect::Settle { step: 5, run_undo: true },
        get("a"),
    ]
}

fn verdicts(playback: &Playback) -> Vec<(Verdict, &'static str)> {
    playback.lines.iter().map(|line| (line.verdict, line.call().unwrap().effect.verb())).collect()
}

#[test]
fn the_same_calls_are_the_same_with_whatever_module() {
    let entries = record(&calls());
    for digest in ["old", "new"] {
        let playback = played(&entries, calls(), digest);
        assert!(playback.is_same(), "{playback:#?}");
        assert_eq!((playback.same(), playback.played.clone()), (6, Played::Ended(remediated("done"))));
        assert_eq!(playback.same_module, digest == "old");
    }
}

#[test]
fn a_difference_of_the_same_module_is_a_determinism_error() {
    let entries = record(&calls());
    let mut other = calls();
    other[2] = get("c");
    let playback = played(&entries, other, "old");
    let Played::Ended(Ending::Halted(Halt::Nondeterminism { step: 3, recorded, asked })) = &playback.played
    else {
        panic!("{playback:?}")
    };
    assert!(recorded.contains("\"b\"") && asked.contains("\"c\""), "{recorded} {asked}");
    assert_eq!(playback.first_difference().unwrap().verdict, Verdict::Different);
    let shorter = played(&entries, calls()[..4].to_vec(), "old");
    assert!(
        matches!(&shorter.played, Played::Ended(Ending::Halted(Halt::Nondeterminism { step: 5, .. }))),
        "{shorter:?}"
    );
}

#[test]
fn what_another_module_logs_or_when_it_asks_the_time_makes_no_difference() {
    let settle = |step| Effect::Settle { step, run_undo: true };
    let changed = || change(merge("plex"), Some(merge("plex")));
    let entries = record(&[log("looking"), get("a"), Effect::Now, changed(), settle(4), log("done")]);
    // Its change has another number, and its `settle` says so.
    let other =
        vec![get("a"), log("aha"), Effect::Now, Effect::Now, changed(), log("so"), settle(5), Effect::Now];
    let playback = played(&entries, other, "new");
    assert!(playback.is_same(), "{:?} {:?}", verdicts(&playback), playback.played);
    assert_eq!(playback.same(), 3);
}

#[test]
fn a_read_that_is_left_out_is_less_and_one_that_comes_later_is_later() {
    let entries = record(&calls());
    let mut without = calls();
    without[1] = log("no more");
    let playback = played(&entries, without, "new");
    assert_eq!(playback.first_difference().unwrap().verdict, Verdict::Less);
    assert_eq!(playback.lines[0].verdict, Verdict::Same);
    assert_eq!(playback.played, Played::Ended(remediated("done")));
    let mut turned = calls();
    turned.swap(1, 2);
    let playback = played(&entries, turned, "new");
    let differences: Vec<_> = playback.lines.iter().filter(|line| line.is_difference()).collect();
    assert_eq!(differences.len(), 1);
    assert_eq!((differences[0].verdict, differences[0].call().unwrap().step), (Verdict::Later, 3));
}

#[test]
fn a_change_that_was_not_made_ends_what_the_record_can_tell() {
    let entries = record(&calls());
    let mut other = calls();
    other[4] = change(merge("jellyfin"), None);
    let playback = played(&entries, other, "new");
    assert_eq!(playback.played, Played::CantTell);
    let last = playback.lines.last().unwrap();
    assert_eq!(last.verdict, Verdict::Different);
    assert_eq!(last.recorded.as_ref().unwrap().step, 5);
    let Effect::Mutate { mutation: Mutation::Patch(patch), .. } = &last.asked.as_ref().unwrap().effect else {
        panic!("{last:?}")
    };
    assert_eq!(patch.target.name, "jellyfin");
    assert!(!playback.is_same());
}

#[test]
fn what_was_seen_after_a_change_answers_nothing_before_it() {
    let entries = record(&[get("a"), change(merge("plex"), None), get("late")]);
    let playback = played(&entries, vec![get("late")], "new");
    assert_eq!(playback.played, Played::CantTell);
}

#[test]
fn a_wait_with_another_timeout_is_a_difference_whose_end_may_be_certain() {
    let entries = record(&[wait(1000)]);
    let shorter = played(&entries, vec![wait(500)], "new");
    assert_eq!(verdicts(&shorter), [(Verdict::Different, "wait")]);
    assert_eq!(shorter.lines[0].answer, Some(Answer::Ok(Reply::Waited(Waited::Timeout))));
    let longer = played(&entries, vec![wait(2000)], "new");
    assert_eq!(longer.played, Played::CantTell);
    let pauses = record(&[Effect::Sleep { duration_ms: 5 }]);
    let playback =
        played(&pauses, vec![Effect::Sleep { duration_ms: 7 }, Effect::Sleep { duration_ms: 9 }], "new");
    assert_eq!(verdicts(&playback), [(Verdict::Different, "sleep"), (Verdict::More, "sleep")]);
    assert_eq!(playback.played, Played::Ended(remediated("done")));
}

#[test]
fn a_record_that_ends_in_the_middle_is_played_as_far_as_it_goes() {
    let entries = record(&calls());
    for length in 0..entries.len() {
        if entries[..length].iter().any(|entry| matches!(entry.body, Body::Ended { .. })) {
            break;
        }
        for digest in ["old", "new"] {
            let playback = played(&entries[..length], calls(), digest);
            assert!(playback.is_same(), "{length} {digest}: {playback:?}");
            let is_whole = matches!(entries[length].body, Body::Ended { .. });
            assert_eq!(playback.played == Played::RecordEnds, !is_whole, "{length} {digest}");
        }
    }
}

#[test]
fn a_run_that_the_host_ended_ends_at_the_same_call() {
    let mut entries = record(&[get("a")]);
    let halt = Halt::Cancelled("by hand".into());
    for entry in &mut entries {
        if let Body::Ended { ending } = &mut entry.body {
            *ending = Ending::Halted(halt.clone());
        }
    }
    for digest in ["old", "new"] {
        let playback = played(&entries, vec![get("a"), get("b")], digest);
        assert_eq!(playback.played, Played::Ended(Ending::Halted(halt.clone())));
        assert!(playback.is_same());
    }
}

#[test]
fn other_words_at_the_end_are_no_difference_and_another_conclusion_is() {
    let mut entries = record(&[get("a")]);
    let mut end_with = |ending: Ending| {
        for entry in &mut entries {
            if let Body::Ended { ending: old } = &mut entry.body {
                *old = ending.clone();
            }
        }
        played(&entries, vec![get("a")], "new")
    };
    let worded = end_with(remediated("finished"));
    assert!(worded.is_same() && !worded.ends_with_the_same_words());
    let other = end_with(Ending::Concluded(Outcome::Escalate { summary: "done".into() }));
    assert!(!other.is_same() && other.first_difference().is_none());
}

#[test]
fn a_record_of_a_newer_version_is_refused() {
    let entries = record(&[]);
    let mut header = header();
    header.format = RunHeader::FORMAT + 1;
    let recorded = Recorded { header: &header, digest: "old", entries: &entries };
    let error = pollster::block_on(play_back(recorded, &asking(vec![], "new"))).unwrap_err();
    assert!(error.contains("newer"), "{error}");
    header.format = RunHeader::FORMAT;
    header.world = "suture:policy@9.0.0".into();
    let recorded = Recorded { header: &header, digest: "old", entries: &entries };
    assert!(pollster::block_on(play_back(recorded, &asking(vec![], "new"))).unwrap_err().contains("9.0.0"));
}
