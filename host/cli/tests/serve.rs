//! `suture serve` as a process: killed in the middle, stopped in good order, started twice.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests stand outside of test functions")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

const TOKEN: &str = "hunter2";
const ALERT: &str = r#"{"alerts": [{"status": "firing", "startsAt": "2026-11-22T04:00:00Z", "fingerprint": "f", "labels":
    {"alertname": "VolSyncVolumeOutOfSync", "obj_namespace": "media", "obj_name": "plex", "role": "source", "method": "restic"}}]}"#;
/// A missed sync that VolSync takes an hour for.
const CLUSTER: &str = r#"
name: a sync that takes an hour
given:
  now: 2026-11-22T04:10:00Z
  objects:
  - apiVersion: volsync.backube/v1alpha1
    kind: ReplicationSource
    metadata: {name: plex, namespace: media, uid: 1f0c-plex}
    spec: {sourcePVC: plex, trigger: {schedule: "0 * * * *"}, restic: {repository: plex-restic}}
when:
- alert: {labels: {alertname: VolSyncVolumeOutOfSync, obj_namespace: media, obj_name: plex, role: source, method: restic}}
"#;

/// A host in a process of its own; it is killed when this is dropped.
struct Host {
    child: Child,
    webhook: SocketAddr,
    admin: SocketAddr,
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn configure(dir: &Path) {
    let built = Command::new(env!("CARGO_BIN_EXE_suture"))
        .args(["build", "policies/volsync", "--out"])
        .arg(dir.join("volsync.wasm"))
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    std::fs::write(dir.join("token"), TOKEN).unwrap();
    std::fs::write(dir.join("cluster.yaml"), CLUSTER).unwrap();
}

fn start(dir: &Path) -> Host {
    let (webhook, admin) = (free_address(), free_address());
    let config = format!(
        "listen: {webhook}\nadmin: {{listen: {admin}}}\nwebhook: {{tokenFile: token}}\nstorage: {{path: state}}\n\
         cluster: {{simulated: {{scenario: cluster.yaml}}}}\npolicies:\n- name: volsync\n  source: {{file: volsync.wasm}}\n  \
         mode: enforce\n  grants:\n  - {{groups: [volsync.backube], resources: [replicationsources], verbs: [get, patch], namespaces: [media]}}\n  \
         - {{groups: [\"\"], resources: [pods], verbs: [list], namespaces: [media]}}\n  \
         - {{groups: [batch], resources: [jobs], verbs: [list], namespaces: [media]}}\n  \
         - {{groups: [snapshot.storage.k8s.io], resources: [volumesnapshots], verbs: [get], namespaces: [media]}}\n"
    );
    std::fs::write(dir.join("suture.yaml"), config).unwrap();
    let log = std::fs::File::create(dir.join("log")).unwrap();
    let child = serve(dir).stderr(log).spawn().unwrap();
    let host = Host { child, webhook, admin };
    until("ready", || http(host.admin, "GET", "/readyz", "").is_some_and(|(status, _)| status == 200));
    host
}

fn serve(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_suture"));
    command
        .args(["serve", "--config"])
        .arg(dir.join("suture.yaml"))
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command.stderr(Stdio::null());
    command
}

fn http(address: SocketAddr, method: &str, path: &str, body: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Type: application/json\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    Some((status, answer.split_once("\r\n\r\n")?.1.to_owned()))
}

impl Host {
    fn get(&self, path: &str) -> Value {
        let body = http(self.admin, "GET", path, "").map(|(_, body)| body).unwrap_or_default();
        serde_json::from_str(&body).unwrap_or_default()
    }

