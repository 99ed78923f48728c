//! `suture drain` against a host in a process of its own.

#![expect(clippy::unwrap_used, reason = "helpers of tests stand outside of test functions")]

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// A host; it is killed when this is dropped.
struct Host(Child);

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn suture(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_suture"));
    command.args(arguments).arg("--config").arg(dir.join("suture.yaml")).stdin(Stdio::null());
    command
}

fn drain(dir: &Path, more: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = suture(dir, &[&["drain"], more].concat()).output().unwrap();
    let text = [stdout, stderr].concat();
    (status.code(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn a_host_with_nothing_at_work_is_drained_at_once_and_one_that_is_away_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let (webhook, admin) = (free_address(), free_address());
    let config = format!(
        "listen: {webhook}\nadmin: {{listen: {admin}}}\nstorage: {{path: state}}\n\
         cluster: {{simulated: {{scenario: cluster.yaml}}}}\n"
    );
    std::fs::write(dir.path().join("suture.yaml"), config).unwrap();
    let cluster = "name: empty\ngiven: {now: 2026-11-22T04:10:00Z}\n\
                   when: [{alert: {labels: {alertname: Nothing}}}]\nthen: {outcome: unnecessary}\n";
    std::fs::write(dir.path().join("cluster.yaml"), cluster).unwrap();
    let (code, text) = drain(dir.path(), &[]);
    assert_eq!(code, Some(3), "{text}");
    let log = std::fs::File::create(dir.path().join("log")).unwrap();
    let child = suture(dir.path(), &["serve"]).stdout(Stdio::null()).stderr(log).spawn().unwrap();
    let mut host = Host(child);
    while TcpStream::connect(admin).is_err() {
        assert!(host.0.try_wait().unwrap().is_none(), "the host has ended");
        std::thread::yield_now();
    }
    // It stands by until its journal is open.
    let mut drained = drain(dir.path(), &["--reason", "a test"]);
    while drained.0 == Some(3) {
        drained = drain(dir.path(), &["--reason", "a test"]);
    }
    let (code, text) = drained;
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("nothing is at work, and nothing is left"), "{text}");
    let (code, text) = drain(dir.path(), &["--output", "json"]);
    assert_eq!(code, Some(0), "{text}");
    let status: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&status["done"], &status["atWork"]), (&true.into(), &0.into()), "{status}");
}
