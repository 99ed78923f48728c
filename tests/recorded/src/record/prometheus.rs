//! A sequence, played to a real Prometheus: to one that scrapes a target here, and posts to an
//! Alertmanager here. Rules that record say when it evaluated, and for which series the expression held.

pub mod scripts;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Value, json};
use suture_core::{Clock, Labels, RealClock, Timestamp};
use suture_recorded::{Evaluation, Listed, Millis, PrometheusTrace, Rule, Sent, Standing};

use crate::Start;
use crate::program::Program;

/// How often the list of alerts is asked for.
const ASKED_EVERY: Duration = Duration::from_millis(150);

/// What is played.
pub struct Script {
    pub shows: &'static str,
    pub rule: Rule,
    pub ends: Millis,
    pub events: Vec<(Millis, Event)>,
}

/// What happens.
pub enum Event {
    /// The expression holds for this series.
    Holds(&'static str),
    /// It does not.
    Fine(&'static str),
    /// The target can't be scraped.
    Away,
    /// It can again.
    Back,
    /// Prometheus is stopped.
    Stop,
    /// It is started.
    Start,
}

/// What is shared with those who wait for Prometheus.
#[derive(Default)]
struct Seen {
    holds: BTreeSet<&'static str>,
    is_away: bool,
    /// What was posted, and when it came.
    posted: Vec<(Timestamp, PostedAlert)>,
    /// What was listed after the evaluation that began then.
    listed: BTreeMap<Timestamp, Vec<ListedAlert>>,
    started: Vec<Timestamp>,
    /// When it was seen to know no Alertmanager.
    alone: Vec<Timestamp>,
}

type Shared = Arc<Mutex<Seen>>;

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostedAlert {
    labels: Labels,
    starts_at: Timestamp,
    ends_at: Timestamp,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedAlert {
    labels: Labels,
    state: String,
    active_at: Timestamp,
    keep_firing_since: Option<Timestamp>,
}

/// Play it and write down what happens.
pub async fn record(script: Script) -> anyhow::Result<PrometheusTrace> {
    let dir = tempfile::tempdir()?;
    let shared = Shared::default();
    let here = serve(shared.clone()).await?;
    let address = SocketAddr::from(([127, 0, 0, 1], suture_envtest::free_port()?));
    configure(dir.path(), here, &script.rule)?;
    let mut program = Some(run(dir.path(), address, &script.rule).await?);
    let knows = async || is_alone(address).await == Some(false);
    anyhow::ensure!(
        suture_envtest::eventually(Duration::from_secs(60), knows).await,
        "it finds no Alertmanager"
    );
    let began = Start::now()?;
    shared.lock().started.push(began.at(0)?);
    let asking = tokio::spawn(ask(address, shared.clone()));
    for (at, event) in &script.events {
        began.wait_until(*at).await;
        match event {
            Event::Holds(name) => drop(shared.lock().holds.insert(name)),
            Event::Fine(name) => drop(shared.lock().holds.remove(name)),
            Event::Away => shared.lock().is_away = true,
            Event::Back => shared.lock().is_away = false,
            Event::Stop => program.take().context("it is stopped already")?.stop().await?,
            Event::Start => {
                shared.lock().started.push(RealClock.now());
                program = Some(run(dir.path(), address, &script.rule).await?);
            }
        }
    }
    began.wait_until(script.ends).await;
    asking.abort();
    let evaluated = samples(address, "evaluated").await?;
    let held = samples(address, "held").await?;
    drop(program);
    let times = evaluated.into_iter().flat_map(|(_, times)| times).collect();
    let evaluations = evaluations(began, times, &held, &shared.lock())?;
    let start_of_second = began.0.as_millisecond().rem_euclid(1000);
    Ok(PrometheusTrace { shows: script.shows.to_owned(), rule: script.rule, start_of_second, evaluations })
}

/// All that was seen belongs to the evaluation before it.
fn evaluations(
    began: Start,
    times: BTreeSet<Timestamp>,
    held: &[(String, BTreeSet<Timestamp>)],
    seen: &Seen,
) -> anyhow::Result<Vec<Evaluation>> {
    let before = |at: Timestamp| times.range(..=at).next_back().copied();
    let mut found: BTreeMap<Timestamp, Evaluation> = times
        .iter()
        .map(|time| {
            let holds = held.iter().filter(|(_, times)| times.contains(time)).map(|(name, _)| name.clone());
            let at = began.since(*time);
            let (listed, sent) = (None, Vec::new());
            let evaluation =
                Evaluation { at, restarted: false, alone: false, holds: holds.collect(), listed, sent };
            (*time, evaluation)
        })
        .collect();
    for start in seen.started.iter().skip(1) {
        if let Some((_, first)) = found.range_mut(*start..).next() {
            first.restarted = true;
        }
    }
    for at in &seen.alone {
        // What a process that has just started knows says nothing of one before it.
        let started = seen.started.iter().rfind(|started| *started <= at);
        let evaluated = before(*at).filter(|time| started.is_none_or(|started| started <= time));
        if let Some(evaluation) = evaluated.and_then(|time| found.get_mut(&time)) {
            evaluation.alone = true;
        }
    }
    for (at, posted) in &seen.posted {
        let evaluation = before(*at).and_then(|time| found.get_mut(&time));
        evaluation.context("something was posted before the first evaluation")?.sent.push(Sent {
            name: name(&posted.labels),
            starts: began.since(posted.starts_at),
            ends: began.since(posted.ends_at),
        });
    }
    for (at, listed) in &seen.listed {
        let Some(evaluation) = before(*at).and_then(|time| found.get_mut(&time)) else { continue };
        let show = |alert: &ListedAlert| Listed {
            name: name(&alert.labels),
            standing: match (&*alert.state, alert.keep_firing_since) {
                ("firing", Some(since)) if since > Timestamp::UNIX_EPOCH => {
                    Standing::Kept(began.since(since))
                }
                ("firing", _) => Standing::Firing,
                _ => Standing::Pending,
            },
            active: began.since(alert.active_at),
        };
        evaluation.listed = Some(listed.iter().map(show).collect());
    }
    found.values_mut().for_each(|evaluation| {
        evaluation.sent.sort();
        evaluation.listed.iter_mut().for_each(|listed| listed.sort());
    });
    Ok(found.into_values().collect())
}

fn name(labels: &Labels) -> String {
    labels.get("name").cloned().unwrap_or_default()
}

/// The target and the Alertmanager.
async fn serve(shared: Shared) -> anyhow::Result<SocketAddr> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let of = shared.clone();
    let metrics = move || async move {
        let seen = of.lock();
        if seen.is_away {
            return Err(StatusCode::SERVICE_UNAVAILABLE);
        }
        let line = |name: &&str| format!("broken{{name=\"{name}\"}} 1\n");
        Ok(seen.holds.iter().map(line).collect::<String>())
    };
    let take = move |body: String| async move {
        let now = RealClock.now();
        let alerts: Vec<PostedAlert> = serde_json::from_str(&body).unwrap_or_default();
        shared.lock().posted.extend(alerts.into_iter().map(|alert| (now, alert)));
    };
    let app = Router::new().route("/metrics", get(metrics)).route("/api/v2/alerts", post(take));
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(address)
}

fn configure(dir: &Path, here: SocketAddr, rule: &Rule) -> anyhow::Result<()> {
    let interval = format!("{}ms", rule.interval);
    let target = json!([{"targets": [here]}]);
    let config = json!({
        "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
        "rule_files": [dir.join("rules.yaml")],
        "scrape_configs": [{"job_name": "target", "static_configs": target,
            "metric_relabel_configs": [{"regex": "job|instance", "action": "labeldrop"}]}],
        "alerting": {"alertmanagers": [{"static_configs": target}]},
    });
    let mut alert = json!({"alert": "A", "expr": "broken == 1", "for": format!("{}ms", rule.hold)});
    if rule.keep_firing_for > 0 {
        alert["keep_firing_for"] = json!(format!("{}ms", rule.keep_firing_for));
    }
    let recorded = [("evaluated", "vector(1)"), ("held", "broken == 1")]
        .map(|(name, expr)| json!({"record": name, "expr": expr}));
    let rules = json!({"groups": [{"name": "group", "rules": [recorded[0], recorded[1], alert]}]});
    std::fs::write(dir.join("prometheus.yaml"), config.to_string())?;
    std::fs::write(dir.join("rules.yaml"), rules.to_string())?;
    Ok(())
}

async fn run(dir: &Path, address: SocketAddr, rule: &Rule) -> anyhow::Result<Program> {
    let arguments = [
        format!("--config.file={}", dir.join("prometheus.yaml").display()),
        format!("--storage.tsdb.path={}", dir.join("data").display()),
        format!("--web.listen-address={address}"),
        format!("--rules.alert.resend-delay={}ms", rule.resend_delay),
        format!("--rules.alert.for-grace-period={}ms", rule.for_grace_period),
    ];
    let ready = format!("http://{address}/-/ready");
    Program::start("prometheus", &arguments, &dir.join("log"), &ready).await
}

/// Ask again and again what the rule's alerts are.
async fn ask(address: SocketAddr, shared: Shared) {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Alerting {
        last_evaluation: Timestamp,
        alerts: Vec<ListedAlert>,
    }
    loop {
        if is_alone(address).await == Some(true) {
            shared.lock().alone.push(RealClock.now());
        }
        if let Ok(answer) = asked(address, "rules?type=alert").await
            && let Ok(rule) =
                serde_json::from_value::<Alerting>(answer["data"]["groups"][0]["rules"][0].clone())
        {
            shared.lock().listed.insert(rule.last_evaluation, rule.alerts);
        }
        let clock: &dyn Clock = &RealClock;
        clock.sleep(ASKED_EVERY).await;
    }
}

/// Whether it knows no Alertmanager; none where it does not answer.
async fn is_alone(address: SocketAddr) -> Option<bool> {
    let answer = asked(address, "alertmanagers").await.ok()?;
    Some(answer["data"]["activeAlertmanagers"] == json!([]))
}

async fn asked(address: SocketAddr, path: &str) -> reqwest::Result<Value> {
    reqwest::get(format!("http://{address}/api/v1/{path}")).await?.error_for_status()?.json().await
}

/// When there are samples of a metric, by the label `name`.
async fn samples(address: SocketAddr, metric: &str) -> anyhow::Result<Vec<(String, BTreeSet<Timestamp>)>> {
    #[derive(Deserialize)]
    struct Series {
        metric: Labels,
        values: Vec<(f64, String)>,
    }
    let answer = asked(address, &format!("query?query={metric}%5B10m%5D")).await?;
    let series: Vec<Series> = serde_json::from_value(answer["data"]["result"].clone())?;
    #[expect(clippy::cast_possible_truncation, reason = "it saturates, and these are times")]
    let time = |(seconds, _): &(f64, String)| Timestamp::from_millisecond((seconds * 1000.0).round() as i64);
    let times = |series: &Series| series.values.iter().map(time).collect::<Result<_, _>>();
    series.iter().map(|series| Ok((name(&series.metric), times(series)?))).collect()
}
