//! A real Prometheus with one rule.

use std::net::SocketAddr;
use std::path::Path;

use crate::process::{Process, free_port, loopback};

/// A running Prometheus.
pub struct Prometheus {
    /// Where it answers.
    pub address: SocketAddr,
    _process: Process,
}

impl Prometheus {
    /// Start one that scrapes a target every second, fires `VolSyncVolumeOutOfSync`, and
    /// sends alerts with an external label, as most installations do; and, as some do, drops
    /// one of that kind and one of their own, and rewrites another.
    ///
    /// # Errors
    /// Where it can't be started.
    pub async fn start(dir: &Path, target: SocketAddr, alertmanager: SocketAddr) -> anyhow::Result<Self> {
        Self::start_for(dir, target, alertmanager, "").await
    }

    /// The same, for the series alone that have some labels (`obj_namespace="media"`).
    ///
    /// # Errors
    /// Where it can't be started.
    pub async fn start_for(
        dir: &Path,
        target: SocketAddr,
        alertmanager: SocketAddr,
        labels: &str,
    ) -> anyhow::Result<Self> {
        let config = format!(
            r#"
global: {{scrape_interval: 1s, evaluation_interval: 1s, external_labels: {{cluster: home1, prometheus_replica: a}}}}
rule_files: [{rules}]
scrape_configs:
- job_name: volsync
  static_configs: [{{targets: ["{target}"]}}]
alerting:
  alert_relabel_configs:
  - {{regex: prometheus_replica|instance, action: labeldrop}}
  - {{source_labels: [cluster], regex: '([a-z]+)[0-9]+', target_label: cluster}}
  alertmanagers:
  - static_configs: [{{targets: ["{alertmanager}"]}}]
"#,
            rules = dir.join("rules.yaml").display()
        );
        let rules = r#"
groups:
- name: volsync
  rules:
  - alert: VolSyncVolumeOutOfSync
    expr: volsync_volume_out_of_sync{SELECTED} == 1
    for: 1s
    labels: {severity: critical}
    annotations: {summary: "{{ $labels.obj_namespace }}/{{ $labels.obj_name }} is out of sync"}
"#;
        let rules = rules.replace("SELECTED", labels);
        std::fs::write(dir.join("prometheus.yaml"), config)?;
        std::fs::write(dir.join("rules.yaml"), rules)?;
        let address = loopback(free_port()?);
        let arguments = [
            format!("--config.file={}", dir.join("prometheus.yaml").display()),
            format!("--storage.tsdb.path={}", dir.join("prometheus").display()),
            format!("--web.listen-address={address}"),
        ];
        let ready = format!("http://{address}/-/ready");
        let process = Process::start("prometheus", &arguments, &dir.join("prometheus.log"), &ready).await?;
        Ok(Self { address, _process: process })
    }
}
