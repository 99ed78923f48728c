//! What `suture check` finds beyond the form of the file.

#![allow(clippy::unwrap_used, reason = "a test that can not go on panics")]

use std::path::Path;
use std::sync::Arc;

use suture_server::{CheckReport, Compiler, ServeOptions, check};

async fn checked(policies: &str) -> CheckReport {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("bad.wasm"), b"\0asm\x01\0\0\0").unwrap();
    let config = format!(
        "listen: 127.0.0.1:0\nwebhook: {{tokenFile: token}}\nstorage: {{path: state}}\n\
         cluster: {{simulated: {{scenario: none.yaml}}}}\npolicies: [{policies}]\n"
    );
    std::fs::write(dir.path().join("suture.yaml"), config).unwrap();
    let options = ServeOptions::new(
        Arc::new(|file: &Path, _: f64| Err(format!("no cluster in {}", file.display()))),
        Compiler::InProcess,
    );
    let report = check(&dir.path().join("suture.yaml"), &options).await;
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

#[tokio::test]
async fn a_token_that_is_not_here_is_a_warning() {
    let report = checked("").await;
    assert!(
        report.warnings.iter().any(|warning| warning.line == 2 && warning.message.contains("token")),
        "{report:#?}"
    );
}
