//! `suture simulate` as a process, and hosts that act on its cluster from others.

#![expect(clippy::unwrap_used, reason = "helpers of tests stand outside of test functions")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};

const SCENARIO: &str = r#"
name: a deployment that comes up
given:
  now: 2026-11-22T04:10:00Z
  objects:
  - {apiVersion: v1, kind: ConfigMap, metadata: {name: notes, namespace: media}, data: {a: "1"}}
  later:
  - after: 1s
    do:
    - patch: {target: v1 ConfigMap media/notes, body: {data: {a: "2"}}}
when:
- alert: {labels: {alertname: A}}
"#;

fn suture() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_suture"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A simulator; it is killed when this is dropped.
struct Simulator {
    child: Child,
    socket: PathBuf,
    _notes: BufReader<ChildStderr>,
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn simulate(dir: &Path) -> Command {
    let mut command = suture();
    command.arg("simulate").arg("--scenario").arg(dir.join("s.yaml")).arg("--socket").arg(dir.join("c.sock"));
    command
}

fn start(dir: &Path) -> Simulator {
    std::fs::write(dir.join("s.yaml"), SCENARIO).unwrap();
    let mut child = simulate(dir).args(["--speed", "10"]).spawn().unwrap();
    let mut said = String::new();
    // Kept open: whoever writes to a pipe that is closed fails.
    let mut notes = BufReader::new(child.stderr.take().unwrap());
    notes.read_line(&mut said).unwrap();
    assert!(said.contains("a simulated cluster with 2 objects"), "{said}");
    Simulator { child, socket: dir.join("c.sock"), _notes: notes }
}

fn configure(dir: &Path, socket: &str) -> PathBuf {
    let config = format!(
        "listen: 127.0.0.1:0\nadmin: {{listen: 127.0.0.1:0}}\nstorage: {{path: state}}\ncluster: {{simulated: {{socket: {socket}}}}}\n"
    );
    std::fs::write(dir.join("suture.yaml"), config).unwrap();
    dir.join("suture.yaml")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn every_change_is_printed_and_sigterm_ends_it_in_good_order() {
    let dir = tempfile::tempdir().unwrap();
    let mut simulator = start(dir.path());
    let mut lines = BufReader::new(simulator.child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "patch  v1 ConfigMap media/notes  by the cluster");
    assert_eq!(lines.next().unwrap().unwrap(), r#"       {"data":{"a":"2"}}"#);
    let id = simulator.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert_eq!(simulator.child.wait().unwrap().code(), Some(0));
    assert!(!simulator.socket.exists());
}

#[test]
fn a_socket_has_one_simulator_and_that_of_a_dead_one_is_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = start(dir.path());
    let second = simulate(dir.path()).output().unwrap();
    assert_eq!(second.status.code(), Some(2));
    assert!(stderr(&second).contains("another simulator is at work there"), "{}", stderr(&second));
    first.child.kill().unwrap();
    first.child.wait().unwrap();
    assert!(first.socket.exists(), "it could not remove it");
    let mut third = start(dir.path());
    let config = configure(dir.path(), "c.sock");
    let mut host = suture().args(["serve", "--config"]).arg(config).spawn().unwrap();
    let mut said = BufReader::new(host.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(said.any(|line| line.starts_with("suture listens")), "it serves on the third one's cluster");
    host.kill().unwrap();
    host.wait().unwrap();
    assert!(third.child.try_wait().unwrap().is_none());
}

#[test]
fn a_host_without_its_simulator_says_where_and_what_to_do_and_a_check_does_not_ask_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let config = configure(dir.path(), "none.sock");
    let served = suture().args(["serve", "--config"]).arg(&config).output().unwrap();
    assert_eq!(served.status.code(), Some(2));
    let said = stderr(&served);
    assert!(
        said.contains("suture.yaml:4:") && said.contains("suture simulate --scenario FILE --socket"),
        "{said}"
    );
    let checked = suture().args(["check", "--config"]).arg(&config).output().unwrap();
    assert_eq!(checked.status.code(), Some(0), "{}", stderr(&checked));
}

#[test]
fn what_can_not_be_simulated_is_said() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("s.yaml"), SCENARIO).unwrap();
    for (speed, why) in
        [("0", "between 1 and 100000"), ("fast", "no number"), ("NaN", "between 1 and 100000")]
    {
        let output = simulate(dir.path()).args(["--speed", speed]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(why), "{}", stderr(&output));
    }
    std::fs::write(dir.path().join("s.yaml"), "name: [").unwrap();
    let output = simulate(dir.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("s.yaml"), "{}", stderr(&output));
}
