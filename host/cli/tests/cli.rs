//! The binary, as a shell sees it: what it prints where, and its exit codes.

#![expect(clippy::unwrap_used, reason = "helpers of tests stand outside of test functions")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// What a call came to.
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

fn suture<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_suture"));
    command.args(arguments).current_dir(root()).stdin(Stdio::null()).env_remove("RUST_BACKTRACE");
    command.output().unwrap().into()
}

/// The repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The volsync policy, built by the command itself.
fn volsync() -> &'static str {
    static BUILT: OnceLock<(tempfile::TempDir, String)> = OnceLock::new();
    let (_, path) = BUILT.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("volsync.wasm").display().to_string();
        let ran = suture(&["build", "policies/volsync", "--out", &path]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        (folder, path)
    });
    path
}

fn file(name: &str, text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    (folder, path.display().to_string())
}

const CLUSTER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/demo/cluster.yaml");
const ALERT: &str = r#"{"labels": {"alertname": "VolSyncVolumeOutOfSync", "obj_namespace": "media",
    "obj_name": "plex", "role": "source", "method": "restic"}}"#;

/// The demo's cluster, with one broken backup's alert, and what is expected of it.
fn scenario(then: &str) -> (tempfile::TempDir, String) {
    let text = std::fs::read_to_string(CLUSTER).unwrap().replace("  alerts: []\n", "");
    file("plex.yaml", &format!("{text}then:\n{then}\n"))
}

#[test]
fn help_names_every_subcommand_and_the_exit_codes() {
    let ran = suture(&["--help"]);
    assert_eq!(ran.code, 0);
    let commands: Vec<_> = ran
        .stdout
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(
        commands,
        [
            "serve",
            "check",
            "new",
            "build",
            "dev",
            "inspect",
            "push",
            "pull",
            "test",
            "run",
            "console",
            "status",
            "pause",
            "resume",
            "incidents",
            "approve",
            "reject",
            "policies",
            "sweep",
            "doctor",
            "alerts",
            "drain",
            "audit",
            "token",
            "runs",
            "replay",
            "grants",
            "rbac",
            "simulate",
            "schema",
            "completions",
            "man",
            "demo",
            "help"
        ]
    );
    assert!(ran.stdout.contains("Exit codes: 0 done or passed; 1 an expectation failed"));
    assert!(ran.stderr.is_empty());
}

#[test]
fn help_of_each_subcommand_shows_examples() {
    for command in [
        &["serve"][..],
        &["check"],
        &["build"],
        &["test"],
        &["run"],
        &["policies", "add"],
        &["policies", "list"],
        &["grants"],
        &["policies", "show"],
        &["policies", "accept"],
        &["console"],
        &["status"],
        &["pause"],
        &["resume"],
        &["incidents", "list"],
        &["incidents", "show"],
        &["incidents", "retry"],
        &["incidents", "cancel"],
        &["incidents", "close"],
        &["approve"],
        &["reject"],
        &["runs", "list"],
        &["runs", "show"],
        &["runs", "diff"],
        &["runs", "start"],
        &["runs", "cancel"],
        &["runs", "follow"],
        &["runs", "export"],
        &["replay"],
        &["simulate"],
        &["rbac"],
        &["push"],
        &["pull"],
        &["sweep"],
        &["audit", "list"],
        &["audit", "verify"],
        &["audit", "export"],
        &["token", "new"],
        &["schema"],
        &["completions"],
        &["man"],
    ] {
        let ran = suture(&[command, &["--help"]].concat());
        assert_eq!(ran.code, 0);
        assert!(ran.stdout.contains(&format!("Examples:\n  suture {}", command.join(" "))), "{}", ran.stdout);
    }
}

#[test]
fn a_command_line_that_makes_no_sense_is_exit_code_2() {
    for wrong in [
        &[][..],
        &["repair"],
        &["test"],
        &["run", "x.wasm"],
        &["runs", "show", "01k"],
        &["--output", "xml", "demo"],
    ] {
        let ran = suture(wrong);
        assert_eq!(ran.code, 2, "{wrong:?}");
        assert!(ran.stdout.is_empty() && !ran.stderr.is_empty(), "{wrong:?}");
    }
}

