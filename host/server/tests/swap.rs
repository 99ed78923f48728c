//! A server whose modules and configuration change while it runs.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can not go on panics")]

#[allow(dead_code, reason = "each file of tests uses a part of it")]
mod bed;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use bed::{Bed, client, guest, options, start};
use reqwest::StatusCode;
use serde_json::{Value, json};
use suture_core::{Clock, RealClock};
use suture_server::{Server, check};

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
    use sha2::Digest;
    let hex: String = sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
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
        let answer = self.client.post(url).body(body.to_string()).send().await.unwrap();
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
        self.server.stop(Duration::from_secs(5)).await;
        let server = Server::start(&self.dir.path().join("suture.yaml"), options()).await.unwrap();
        Self { server, client: client(), dir: self.dir }
    }
}

#[tokio::test]
async fn a_changed_file_takes_the_place_of_the_old_one_and_a_run_at_work_keeps_its_own() {
    let bed = with(1500, "").await;
    bed.fire("plex").await;
    let old = digest(&guest::component(1500));
    bed.until("/api/v1/runs", |runs| runs["items"][0]["state"] == "running").await;
    let new = guest::component(1);
    put(bed.dir.path(), "demo.wasm", &new);
    bed.until_works(&new).await;
    bed.fire("sonarr").await;
    let runs = bed.ended(2).await;
    let mut digests: Vec<_> = runs.iter().map(|run| run["digest"].as_str().unwrap()).collect();
    digests.sort_unstable();
    let mut both = [old, digest(&new)];
    both.sort();
    assert_eq!(digests, both);
    assert!(runs.iter().all(|run| run["outcome"] == "remediated"), "{runs:#?}");
    let metrics = bed.metrics().await;
    assert!(metrics.contains("suture_policy_swaps_total{policy=\"demo\"} 1"), "{metrics}");
    assert_eq!(metrics.matches("suture_policy_loaded{").count(), 1, "{metrics}");
}

#[tokio::test]
async fn the_links_of_a_configmap_are_followed_when_they_are_exchanged() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (guest::component(1), guest::component(2));
    for (version, bytes) in [("..1", &one), ("..2", &two)] {
        fs::create_dir_all(dir.path().join("mount").join(version)).unwrap();
        fs::write(dir.path().join("mount").join(version).join("demo.wasm"), bytes).unwrap();
    }
    let mount = dir.path().join("mount");
    symlink("..1", mount.join("..data")).unwrap();
    symlink("..data/demo.wasm", mount.join("demo.wasm")).unwrap();
    let bed = start(dir, &policies("{file: mount/demo.wasm}", "")).await;
    bed.until_works(&one).await;
    symlink("..2", mount.join("..data_tmp")).unwrap();
    fs::rename(mount.join("..data_tmp"), mount.join("..data")).unwrap();
    bed.until_works(&two).await;
}

#[tokio::test]
async fn a_bad_module_leaves_the_last_good_one_at_work_and_says_why() {
    let bed = with(1, "").await;
    let good = guest::component(1);
    put(bed.dir.path(), "demo.wasm", &good[..good.len() / 2]);
    let status = bed.until("/api/v1/policies/demo", |policy| !policy["error"].is_null()).await;
    assert_eq!(status["digest"], digest(&good).as_str());
    assert!(status["error"].as_str().unwrap().contains("demo.wasm"), "{status}");
    assert!(bed.metrics().await.contains("suture_policy_load_failures_total{policy=\"demo\"} 1"));
    bed.fire("plex").await;
    bed.ended(1).await;
    // After a restart there is still nothing good at its source.
    let bed = bed.restart().await;
    let status = bed.policy().await;
    assert_eq!(status["digest"], digest(&good).as_str(), "{status}");
    assert!(status["source"].as_str().unwrap().starts_with("kept:"), "{status}");
    bed.fire("sonarr").await;
    bed.ended(2).await;
    let newer = guest::component(2);
    put(bed.dir.path(), "demo.wasm", &newer);
    assert!(bed.until_works(&newer).await["error"].is_null());
}

