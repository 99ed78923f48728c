//! A host with a month behind it, on the demo's cluster, and whoever signs in there.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};
use suture_core::{Digest, RealClock, Timestamp};
use suture_journal::{Change, Durability, IncidentRecord, Journal};
use suture_tests::host::{Host, program};
use suture_tests::process::eventually;

use super::driver::{Browser, Look};

/// The clock of the demo's cluster begins here.
const BEGINS: &str = "2026-11-22T06:00:00Z";
const TOKEN: &str = "the token of olga";
/// How many times as fast as real time the cluster runs.
const SPEED: u32 = 20;

pub struct Fixture {
    pub host: Host,
    folder: tempfile::TempDir,
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The policy of the demo, which is built once by the command itself.
fn policy() -> anyhow::Result<PathBuf> {
    let file = repository("target/policies/volsync.wasm");
    if !file.exists() {
        let built = std::process::Command::new(program()?)
            .args(["build", "policies/volsync"])
            .current_dir(repository(""))
            .status()?;
        anyhow::ensure!(built.success(), "the policy can't be built");
    }
    Ok(file)
}

impl Fixture {
    /// A host, after some incidents have been.
    pub async fn start(incidents: usize) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::copy(repository("host/cli/src/demo/cluster.yaml"), folder.path().join("cluster.yaml"))?;
        std::fs::write(folder.path().join("token"), TOKEN)?;
        seed(&folder.path().join("state"), incidents).await?;
        let hash = |token: &str| Digest::of(token.as_bytes());
        let config = format!(
            "cluster: {{simulated: {{scenario: cluster.yaml, speed: {SPEED}}}}}\n\
             people:\n\
             - {{name: olga, tokenHash: \"{}\", roles: [viewer, operator]}}\n\
             policies:\n\
             - name: volsync\n\
             \x20 source: {{file: {}}}\n\
             \x20 mode: enforce\n\
             \x20 confirm: none\n\
             \x20 match: ['alertname=\"VolSyncVolumeOutOfSync\"']\n\
             \x20 grants:\n\
             \x20 - {{groups: [volsync.backube], resources: [replicationsources], verbs: [get, patch], namespaces: [media]}}\n\
             \x20 - {{groups: [batch], resources: [jobs], verbs: [list], namespaces: [media]}}\n\
             \x20 - {{groups: [\"\"], resources: [pods, pods/log], verbs: [get, list], namespaces: [\"*\"]}}\n\
             \x20 - {{groups: [snapshot.storage.k8s.io], resources: [volumesnapshots], verbs: [get, patch, delete], namespaces: [media]}}\n\
             \x20 - {{groups: [snapshot.storage.k8s.io], resources: [volumesnapshotcontents], verbs: [get]}}\n",
            hash(TOKEN),
            json!(policy()?),
        );
        let mut host = Host::start_anywhere(folder.path(), &config)?;
        host.listens().await?;
        // It listens before its policy is loaded.
        let is_ready = async || host.get("/readyz").await.is_some_and(|(status, _)| status == 200);
        anyhow::ensure!(eventually(Duration::from_secs(300), is_ready).await, "never ready:\n{}", host.log());
        Ok(Self { host, folder })
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host.admin)
    }

    /// A link that `suture console` prints.
    pub async fn link(&self) -> anyhow::Result<String> {
        let output = tokio::process::Command::new(program()?)
            .args(["console", "--no-open", "--server", &self.url(""), "--token-file"])
            .arg(self.folder.path().join("token"))
            .output()
            .await?;
        anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// A browser in which olga is signed in.
    pub async fn browser(&self, look: Look) -> anyhow::Result<Browser> {
        let browser = Browser::start(look).await?;
        browser.open(&self.link().await?).await?;
        Ok(browser)
    }

    /// Post an alert of one of the demo's backups.
    pub async fn post(&self, name: &str, status: &str) -> anyhow::Result<()> {
        let labels = json!({"alertname": "VolSyncVolumeOutOfSync", "obj_namespace": "media", "obj_name": name,
            "role": "source", "method": "restic", "severity": "critical"});
        let alert = json!({"status": status, "labels": labels, "startsAt": BEGINS,
            "annotations": {"summary": format!("media/{name} volume is out of sync.")},
            "generatorURL": "https://prometheus.example/graph?g0.expr=volsync_volume_out_of_sync"});
        let status = self.host.post("/hooks", &json!({"version": "4", "alerts": [alert]})).await?;
        anyhow::ensure!(status == 200, "the webhook answers {status}");
        Ok(())
    }

    pub async fn api(&self, path: &str) -> anyhow::Result<Value> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let answer = client.get(self.url(&format!("/api/v1{path}"))).bearer_auth(TOKEN).send().await?;
        Ok(answer.json().await?)
    }

    /// The incident of a backup, once it stands in one of some states.
    pub async fn incident(&self, name: &str, states: &[&str]) -> anyhow::Result<Value> {
        let mut found = Value::Null;
        let stands = async || {
            let list = self.api("/incidents?limit=20").await.unwrap_or_default();
            let items = list["items"].as_array().cloned().unwrap_or_default();
            found = items
                .into_iter()
                .find(|one| one["object"] == name && one["closedAt"].is_null() || one["object"] == name)
                .unwrap_or_default();
            states.iter().any(|state| found["state"] == *state)
        };
        let is_so = eventually(Duration::from_secs(120), stands).await;
        anyhow::ensure!(is_so, "the incident of {name} never is {states:?}: {found:#}\n{}", self.host.log());
        Ok(found)
    }

    /// The last run of an incident.
    pub fn run(incident: &Value) -> anyhow::Result<String> {
        let runs = incident["runs"].as_array().context("no runs")?;
        Ok(runs.last().and_then(Value::as_str).context("no run")?.to_owned())
    }
}

