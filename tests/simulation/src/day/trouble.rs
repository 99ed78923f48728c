//! What goes wrong, and ends.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use suture_core::Clock;
use suture_core::clock::later;

use super::DayRun;
use super::agenda::{Over, Task};
use crate::configuration::Configuration;
use crate::judge::Fault;
use crate::plan::Happening;

/// What keeps something from being well, and how much of each there is.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    /// Objects of which Prometheus has no samples.
    pub gaps: BTreeSet<usize>,
    /// Namespaces that are down, and how often they were said to be.
    pub down: BTreeMap<usize, u32>,
    pub gossip_cut: u32,
    pub webhooks_lost: u32,
    pub answers_lost: u32,
    pub host_away: u32,
    pub paused: u32,
    pub held: u32,
}

impl Trouble {
    /// Whether alerts, or what is done about them, are kept from going on.
    pub fn keeps_back(&self) -> bool {
        self.webhooks_lost + self.answers_lost + self.paused + self.held > 0
    }
}

impl DayRun<'_> {
    pub(super) fn happen(&mut self, what: &Happening) {
        match *what {
            Happening::Break(object, cause) => self.objects.break_(object, cause),
            Happening::Mend(object) => self.objects.mend(object),
            Happening::Down(number, lasts) => {
                *self.trouble.down.entry(number).or_default() += 1;
                self.ends(lasts, Over::Down(number));
            }
            Happening::PrometheusAway(lasts) => {
                self.reach.monitoring.lock().is_prometheus_away = true;
                self.ends(lasts, Over::Prometheus);
            }
            Happening::ScrapeGap(object, lasts) => {
                self.trouble.gaps.insert(object);
                self.ends(lasts, Over::ScrapeGap(object));
            }
            Happening::AlertmanagerAway(of, lasts) => {
                self.reach.monitoring.lock().is_alertmanager_away[of] = true;
                self.senders[of].life += 1;
                self.ends(lasts, Over::Alertmanager(of));
            }
            Happening::GossipCut(lasts) => {
                self.trouble.gossip_cut += 1;
                self.ends(lasts, Over::Gossip);
            }
            Happening::WebhooksLost(lasts) => {
                self.trouble.webhooks_lost += 1;
                self.ends(lasts, Over::WebhooksLost);
            }
            Happening::AnswersLost(lasts) => {
                self.trouble.answers_lost += 1;
                self.ends(lasts, Over::AnswersLost);
            }
            Happening::Slow(of, by, lasts) => {
                self.senders[of].takes = by;
                self.ends(lasts, Over::Slow(of));
            }
            Happening::Killed(lasts) => {
                self.trouble.host_away += 1;
                self.host = None;
                self.ends(lasts, Over::HostAway);
            }
            Happening::Stopped(lasts) => {
                self.trouble.host_away += 1;
                if let Some(host) = self.host.take() {
                    host.stop();
                }
                self.ends(lasts, Over::HostAway);
            }
            Happening::ApiAway(lasts) => {
                self.reach.monitoring.lock().is_api_away = true;
                self.ends(lasts, Over::Api);
            }
            Happening::Paused(lasts) => {
                self.trouble.paused += 1;
                self.pause(later(self.clock.now(), lasts));
                self.ends(lasts, Over::Paused);
            }
            Happening::Held(lasts) => {
                self.trouble.held += 1;
                self.control();
                self.ends(lasts, Over::Held);
            }
            Happening::Cancel => self.cancel(),
            Happening::Swap => self.swap(),
            Happening::Reload(configuration, lasts) => {
                self.write(configuration);
                self.ends(lasts, Over::Reloaded);
            }
            Happening::Retry => self.retry(),
            Happening::Silence(object, lasts) => self.silence(object, lasts),
        }
    }

    fn ends(&mut self, after: Duration, over: Over) {
        self.later(after, Task::End(over));
    }

    pub(super) fn end(&mut self, over: Over) -> Result<(), Fault> {
        self.judge.disturbed_until(self.clock.now());
        match over {
            Over::Prometheus => {
                let mut monitoring = self.reach.monitoring.lock();
                monitoring.is_prometheus_away = false;
                monitoring.prometheus.restart();
            }
            Over::ScrapeGap(object) => drop(self.trouble.gaps.remove(&object)),
            Over::Down(number) => {
                let times = self.trouble.down.remove(&number).unwrap_or_default();
                if times > 1 {
                    self.trouble.down.insert(number, times - 1);
                }
            }
            Over::Alertmanager(of) => {
                let mut monitoring = self.reach.monitoring.lock();
                monitoring.is_alertmanager_away[of] = false;
                monitoring.alertmanagers[of].restart();
            }
            Over::Gossip => self.trouble.gossip_cut -= 1,
            Over::WebhooksLost => self.trouble.webhooks_lost -= 1,
            Over::AnswersLost => self.trouble.answers_lost -= 1,
            Over::Slow(of) => self.senders[of].takes = Duration::ZERO,
            Over::HostAway => {
                self.trouble.host_away -= 1;
                self.wake_host()?;
            }
            Over::Api => self.reach.monitoring.lock().is_api_away = false,
            Over::Paused => self.trouble.paused -= 1,
            Over::Held => {
                self.trouble.held -= 1;
                self.control();
            }
            Over::Reloaded => {
                self.write(Configuration::Usual);
                // With the other one it may not have started.
                self.wake_host()?;
            }
            Over::Asked(object) => self.objects.obey(object),
            Over::Trouble => self.objects.all().for_each(|object| self.objects.mend(object)),
        }
        Ok(())
    }
}
