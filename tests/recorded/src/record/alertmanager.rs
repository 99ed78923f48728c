//! A sequence, played to a real Alertmanager.

pub mod scripts;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::routing::post;
use parking_lot::Mutex;
use serde_json::{Value, json};
use suture_core::{AlertStatus, Labels, Notification};
use suture_recorded::{AlertmanagerTrace, Event, Millis, Notified, NotifiedAlert, Post, Route, Timed};

use crate::Start;
use crate::program::Program;

/// What is played.
pub struct Script {
    pub shows: &'static str,
    pub route: Route,
    pub ends: Millis,
    pub events: Vec<Timed>,
}

type Heard = Arc<Mutex<Vec<Timed>>>;

/// Play it and write down what happens.
pub async fn record(script: Script) -> anyhow::Result<AlertmanagerTrace> {
    let dir = tempfile::tempdir()?;
    let start = Arc::new(Mutex::new(None));
    let heard = Heard::default();
    let webhook = receive(start.clone(), heard.clone()).await?;
    let address = SocketAddr::from(([127, 0, 0, 1], suture_envtest::free_port()?));
    std::fs::write(dir.path().join("alertmanager.yaml"), config(&script.route, webhook).to_string())?;
    let mut program = Some(run(dir.path(), address).await?);
    let began = Start::now()?;
    *start.lock() = Some(began);
    let mut played = Player { http: reqwest::Client::new(), address, began, silences: BTreeMap::new() };
    for Timed { at, event } in script.events {
        began.wait_until(at).await;
        let at = began.elapsed();
        match &event {
            Event::Post(alert) => played.post(alert).await?,
            Event::Silence { labels, until } => played.silence(labels, *until).await?,
            Event::Unsilence { labels } => played.unsilence(labels).await?,
            Event::Stop {} => {
                program.take().context("it is stopped already")?.stop().await?;
            }
            Event::Start {} => program = Some(run(dir.path(), address).await?),
            Event::Notified(_) => {}
        }
        heard.lock().push(Timed { at, event });
    }
    began.wait_until(script.ends).await;
    drop(program);
    let mut events = std::mem::take(&mut *heard.lock());
    events.sort_by_key(|event| event.at);
    Ok(AlertmanagerTrace { shows: script.shows.to_owned(), route: script.route, ended: script.ends, events })
}

async fn run(dir: &Path, address: SocketAddr) -> anyhow::Result<Program> {
    let arguments = [
        format!("--config.file={}", dir.join("alertmanager.yaml").display()),
        format!("--storage.path={}", dir.join("data").display()),
        format!("--web.listen-address={address}"),
        "--cluster.listen-address=".to_owned(),
    ];
    let ready = format!("http://{address}/-/ready");
    Program::start("prometheus-alertmanager", &arguments, &dir.join("log"), &ready).await
}

/// JSON is YAML, too.
fn config(route: &Route, webhook: SocketAddr) -> Value {
    let matchers = |labels: &Labels| -> Vec<String> {
        labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect()
    };
    let inhibit: Vec<_> = route.inhibit.iter().map(|rule| {
        json!({"source_matchers": matchers(&rule.source), "target_matchers": matchers(&rule.target), "equal": rule.equal})
    }).collect();
    let millis = |millis: u64| format!("{millis}ms");
    json!({
        "global": {"resolve_timeout": millis(route.resolve_timeout)},
        "route": {"receiver": "webhook", "group_by": route.group_by, "group_wait": millis(route.group_wait),
            "group_interval": millis(route.group_interval), "repeat_interval": millis(route.repeat_interval)},
        "inhibit_rules": inhibit,
        "receivers": [{"name": "webhook", "webhook_configs":
            [{"url": format!("http://{webhook}/"), "send_resolved": true, "max_alerts": route.max_alerts}]}],
    })
}

/// The webhook.
async fn receive(start: Arc<Mutex<Option<Start>>>, heard: Heard) -> anyhow::Result<SocketAddr> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let take = move |body: String| async move {
        if let (Some(start), Ok(body)) = (*start.lock(), serde_json::from_str::<Notification>(&body)) {
            heard.lock().push(Timed { at: start.elapsed(), event: Event::Notified(notified(start, body)) });
        }
    };
    let app = Router::new().route("/", post(take));
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(address)
}

fn notified(start: Start, notification: Notification) -> Notified {
    let alerts = notification.alerts.into_iter().map(|alert| NotifiedAlert {
        starts: start.since(alert.starts_at),
        resolved: match alert.status {
            AlertStatus::Resolved => alert.ends_at.map(|at| start.since(at)),
            AlertStatus::Firing => None,
        },
        labels: alert.labels,
    });
    Notified { alerts: alerts.collect(), truncated: notification.truncated_alerts }
}

struct Player {
    http: reqwest::Client,
    address: SocketAddr,
    began: Start,
    silences: BTreeMap<Labels, String>,
}

impl Player {
    async fn post(&self, alert: &Post) -> anyhow::Result<()> {
        let mut body = json!({"labels": alert.labels, "startsAt": self.began.at(alert.starts)?});
        if let Some(ends) = alert.ends {
            body["endsAt"] = json!(self.began.at(ends)?);
        }
        self.send("alerts", &json!([body])).await.map(drop)
    }

    async fn silence(&mut self, labels: &Labels, until: Millis) -> anyhow::Result<()> {
        let matcher = |(name, value): (&String, &String)| json!({"name": name, "value": value, "isRegex": false, "isEqual": true});
        let matchers: Vec<_> = labels.iter().map(matcher).collect();
        let now = self.began.at(self.began.elapsed())?;
        let body = json!({"matchers": matchers, "startsAt": now, "endsAt": self.began.at(until)?,
            "createdBy": "record-world", "comment": "left alone"});
        let answer: Value = serde_json::from_str(&self.send("silences", &body).await?)?;
        let id = answer["silenceID"].as_str().context("a silence has an id")?;
        self.silences.insert(labels.clone(), id.to_owned());
        Ok(())
    }

    async fn unsilence(&self, labels: &Labels) -> anyhow::Result<()> {
        let id = self.silences.get(labels).context("there is no such silence")?;
        let url = format!("http://{}/api/v2/silence/{id}", self.address);
        self.http.delete(url).send().await?.error_for_status()?;
        Ok(())
    }

    async fn send(&self, to: &str, body: &Value) -> anyhow::Result<String> {
        let url = format!("http://{}/api/v2/{to}", self.address);
        let request = self.http.post(url).header("content-type", "application/json");
        let answer = request.body(body.to_string()).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        anyhow::ensure!(status.is_success(), "{to}: {status}: {text}");
        Ok(text)
    }
}