/// An id whose beginning tells a time, as a ULID's does.
fn id(at: Timestamp, number: usize) -> String {
    const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let millis = u64::try_from(at.as_millisecond()).unwrap_or_default();
    let digit = |place: u32| char::from(DIGITS[usize::try_from((millis >> (5 * place)) & 31).unwrap()]);
    (0..10).rev().map(digit).collect::<String>() + &format!("{number:016}")
}

const NAMES: [&str; 6] = ["plex", "immich", "paperless", "nextcloud", "gitea", "home-assistant"];

/// What a month leaves behind: repairs mostly, some that were handed over, some that needed nothing.
async fn seed(state: &Path, incidents: usize) -> anyhow::Result<()> {
    let journal = Journal::open(state, Arc::new(RealClock))?;
    let begins: Timestamp = BEGINS.parse()?;
    let mut changes = Vec::new();
    for number in 0..incidents {
        let age = i64::try_from((incidents - number) * 28 * 86_400 / incidents.max(1))? + 7200;
        let opened = Timestamp::from_second(begins.as_second() - age)?;
        let took = 240 + i64::try_from(number * 7919 % 2400)?;
        let (state, summary) = match number % 11 {
            3 => (
                "escalated",
                "the lock is held by a pod that still runs: to break it could corrupt the backup",
            ),
            7 => ("unnecessary", "the last sync is newer than the alert"),
            9 => ("cancelled", "cancelled by olga, through the API"),
            _ => ("resolved", "the repository was unlocked, and a backup was made"),
        };
        let name = NAMES[number * 5 % NAMES.len()];
        let is_open = state == "escalated" && number + 12 > incidents;
        let key = json!({"obj_name": name, "obj_namespace": "media"});
        let mut labels = json!({"alertname": "VolSyncVolumeOutOfSync", "severity": "critical", "method": "restic",
            "obj_name": name, "obj_namespace": "media"});
        if is_open {
            labels["note"] = "<script>alert(1)</script> \u{202e}turned around".into();
            labels["long"] = "word ".repeat(300).into();
        }
        let closed = if is_open { None } else { Some(Timestamp::from_second(opened.as_second() + took)?) };
        let runs = if number % 11 == 9 { json!([]) } else { json!([id(opened, number + 1_000_000)]) };
        let record: IncidentRecord = serde_json::from_value(json!({
            "id": id(opened, number), "policy": "volsync", "key": key, "fingerprint": "0", "startsAt": opened,
            "state": state, "since": opened, "openedAt": opened, "closedAt": closed, "runs": runs,
            "alert": {"status": "firing", "labels": labels, "startsAt": opened,
                "annotations": {"summary": format!("media/{name} volume is out of sync.")},
                "generatorURL": "https://prometheus.example/graph"},
            "attempts": 1, "due": null, "summary": summary, "paged": true,
            "evidence": if state == "escalated" { "unable to create lock in backend: repository is already locked by PID 48 on volsync-src-paperless" } else { "" },
        }))?;
        changes.push(Change::Incident(record));
        if changes.len() == 500 {
            journal.commit(std::mem::take(&mut changes), Durability::Synced).await?;
        }
    }
    journal.commit(changes, Durability::Synced).await?;
    journal.close().await?;
    Ok(())
}
