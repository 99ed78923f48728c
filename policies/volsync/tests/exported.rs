//! Every run of every scenario, exported from its record and played again: the export passes as
//! it stands, and does what the run did.

#![expect(clippy::unwrap_used, reason = "helpers of tests stand outside of test functions")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use suture_core::{
    Clock, Effect, Ending, Error, Halt, Host, Incident, IncidentId, Limits, Manifest, Mode, Mutation,
    Program, Reply, RunId,
};
use suture_journal::{Answer, Body, Entry, Recorded, RunHeader, RunRecord, RunState, play_back};
use suture_mock::{NativePolicy, Report, Verdict};
use suture_scenario::format::{RunIdentity, Scenario};
use suture_scenario::report::PlayedRun;
use suture_scenario::{Look, Recording, export};
use volsync::VolSync;

/// A run of a scenario, as a journal would have it.
struct Journaled {
    run: RunRecord,
    header: RunHeader,
    entries: Vec<Entry>,
}

fn program() -> Arc<dyn Program> {
    NativePolicy::<VolSync>::program()
}

fn scenarios() -> Vec<Scenario> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().flat_map(|file| Scenario::load(file).unwrap()).collect()
}

fn journaled(scenario: &Scenario, index: usize, run: &PlayedRun, keeps_grants: bool) -> Journaled {
    let program = program();
    let manifest = program.manifest();
    let identity = if index == 0 { scenario.run.clone() } else { RunIdentity::counted(index) };
    let is_its = |event: &&suture_scenario::format::Event| {
        run.incident.key.iter().all(|(name, value)| event.alert.labels.get(name) == Some(value))
    };
    let alert = scenario.when.iter().find(is_its).unwrap().alert.clone();
    let settings = manifest.settings_schema.fill(scenario.settings.clone()).unwrap();
    let ending = run.ending.clone();
    Journaled {
        header: RunHeader {
            format: RunHeader::FORMAT,
            world: RunHeader::WORLD.into(),
            incident: Incident {
                id: identity.incident.clone(),
                key: run.incident.key.clone(),
                alert,
                attempt: identity.attempt,
                settings,
            },
            limits: scenario.limits.clone(),
            requested: manifest.permissions.clone(),
            grants: if keeps_grants { scenario.grants(manifest) } else { [].into() },
            approved: None,
            cluster: "c".into(),
        },
        run: RunRecord {
            id: identity.id,
            incident: identity.incident,
            policy: manifest.name.clone(),
            digest: program.digest().into(),
            mode: scenario.mode,
            attempt: identity.attempt,
            state: RunState::Ended,
            outcome: ending.as_ref().map(|ending| ending.name().into()),
            summary: ending.as_ref().map(Ending::summary),
            started_at: run.started,
            ended_at: run.entries.last().map(|entry| entry.at),
        },
        entries: run.entries.clone(),
    }
}

/// What a run did, without what another cluster calls otherwise (uids, versions) and without
/// the time of day.
fn essence(entries: &[Entry]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut last = (0, 0);
    for Entry { step, body, .. } in entries {
        let line = match body {
            // A fault of the export stands for a change of somebody else: tried once more.
            Body::Intent { .. } if last.0 == *step => continue,
            Body::Intent { prepared, asked, undo_of, .. } => {
                format!("{undo_of:?} {}", bare(asked.as_deref().unwrap_or(&prepared.effect)))
            }
            Body::Call { effect: Effect::Now, .. } => "now".to_owned(),
            Body::Call { effect, answer, undo_of } => {
                format!("{undo_of:?} {} {}", bare(effect), brought(answer))
            }
            Body::Reply { answer } => format!("reply {}", brought(answer)),
            Body::Kept { change, reason } => format!("kept {change} {reason}"),
            // Which grant comes nearest to what was denied is said by its place among them.
            Body::Ended { ending } => {
                let ending = format!("ended {ending:?}");
                ending.split("; `grants[").next().unwrap_or_default().to_owned()
            }
        };
        last = (*step, lines.len());
        lines.push(format!("{step} {line}"));
    }
    lines
}

