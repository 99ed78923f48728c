//! What authors and operators have changed in their files: `suture policies add`, `suture test --update`; and
//! `suture test --coverage`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can not go on panics")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// What a call came to: exit code, stdout, stderr.
type Ran = (i32, String, String);

fn suture(folder: &Path, arguments: &[&str]) -> Ran {
    with(folder, arguments, &[])
}

fn with(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_suture"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).env_remove("CI");
    let output = command.envs(environment.iter().copied()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The component of the volsync policy.
fn volsync() -> &'static Path {
    static BUILT: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = BUILT.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("volsync.wasm");
        let (code, _, said) =
            suture(&root(), &["build", "policies/volsync", "--out", path.to_str().unwrap()]);
        assert_eq!(code, 0, "{said}");
        (folder, path)
    });
    path
}

const CONFIG: &str = "\
# the host of the house
listen: 127.0.0.1:8080     # loopback
storage: {path: state}
cluster: {simulated: {scenario: s.yaml}}
webhook: {tokenFile: token}

policies: []               # none yet

# people are told here
alertmanager: {url: 'http://127.0.0.1:9'}
prometheus: {url: 'http://127.0.0.1:9'}
";

/// A folder with a configuration and a component.
fn desk() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("suture.yaml"), CONFIG).unwrap();
    std::fs::write(folder.path().join("s.yaml"), "name: s\nwhen: []\n").unwrap();
    std::fs::copy(volsync(), folder.path().join("volsync.wasm")).unwrap();
    folder
}

fn config(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("suture.yaml")).unwrap()
}