#[tokio::test]
async fn in_a_folder_the_module_is_found_by_its_name_and_two_of_one_name_are_none() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("policies")).unwrap();
    let (one, two) = (guest::component(1), guest::component(2));
    put(dir.path(), "policies/whatever.wasm", &one);
    put(dir.path(), "policies/other.wasm", &guest::named("other", "pause", 1));
    put(dir.path(), "policies/notes.txt", b"no module");
    let bed = start(dir, &policies("{folder: policies}", "")).await;
    bed.until_works(&one).await;
    put(bed.dir.path(), "policies/second.wasm", &two);
    let status = bed.until("/api/v1/policies/demo", |policy| !policy["error"].is_null()).await;
    assert_eq!(status["digest"], digest(&one).as_str());
    let error = status["error"].as_str().unwrap();
    assert!(error.contains("second.wasm") && error.contains("whatever.wasm"), "{error}");
    fs::remove_file(bed.dir.path().join("policies/whatever.wasm")).unwrap();
    assert!(bed.until_works(&two).await["error"].is_null());
    let report = check(&bed.dir.path().join("suture.yaml"), &options()).await;
    assert!(report.is_good(), "{report:?}");
}

#[tokio::test]
async fn settings_are_reloaded_and_only_if_they_fit() {
    let bed = with(1, ", settings: {pause: 1}").await;
    bed.configure(&policies(FILE, ", settings: {pause: 2}"));
    bed.until("/api/v1/policies/demo", |policy| policy["settings"]["pause"] == 2).await;
    bed.configure(&policies(FILE, ", settings: {pause: soon}, limits: {deadline: 1h}"));
    let config = bed.until("/api/v1/config", |config| config["errors"][0].is_string()).await;
    assert!(config["errors"][0].as_str().unwrap().contains("suture.yaml:7:"), "{config}");
    assert_eq!(bed.policy().await["settings"]["pause"], 2);
    assert!(bed.metrics().await.contains("suture_config_reloads_total{result=\"refused\"}"));
    bed.configure("policies: [");
    bed.until("/api/v1/config", |config| {
        config["errors"][0].as_str().is_some_and(|why| !why.contains("pause"))
    })
    .await;
    bed.configure(&policies(FILE, ", settings: {pause: 3}"));
    let config = bed.until("/api/v1/config", |config| config["errors"] == json!([])).await;
    assert_eq!(config["afterRestart"], json!([]));
    assert_eq!(bed.policy().await["settings"]["pause"], 3);
}

#[tokio::test]
async fn a_policy_comes_and_goes_with_the_configuration_and_what_needs_a_restart_is_said() {
    let bed = with(1, "").await;
    put(bed.dir.path(), "other.wasm", &guest::named("other", "pause", 1));
    bed.configure("budgets: {concurrentRuns: 3}\npolicies:\n- {name: other, source: {file: other.wasm}, confirm: none}\n");
    let names = |seen: &Value| -> Vec<String> {
        let items = seen["items"].as_array().cloned().unwrap_or_default();
        items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    };
    bed.until("/api/v1/policies", |seen| names(seen) == ["other"]).await;
    let config = bed.until("/api/v1/config", |config| config["afterRestart"] != json!([])).await;
    assert_eq!(config["afterRestart"], json!(["budgets"]), "{config}");
}

#[tokio::test]
async fn settings_and_the_module_that_they_are_for_may_come_in_any_order() {
    let bed = with(1, ", settings: {pause: 1}").await;
    bed.configure(&policies(FILE, ", settings: {rest: 1}"));
    bed.until("/api/v1/config", |config| config["errors"][0].is_string()).await;
    let newer = guest::named("demo", "rest", 1);
    put(bed.dir.path(), "demo.wasm", &newer);
    bed.until_works(&newer).await;
    bed.until("/api/v1/config", |config| config["errors"] == json!([])).await;
    assert_eq!(bed.policy().await["settings"]["rest"], 1);
}

