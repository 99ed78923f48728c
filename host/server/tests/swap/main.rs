//! A server whose modules and configuration change while it runs.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can not go on panics")]

mod gate;
#[path = "../harness/mod.rs"]
#[allow(dead_code, reason = "each file of tests uses a part of it")]
mod harness;
mod modules;
mod reload;
mod spin;

use std::fs;
use std::path::Path;
use std::time::Duration;

use harness::{ServerHarness, alerts, demo, guest, serve, start};
use reqwest::StatusCode;
use serde_json::Value;
use suture_core::Digest;

const FILE: &str = "{file: demo.wasm}";
const GRACE: Duration = Duration::from_secs(5);

/// A server with a policy in a file, that may sleep.
async fn with(sleep_ms: u64, more: &str) -> ServerHarness {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "demo.wasm", &guest::component(sleep_ms));
    start(dir, &demo(FILE, more)).await
}

/// As careful writers do: beside its place, then moved there.
fn put(dir: &Path, file: &str, bytes: &[u8]) {
    fs::write(dir.join(".new"), bytes).unwrap();
    fs::rename(dir.join(".new"), dir.join(file)).unwrap();
}

fn digest(bytes: &[u8]) -> String {
    Digest::of(bytes).to_string()
}

impl ServerHarness {
    async fn policy(&self) -> Value {
        self.get("/api/v1/policies/demo").await.1
    }

    async fn until_works(&self, bytes: &[u8]) -> Value {
        let wanted = digest(bytes);
        self.until("/api/v1/policies/demo", |policy| policy["digest"] == wanted.as_str()).await
    }

    async fn fire(&self, name: &str) {
        let (status, answer) = self.post("/hooks", alerts("firing", &[name])).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }

    /// Wait until so many runs have ended. They are answered newest first.
    async fn ended(&self, count: usize) -> Vec<Value> {
        let runs = |seen: &Value| seen["items"].as_array().cloned().unwrap_or_default();
        runs(&self.until("/api/v1/runs?state=ended&limit=1000", |seen| runs(seen).len() >= count).await)
    }

    fn configure(&self, more: &str) {
        let file = self.dir.path().join("suture.yaml");
        let text = fs::read_to_string(&file).unwrap();
        let (kept, _) = text.split_once("policies:").unwrap();
        put(self.dir.path(), "suture.yaml", format!("{kept}{more}").as_bytes());
    }

    /// Something happens in its folder while it is down.
    async fn restart_after(self, meanwhile: impl FnOnce(&Path)) -> Self {
        self.server.stop(GRACE).await;
        meanwhile(self.dir.path());
        serve(self.dir).await
    }
}
