//! Is the path alive from an alert to its repair? Each thing on it is looked at, and each
//! finding says what to do.

mod host;
mod policy;
mod report;
mod route;

use std::sync::Arc;
use std::time::Duration;

use suture_cluster::alertmanager::routing::Routing;
use suture_cluster::live::Connection;
use suture_cluster::{AlertmanagerClient, PostedAlert, PrometheusClient};
use suture_core::clock::later;
use suture_core::{AlertRelabeling, Clock, Error, Labels, RealClock};
use suture_engine::{Confirm, Engine, Policy};

use crate::assemble;
use crate::config::{ConfigError, Loaded};
use crate::drills::{self, Drill, Drills};
use crate::receivers::Receivers;
use crate::rights::Rights;
use policy::Seen;
use report::Report;
pub(crate) use report::{Finding, Verdict};

/// For how long a drill's alert holds.
const DRILL_LASTS: Duration = Duration::from_secs(120);

/// Looks at a host and what is around it.
pub(crate) struct Doctor {
    engine: Engine,
    loaded: Arc<Loaded>,
    prometheus: Option<PrometheusClient>,
    alertmanagers: Vec<AlertmanagerClient>,
    connection: Option<Connection>,
    clock: Arc<dyn Clock>,
    receivers: Arc<Receivers>,
    /// Those that were sent.
    pub drills: Arc<Drills>,
}

impl Doctor {
    /// For a host at work.
    ///
    /// # Errors
    /// What is wrong with the servers that its configuration names.
    pub fn new(
        engine: Engine,
        loaded: Arc<Loaded>,
        connection: Option<Connection>,
        clock: Arc<dyn Clock>,
        receivers: Arc<Receivers>,
        drills: Arc<Drills>,
    ) -> Result<Self, ConfigError> {
        let prometheus = assemble::prometheus(&loaded)?;
        let alertmanagers = assemble::alertmanagers(&loaded)?;
        Ok(Self { engine, loaded, prometheus, alertmanagers, connection, clock, receivers, drills })
    }

    /// Look at all of it.
    pub async fn examine(&self) -> Report {
        let mut report = Report::default();
        host::journal(&self.engine, &mut report.about("host")).await;
        host::work(&self.engine, &mut report.about("host")).await;
        host::webhook(&self.receivers.posts(), &mut report.about("host"));
        self.cluster(&mut report).await;
        let rules = self.rules(&mut report).await;
        let routings = self.routings(&mut report).await;
        let (prometheus, receivers) = (self.prometheus.clone(), self.receivers.all());
        let seen = Seen { prometheus, rules, routings, receivers };
        for policy in self.policies() {
            let relabeling = relabeling(&policy).await;
            let mut about = report.about(&policy.config.name);
            let relabeling = match relabeling {
                Ok(relabeling) => relabeling,
                Err(error) => {
                    let found = format!("what Prometheus does to labels can't be asked: {}", error.message);
                    about.warn("labels", found, "ask again once Prometheus answers");
                    continue;
                }
            };
            policy::examine(&policy, &relabeling, &seen, &mut about).await;
        }
        report
    }

    /// Try what the host asks, and tell in the log what is wrong with it: not only at the first
    /// repair.
    pub async fn try_connections(&self) {
        let mut report = Report::default();
        self.rules(&mut report).await;
        self.routings(&mut report).await;
        for finding in report.findings.into_iter().filter(|finding| finding.verdict == Verdict::Fail) {
            let Finding { about, found, remedy, .. } = finding;
            tracing::warn!(about, remedy, "{found}");
        }
    }

    fn policies(&self) -> Vec<Arc<Policy>> {
        let names = self.engine.policies().into_iter().map(|policy| policy.name);
        names.filter_map(|name| self.engine.policy(&name)).collect()
    }

    /// The API server: whether it answers, its clock, and what it lets this host do.
    async fn cluster(&self, report: &mut Report) {
        let Some(connection) = &self.connection else {
            return report.about("cluster").ok("reachable", "the cluster is simulated");
        };
        let mut about = report.about("cluster");
        match connection.clock().await {
            Ok(clock) => {
                about.ok("reachable", format!("the API server at {} answers", connection.url));
                host::clock("the API server", clock, &mut about);
            }
            Err(error) => {
                let found = format!("the API server at {} does not answer: {error}", connection.url);
                return about.fail(
                    "reachable",
                    found,
                    "is `cluster.live` right, and may this pod reach it (NetworkPolicy)?",
                );
            }
        }
        let rights = Rights::new(&self.loaded, connection.clone(), &self.policies(), self.clock.clone());
        let held = rights.examine().await;
        match held {
            Err(error) => about.fail(
                "rights",
                format!("the rights of this host can't be asked for: {error}"),
                "ask again",
            ),
            Ok(missing) if missing.is_empty() => {
                about.ok("rights", "the host may do all that its policies are granted");
            }
            Ok(missing) => {
                for (whose, why) in missing {
                    let remedy = "run the command that is named there; it is noticed without a restart";
                    match whose {
                        Some(policy) => report.about(&policy).fail("rights", why, remedy),
                        None => report.about("cluster").warn("rights", why, remedy),
                    }
                }
            }
        }
    }

