//! A server whose modules and configuration change while it runs.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can not go on panics")]

#[path = "../bed/mod.rs"]
#[allow(dead_code, reason = "each file of tests uses a part of it")]
mod bed;
mod gate;
mod modules;
mod reload;
mod spin;

use std::fs;
use std::path::Path;
use std::time::Duration;

use bed::{Bed, client, guest, options, start};
use reqwest::StatusCode;
use serde_json::{Value, json};
use suture_core::{Clock, Digest, RealClock};
use suture_server::Server;

const FILE: &str = "{file: demo.wasm}";

fn policies(source: &str, more: &str) -> String {
    format!("policies:\n- {{name: demo, source: {source}, mode: enforce, confirm: none{more}}}\n")
}

/// A server with a policy in a file, that may sleep.
async fn with(sleep_ms: u64, more: &str) -> Bed {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "demo.wasm", &guest::component(sleep_ms));
    start(dir, &policies(FILE, more)).await
}

/// As careful writers do: beside its place, then moved there.
fn put(dir: &Path, file: &str, bytes: &[u8]) {
    fs::write(dir.join(".new"), bytes).unwrap();
    fs::rename(dir.join(".new"), dir.join(file)).unwrap();
}

fn digest(bytes: &[u8]) -> String {
    Digest::of(bytes).to_string()
}

async fn nap() {
    let clock: &dyn Clock = &RealClock;
    clock.sleep(Duration::from_millis(20)).await;
}

impl Bed {
    async fn policy(&self) -> Value {
        self.get("/api/v1/policies/demo").await.1
    }

    async fn until(&self, path: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let mut seen = Value::Null;
        for _ in 0..500 {
            seen = self.get(path).await.1;
            if fits(&seen) {
                return seen;
            }
            nap().await;
        }
        panic!("never: {seen:#}")
    }

    async fn until_works(&self, bytes: &[u8]) -> Value {
        let wanted = digest(bytes);
        self.until("/api/v1/policies/demo", |policy| policy["digest"] == wanted.as_str()).await
    }

    async fn tell(&self, path: &str, body: Value) -> (StatusCode, Value) {
        let url = format!("http://{}/api/v1{path}", self.server.admin_addr());
        let answer = self
            .client
            .post(url)
            .header("content-type", bed::JSON)
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    async fn fire(&self, name: &str) {
        let body = json!({"version": "4", "alerts": [{"status": "firing",
            "labels": {"alertname": "Demo", "name": name},
            "startsAt": "2026-11-22T04:10:00Z", "endsAt": "0001-01-01T00:00:00Z"}]});
        let (status, answer) = self.post("/hooks", body.to_string()).await;
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

    async fn restart(self) -> Self {
        self.restart_after(|_| {}).await
    }

    /// Something happens in its folder while it is down.
    async fn restart_after(self, meanwhile: impl FnOnce(&Path)) -> Self {
        self.server.stop(Duration::from_secs(5)).await;
        meanwhile(self.dir.path());
        let server = Server::start(&self.dir.path().join("suture.yaml"), options()).await.unwrap();
        Self { server, client: client(), dir: self.dir }
    }
}