#[tokio::test]
async fn a_module_that_differs_waits_until_it_is_accepted_even_over_a_restart() {
    let bed = with(1, ", backtest: {runs: 10}").await;
    bed.fire("plex").await;
    bed.ended(1).await;
    let (old, new) = (guest::component(1), guest::component(7));
    put(bed.dir.path(), "demo.wasm", &new);
    let waits = |policy: &Value| policy["candidate"]["backtest"].is_object();
    let status = bed.until("/api/v1/policies/demo", waits).await;
    assert_eq!(
        (&status["digest"], &status["candidate"]["digest"]),
        (&json!(digest(&old)), &json!(digest(&new)))
    );
    assert_eq!(status["candidate"]["backtest"]["compared"], 1, "{status:#}");
    assert_eq!(status["candidate"]["backtest"]["differences"].as_array().unwrap().len(), 1);

    let bed = bed.restart().await;
    let status = bed.until("/api/v1/policies/demo", waits).await;
    assert_eq!(status["digest"], digest(&old).as_str(), "{status:#}");
    let (code, error) = bed.tell("/policies/demo/accept", json!({"digest": digest(&old)})).await;
    assert_eq!(code, StatusCode::CONFLICT, "{error}");
    let (code, status) = bed.tell("/policies/demo/accept", json!({"digest": digest(&new)})).await;
    assert_eq!((code, &status["digest"]), (StatusCode::OK, &json!(digest(&new))));
    assert!(status["candidate"].is_null());
    let (code, _) = bed.tell("/policies/demo/accept", json!({"digest": digest(&new)})).await;
    assert_eq!(code, StatusCode::CONFLICT);
    assert_eq!(bed.tell("/policies/none/accept", json!({"digest": "x"})).await.0, StatusCode::NOT_FOUND);
    let bed = bed.restart().await;
    assert_eq!(bed.policy().await["digest"], digest(&new).as_str());
}

#[tokio::test]
async fn with_warn_a_module_that_differs_is_put_to_work() {
    let bed = with(1, ", backtest: {onDifference: warn}").await;
    bed.fire("plex").await;
    bed.ended(1).await;
    let new = guest::component(7);
    put(bed.dir.path(), "demo.wasm", &new);
    bed.until_works(&new).await;
}

#[tokio::test]
async fn a_run_goes_on_with_its_module_after_a_restart_though_its_source_has_another() {
    let bed = with(60_000, "").await;
    bed.fire("plex").await;
    // So long a wait leaves memory; the run stands in the journal.
    bed.until("/api/v1/incidents", |seen| seen["items"][0]["state"] == "waiting").await;
    let old = digest(&guest::component(60_000));
    put(bed.dir.path(), "demo.wasm", &guest::component(1));
    bed.until_works(&guest::component(1)).await;
    bed.server.stop(Duration::ZERO).await;
    let server = Server::start(&bed.dir.path().join("suture.yaml"), options()).await.unwrap();
    let bed = Bed { server, client: client(), dir: bed.dir };
    let runs = bed.until("/api/v1/runs", |runs| runs["items"][0].is_object()).await;
    assert_eq!(runs["items"].as_array().unwrap().len(), 1, "{runs:#}");
    assert_eq!(runs["items"][0]["digest"], old.as_str());
    bed.until("/api/v1/incidents", |seen| seen["items"][0]["state"] == "waiting").await;
}

#[tokio::test]
async fn swaps_without_end_lose_no_alert() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "demo.wasm", &guest::component(1));
    // Sixty incidents at once would be a storm.
    let budgets = "budgets: {storm: 1000, runsPerHour: 1000}\n";
    let bed = start(dir, &format!("{budgets}{}", policies(FILE, ""))).await;
    let modules: Vec<_> = (1..=4).map(guest::component).collect();
    for number in 0..60_usize {
        put(bed.dir.path(), "demo.wasm", &modules[number % modules.len()]);
        bed.fire(&format!("app-{number}")).await;
        nap().await;
    }
    let runs = bed.ended(60).await;
    assert_eq!(runs.len(), 60);
    assert!(runs.iter().all(|run| run["outcome"] == "remediated"), "{runs:#?}");
    bed.until_works(&modules[59 % modules.len()]).await;
}