#[test]
fn what_is_no_component_is_refused_with_its_file() {
    let (_folder, path) = file("x.wasm", "#!/bin/sh");
    for command in ["inspect", "grants"] {
        let ran = suture(&[command, &path]);
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(
            ran.stderr.starts_with("error: ") && ran.stderr.contains(&format!("at: {path}")),
            "{}",
            ran.stderr
        );
    }
    let ran = suture(&["inspect", "nowhere.wasm"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("help: `suture build DIR` makes one"), "{}", ran.stderr);
}

#[test]
fn a_scenario_with_a_typo_is_named_with_line_and_column() {
    let (_folder, path) =
        file("s.yaml", "name: x\nwhen:\n- alert: {labels: {a: b}}\nthen:\n  outcom: failed\n");
    let ran = suture(&["test", "--policy", volsync(), &path]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.contains("outcom") && ran.stderr.contains(&format!("at: {path}:5:")),
        "{}",
        ran.stderr
    );
}

#[test]
fn scenarios_without_a_policy_say_how_to_name_one() {
    let (_folder, path) = scenario("  outcome: remediated");
    let ran = suture(&["test", &path]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("--policy FILE"), "{}", ran.stderr);
}

#[test]
fn a_scenario_that_passes_is_one_line_and_exit_code_0() {
    let (_folder, path) = scenario("  outcome: remediated");
    let ran = suture(&["test", "--policy", volsync(), &path]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.starts_with("ok   three broken backups  (simulated 1m36s, "), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("1 passed\n"), "{}", ran.stdout);
    assert!(!ran.stdout.contains('\u{1b}'), "no colour where no terminal is");
}

#[test]
fn a_scenario_that_fails_shows_why_and_is_exit_code_1() {
    let (_folder, path) = scenario(
        "  outcome: escalate\n  never: [{patch: 'volsync.backube/v1alpha1 ReplicationSource media/plex'}]",
    );
    let ran = suture(&["test", "--policy", volsync(), &path]);
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.contains("expected `escalate`, was `remediated`"), "{}", ran.stdout);
    assert!(ran.stdout.contains("▲ never[0]"), "{}", ran.stdout);
}

#[test]
fn torture_finds_what_does_not_hold_and_says_how_to_see_it_again() {
    let (_folder, path) = scenario("  outcome: remediated");
    let whole = suture(&["test", "--torture", "--runs", "60", "--policy", volsync(), &path]);
    assert_eq!(whole.code, 0, "{}{}", whole.stdout, whole.stderr);
    assert!(whole.stdout.contains("60 perturbed runs passed"), "{}", whole.stdout);

    // It holds where all goes well, and not where the sync is never begun.
    let (_folder, path) = scenario(
        "  finally: has(object(\"volsync.backube/v1alpha1\", \"ReplicationSource\", \"media\", \"plex\").status.lastManualSync)",
    );
    let perturb = r#"{"fail":{"request":1,"reason":"Forbidden"}}"#;
    let again = suture(&["test", "--torture", "--perturb", perturb, "--policy", volsync(), &path]);
    assert_eq!(again.code, 1, "{}{}", again.stdout, again.stderr);
    for said in [
        "when request 1 fails with Forbidden",
        "↯ request 1",
        "finally[0]",
        "again: suture test --policy",
        perturb,
    ] {
        assert!(again.stdout.contains(said), "{said}: {}", again.stdout);
    }
    let nonsense = suture(&["test", "--torture", "--perturb", "{}", "--policy", volsync(), &path]);
    assert!(nonsense.code == 2 && nonsense.stderr.contains("is no perturbation"), "{}", nonsense.stderr);
    assert_eq!(suture(&["test", "--torture", "--runs", "0", &path]).code, 2);
}

#[test]
fn json_stands_alone_on_stdout() {
    let (_folder, path) = scenario("  outcome: remediated");
    let ran = suture(&["test", "--output", "json", "--policy", volsync(), &path]);
    let value: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(value["passed"], 1);
    assert_eq!(value["scenarios"][0]["verdict"], "passed");

    let ran = suture(&["inspect", "--output", "json", volsync()]);
    let value: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(value["manifest"]["name"], "volsync");
    let imports = value["imports"].as_array().unwrap();
    assert!(
        imports.iter().all(|import| import.as_str().unwrap().starts_with("suture:policy/")),
        "{imports:?}"
    );
}

#[test]
fn one_run_shows_its_timeline_and_ends_as_it_went() {
    let (_folder, cluster) = scenario("  outcome: escalate");
    let (_other, alert) = file("alert.json", ALERT);
    let ran = suture(&["run", volsync(), "--alert", &alert, "--scenario", &cluster]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("↩ undo of step") && ran.stdout.contains("remediated: "), "{}", ran.stdout);

    let ran = suture(&["run", volsync(), "--alert", &alert, "--scenario", &cluster, "--observe"]);
    assert_eq!(ran.code, 0);
    assert!(
        ran.stdout.contains("(dry run: not performed)") && ran.stdout.contains("planned: "),
        "{}",
        ran.stdout
    );

    let (_third, held) = file("held.json", &ALERT.replace("plex", "paperless"));
    let ran = suture(&["run", volsync(), "--alert", &held, "--scenario", &cluster]);
    assert_eq!(ran.code, 1, "a person must look");
    assert!(ran.stdout.contains("escalate: "), "{}", ran.stdout);
}

#[test]
fn an_alert_for_somebody_else_runs_nothing() {
    let (_folder, cluster) = scenario("  outcome: escalate");
    let (_other, alert) = file("alert.json", &ALERT.replace("VolSyncVolumeOutOfSync", "Other"));
    let ran = suture(&["run", volsync(), "--alert", &alert, "--scenario", &cluster]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("is not for policy `volsync`"), "{}", ran.stderr);
}

