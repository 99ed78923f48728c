//! What a host reaches, while it does: the API server, Prometheus, and the Alertmanagers.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use suture_core::clock::later;
use suture_core::handler::{Discovery, Resolution, Resource};
use suture_core::object::Kind;
use suture_core::{
    AlertRelabeling, Clock, Effect, EffectHandler, Error, Fault, KnownAlert, Prepared, Reason, Reply, Step,
    VirtualClock,
};
use suture_engine::{Alertmanagers, Page, Pager, SilenceQuery, Silences, Suppression};
use suture_simulator::alertmanager::Posted;
use suture_simulator::{SimulatedAlertmanager, SimulatedCluster, SimulatedPrometheus};

/// For how long an alert that the host posts holds.
const LASTS: std::time::Duration = std::time::Duration::from_secs(300);

/// All of it. Clones are the same.
#[derive(Clone)]
pub struct Reach {
    /// The API server.
    pub cluster: SimulatedCluster,
    /// The rest.
    pub monitoring: Arc<Mutex<Monitoring>>,
    clock: VirtualClock,
}

/// Prometheus, the Alertmanagers, and who can be reached.
pub struct Monitoring {
    /// Prometheus.
    pub prometheus: SimulatedPrometheus,
    /// The Alertmanagers.
    pub alertmanagers: Vec<SimulatedAlertmanager>,
    /// Whether Prometheus is away.
    pub is_prometheus_away: bool,
    /// Whether each Alertmanager is away.
    pub is_alertmanager_away: Vec<bool>,
    /// Whether the API server is away.
    pub is_api_away: bool,
}

impl Reach {
    /// All of it, at a time.
    pub fn new(cluster: SimulatedCluster, monitoring: Monitoring, clock: VirtualClock) -> Self {
        Self { cluster, monitoring: Arc::new(Mutex::new(monitoring)), clock }
    }

    /// What Prometheus does to labels.
    pub fn relabeling(&self) -> AlertRelabeling {
        self.monitoring.lock().prometheus.relabeling().clone()
    }

    fn answered(&self, effect: &Effect) -> Option<Result<Reply, Error>> {
        let Effect::Alerts = effect else { return None };
        let monitoring = self.monitoring.lock();
        Some(match monitoring.is_prometheus_away {
            true => Err(away("Prometheus")),
            false => Ok(Reply::Alerts(monitoring.prometheus.alerts())),
        })
    }

    fn reached(&self) -> Result<(), Error> {
        if self.monitoring.lock().is_api_away { Err(away("the API server")) } else { Ok(()) }
    }
}

fn away(what: &str) -> Error {
    Error::new(Reason::UNAVAILABLE, format!("{what} can't be reached"))
}

#[async_trait]
impl EffectHandler for Reach {
    async fn prepare(&self, step: &Step, effect: &Effect) -> Result<Prepared, Fault> {
        if matches!(effect, Effect::Alerts) {
            return Ok(Prepared::new(step.clone(), effect.clone()));
        }
        self.reached()?;
        self.cluster.prepare(step, effect).await
    }

    async fn perform(&self, prepared: &Prepared) -> Result<Reply, Fault> {
        if let Some(answer) = self.answered(&prepared.effect) {
            return Ok(answer?);
        }
        self.reached()?;
        self.cluster.perform(prepared).await
    }

    async fn resolve(&self, prepared: &Prepared) -> Result<Resolution, Fault> {
        if matches!(prepared.effect, Effect::Alerts) {
            return Ok(Resolution::NotDone);
        }
        self.reached()?;
        self.cluster.resolve(prepared).await
    }
}

#[async_trait]
impl Discovery for Reach {
    async fn resource(&self, kind: &Kind) -> Result<Resource, Error> {
        self.reached()?;
        self.cluster.resource(kind).await
    }
}

#[async_trait]
impl Pager for Reach {
    async fn page(&self, page: &Page) -> Result<(), String> {
        self.remind(std::slice::from_ref(page)).await
    }

    async fn remind(&self, pages: &[Page]) -> Result<(), String> {
        let now = self.clock.now();
        let mut monitoring = self.monitoring.lock();
        let Monitoring { alertmanagers, is_alertmanager_away, .. } = &mut *monitoring;
        let mut reached = false;
        for (alertmanager, is_away) in alertmanagers.iter_mut().zip(is_alertmanager_away) {
            if *is_away {
                continue;
            }
            reached = true;
            for page in pages {
                let ends_at = Some(page.ends_at.unwrap_or_else(|| later(now, LASTS)));
                let starts_at = page.starts_at.min(now);
                alertmanager.receive(Posted { labels: page.labels.clone(), starts_at, ends_at }, now);
            }
        }
        if reached { Ok(()) } else { Err("no Alertmanager can be reached".to_owned()) }
    }
}

#[async_trait]
impl Alertmanagers for Reach {
    async fn alerts_for(&self, receivers: &BTreeSet<&str>) -> Result<Vec<KnownAlert>, String> {
        let now = self.clock.now();
        let monitoring = self.monitoring.lock();
        if monitoring.is_alertmanager_away.contains(&true) {
            return Err("an Alertmanager can't be reached".to_owned());
        }
        let mut known = Vec::new();
        for alertmanager in &monitoring.alertmanagers {
            let groups =
                serde_json::from_value(alertmanager.grouped(now)).map_err(|error| error.to_string())?;
            let is_for_one = |alert: &KnownAlert| receivers.iter().any(|name| alert.is_for(name));
            known.extend(KnownAlert::of_groups(groups).into_iter().filter(is_for_one));
        }
        Ok(known)
    }
}

#[async_trait]
impl Silences for Reach {
    async fn suppressions(&self, alerts: &[SilenceQuery]) -> Vec<Result<Suppression, String>> {
        let now = self.clock.now();
        let monitoring = self.monitoring.lock();
        let say = |alert: &SilenceQuery| {
            if monitoring.is_alertmanager_away.contains(&true) {
                return Err("an Alertmanager can't be reached".to_owned());
            }
            let by = |one: &SimulatedAlertmanager| one.is_suppressed(&alert.labels, now);
            let has = |one: &SimulatedAlertmanager| one.holding(now).any(|labels| *labels == alert.labels);
            Ok(match &monitoring.alertmanagers {
                all if all.iter().any(by) => Suppression::By("its alert is silenced".to_owned()),
                all if all.iter().any(has) => Suppression::None,
                _ => Suppression::Unlisted,
            })
        };
        alerts.iter().map(say).collect()
    }
}
