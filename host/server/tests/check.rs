//! What `suture check` finds beyond the form of the file.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can not go on panics")]

#[allow(dead_code, reason = "each file of tests uses a part of it")]
mod harness;

use std::path::Path;
use std::sync::Arc;

use suture_server::{CheckReport, Compiler, Secrets, ServeOptions, check};

fn options() -> ServeOptions {
    ServeOptions::new(
        Arc::new(|file: &Path, _: f64| Err(format!("no cluster in {}", file.display()))),
        Compiler::InProcess,
    )
}

async fn checked(policies: &str) -> CheckReport {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("bad.wasm"), b"\0asm\x01\0\0\0").unwrap();
    let config = format!(
        "listen: 127.0.0.1:0\nwebhook: {{tokenFile: token}}\nstorage: {{path: state}}\n\
         cluster: {{simulated: {{scenario: none.yaml}}}}\npolicies: [{policies}]\n"
    );
    std::fs::write(dir.path().join("suture.yaml"), config).unwrap();
    let report = check(&dir.path().join("suture.yaml"), &options(), Secrets::Here).await;
    assert!(!dir.path().join("state").exists(), "a check writes nothing");
    report
}

#[tokio::test]
async fn all_that_is_wrong_is_said_at_once_each_with_its_place() {
    let report = checked("{name: a, source: {file: bad.wasm}}, {name: b, source: {file: gone.wasm}}").await;
    let errors: Vec<_> = report.errors.iter().map(|error| (error.line, error.message.clone())).collect();
    assert!(!report.is_good());
    for (line, words) in [(4, "no cluster in"), (5, "bad.wasm: "), (5, "gone.wasm: ")] {
        assert!(
            errors.iter().any(|(at, message)| *at == line && message.contains(words)),
            "{words}: {errors:#?}"
        );
    }
}

/// What a host needs from files, one of each.
const FILES: &str = "\
listen: 127.0.0.1:0
webhook:
  tokenFile: token
  basicAuth: {username: am, passwordFile: password}
  tls: {certFile: tls.crt, keyFile: tls.key, clientCaFile: ca.crt}
admin:
  tokenFile: admin-token
  metricsTokenFile: metrics-token
  tls: {certFile: admin.crt, keyFile: admin.key}
storage: {path: state}
cluster: {live: {kubeconfig: kubeconfig}}
prometheus: {url: 'http://127.0.0.1:9'}
policies:
- name: pulled
  source: {oci: {reference: 'registry.invalid/pulled:1', key: cosign.pub, credentials: docker.json}}
";

#[tokio::test]
async fn a_file_that_is_missing_is_an_error_for_a_check_as_it_is_for_a_host_that_starts() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("suture.yaml");
    std::fs::write(&file, FILES).unwrap();
    let lines =
        |errors: &[suture_server::ConfigError]| errors.iter().map(|error| error.line).collect::<Vec<_>>();
    let report = check(&file, &options(), Secrets::Here).await;
    assert_eq!(lines(&report.errors), [3, 4, 5, 7, 8, 9, 11, 15, 15], "{report:#?}");
    for (error, named) in report.errors.iter().zip([
        "/token",
        "/password",
        "/tls.crt",
        "/admin-token",
        "/metrics-token",
        "/admin.crt",
        "/kubeconfig",
        "/cosign.pub",
        "/docker.json",
    ]) {
        assert!(error.message.contains(named) && error.message.contains("No such file"), "{named}: {error}");
    }
    // A host says of its doors all that a check says of them.
    let without_cluster =
        FILES.replace("{live: {kubeconfig: kubeconfig}}", "{simulated: {scenario: s.yaml}}");
    std::fs::write(&file, without_cluster).unwrap();
    let started = suture_server::Server::start(&file, harness::options()).await;
    let Err(suture_server::ServeError::Config(refused)) = started else { panic!("it starts") };
    assert_eq!(lines(&refused), [3, 4, 5, 7, 8, 9]);

    std::fs::write(&file, FILES).unwrap();
    let report = check(&file, &options(), Secrets::Elsewhere).await;
    assert!(report.is_good(), "{report:#?}");
    let warned = lines(&report.warnings);
    assert!([3, 4, 5, 7, 8, 9, 11, 15].iter().all(|line| warned.contains(line)), "{warned:?}");
}

#[tokio::test]
async fn a_file_that_holds_the_wrong_thing_is_an_error_wherever_it_is_checked() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("suture.yaml");
    std::fs::write(&file, FILES).unwrap();
    for name in ["token", "admin-token", "metrics-token", "password"] {
        std::fs::write(dir.path().join(name), "\n").unwrap();
    }
    for name in
        ["tls.crt", "tls.key", "ca.crt", "admin.crt", "admin.key", "kubeconfig", "cosign.pub", "docker.json"]
    {
        std::fs::write(dir.path().join(name), "[nonsense").unwrap();
    }
    for secrets in [Secrets::Here, Secrets::Elsewhere] {
        let report = check(&file, &options(), secrets).await;
        assert_eq!(report.errors.len(), 9, "{report:#?}");
    }
}
