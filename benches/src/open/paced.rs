//! From an alert to the first instruction of its run, at a steady pace.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::json;
use suture_core::{Ending, Host, Incident, Limits, Manifest, Notification, Program};
use suture_engine::Engine;

use super::alert;

/// How many alerts come, one each in this time.
pub const ALERTS: usize = 5_000;
const PACE: Duration = Duration::from_millis(1);

/// A policy that notes when its runs begin.
pub struct Timed {
    inner: Arc<dyn Program>,
    began: Mutex<HashMap<String, Instant>>,
}

impl Timed {
    pub fn new(inner: Arc<dyn Program>) -> Arc<Self> {
        Arc::new(Self { inner, began: Mutex::default() })
    }
}

#[async_trait]
impl Program for Timed {
    fn manifest(&self) -> &Manifest {
        self.inner.manifest()
    }

    fn digest(&self) -> &str {
        self.inner.digest()
    }

    async fn remediate(&self, incident: &Incident, limits: &Limits, host: Arc<dyn Host>) -> Ending {
        let name = incident.key.get("obj_name").cloned().unwrap_or_default();
        self.began.lock().insert(name, Instant::now());
        self.inner.remediate(incident, limits, host).await
    }
}

/// How long each took, the shortest first.
#[expect(clippy::disallowed_methods, reason = "the pace of a load generator")]
pub async fn latencies(engine: &Engine, timed: &Timed, count: usize) -> anyhow::Result<Vec<Duration>> {
    let mut posted = Vec::with_capacity(count);
    let mut pace = tokio::time::interval(PACE);
    for number in 0..count {
        pace.tick().await;
        let notification = json!({"alerts": [alert("paced", number)]});
        let body = serde_json::to_vec(&notification)?;
        let notification: Notification = serde_json::from_value(notification)?;
        posted.push(Instant::now());
        // Nobody waits for an answer before posting the next.
        let engine = engine.clone();
        tokio::spawn(async move { engine.accept(None, &notification, body).await });
    }
    let began = Instant::now();
    while timed.began.lock().keys().filter(|name| name.starts_with("paced-")).count() < count {
        ensure!(began.elapsed() < super::PATIENCE, "runs are missing");
        pace.tick().await;
    }
    let began = timed.began.lock();
    let took = |(number, posted): (usize, Instant)| {
        began.get(&format!("paced-{number}")).map(|began| began.duration_since(posted)).unwrap_or_default()
    };
    let mut took: Vec<Duration> = posted.into_iter().enumerate().map(took).collect();
    took.sort_unstable();
    Ok(took)
}