    async fn rules(&self, report: &mut Report) -> Option<Vec<suture_cluster::prometheus::AlertingRule>> {
        let mut about = report.about("prometheus");
        let Some(prometheus) = &self.prometheus else {
            about.warn(
                "reachable",
                "no `prometheus` is configured: rules and metrics are not looked at",
                "set `prometheus.url`",
            );
            return None;
        };
        match prometheus.clock().await {
            Ok(clock) => {
                about.ok("reachable", format!("Prometheus at {} answers", prometheus.url()));
                host::clock("Prometheus", clock, &mut about);
            }
            Err(error) => {
                about.fail(
                    "reachable",
                    error.message,
                    "are `prometheus.url` and what it is let in by right (`tokenFile`, `basicAuth`, `caFile`: the authority, not \
                     the server's own certificate), and may this pod reach it (NetworkPolicy)?",
                );
                return None;
            }
        }
        match prometheus.rules().await {
            Ok(rules) => Some(rules),
            Err(error) => {
                let remedy = "where another server evaluates rules (vmalert, Thanos' ruler), name it with `prometheus.alertsUrl`";
                about.warn("rules", format!("its rules can't be listed: {}", error.message), remedy);
                None
            }
        }
    }

    async fn routings(&self, report: &mut Report) -> Vec<(String, Routing)> {
        let mut about = report.about("alertmanager");
        if self.alertmanagers.is_empty() {
            let remedy = "set `alertmanager.url`: escalations go through it";
            about.warn("reachable", "no `alertmanager` is configured: its routes are not looked at", remedy);
        }
        let mut routings = Vec::new();
        for client in &self.alertmanagers {
            let status = match client.status().await {
                Ok(status) => status,
                Err(error) => {
                    about.fail(
                        "reachable",
                        error.to_string(),
                        "are its `url` and what it is let in by right (`tokenFile`, `basicAuth`, `caFile`: the authority, not \
                         the server's own certificate), and may this pod reach it (NetworkPolicy)?",
                    );
                    continue;
                }
            };
            let version = Some(status.version.as_str()).filter(|version| !version.is_empty());
            let version = version.map(|version| format!(" {version}")).unwrap_or_default();
            about.ok("reachable", format!("Alertmanager{version} at {} answers", client.url()));
            host::clock("Alertmanager", status.date, &mut about);
            match Routing::parse(&status.config) {
                Ok(routing) => {
                    if status.hides_time_intervals() && routing.has_time_intervals() {
                        let found = format!(
                            "Alertmanager {} at {} has routes that time intervals mute, and does not say when",
                            status.version,
                            client.url()
                        );
                        about.warn(
                            "muted",
                            found,
                            "update it to 0.28 or later: muted alerts are not left alone",
                        );
                    }
                    routings.push((client.url().to_owned(), routing));
                }
                Err(error) => {
                    let found =
                        format!("the routes of Alertmanager at {} can't be followed: {error}", client.url());
                    about.warn("routes", found, "`suture doctor --drill` tells whether one leads here");
                }
            }
        }
        routings
    }

    /// Send an alert through all Alertmanagers that is to come back to the webhook.
    ///
    /// # Errors
    /// Why none of them has it.
    pub async fn drill(&self, more: Labels) -> Result<Drill, String> {
        if self.alertmanagers.is_empty() {
            return Err("no `alertmanager` is configured to send it through".to_owned());
        }
        let now = RealClock.now();
        // Nobody who may post to the webhook can guess it, and make it seem to have come back.
        let id = ulid::Ulid::generate().to_string().to_lowercase();
        let mut labels = more;
        labels.insert("alertname".to_owned(), drills::ALERT_NAME.to_owned());
        labels.insert(drills::LABEL.to_owned(), id.clone());
        labels.entry("severity".to_owned()).or_insert_with(|| "none".to_owned());
        let summary = "a drill of `suture doctor --drill`: nothing is wrong, and it ends by itself";
        let alert = PostedAlert {
            labels: labels.clone(),
            annotations: [("summary".to_owned(), summary.to_owned())].into(),
            starts_at: now,
            ends_at: Some(later(now, DRILL_LASTS)),
            generator_url: String::new(),
        };
        let drill = Drill { id, sent_at: now, labels, arrived: None };
        self.drills.begin(drill.clone());
        let mut errors = Vec::new();
        for client in &self.alertmanagers {
            let posted = client.post_alerts(std::slice::from_ref(&alert)).await;
            errors.extend(posted.err().map(|error| error.to_string()));
        }
        if errors.len() == self.alertmanagers.len() { Err(errors.join("; ")) } else { Ok(drill) }
    }
}

/// What Prometheus does to the labels of alerts when it posts them.
async fn relabeling(policy: &Policy) -> Result<AlertRelabeling, Error> {
    match &policy.config.confirm {
        Confirm::Prometheus(by) => by.relabeling.relabeling().await,
        Confirm::None => Ok(AlertRelabeling::default()),
    }
}
