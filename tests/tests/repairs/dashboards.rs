//! The dashboards of the chart: each expression, asked of a real Prometheus that scrapes a host.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;
use suture_core::{Clock, RealClock};
use suture_engine::Metrics;
use suture_engine::metrics::Stage;
use suture_engine::waiting::{Reason, Waiting};
use suture_journal::Room;
use suture_tests::process::{eventually, loopback};
use suture_tests::prometheus::Prometheus;

use super::{PATIENCE, RepairHarness};

/// A panel, and one of its expressions as Grafana sends it with everything selected.
struct Target {
    panel: String,
    expression: String,
}

fn targets() -> anyhow::Result<Vec<Target>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/helm/suture/dashboards");
    let mut targets = Vec::new();
    for name in ["operators", "authors"] {
        let text = std::fs::read_to_string(folder.join(format!("{name}.json")))?;
        let dashboard: Value = serde_json::from_str(&text)?;
        for panel in dashboard["panels"].as_array().context("there are no panels")? {
            let title = panel["title"].as_str().context("a panel has no title")?;
            for target in panel["targets"].as_array().into_iter().flatten() {
                let mut expression = target["expr"].as_str().context("no expression")?.to_owned();
                for (variable, value) in
                    [("$__rate_interval", "1m"), ("$__range", "1m"), ("$job", ".*"), ("$policy", ".*")]
                {
                    expression = expression.replace(variable, value);
                }
                ensure!(!expression.contains('$'), "{name}, {title}: {expression}");
                targets.push(Target { panel: format!("{name}: {title}"), expression });
            }
        }
    }
    ensure!(targets.len() > 40, "{} expressions", targets.len());
    Ok(targets)
}

/// How many series an expression has.
async fn series(prometheus: &Prometheus, expression: &str) -> anyhow::Result<usize> {
    let address = format!("http://{}/api/v1/query", prometheus.address);
    let url = reqwest::Url::parse_with_params(&address, &[("query", expression)])?;
    let answer: Value = reqwest::get(url).await?.json().await?;
    ensure!(answer["status"] == "success", "{answer}");
    Ok(answer["data"]["result"].as_array().map_or(0, Vec::len))
}

/// The expressions that have no series, however long one waits.
async fn without_series(prometheus: &Prometheus, targets: &[Target]) -> Vec<String> {
    let mut without = Vec::new();
    eventually(PATIENCE, async || {
        without.clear();
        for Target { panel, expression } in targets {
            match series(prometheus, expression).await {
                Ok(0) => without.push(format!("{panel}: {expression}")),
                Ok(_) => {}
                Err(error) => without.push(format!("{panel}: {error:#}")),
            }
        }
        without.is_empty()
    })
    .await;
    without
}

/// Metrics of a host to which everything has happened that a dashboard shows.
fn experienced() -> Metrics {
    let moment = Duration::from_millis(1);
    let metrics = Metrics::new("1.2.3");
    metrics.notification("accepted");
    metrics.alert("p", "opened");
    metrics.unmatched("A", "noPolicy", 1);
    metrics.reconciled(Some(1));
    metrics.incident("p", None, Some("escalated"));
    metrics.incident("p", None, Some("verifying"));
    metrics.began(moment);
    metrics.alert_checked("p", Stage::Before, Some(true));
    metrics.alert_checked("p", Stage::After, Some(false));
    metrics.run("p", "remediated", moment);
    metrics.run("p", "escalate", moment);
    for result in ["ok", "Denied", "Forbidden", "Unknown", "Conflict"] {
        metrics.effect("p", "patch", result, moment);
    }
    metrics.paged(true);
    metrics.storm("p", false);
    metrics.held("p", false);
    metrics.paused(false);
    metrics.policy_paused("p", false);
    let now = RealClock.now();
    let waiting = Waiting {
        policy: "p".to_owned(),
        reason: Reason::Places,
        message: String::new(),
        count: 1,
        since: Some(now),
    };
    metrics.waiting(&[waiting], now);
    metrics.loaded("p", "sha256:0");
    metrics.load_failure("p");
    metrics.module_loaded("p", moment);
    metrics.swapped("p");
    metrics.back_tested("p", false);
    metrics.candidate("p", false);
    metrics.policy_error("p", false);
    metrics.lease("suture/suture", true);
    metrics.commit(moment);
    metrics.journal(1, 4096);
    metrics.journal_room(1, Room { used: 1, max: Some(2) });
    metrics.api_request("GET", Some(200), moment);
    metrics
}

/// Metrics under an address, as a host serves them.
async fn serve(text: String) -> anyhow::Result<SocketAddr> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let kind = [("content-type", "application/openmetrics-text; version=1.0.0; charset=utf-8")];
    let app = axum::Router::new().route("/metrics", axum::routing::get(move || async move { (kind, text) }));
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(address)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_panel_of_the_dashboards_has_series_where_everything_has_happened() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let target = serve(experienced().encode()).await?;
    let prometheus = Prometheus::start(folder.path(), target, loopback(9)).await?;
    let without = without_series(&prometheus, &targets()?).await;
    ensure!(without.is_empty(), "{without:#?}");
    Ok(())
}

/// What a host shows that has made one repair, and that nothing else has happened to.
const REPAIRED: [&str; 18] = [
    "operators: Open incidents",
    "operators: Repaired",
    "operators: From alert to run",
    "operators: Length of a run",
    "operators: Waits for its alert to clear",
    "operators: Runs by outcome",
    "operators: Notifications",
    "operators: Alerts",
    "operators: What Prometheus says",
    "operators: Journal",
    "operators: Commits of the journal",
    "operators: Hosts",
    "operators: Inbox",
    "authors: Runs",
    "authors: Share of runs that repaired",
    "authors: Effects by verb",
    "authors: Effects, to their replies",
    "authors: Modules at work",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboards_show_a_repair_of_a_real_host() -> anyhow::Result<()> {
    let harness = RepairHarness::start(include_str!("../fixtures/stale-lock.yaml")).await?;
    harness.until("resolved").await?;
    let folder = tempfile::tempdir()?;
    let prometheus = Prometheus::start(folder.path(), harness.server.admin_addr(), loopback(9)).await?;
    let mut targets = targets()?;
    targets.retain(|target| REPAIRED.contains(&target.panel.as_str()));
    ensure!(targets.len() >= REPAIRED.len(), "a panel is called otherwise");
    let without = without_series(&prometheus, &targets).await;
    ensure!(without.is_empty(), "{without:#?}");
    harness.server.stop(PATIENCE).await;
    Ok(())
}