fn bare(effect: &Effect) -> String {
    let mut value = serde_json::to_value(effect).unwrap();
    strip(&mut value);
    value.to_string()
}

fn brought(answer: &Answer) -> String {
    match answer {
        Answer::Error(error) => error.reason.to_string(),
        // The API server makes of a change what it likes; what the policy reads again is compared.
        Answer::Ok(Reply::Mutated(_)) => "mutated".to_owned(),
        Answer::Ok(reply) => {
            let mut value = serde_json::to_value(reply).unwrap();
            strip(&mut value);
            value.to_string()
        }
    }
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for field in [
                "uid",
                "resourceVersion",
                "generation",
                "creationTimestamp",
                "deletionTimestamp",
                "deletionGracePeriodSeconds",
                "managedFields",
            ] {
                fields.remove(field);
            }
            fields.values_mut().for_each(strip);
        }
        Value::Array(items) => {
            items.retain(|item| {
                item.pointer("/path").and_then(Value::as_str) != Some("/metadata/resourceVersion")
            });
            items.iter_mut().for_each(strip);
        }
        _ => {}
    }
}

fn complaint(scenario: &Scenario, what: &str, yaml: &str, report: Option<&Report>) -> String {
    let explanation = report.map(|report| report.explanation(Look::default())).unwrap_or_default();
    format!("=== {} ({})\n{what}\n{explanation}\n{yaml}", scenario.name, scenario.file.display())
}

fn check(scenario: &Scenario, journaled: &Journaled) -> Result<(), String> {
    let Journaled { run, header, entries } = journaled;
    let yaml = export(&Recording { run, header, entries })
        .map_err(|error| complaint(scenario, &format!("not exported: {error}"), "", None))?
        .text;
    let again = Scenario::parse(&yaml, Path::new("export.yaml"))
        .map_err(|error| complaint(scenario, &error.to_string(), &yaml, None))?;
    let report = suture_scenario::run(&again, program());
    if report.verdict != Verdict::Passed {
        return Err(complaint(scenario, "does not pass", &yaml, Some(&report)));
    }
    if !report.notes.is_empty() {
        return Err(complaint(scenario, &report.notes.join("\n"), &yaml, Some(&report)));
    }
    let (then, now) = (essence(entries), essence(&report.runs[0].entries));
    if let Some(place) = (0..then.len().max(now.len())).find(|place| then.get(*place) != now.get(*place)) {
        let what = format!("did otherwise:\n  was {:?}\n  is  {:?}", then.get(place), now.get(place));
        return Err(complaint(scenario, &what, &yaml, Some(&report)));
    }
    Ok(())
}

/// Whether a create failed; each step has its own.
fn was_refused_to_create(entries: &[Entry]) -> bool {
    let creates = |effect: &Effect| matches!(effect, Effect::Mutate { mutation: Mutation::Create(_), .. });
    let is_asked = |step: u32| {
        let is_it = |entry: &&Entry| entry.step == step;
        entries.iter().filter(is_it).any(|entry| match &entry.body {
            Body::Call { effect, .. } => creates(effect),
            Body::Intent { prepared, .. } => creates(&prepared.effect),
            _ => false,
        })
    };
    entries.iter().any(|Entry { step, body, .. }| match body {
        Body::Call { answer: Answer::Error(_), .. } | Body::Reply { answer: Answer::Error(_) } => {
            is_asked(*step)
        }
        _ => false,
    })
}

#[test]
fn every_run_of_every_scenario_passes_as_a_scenario_of_its_own() {
    let (mut complaints, mut played) = (Vec::new(), 0);
    for scenario in scenarios() {
        let report = suture_scenario::run(&scenario, program());
        for (index, run) in report.runs.iter().enumerate() {
            // Records of older hosts don't say what was granted. No policy of theirs made pods.
            let was_refused_a_pod = was_refused_to_create(&run.entries);
            for keeps_grants in [true, false].into_iter().filter(|keeps| *keeps || !was_refused_a_pod) {
                played += 1;
                complaints.extend(check(&scenario, &journaled(&scenario, index, run, keeps_grants)).err());
            }
        }
    }
    assert!(played > 100, "{played}");
    let count = complaints.len();
    assert!(complaints.is_empty(), "{count} of {played}\n\n{}", complaints.join("\n"));
}

