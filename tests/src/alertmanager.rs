//! A real Alertmanager with one receiver.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use suture_cluster::AlertmanagerClient;
use suture_cluster::alertmanager::AlertmanagerStatus;
use suture_core::clock::later;
use suture_core::{Clock, RealClock};

use crate::process::{Process, free_port, loopback};

/// A running Alertmanager.
pub struct Alertmanager {
    /// Where it answers.
    pub address: SocketAddr,
    config: PathBuf,
    _process: Process,
}

impl Alertmanager {
    /// Start one that posts what it gets to a webhook, with a bearer token.
    ///
    /// # Errors
    /// Where it can't be started.
    pub async fn start(dir: &Path, address: SocketAddr, webhook: &str, token: &str) -> anyhow::Result<Self> {
        let config = format!(
            r#"
global: {{resolve_timeout: 10s}}
route: {{receiver: people, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1m, routes: [
  {{receiver: suture, matchers: ['alertname=~"VolSyncVolumeOutOfSync|SutureDrill"'], continue: true}}]}}
receivers:
- name: people
- name: suture
  webhook_configs:
  - url: {webhook}
    send_resolved: true
    http_config: {{authorization: {{credentials: {token}}}}}
"#
        );
        let file = dir.join("alertmanager.yaml");
        std::fs::write(&file, config)?;
        let arguments = [
            format!("--config.file={}", file.display()),
            format!("--storage.path={}", dir.join("alertmanager").display()),
            format!("--web.listen-address={address}"),
            "--cluster.listen-address=".to_owned(),
        ];
        let ready = format!("http://{address}/-/ready");
        let log = dir.join("alertmanager.log");
        let process = Process::start("prometheus-alertmanager", &arguments, &log, &ready).await?;
        Ok(Self { address, config: file, _process: process })
    }

    /// An address for one that is yet to be started.
    ///
    /// # Errors
    /// Where no port is free.
    pub fn reserve() -> anyhow::Result<SocketAddr> {
        Ok(loopback(free_port()?))
    }

    /// The alerts that it holds now, as its API lists them.
    ///
    /// # Errors
    /// Where it does not answer.
    pub async fn alerts(&self) -> anyhow::Result<Vec<serde_json::Value>> {
        let url = format!("http://{}/api/v2/alerts", self.address);
        Ok(reqwest::get(url).await?.error_for_status()?.json().await?)
    }

    /// Mute what is for the webhook from now on, by a time interval that is always.
    ///
    /// # Errors
    /// Where it does not accept that.
    pub async fn mute(&self) -> anyhow::Result<()> {
        let config = std::fs::read_to_string(&self.config)?;
        let config = config.replace("continue: true", "continue: true, mute_time_intervals: [always]");
        let always = "time_intervals: [{name: always, time_intervals: [{times: [{start_time: '00:00', end_time: '24:00'}]}]}]";
        std::fs::write(&self.config, format!("{config}{always}\n"))?;
        let url = format!("http://{}/-/reload", self.address);
        reqwest::Client::new().post(url).send().await?.error_for_status()?;
        Ok(())
    }

    /// What it says of itself.
    ///
    /// # Errors
    /// Where it does not answer.
    pub async fn status(&self) -> anyhow::Result<AlertmanagerStatus> {
        let client = AlertmanagerClient::new(&format!("http://{}", self.address), Arc::new(RealClock));
        client.map_err(anyhow::Error::msg)?.status().await.map_err(anyhow::Error::msg)
    }

    /// The groups of alerts that it holds now, as its API lists them.
    ///
    /// # Errors
    /// Where it does not answer.
    pub async fn groups(&self) -> anyhow::Result<Vec<serde_json::Value>> {
        let url = format!("http://{}/api/v2/alerts/groups", self.address);
        Ok(reqwest::get(url).await?.error_for_status()?.json().await?)
    }

    /// Silence the alerts that have a label, for an hour.
    ///
    /// # Errors
    /// Where it does not accept that.
    pub async fn silence(&self, label: &str, value: &str) -> anyhow::Result<String> {
        let now = RealClock.now();
        let matcher = serde_json::json!({"name": label, "value": value, "isRegex": false, "isEqual": true});
        let silence = serde_json::json!({"matchers": [matcher], "startsAt": now,
            "endsAt": later(now, Duration::from_secs(3600)), "createdBy": "a test", "comment": "left alone"});
        let url = format!("http://{}/api/v2/silences", self.address);
        let body = silence.to_string();
        let request = reqwest::Client::new().post(url).header("content-type", "application/json").body(body);
        let answer: serde_json::Value = request.send().await?.error_for_status()?.json().await?;
        Ok(answer["silenceID"].as_str().context("no silence")?.to_owned())
    }

    /// End a silence.
    ///
    /// # Errors
    /// Where it does not accept that.
    pub async fn expire(&self, silence: &str) -> anyhow::Result<()> {
        let url = format!("http://{}/api/v2/silence/{silence}", self.address);
        reqwest::Client::new().delete(url).send().await?.error_for_status()?;
        Ok(())
    }
}
