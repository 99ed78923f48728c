//! The path of an alert: from its rule to an Alertmanager, and from there to the host.

use std::collections::BTreeSet;
use std::time::Duration;

use suture_core::clock::later;
use suture_core::{Clock, Envelope, Labels, Timestamp};
use suture_simulator::alertmanager::Flushed;

use super::DayRun;
use super::agenda::{Delivery, Over, Task};
use super::objects::{labels, namespace};
use super::setting::DOWN;
use crate::reach::Monitoring;

/// How often the rules are evaluated.
pub(super) const EVALUATED_EVERY: Duration = Duration::from_secs(30);
/// `group_interval`.
pub(super) const GROUP_INTERVAL: Duration = Duration::from_secs(300);
/// How long a peer waits for the one before it (`--cluster.peer-timeout`).
const PEER_TIMEOUT: Duration = Duration::from_secs(15);
/// The pause after the first try to deliver a notification, and the longest after one.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// How long after it was asked a controller mends an object.
const SLOW: Duration = Duration::from_secs(600);

/// What each Alertmanager is about to do.
#[derive(Clone, Debug, Default)]
pub(super) struct Sender {
    /// How often it was away.
    pub life: u32,
    /// When its groups are looked at next.
    pub flush_at: Option<Timestamp>,
    /// How long its notifications take.
    pub takes: Duration,
}

impl DayRun<'_> {
    pub(super) fn evaluate(&mut self) {
        self.later(EVALUATED_EVERY, Task::Evaluate);
        let now = self.clock.now();
        for object in self.objects.newly_asked() {
            self.later(SLOW, Task::End(Over::Asked(object)));
        }
        if self.reach.monitoring.lock().is_prometheus_away {
            return;
        }
        let holds = self.holds();
        {
            let mut monitoring = self.reach.monitoring.lock();
            monitoring.prometheus.evaluate(now, &holds);
            let posted = monitoring.prometheus.to_post(now);
            let Monitoring { alertmanagers, is_alertmanager_away, .. } = &mut *monitoring;
            for (alertmanager, is_away) in alertmanagers.iter_mut().zip(is_alertmanager_away) {
                if !*is_away {
                    posted.iter().for_each(|alert| alertmanager.receive(alert.clone(), now));
                }
            }
        }
        (0..self.senders.len()).for_each(|of| self.flush_later(of));
    }

    /// What the rules' expressions hold for.
    fn holds(&mut self) -> BTreeSet<Labels> {
        let broken = self.objects.broken().into_iter().filter(|object| !self.trouble.gaps.contains(object));
        let down = self.trouble.down.keys().map(|number| {
            let labels = [("alertname", DOWN.to_owned()), ("namespace", namespace(*number))];
            Labels::from(labels.map(|(name, value)| (name.to_owned(), value)))
        });
        broken.map(labels).chain(down).collect()
    }

    /// Look at an Alertmanager's groups when the next is due.
    fn flush_later(&mut self, of: usize) {
        let Some(at) = self.reach.monitoring.lock().alertmanagers[of].next_flush() else { return };
        if self.senders[of].flush_at.is_none_or(|known| at < known) {
            self.senders[of].flush_at = Some(at);
            let now = self.clock.now();
            self.later(now.duration_until(at).try_into().unwrap_or_default(), Task::Flush(of));
        }
    }

    pub(super) fn flush(&mut self, of: usize) {
        let now = self.clock.now();
        self.senders[of].flush_at = None;
        let flushed = {
            let mut monitoring = self.reach.monitoring.lock();
            if monitoring.is_alertmanager_away[of] {
                return;
            }
            monitoring.alertmanagers[of].flush(now)
        };
        self.flush_later(of);
        let position = u32::try_from(of).unwrap_or(0);
        for flushed in flushed {
            let (life, until) = (self.senders[of].life, later(now, GROUP_INTERVAL));
            let delivery = Delivery { from: of, life, flushed, backoff: BACKOFF.0, until };
            self.later(position * PEER_TIMEOUT, Task::Deliver(Box::new(delivery)));
        }
    }

    pub(super) fn deliver(&mut self, mut delivery: Box<Delivery>) {
        let Delivery { from, life, ref flushed, backoff, until } = *delivery;
        if life != self.senders[from].life || self.clock.now() >= until {
            return;
        }
        if !self.reach.monitoring.lock().alertmanagers[from].is_news(flushed) {
            return self.answered(&delivery);
        }
        let is_told = self.trouble.webhooks_lost == 0 && self.told(flushed);
        if is_told && self.trouble.answers_lost == 0 {
            return self.later(self.senders[from].takes, Task::Answered(delivery));
        }
        delivery.backoff = (2 * backoff).min(BACKOFF.1);
        self.later(backoff, Task::Deliver(delivery));
    }

    /// The host takes a notification.
    fn told(&mut self, flushed: &Flushed) -> bool {
        let Some(host) = &self.host else { return false };
        let Ok(body) = serde_json::to_vec(&flushed.notification) else { return false };
        let is_told = host.deliver(Envelope::from(&flushed.notification), body).is_ok();
        self.day.notifications += usize::from(is_told);
        is_told
    }

    pub(super) fn answered(&mut self, delivery: &Delivery) {
        let Delivery { from, life, flushed, .. } = delivery;
        if *life != self.senders[*from].life {
            return;
        }
        let mut monitoring = self.reach.monitoring.lock();
        for (of, alertmanager) in monitoring.alertmanagers.iter_mut().enumerate() {
            if of == *from {
                alertmanager.delivered(flushed);
            } else if self.trouble.gossip_cut == 0 {
                alertmanager.gossip(flushed);
            }
        }
    }
}
