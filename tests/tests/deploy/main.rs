//! What stands under `deploy/`: built by kustomize, applied to a real API server with
//! strict field validation, and checked by the programs that will read it.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails shows where")]

mod examples;
mod host;
mod installed;
mod jitter;
mod monitoring;

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

/// A file or a folder of the repository.
fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(repository(path)).unwrap()
}

/// What `kubectl apply -k` would send.
fn kustomized(folder: &str) -> String {
    output(Command::new(suture_envtest::program("kubectl").unwrap()).arg("kustomize").arg(repository(folder)))
}

/// What a program prints; it must succeed.
fn output(command: &mut Command) -> String {
    let done = command.output().unwrap();
    let (said, complained) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{command:?}\n{said}\n{complained}");
    said.into_owned()
}

fn documents(yaml: &str) -> Vec<Value> {
    let all: Vec<Value> = serde_saphyr::from_multiple(yaml).unwrap();
    all.into_iter().filter(|document| !document.is_null()).collect()
}

/// The one document of a kind.
fn of_kind(yaml: &str, kind: &str) -> Value {
    let mut all = documents(yaml).into_iter().filter(|document| document["kind"] == kind);
    let (first, second) = (all.next(), all.next());
    assert!(second.is_none(), "there are several of kind {kind}");
    first.unwrap()
}
