//! What operators do.

use std::time::Duration;

use suture_core::clock::later;
use suture_core::{Clock, Labels, Timestamp};
use suture_engine::engine::Asked;
use suture_engine::{Decision, Hold, PauseOrder};
use suture_journal::Filter;
use suture_simulator::alertmanager::Silence;

use super::DayRun;
use super::objects::names;
use crate::configuration::Configuration;

impl DayRun<'_> {
    /// Whether the policy is held back, whoever starts it finds out.
    pub(super) fn control(&self) {
        let Some(host) = &self.host else { return };
        let hold = if self.trouble.held > 0 { Hold::all("it may not") } else { Hold::default() };
        host.engine().hold("heal", hold);
    }

    /// A pause outlives the host, and ends by itself.
    pub(super) fn pause(&self, until: Timestamp) {
        let Some(host) = &self.host else { return };
        let engine = host.engine().clone();
        host.ask(async move {
            let order = PauseOrder { until: Some(until), ..PauseOrder::of_host("somebody") };
            let _ = engine.pause(order).await;
        });
    }

    pub(super) fn cancel(&self) {
        let Some(host) = &self.host else { return };
        let engine = host.engine().clone();
        host.ask(async move {
            for run in engine.journal().unfinished_runs().await.unwrap_or_default() {
                let _ = engine.cancel(&run.id, "somebody said so").await;
            }
        });
    }

    pub(super) fn retry(&self) {
        let Some(host) = &self.host else { return };
        let engine = host.engine().clone();
        host.ask(async move {
            let filter = Filter { state: Some("escalated".to_owned()), ..Filter::default() };
            let Ok(found) = engine.journal().incidents(filter).await else { return };
            for incident in found.items.iter().filter(|incident| incident.closed_at.is_none()) {
                let _ = engine.retry(&incident.id, "somebody").await;
            }
        });
    }

    /// Somebody looks at what waits for approval: most of it they approve, some of it with what comes
    /// after, some they reject, and some they leave alone.
    pub(super) fn decide(&mut self) {
        let Some(host) = &self.host else { return };
        let engine = host.engine().clone();
        let mut decisions = self.decisions.clone();
        self.decisions = host.ask(async move {
            let filter = Filter { state: Some("awaitingApproval".to_owned()), ..Filter::default() };
            let found =
                engine.journal().incidents(filter).await.map_or_else(|_| Vec::new(), |page| page.items);
            for approval in found.into_iter().filter_map(|incident| incident.approval) {
                let asked = match decisions.u32(..16) {
                    0..10 => Asked::Approve { rest: false },
                    10..12 => Asked::Approve { rest: true },
                    12..14 => Asked::Reject,
                    _ => continue,
                };
                let who = "somebody".to_owned();
                let decision = Decision { who, digest: approval.digest, message: String::new(), asked };
                let _ = engine.decide(&approval.run, decision).await;
            }
            decisions
        });
    }

    pub(super) fn swap(&mut self) {
        self.version += 1;
        if let Some(host) = &mut self.host {
            host.swap(self.version);
        }
    }

    /// Change the configuration file. A host that is there sees it; one that can't read it goes on
    /// with what is in force.
    pub(super) fn write(&mut self, configuration: Configuration) {
        self.configuration = configuration;
        let read = configuration.read(self.mode());
        if let (Some(host), Ok(read)) = (&mut self.host, read) {
            host.reload(read);
        }
    }

    pub(super) fn silence(&mut self, object: usize, lasts: Duration) {
        let (namespace, name) = names(object);
        let labels = Labels::from([("namespace".to_owned(), namespace), ("name".to_owned(), name)]);
        let from = self.clock.now();
        let silence = Silence { labels, from, until: later(from, lasts) };
        let mut monitoring = self.reach.monitoring.lock();
        monitoring.alertmanagers.iter_mut().for_each(|to| to.silence(silence.clone()));
    }
}
