//! A server on loopback with a cluster in memory, and a client.
#![allow(clippy::panic, reason = "a test that can not go on panics")]

pub mod guest;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use suture_core::{Clock, RealClock};
use suture_server::{Compiler, ServeOptions, Server, Simulated};
use suture_simulator::{Fixture, SimulatedCluster};

pub const TOKEN: &str = "hunter2";
/// What a POST has to be.
pub const JSON: &str = "application/json";

pub struct ServerHarness {
    pub server: Server,
    pub client: Client,
    pub dir: tempfile::TempDir,
}

pub fn options() -> ServeOptions {
    ServeOptions::new(
        Arc::new(|_: &Path, _: f64| {
            let clock: Arc<dyn Clock> = Arc::new(RealClock);
            // Always the same fixture is always the same cluster.
            let now = "2026-11-22T04:10:00Z".parse().unwrap();
            let fixture = Fixture { now, ..Fixture::default() };
            let cluster = SimulatedCluster::new(fixture, clock.clone()).map_err(|error| error.to_string())?;
            Ok(Simulated { cluster: Arc::new(cluster), clock })
        }),
        Compiler::InProcess,
    )
}

pub async fn start(dir: tempfile::TempDir, more: &str) -> ServerHarness {
    std::fs::write(dir.path().join("token"), TOKEN).unwrap();
    let config = format!(
        "listen: 127.0.0.1:0\nadmin: {{listen: 127.0.0.1:0}}\nwebhook: {{tokenFile: token, maxBody: 1Mi}}\n\
         storage: {{path: state}}\ncluster: {{simulated: {{scenario: s.yaml}}}}\n{more}"
    );
    std::fs::write(dir.path().join("suture.yaml"), config).unwrap();
    serve(dir).await
}

/// A server under the configuration that stands in a folder.
pub async fn serve(dir: tempfile::TempDir) -> ServerHarness {
    let server = Server::start(&dir.path().join("suture.yaml"), options()).await.unwrap();
    ServerHarness { server, client: client(), dir }
}

/// The policy `demo`, and more that is said of it.
pub fn demo(source: &str, more: &str) -> String {
    format!("policies:\n- {{name: demo, source: {source}, mode: enforce, confirm: none{more}}}\n")
}

/// A notification of alerts for it.
pub fn alerts(status: &str, names: &[&str]) -> String {
    let alert = |name: &&str| {
        json!({"status": status, "labels": {"alertname": "Demo", "name": name},
            "startsAt": "2026-11-22T04:10:00Z", "endsAt": "0001-01-01T00:00:00Z"})
    };
    json!({"version": "4", "alerts": names.iter().map(alert).collect::<Vec<_>>()}).to_string()
}

/// The pause between two looks at what comes about elsewhere.
pub async fn nap() {
    let clock: &dyn Clock = &RealClock;
    clock.sleep(Duration::from_millis(20)).await;
}

pub fn client() -> Client {
    suture_cluster::install_crypto();
    Client::new()
}

pub async fn harness() -> ServerHarness {
    start(tempfile::tempdir().unwrap(), "").await
}

impl ServerHarness {
    pub async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> (StatusCode, Value) {
        let url = format!("http://{}{path}", self.server.webhook_addr());
        let answer = self
            .client
            .post(url)
            .bearer_auth(TOKEN)
            .header("content-type", JSON)
            .body(body)
            .send()
            .await
            .unwrap();
        (answer.status(), answer.json().await.unwrap_or_default())
    }

    /// Tell the API something.
    pub async fn tell(&self, path: &str, body: Value) -> (StatusCode, Value) {
        let url = format!("http://{}/api/v1{path}", self.server.admin_addr());
        let request = self.client.post(url).header("content-type", JSON).body(body.to_string());
        let answer = request.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    /// Ask again until the answer fits.
    pub async fn until(&self, path: &str, fits: impl Fn(&Value) -> bool) -> Value {
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

    /// Stop the server, and start another in its folder.
    pub async fn restart(self, grace: Duration) -> Self {
        self.server.stop(grace).await;
        serve(self.dir).await
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        let url = format!("http://{}{path}", self.server.admin_addr());
        let answer = self.client.get(url).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap_or_default())
    }

    pub async fn metrics(&self) -> String {
        self.metrics_as("").await
    }

    /// The metrics, for whom a token belongs to.
    pub async fn metrics_as(&self, token: &str) -> String {
        let url = format!("http://{}/metrics", self.server.admin_addr());
        self.client.get(url).bearer_auth(token).send().await.unwrap().text().await.unwrap()
    }
}
