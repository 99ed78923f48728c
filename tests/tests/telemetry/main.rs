//! The real `suture serve`, and what a collector of traces gets of it: across `kill -9`, and
//! where the collector is no help.

mod collector;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use opentelemetry_proto::tonic::trace::v1::Span;
use rustix::process::Signal;
use serde_json::{Value, json};
use suture_cluster::socket::{Listener, Offer};
use suture_core::clock::Timestamp;
use suture_core::{Alert, AlertStatus, Clock, RealClock};
use suture_scenario::Scenario;
use suture_simulator::SimulatedCluster;
use suture_tests::gate::{Gated, Point, Side};
use suture_tests::host::Host;
use suture_tests::process::{eventually, free_port, loopback};
use suture_tests::time::PatientTime;
use tokio::sync::mpsc::UnboundedReceiver;

use collector::{Collector, Mood, attribute};

/// When something hangs, on any machine.
const PATIENCE: Duration = Duration::from_secs(600);

/// A cluster with a stale lock in this process, and the configuration of hosts that act on it.
struct TelemetryHarness {
    folder: tempfile::TempDir,
    config: String,
    time: PatientTime,
    alert: Alert,
    stops: UnboundedReceiver<Point>,
}

impl TelemetryHarness {
    /// A harness whose first change is performed and never answered, where `stops` says so.
    async fn new(endpoint: &str, stops: bool) -> anyhow::Result<Self> {
        let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/volsync");
        let component = suture_build::build(&policy, None, &suture_build::Silent)?.path;
        let file = policy.join("scenarios/stale-lock.yaml");
        let text = std::fs::read_to_string(&file)?.replace("after: 3m", "after: 20s");
        let scenario = Scenario::parse(&text, &file)?;
        let began = scenario.fixture.now;
        let alert = Alert::clone(&scenario.when.first().context("no alert")?.alert);
        let time = PatientTime::starting_at(began);
        let cluster = SimulatedCluster::new(scenario.fixture, time.clock())?;
        cluster.set_alert(&alert);
        let mut is_done = !stops;
        let stop = Box::new(move |point: &Point| {
            let is_here = !is_done && point.what == "perform patch" && point.side == Side::After;
            is_done |= is_here;
            is_here
        });
        let firing = alert.clone();
        let (gate, stops) = Gated::new(cluster, stop, move |cluster| clear(cluster, &firing, began));
        let folder = tempfile::tempdir()?;
        let listener = Listener::bind(&folder.path().join("cluster.sock")).await?;
        tokio::spawn(Offer::with_manual_time(gate, time.manual()).serve(listener));
        std::fs::write(folder.path().join("headers"), "Authorization: Bearer for-the-collector\n")?;
        let config = format!(
            r#"
cluster: {{simulated: {{socket: cluster.sock}}}}
telemetry: {{otlp: {{endpoint: "{endpoint}", headersFile: headers, timeout: 500ms}}}}
policies:
- name: volsync
  source: {{file: {component}}}
  mode: enforce
  retry: {{attempts: 1, settle: 60s}}
  grants:
  - {{groups: [volsync.backube], resources: [replicationsources], verbs: [get, patch], namespaces: [media]}}
  - {{groups: [batch], resources: [jobs], verbs: [get, list], namespaces: [media]}}
  - {{groups: [""], resources: [pods], verbs: [get, list], namespaces: [media]}}
  - {{groups: [""], resources: [pods/log], verbs: [get], namespaces: [media]}}
  - {{groups: [snapshot.storage.k8s.io], resources: [volumesnapshots], verbs: [get, patch, delete], namespaces: [media]}}
  - {{groups: [snapshot.storage.k8s.io], resources: [volumesnapshotcontents], verbs: [get]}}
"#,
            component = component.display(),
        );
        Ok(Self { folder, config, time, alert, stops })
    }

    async fn host(&self) -> anyhow::Result<Host> {
        let mut host = Host::start_anywhere(self.folder.path(), &self.config)?;
        host.listens().await?;
        Ok(host)
    }

    /// Post the alert, as Alertmanager does: until it is accepted.
    async fn fire(&self, host: &Host) -> anyhow::Result<()> {
        let body = json!({"alerts": [self.alert]});
        let is_accepted =
            eventually(PATIENCE, async || host.post("/hooks", &body).await.is_ok_and(|status| status == 200));
        ensure!(is_accepted.await, "the alert is not accepted\n{}", host.log());
        Ok(())
    }
}

/// What Prometheus would see: the alert is gone once a backup was made.
fn clear(cluster: &SimulatedCluster, alert: &Alert, began: Timestamp) {
    let synced = |object: &Value| object.pointer("/status/lastSyncTime")?.as_str()?.parse::<Timestamp>().ok();
    if cluster.objects().iter().filter_map(|object| synced(object)).any(|synced| synced > began) {
        let ends_at = Some(RealClock.now());
        cluster.set_alert(&Alert { status: AlertStatus::Resolved, ends_at, ..alert.clone() });
    }
}

/// The incident, once it is resolved.
async fn resolved(time: &PatientTime, host: &Host) -> anyhow::Result<Value> {
    let mut incident = Value::Null;
    let is_resolved = time.pass_until(host, PATIENCE, async || {
        incident = host.json("/api/v1/incidents").await["items"][0].clone();
        incident["state"] == "resolved"
    });
    ensure!(is_resolved.await, "{incident:#}\n{}", host.log());
    Ok(incident)
}

