//! From incident to test: a host records a run, which is exported, tested and replayed.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests stand outside of test functions")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::Value;
use suture_core::{RealClock, RunId};
use suture_journal::{Body, Change, Durability, Entry, Journal, RunRecord, RunState};

const ALERT: &str = r#"{"alerts": [{"status": "firing", "startsAt": "2026-11-22T04:00:00Z", "fingerprint": "f", "labels":
    {"alertname": "VolSyncVolumeOutOfSync", "obj_namespace": "media", "obj_name": "plex", "role": "source", "method": "restic"}}]}"#;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn suture() -> Command {
    Command::new(env!("CARGO_BIN_EXE_suture"))
}

struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

/// Run a command in a folder.
fn ran(folder: &Path, args: &[&str]) -> Ran {
    let output = suture().args(args).current_dir(folder).stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran { code: output.status.code().unwrap(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

/// A host in a process of its own; it is killed when this is dropped.
struct Host(Child);

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn http(address: SocketAddr, method: &str, path: &str, body: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Connection: close\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    Some((status, answer.split_once("\r\n\r\n")?.1.to_owned()))
}

fn until<T>(what: &str, mut finds: impl FnMut() -> Option<T>) -> T {
    for _ in 0..1200 {
        if let Some(found) = finds() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("never: {what}")
}

/// A journal with one run in it: a stale lock that was removed, on a simulated cluster whose
/// time runs five hundred times as fast as real.
struct Incident {
    folder: tempfile::TempDir,
    run: String,
    /// What a host that is at work says of it.
    exported_by_server: Ran,
}

impl Incident {
    fn folder(&self) -> &Path {
        self.folder.path()
    }
}

fn incident() -> &'static Incident {
    static INCIDENT: OnceLock<Incident> = OnceLock::new();
    INCIDENT.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let built = suture()
            .args(["build", "policies/volsync", "--out"])
            .arg(folder.path().join("volsync.wasm"))
            .current_dir(root())
            .output()
            .unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let scenario = root().join("policies/volsync/scenarios/stale-lock.yaml");
        std::fs::copy(scenario, folder.path().join("cluster.yaml")).unwrap();
        let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (webhook, admin) = (free(), free());
        let config = format!(
            "listen: {webhook}\nadmin: {{listen: {admin}}}\nstorage: {{path: state}}\n\
             cluster: {{simulated: {{scenario: cluster.yaml, speed: 500}}}}\npolicies:\n- name: volsync\n  \
             source: {{file: volsync.wasm}}\n  mode: enforce\n  grants:\n  \
             - {{groups: [volsync.backube], resources: [replicationsources], verbs: [get, patch], namespaces: [media]}}\n  \
             - {{groups: [\"\"], resources: [pods, pods/log], verbs: [get, list], namespaces: [media]}}\n  \
             - {{groups: [batch], resources: [jobs], verbs: [list], namespaces: [media]}}\n  \
             - {{groups: [snapshot.storage.k8s.io], resources: [volumesnapshots], verbs: [get], namespaces: [media]}}\n"
        );
        std::fs::write(folder.path().join("suture.yaml"), config).unwrap();
        let mut serve = suture();
        serve.args(["serve", "--config", "suture.yaml"]).current_dir(folder.path());
        let child = serve.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut host = Host(child);
        until("ready", || http(admin, "GET", "/readyz", "").filter(|(status, _)| *status == 200));
        assert_eq!(http(webhook, "POST", "/hooks", ALERT).unwrap().0, 200);
        let run = until("the run ends", || {
            let runs: Value = serde_json::from_str(&http(admin, "GET", "/api/v1/runs", "")?.1).ok()?;
            let run = runs["items"].as_array()?.iter().find(|run| run["state"] == "ended")?.clone();
            assert_eq!(run["outcome"], "remediated", "{run}");
            Some(run["id"].as_str()?.to_owned())
        });
        let server = format!("http://{admin}");
        let exported_by_server = ran(folder.path(), &["runs", "export", &run, "--server", &server]);
        let id = host.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        host.0.wait().unwrap();
        Incident { folder, run, exported_by_server }
    })
}

#[test]
fn an_incident_becomes_a_test_that_passes_as_it_stands() {
    let Incident { run, exported_by_server, .. } = incident();
    let folder = incident().folder();
    let exported = ran(folder, &["runs", "export", run, "--journal", "state"]);
    assert_eq!(exported.code, 0, "{}{}", exported.stderr, exported.stdout);
    assert!(
        exported.stderr.contains("it passes") && exported.stderr.contains("the module of the run"),
        "{}",
        exported.stderr
    );
    assert!(exported.stdout.contains(run) && exported.stdout.contains("sha256:"), "{}", exported.stdout);
    assert_eq!(
        (exported_by_server.code, &exported_by_server.stdout),
        (0, &exported.stdout),
        "{}",
        exported_by_server.stderr
    );

    let file = folder.join("incident.yaml");
    std::fs::write(&file, &exported.stdout).unwrap();
    let tested = ran(folder, &["test", "--policy", "volsync.wasm", "incident.yaml"]);
    assert_eq!(tested.code, 0, "{}{}", tested.stdout, tested.stderr);
    assert!(tested.stdout.contains("media/plex: remediated"), "{}", tested.stdout);
    // It is a test: another outcome fails it.
    std::fs::write(&file, exported.stdout.replace("outcome: remediated", "outcome: escalate")).unwrap();
    assert_eq!(ran(folder, &["test", "--policy", "volsync.wasm", "incident.yaml"]).code, 1);
}

#[test]
fn the_same_module_does_the_same_again_and_a_beginning_of_the_id_is_enough() {
    let Incident { run, .. } = incident();
    let replayed = ran(incident().folder(), &["replay", &run[..12], "--journal", "state"]);
    assert_eq!(replayed.code, 0, "{}{}", replayed.stdout, replayed.stderr);
    assert!(replayed.stdout.contains("with its own module"), "{}", replayed.stdout);
    let last = replayed.stdout.lines().last().unwrap();
    assert!(last.starts_with("same in all ") && last.ends_with(" effects"), "{last}");
    assert!(!replayed.stdout.contains('\u{1b}'), "no colour where no terminal is");
    let json = ran(incident().folder(), &["--output", "json", "replay", run, "--journal", "state"]);
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((&json["same"], &json["differsFrom"]), (&Value::Bool(true), &Value::Null));
    assert!(json["playback"]["lines"].as_array().unwrap().len() > 10);
}

#[test]
fn a_module_that_is_not_here_must_be_named() {
    let Incident { run, .. } = incident();
    let elsewhere = tempfile::tempdir().unwrap();
    let journal = incident().folder().join("state");
    let journal = journal.to_str().unwrap();
    // The host has kept it, whoever asks from wherever.
    assert_eq!(ran(elsewhere.path(), &["replay", run, "--journal", journal]).code, 0);
    // A copy of the journal alone is without.
    for file in ["journal.db", "journal.db-wal"] {
        std::fs::copy(incident().folder().join("state").join(file), elsewhere.path().join(file)).unwrap();
    }
    let journal = ".";
    let replayed = ran(elsewhere.path(), &["replay", run, "--journal", journal]);
    assert_eq!(replayed.code, 2);
    assert!(
        replayed.stderr.contains("sha256:") && replayed.stderr.contains("--policy"),
        "{}",
        replayed.stderr
    );
    // The scenario is written all the same; only nobody knows whether it passes.
    let exported = ran(elsewhere.path(), &["runs", "export", run, "--journal", journal]);
    assert_eq!(exported.code, 0);
    assert!(
        exported.stderr.contains("not checked") && exported.stdout.contains("then:"),
        "{}",
        exported.stderr
    );
}

#[test]
fn ids_that_are_none_are_refused_with_what_to_do() {
    let Incident { run, .. } = incident();
    let folder = incident().folder();
    for command in [&["replay"][..], &["runs", "export"]] {
        let with = |id: &str| ran(folder, &[command, &[id, "--journal", "state"]].concat());
        let unknown = with("nonsense");
        assert_eq!(unknown.code, 2);
        assert!(
            unknown.stderr.contains("no run `nonsense`") && unknown.stderr.contains("runs list"),
            "{}",
            unknown.stderr
        );
        let show = ran(folder, &["--output", "json", "runs", "show", run, "--journal", "state"]);
        let show: Value = serde_json::from_str(&show.stdout).unwrap();
        let of_incident = with(show["run"]["incident"].as_str().unwrap());
        assert_eq!(of_incident.code, 2);
        assert!(
            of_incident.stderr.contains("is an incident") && of_incident.stderr.contains(run.as_str()),
            "{}",
            of_incident.stderr
        );
    }
    let nowhere = ran(folder, &["replay", run, "--journal", "nowhere"]);
    assert_eq!(nowhere.code, 2);
    assert!(nowhere.stderr.contains("journal"), "{}", nowhere.stderr);
}

#[test]
fn where_nothing_is_named_the_journal_is_that_of_the_configuration_here() {
    let Incident { run, .. } = incident();
    assert_eq!(ran(incident().folder(), &["replay", run]).code, 0);
    let elsewhere = tempfile::tempdir().unwrap();
    let lost = ran(elsewhere.path(), &["replay", run]);
    assert_eq!(lost.code, 2);
    assert!(lost.stderr.contains("--server URL, --journal PATH"), "{}", lost.stderr);
}

/// The module of the run with some of its text replaced by other text of the same length:
/// another version.
fn other_version(name: &str, text: &str, other: &str) -> String {
    let folder = incident().folder();
    let mut module = std::fs::read(folder.join("volsync.wasm")).unwrap();
    let is_text = |place: &usize| module[*place..].starts_with(text.as_bytes());
    let places: Vec<usize> = (0..module.len()).filter(is_text).collect();
    assert!(!places.is_empty(), "{text}");
    for place in places {
        module[place..place + text.len()].copy_from_slice(other.as_bytes());
    }
    std::fs::write(folder.join(name), module).unwrap();
    name.to_owned()
}

#[test]
fn another_version_is_compared_effect_by_effect() {
    let Incident { run, .. } = incident();
    let folder = incident().folder();
    let replayed = |policy: &str| ran(folder, &["replay", run, "--journal", "state", "--policy", policy]);
    let worded = replayed(&other_version("worded.wasm", "taking the repository", "having the repository"));
    assert_eq!(worded.code, 0, "{}{}", worded.stdout, worded.stderr);
    assert!(
        worded.stdout.contains("with another module") && worded.stdout.contains("having the repository"),
        "{}",
        worded.stdout
    );

    // The tag of the sync that it starts is another one.
    let other = other_version("other.wasm", "suture-", "mender-");
    let replay = replayed(&other);
    assert_eq!(replay.code, 1, "{}{}", replay.stdout, replay.stderr);
    let differing: Vec<_> = replay.stdout.lines().filter(|line| line.starts_with('≠')).collect();
    assert!(differing[0].contains("\"suture-") && differing[0].ends_with("(recorded)"), "{}", replay.stdout);
    assert!(differing[1].contains("\"mender-") && differing[1].ends_with("(new)"), "{}", replay.stdout);
    assert!(replay.stdout.contains("from here the record can't tell"), "{}", replay.stdout);
    assert!(replay.stdout.lines().last().unwrap().starts_with("differs from step "), "{}", replay.stdout);
    let json = ran(folder, &["--output", "json", "replay", run, "--journal", "state", "--policy", &other]);
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(
        (&json["same"], &json["playback"]["played"]["end"]),
        (&Value::Bool(false), &"cantTell".into())
    );
    assert!(json["differsFrom"].as_u64().is_some());

    // The export is a test that the other version fails, and says so.
    let exported = ran(folder, &["runs", "export", run, "--journal", "state", "--policy", &other]);
    assert_eq!(exported.code, 1);
    assert!(
        exported.stderr.contains("does not pass") && exported.stderr.contains("another module"),
        "{}",
        exported.stderr
    );
    assert!(exported.stdout.contains("then:"));
}

/// The journal, copied so that it can be damaged.
fn tampered(sql: &str) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(incident().folder().join("state")).unwrap().flatten() {
        if entry.path().is_file() {
            std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
    }
    rusqlite::Connection::open(copy.path().join("journal.db")).unwrap().execute_batch(sql).unwrap();
    copy
}

#[test]
fn records_that_can_not_be_relied_on_are_refused_and_named() {
    let Incident { run, .. } = incident();
    let cases = [
        ("UPDATE entries SET body = x'00' WHERE seq = 4".to_owned(), "/4 is damaged"),
        ("DELETE FROM entries WHERE seq = 5".to_owned(), "/5"),
        ("PRAGMA user_version = 99".to_owned(), "newer version"),
        ("UPDATE runs SET packed_header = x'7b7d'".to_owned(), "damaged"),
        ("UPDATE runs SET packed_header = substr(packed_header, 2)".to_owned(), "damaged"),
    ];
    for (sql, says) in cases {
        let journal = tampered(&sql);
        for command in [&["replay"][..], &["runs", "export"]] {
            let place = journal.path().to_str().unwrap();
            let ran = ran(incident().folder(), &[command, &[run, "--journal", place]].concat());
            assert_eq!(ran.code, 2, "{sql}: {}", ran.stderr);
            assert!(ran.stdout.is_empty() && ran.stderr.contains(says), "{sql}: {}", ran.stderr);
        }
    }
}

/// The journal of a host that is at work on the run: its record up to where it waits.
fn waiting_journal() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let id = RunId::new(incident().run.clone());
    let copy = async {
        let whole = Journal::open_read_only(&incident().folder().join("state")).unwrap();
        let run = whole.run(&id).await.unwrap().unwrap();
        let header = whole.header(&id).await.unwrap().unwrap();
        let entries = whole.entries(&id).await.unwrap();
        let is_wait = |entry: &Entry| matches!(&entry.body, Body::Intent { prepared, .. } if prepared.effect.verb() == "wait");
        let waits = entries.iter().position(is_wait).unwrap();
        let open = Journal::open(folder.path(), Arc::new(RealClock)).unwrap();
        let run = RunRecord { state: RunState::Waiting, outcome: None, summary: None, ended_at: None, ..run };
        let mut changes = vec![Change::Begin(run, header)];
        changes.extend(entries[..=waits].iter().map(|entry| Change::Entry(id.clone(), entry.clone())));
        open.commit(changes, Durability::Synced).await.unwrap();
        open.close().await.unwrap();
    };
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(copy);
    folder
}

#[test]
fn a_run_that_is_still_at_work_is_replayed_as_far_as_it_is_and_not_exported() {
    let Incident { run, .. } = incident();
    let journal = waiting_journal();
    let place = journal.path().to_str().unwrap();
    let folder = incident().folder();
    let exported = ran(folder, &["runs", "export", run, "--journal", place]);
    assert_eq!(exported.code, 2);
    assert!(exported.stderr.contains("still at work") && exported.stdout.is_empty(), "{}", exported.stderr);
    let replayed = ran(folder, &["replay", run, "--journal", place]);
    assert_eq!(replayed.code, 0, "{}{}", replayed.stdout, replayed.stderr);
    assert!(replayed.stdout.contains("the record ends here"), "{}", replayed.stdout);
    assert!(replayed.stdout.lines().last().unwrap().ends_with(" on record"), "{}", replayed.stdout);
}