#[test]
fn every_run_of_every_scenario_is_played_back_from_its_record_alone() {
    for scenario in scenarios() {
        let report = suture_scenario::run(&scenario, program());
        for (index, run) in report.runs.iter().enumerate() {
            let Journaled { run, header, entries } = journaled(&scenario, index, run, true);
            for digest in [run.digest.as_str(), "another"] {
                let recorded = Recorded { header: &header, digest, entries: &entries };
                let program = program();
                let playback = pollster::block_on(play_back(recorded, &*program)).unwrap();
                assert!(
                    playback.is_same() && playback.ends_with_the_same_words(),
                    "{}: {:?}",
                    scenario.name,
                    playback.first_difference()
                );
            }
        }
    }
}

#[test]
fn names_of_another_host_are_kept_in_the_export() {
    let scenario =
        scenarios().into_iter().find(|scenario| scenario.file.ends_with("stale-lock.yaml")).unwrap();
    let mut other = scenario.clone();
    other.run = RunIdentity {
        id: RunId::new("01kaz0000000000000000000aa"),
        incident: IncidentId::new("01kay0000000000000000000bb"),
        attempt: 3,
    };
    let report = suture_scenario::run(&other, program());
    let mut journaled = journaled(&other, 0, &report.runs[0], true);
    journaled.run.id = other.run.id.clone();
    journaled.run.attempt = 3;
    journaled.header.incident.id = other.run.incident.clone();
    journaled.header.incident.attempt = 3;
    assert_eq!(journaled.run.mode, Mode::Enforce);
    check(&other, &journaled).unwrap_or_else(|complaint| panic!("{complaint}"));
}

/// A policy whose calls take a while each, as they do on a real cluster.
struct Slow {
    program: Arc<dyn Program>,
    clock: Arc<dyn Clock>,
    seed: u64,
}

struct SlowHost {
    host: Arc<dyn Host>,
    clock: Arc<dyn Clock>,
    state: std::sync::Mutex<u64>,
}

#[async_trait::async_trait]
impl Program for Slow {
    fn manifest(&self) -> &Manifest {
        self.program.manifest()
    }

    fn digest(&self) -> &str {
        self.program.digest()
    }

    async fn remediate(&self, incident: &Incident, limits: &Limits, host: Arc<dyn Host>) -> Ending {
        let (clock, state) = (self.clock.clone(), std::sync::Mutex::new(self.seed));
        self.program.remediate(incident, limits, Arc::new(SlowHost { host, clock, state })).await
    }
}

#[async_trait::async_trait]
impl Host for SlowHost {
    async fn answer(&self, effect: Effect) -> Result<Result<Reply, Error>, Halt> {
        let micros = {
            let mut state = self.state.lock().unwrap();
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (*state >> 33) % 900_000
        };
        self.clock.sleep(std::time::Duration::from_micros(micros)).await;
        self.host.answer(effect).await
    }
}

#[test]
fn runs_whose_effects_took_time_pass_as_scenarios_too() {
    let (mut complaints, mut played) = (Vec::new(), 0);
    for scenario in scenarios() {
        for seed in 1..=5 {
            let clock = suture_scenario::runner::clock(&scenario);
            let slow = Arc::new(Slow { program: program(), clock: clock.clone(), seed });
            let report = suture_scenario::runner::run_on(clock, &scenario, slow, None);
            for (index, run) in report.runs.iter().enumerate() {
                played += 1;
                complaints.extend(check(&scenario, &journaled(&scenario, index, run, true)).err());
            }
        }
    }
    let count = complaints.len();
    assert!(complaints.is_empty(), "{count} of {played}\n\n{}", complaints.join("\n"));
}