    fn incident(&self) -> Value {
        self.get("/api/v1/incidents")["items"][0].clone()
    }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..600 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("never: {what}")
}

#[test]
fn a_host_that_is_killed_in_the_middle_of_a_run_goes_on_with_it() {
    let dir = tempfile::tempdir().unwrap();
    configure(dir.path());
    let mut first = start(dir.path());
    let log = || std::fs::read_to_string(dir.path().join("log")).unwrap();
    assert!(!log().contains("begins anew"), "nothing was there before: {}", log());
    assert_eq!(http(first.webhook, "POST", "/hooks", ALERT).unwrap().0, 200);
    until("the run waits", || first.incident()["state"] == "waiting");
    let first_run = first.incident()["runs"].clone();
    first.child.kill().unwrap();
    first.child.wait().unwrap();

    let second = start(dir.path());
    let said = log();
    assert!(said.contains("the simulated cluster begins anew") && said.contains("suture simulate"), "{said}");
    // What it waits for is not in the new cluster: to the policy, somebody has taken it back.
    until("the run ends", || second.incident()["state"] == "escalated");
    let incident = second.incident();
    assert_eq!(incident["runs"], first_run, "it goes on with the run, and begins no other");
    assert_eq!(incident["attempts"], 1);
    assert!(incident["summary"].as_str().unwrap().contains("was removed by somebody"), "{incident}");
}

#[test]
fn sigterm_ends_a_host_in_good_order_and_a_second_one_on_its_journal_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    configure(dir.path());
    let mut host = start(dir.path());
    // The same journal, at other addresses.
    let config = std::fs::read_to_string(dir.path().join("suture.yaml")).unwrap();
    let config = config
        .replace(&host.webhook.to_string(), "127.0.0.1:0")
        .replace(&host.admin.to_string(), "127.0.0.1:0");
    std::fs::write(dir.path().join("suture.yaml"), config).unwrap();
    let output = serve(dir.path()).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("journal"), "{output:?}");
    assert_eq!(http(host.webhook, "POST", "/hooks", ALERT).unwrap().0, 200);
    let id = host.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert_eq!(host.child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_log_says_once_who_is_refused_and_at_which_path_but_not_what_they_offered() {
    let dir = tempfile::tempdir().unwrap();
    let (admin, log) = (free_address(), dir.path().join("log"));
    std::fs::write(dir.path().join("token"), TOKEN).unwrap();
    std::fs::write(dir.path().join("cluster.yaml"), CLUSTER).unwrap();
    // The token of the webhook is here that of who may read metrics, and no more.
    let config = format!(
        "listen: 127.0.0.1:0\nadmin: {{listen: {admin}, tokenFile: admin-token, metricsTokenFile: token}}\n\
         storage: {{path: state}}\ncluster: {{simulated: {{scenario: cluster.yaml}}}}\n"
    );
    std::fs::write(dir.path().join("admin-token"), "another").unwrap();
    std::fs::write(dir.path().join("suture.yaml"), config).unwrap();
    let child = serve(dir.path()).stderr(std::fs::File::create(&log).unwrap()).spawn().unwrap();
    let _host = Host { child, webhook: admin, admin };
    until("ready", || http(admin, "GET", "/readyz", "").is_some_and(|(status, _)| status == 200));
    for _ in 0..3 {
        assert_eq!(http(admin, "GET", "/api/v1/runs", "").unwrap().0, 403);
    }
    std::fs::write(dir.path().join("token"), "something else").unwrap();
    until("the token is another", || http(admin, "GET", "/api/v1/policies/p/", "").unwrap().0 == 401);
    let said = || std::fs::read_to_string(&log).unwrap();
    until("it is said", || said().contains("unknownToken"));
    let said = said();
    let refused: Vec<_> = said.lines().filter(|line| line.contains("refused: ")).collect();
    assert_eq!(refused.len(), 2, "{said}");
    for (line, words) in refused.iter().zip([
        ["WARN", "path=/api/v1/runs", "peer=127.0.0.1", "who=metrics", "needs the role `viewer`"],
        [
            "WARN",
            "path=/api/v1/policies/p/",
            "peer=127.0.0.1",
            "reason=unknownToken",
            "not one that this host knows",
        ],
    ]) {
        assert!(words.iter().all(|word| line.contains(word)), "{words:?}: {line}");
    }
    assert!(!said.contains(TOKEN), "{said}");
}