/// The spans of one trace, checked: one alert, under it one run, under that its effects, each
/// once, none outside of its parent, and nothing in them that is not to be told.
fn check(spans: &[Span], incident: &Value, effects: &[Value]) -> anyhow::Result<()> {
    let named =
        |begins: &str| -> Vec<&Span> { spans.iter().filter(|span| span.name.starts_with(begins)).collect() };
    let names: Vec<_> = spans.iter().map(|span| span.name.as_str()).collect();
    let ([alert], [run]) = (&named("alert")[..], &named("run ")[..]) else {
        anyhow::bail!("not one alert and one run: {names:?}");
    };
    let traces: BTreeSet<_> = spans.iter().map(|span| &span.trace_id).collect();
    let ids: BTreeSet<_> = spans.iter().map(|span| &span.span_id).collect();
    ensure!(traces.len() == 1 && ids.len() == spans.len(), "not one trace, or ids twice: {names:?}");
    ensure!(alert.parent_span_id.is_empty() && run.parent_span_id == alert.span_id);
    ensure!(attribute(alert, "suture.incident") == incident["id"].as_str().context("no id")?);
    ensure!(attribute(run, "suture.run") == incident["runs"][0].as_str().context("no run")?);
    for span in spans {
        let is_within = span.start_time_unix_nano >= alert.start_time_unix_nano
            && span.end_time_unix_nano <= alert.end_time_unix_nano
            && span.start_time_unix_nano <= span.end_time_unix_nano;
        ensure!(is_within, "outside of its alert: {span:#?}\n{alert:#?}");
    }
    // Every effect that the API shows and that has a span has one.
    let silent = ["log", "now", "step"];
    let done: BTreeSet<_> = effects
        .iter()
        .filter(|effect| !silent.contains(&effect["effect"]["verb"].as_str().unwrap_or_default()))
        .filter_map(|effect| effect["step"].as_u64())
        .map(|step| step.to_string())
        .collect();
    let under_run = spans.iter().filter(|span| span.parent_span_id == run.span_id);
    let told: BTreeSet<_> = under_run.map(|span| attribute(span, "suture.step")).collect();
    ensure!(told == done, "told {told:?}, done {done:?}");
    let all = format!("{spans:?}");
    // A header of the exporter, the repository's password, a line of a pod's log.
    for secret in ["for-the-collector", "hunter2", "unable to create lock"] {
        ensure!(!all.contains(secret), "`{secret}` is in a span");
    }
    Ok(())
}

async fn effects(host: &Host, incident: &Value) -> Vec<Value> {
    let run = incident["runs"][0].as_str().unwrap_or_default();
    let run = host.json(&format!("/api/v1/runs/{run}")).await;
    run["effects"].as_array().cloned().unwrap_or_default()
}

async fn stopped(mut host: Host) -> anyhow::Result<()> {
    host.signal(Signal::TERM)?;
    let status = host.ended().await?;
    ensure!(status.success(), "{status}\n{}", host.log());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_one_whole_trace_though_its_host_was_killed_in_the_middle() -> anyhow::Result<()> {
    let collector = Collector::listen(Mood::Takes).await?;
    let mut harness = TelemetryHarness::new(&format!("http://{}", collector.address), true).await?;
    let mut host = harness.host().await?;
    harness.fire(&host).await?;
    let stop = harness.time.pass_during(&host, harness.stops.recv()).await;
    stop.context("it never comes to a change")?;
    host.kill().await?;
    let host = harness.host().await?;
    let incident = resolved(&harness.time, &host).await?;
    let effects = effects(&host, &incident).await;
    stopped(host).await?;
    let spans = collector.spans();
    check(&spans, &incident, &effects)?;
    let change = spans.iter().find(|span| span.name.starts_with("patch")).context("no change is told")?;
    ensure!(attribute(change, "k8s.object").contains("media/"), "{change:#?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_hangs_or_refuses_or_is_not_there_harms_nothing() -> anyhow::Result<()> {
    let hanging = Collector::listen(Mood::Hangs).await?;
    let refusing = Collector::listen(Mood::Answers(401)).await?;
    let nobody = loopback(free_port()?);
    for (address, why) in [
        (hanging.address, "no answer within 0.5 s"),
        (refusing.address, "it answers 401"),
        (nobody, "refused"),
    ] {
        let harness = TelemetryHarness::new(&format!("http://{address}"), false).await?;
        let host = harness.host().await?;
        harness.fire(&host).await?;
        resolved(&harness.time, &host).await?;
        let is_told = eventually(PATIENCE, async || host.log().contains(why)).await;
        ensure!(is_told, "`{why}` is not in the log\n{}", host.log());
        let times = host.log().matches("the collector does not take spans").count();
        ensure!(times == 1, "told {times} times");
        if address == refusing.address {
            let is_counted = eventually(PATIENCE, async || {
                let (_, metrics) = host.get("/metrics").await.unwrap_or_default();
                let dropped =
                    metrics.lines().find_map(|line| line.strip_prefix("suture_spans_dropped_total "));
                dropped.is_some_and(|dropped| dropped != "0")
            });
            ensure!(is_counted.await, "what is lost is not counted");
        }
        stopped(host).await?;
    }
    ensure!(hanging.asked() > 0 && refusing.asked() > 0);
    Ok(())
}