#[test]
fn a_policy_is_added_with_the_narrowest_grants_and_the_rest_of_the_file_stays() {
    let desk = desk();
    let add = ["policies", "add", "volsync.wasm", "--namespace", "media"];
    let (code, out, said) = suture(desk.path(), &[&add[..], &["--dry-run"]].concat());
    assert_eq!((code, config(desk.path())), (0, CONFIG.to_owned()), "{said}");
    assert!(out.contains(" + - name: volsync") && out.contains("would add policy volsync"), "{out}");

    let (code, out, said) = suture(desk.path(), &add);
    assert_eq!(code, 0, "{said}");
    assert!(
        out.contains("added policy volsync") && said.contains("suture rbac --config suture.yaml"),
        "{said}"
    );
    let after = config(desk.path());
    let (before, behind) = CONFIG.split_once("policies: []").unwrap();
    assert!(after.starts_with(before) && after.ends_with(behind.split_once("yet\n").unwrap().1), "{after}");
    assert!(after.contains("  source: {file: volsync.wasm}\n  mode: observe\n  grants:\n"), "{after}");
    assert!(!after.contains("NAMESPACE") && after.contains(r#"namespaces: ["media"]"#), "{after}");
    let (_, checked, said) = suture(desk.path(), &["check", "--secrets-elsewhere", "--output", "json"]);
    let checked: Value = serde_json::from_str(&checked).unwrap();
    assert_eq!(checked["report"]["policies"][0]["notGranted"], serde_json::json!([]), "{said}");

    let (code, _, said) = suture(desk.path(), &add);
    assert!(code == 2 && said.contains("`volsync` is in it already"), "{said}");
    let (code, _, said) = suture(desk.path(), &[&add[..], &["--name", "second"]].concat());
    assert_eq!(code, 0, "{said}");
    assert_eq!(config(desk.path()).matches("- name: ").count(), 2);
}

#[test]
fn what_is_missing_is_said_with_the_flag_that_says_it_and_nothing_is_written() {
    let desk = desk();
    let refused = |arguments: &[&str], why: &str| {
        let (code, _, said) = suture(desk.path(), &[&["policies", "add"], arguments].concat());
        assert!(code == 2 && said.contains(why), "{said}");
        assert_eq!(config(desk.path()), CONFIG);
    };
    refused(&["volsync.wasm"], "--namespace NS");
    refused(&["volsync.wasm", "-n", "Media"], "is not a DNS label");
    refused(&["nowhere", "-n", "media"], "REGISTRY/REPOSITORY:TAG");
    refused(&["volsync.wasm", "-n", "media", "--config", "none.yaml"], "there is no configuration");
    refused(&["volsync.wasm", "-n", "media", "--key", "cosign.pub"], "--key is for a module in a registry");
    std::fs::write(desk.path().join("settings.yaml"), "unlock: sometimes\n").unwrap();
    refused(&["volsync.wasm", "-n", "media", "--settings", "settings.yaml"], "unlock");
    std::fs::write(desk.path().join("flow.yaml"), CONFIG.replace("policies: []", "policies: [{name: a}]"))
        .unwrap();
    refused(&["volsync.wasm", "-n", "media", "--config", "flow.yaml"], "error");
}

/// A copy of a scenario of the volsync policy whose expectations do not hold.
fn wrong_scenario(folder: &Path) -> (PathBuf, String) {
    let right = std::fs::read_to_string(root().join("policies/volsync/scenarios/stale-lock.yaml")).unwrap();
    let file = folder.join("wrong.yaml");
    let wrong = right.replace("  outcome: remediated\n", "  outcome: escalate    # as before\n");
    assert_ne!(wrong, right);
    std::fs::write(&file, &wrong).unwrap();
    (file, wrong)
}

#[test]
fn expectations_follow_what_happens_and_not_on_ci() {
    let folder = tempfile::tempdir().unwrap();
    let (file, wrong) = wrong_scenario(folder.path());
    let update = ["test", "--update", "--policy", volsync().to_str().unwrap(), "wrong.yaml"];
    let (code, _, said) = with(folder.path(), &update, &[("CI", "true")]);
    assert!(code == 2 && said.contains("--yes"), "{said}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), wrong);

    let (code, out, said) = suture(folder.path(), &update);
    assert_eq!(code, 0, "{out}{said}");
    assert!(out.contains(" +   outcome: remediated    # as before"), "{out}");
    let after = std::fs::read_to_string(&file).unwrap();
    assert_eq!(after, wrong.replace("outcome: escalate    #", "outcome: remediated    #"));
    let (code, out, _) = with(folder.path(), &[&update[..], &["--yes"]].concat(), &[("CI", "true")]);
    assert!(code == 0 && out.contains("1 passed"), "{out}");
}

#[test]
fn what_must_never_happen_is_not_updated() {
    let folder = tempfile::tempdir().unwrap();
    let (file, wrong) = wrong_scenario(folder.path());
    let wrong = format!("{}  never: [{{patch: '*'}}]\n", wrong.split("  effects:").next().unwrap());
    std::fs::write(&file, &wrong).unwrap();
    let update = ["test", "--update", "--policy", volsync().to_str().unwrap(), "wrong.yaml"];
    let (code, out, _) = suture(folder.path(), &update);
    assert!(code == 1 && out.contains("`never[0]` does not hold"), "{out}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), wrong);
}

/// Needs the compiler's LLVM tools: without them it says how to get them. `make test-languages` tries a policy that
/// stands outside of this repository.
#[test]
fn coverage_plays_the_scenarios_natively_and_tells_what_they_do_not_reach() {
    let coverage = |more: &[&str]| {
        let words = ["test", "--coverage", "--format", "json", "policies/certificate-stuck"];
        let (code, out, said) = suture(&root(), &[&words[..], more].concat());
        if said.contains("rustup component add llvm-tools") {
            assert_eq!(code, 2);
            return None;
        }
        assert_eq!(code, 0, "{said}");
        Some(serde_json::from_str::<Value>(&out).unwrap())
    };
    let Some(all) = coverage(&[]) else { return };
    assert_eq!((&all["failed"], &all["invalid"]), (&Value::from(0), &Value::from(0)));
    let files = all["coverage"]["files"].as_array().unwrap();
    assert!(files.iter().all(|file| file["path"].as_str().unwrap().starts_with("src/")), "{files:?}");
    let covered = |told: &Value| told["coverage"]["lines"]["covered"].as_u64().unwrap();
    let some = coverage(&["--filter", "gone"]).unwrap();
    assert!(0 < covered(&some) && covered(&some) < covered(&all), "{some}");
}

#[test]
fn coverage_in_another_language_is_said_not_to_be_there() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(suture(folder.path(), &["new", "queue-stuck", "--lang", "python"]).0, 0);
    let (code, _, said) = suture(&folder.path().join("queue-stuck"), &["test", "--coverage", "."]);
    assert!(code == 2 && said.contains("not available for policies in Python"), "{said}");
}
