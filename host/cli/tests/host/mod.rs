//! `suture serve` in a process of its own, and what is asked of it.

#![allow(clippy::panic, reason = "a test that can not go on panics")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

pub const TOKEN: &str = "hunter2";
pub const ALERT: &str = r#"{"alerts": [{"status": "firing", "startsAt": "2026-11-22T04:00:00Z", "fingerprint": "f", "labels":
    {"alertname": "VolSyncVolumeOutOfSync", "obj_namespace": "media", "obj_name": "plex", "role": "source", "method": "restic"}}]}"#;
/// A missed sync that VolSync takes an hour for.
pub const CLUSTER: &str = r#"
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
pub struct Host {
    pub child: Child,
    pub webhook: SocketAddr,
    pub admin: SocketAddr,
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

pub fn configure(dir: &Path) {
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

pub fn start(dir: &Path) -> Host {
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

pub fn serve(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_suture"));
    command
        .args(["serve", "--config"])
        .arg(dir.join("suture.yaml"))
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command.stderr(Stdio::null());
    command
}

pub fn http(address: SocketAddr, method: &str, path: &str, body: &str) -> Option<(u16, String)> {
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
    pub fn get(&self, path: &str) -> Value {
        let body = http(self.admin, "GET", path, "").map(|(_, body)| body).unwrap_or_default();
        serde_json::from_str(&body).unwrap_or_default()
    }

    pub fn incident(&self) -> Value {
        self.get("/api/v1/incidents")["items"][0].clone()
    }
}

pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..600 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("never: {what}")
}