#[test]
fn a_live_run_without_a_cluster_says_what_it_looked_for() {
    let (_folder, alert) = file("alert.json", ALERT);
    let mut command = Command::new(env!("CARGO_BIN_EXE_suture"));
    command.args(["run", volsync(), "--alert", &alert, "--live"]).current_dir(root()).stdin(Stdio::null());
    let ran: Ran = command.env("KUBECONFIG", "/nowhere/kubeconfig").output().unwrap().into();
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("/nowhere/kubeconfig"), "{}", ran.stderr);
}

#[test]
fn a_live_run_changes_nothing_unless_a_configuration_grants_it() {
    let ran = suture(&["run", "x.wasm", "--alert", "-", "--live", "--enforce"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("--config"), "{}", ran.stderr);
    let both = ["run", "x.wasm", "--alert", "-", "--live", "--config", "c", "--enforce", "--observe"];
    assert_eq!(suture(&both).code, 2);
}

#[test]
fn what_a_cluster_answered_is_saved_of_one_alert_and_never_over_a_file_that_exists() {
    let (_folder, alert) = file("alert.json", ALERT);
    let (_other, taken) = file("taken.yaml", "mine");
    let live = ["run", volsync(), "--alert", &alert, "--live", "--save"];
    let ran = suture(&[&live[..], &[&taken]].concat());
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("exists") && ran.stderr.contains("--overwrite"), "{}", ran.stderr);
    assert_eq!(std::fs::read_to_string(&taken).unwrap(), "mine");
    let one = ALERT.replacen('{', r#"{"status": "firing", "startsAt": "2026-11-22T04:00:00Z", "#, 1);
    let two = format!(r#"{{"alerts": [{one}, {one}]}}"#);
    let (_third, two) = file("two.json", &two);
    let ran = suture(&["run", volsync(), "--alert", &two, "--live", "--save", "new.yaml"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("2 alerts"), "{}", ran.stderr);
    let ran = suture(&["run", "x.wasm", "--alert", "-", "--scenario", "s.yaml", "--save", "new.yaml"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("--save") && ran.stderr.contains("--scenario"), "{}", ran.stderr);
}

#[test]
fn a_configuration_with_a_typo_is_shown_with_line_and_column() {
    let (_folder, path) = file("suture.yaml", "listen: 127.0.0.1:0\nstorage: {path: /tmp/x}\nclutser: {}\n");
    for command in ["check", "serve"] {
        let ran = suture(&[command, "--config", &path]);
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(
            ran.stderr.contains(&format!("{path}:3:")) && ran.stderr.contains("clutser"),
            "{}",
            ran.stderr
        );
    }
    let ran = suture(&["check", "--output", "json", "--config", &path]);
    assert_eq!(serde_json::from_str::<Value>(&ran.stdout).unwrap()["good"], false);
}

#[test]
fn a_journal_that_is_not_there_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none");
    let ran = suture(&["runs", "list", "--journal", &path.display().to_string()]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("there is no journal"), "{}", ran.stderr);
    assert!(!path.exists());
}

#[test]
fn the_demo_repairs_two_backups_and_leaves_the_third_to_a_person() {
    let ran = suture(&["demo", "--policy", volsync(), "--speed", "400"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    for said in ["↩ undo of step", "metadata.finalizers removed", "It was not touched", "SutureEscalation"]
    {
        assert!(ran.stdout.contains(said), "{said}\n{}", ran.stdout);
    }
    let (_, hint) = ran.stdout.split_once("  suture runs show ").unwrap();
    let words: Vec<_> = hint.split_whitespace().take(3).collect();
    let [run, "--journal", journal] = words[..] else { panic!("{words:?}") };
    let shown = suture(&["runs", "show", run, "--journal", journal]);
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    assert!(shown.stdout.contains("remediated: "), "{}", shown.stdout);

    let listed = suture(&["runs", "list", "--output", "json", "--journal", journal]);
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(listed["items"].as_array().unwrap().len(), 3);
    std::fs::remove_dir_all(Path::new(journal).parent().unwrap()).unwrap();
}

/// What a call comes to whose stdout leads there.
fn suture_to(stdout: impl Into<Stdio>, arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_suture"));
    command.args(arguments).current_dir(root()).stdin(Stdio::null()).stdout(stdout);
    command.env_remove("RUST_BACKTRACE").output().unwrap().into()
}

#[cfg(target_os = "linux")]
#[test]
fn a_result_that_can_not_be_written_is_exit_code_3() {
    for arguments in
        [&["schema", "config"][..], &["inspect", volsync()], &["token", "new", "alice", "--role", "viewer"]]
    {
        let full = std::fs::File::create("/dev/full").unwrap();
        let ran = suture_to(full, arguments);
        assert_eq!(ran.code, 3, "{arguments:?}: {}", ran.stderr);
        let told = ran.stderr.contains("error: the result can't be written: ");
        assert!(told && ran.stderr.contains("at: stdout"), "{arguments:?}: {}", ran.stderr);
    }
}

#[test]
fn a_reader_that_has_gone_away_misses_nothing() {
    for arguments in [&["schema", "config"][..], &["inspect", volsync()]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ran = suture_to(writer, arguments);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{arguments:?}");
    }
}
