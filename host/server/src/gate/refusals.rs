//! Who was turned away: counted each time, and said once a minute for each peer and reason.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::Method;
use axum::response::Response;
use parking_lot::Mutex;
use suture_core::{Clock, names};
use suture_engine::Metrics;

use crate::failure::TurnedAway;
use crate::listener::Peer;
use crate::right::Caller;

/// How often the same is said of the same peer.
const SAID_EVERY: Duration = Duration::from_secs(60);
/// Peers and reasons that are told apart. Beyond that many within a minute they are one.
const MOST: usize = 1024;

/// Writes down who was turned away by a listener.
pub(crate) struct Refusals {
    /// `webhook` or `admin`.
    listener: &'static str,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    said: Said,
}

/// What is kept of a request until it is answered.
pub(super) struct Asked {
    peer: Option<Peer>,
    method: Method,
    path: String,
}

impl Asked {
    pub fn of(request: &Request) -> Self {
        Self {
            peer: request.extensions().get::<Peer>().cloned(),
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
        }
    }
}

impl Refusals {
    pub fn new(listener: &'static str, clock: Arc<dyn Clock>, metrics: Metrics) -> Self {
        Self { listener, clock, metrics, said: Said::default() }
    }

    /// Write down an answer, if it turns somebody away.
    pub(super) fn note(&self, asked: &Asked, response: &Response) {
        let Some(TurnedAway { reason, message }) = response.extensions().get() else { return };
        let reason = *reason;
        self.metrics.request_refused(self.listener, reason);
        let group = asked.peer.as_ref().map(Peer::group);
        let Some(unsaid) = self.said.is_due(group, reason, self.clock.monotonic()) else { return };
        let caller: Option<&Caller> = response.extensions().get();
        tracing::warn!(
            listener = self.listener,
            peer = asked.peer.as_ref().map(|peer| tracing::field::display(peer.address)),
            who = caller.map(Caller::name),
            method = %names::shortened(asked.method.as_str()),
            path = %names::shortened(&asked.path),
            reason,
            unsaid,
            "refused: {message}"
        );
    }
}

/// What was said lately.
#[derive(Default)]
struct Said(Mutex<HashMap<(Option<IpAddr>, &'static str), Last>>);

struct Last {
    at: Duration,
    /// How often it was not said since.
    unsaid: u64,
}

impl Said {
    /// Whether something is to be said now, and how often it was not since the last time.
    fn is_due(&self, peer: Option<IpAddr>, reason: &'static str, now: Duration) -> Option<u64> {
        let mut said = self.0.lock();
        let mut key = (peer, reason);
        if !said.contains_key(&key) && said.len() >= MOST {
            said.retain(|_, last| now.saturating_sub(last.at) < SAID_EVERY);
            if said.len() >= MOST {
                key = (None, reason);
            }
        }
        match said.get_mut(&key) {
            Some(last) if now.saturating_sub(last.at) < SAID_EVERY => {
                last.unsaid += 1;
                None
            }
            known => {
                let unsaid = known.map_or(0, |last| last.unsaid);
                said.insert(key, Last { at: now, unsaid: 0 });
                Some(unsaid)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn peer(number: u32) -> Option<IpAddr> {
        Some(Ipv4Addr::from_bits(number).into())
    }

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn of_each_peer_and_reason_it_is_said_once_a_minute_with_how_often_it_was_not() {
        let said = Said::default();
        assert_eq!(said.is_due(peer(1), "noToken", at(0)), Some(0));
        assert_eq!(said.is_due(peer(1), "noToken", at(0)), None);
        assert_eq!(said.is_due(peer(1), "noToken", at(59)), None);
        assert_eq!(said.is_due(peer(1), "forbidden", at(59)), Some(0));
        assert_eq!(said.is_due(peer(2), "noToken", at(59)), Some(0));
        assert_eq!(said.is_due(peer(1), "noToken", at(60)), Some(2));
        assert_eq!(said.is_due(peer(1), "noToken", at(61)), None);
    }

    #[test]
    fn many_peers_take_no_more_memory_and_fill_no_log() {
        let said = Said::default();
        let lines = (0..100_000).filter(|number| said.is_due(peer(*number), "noToken", at(1)).is_some());
        assert_eq!(lines.count(), MOST + 1);
        assert!(said.0.lock().len() <= MOST + 1);
        assert_eq!(said.is_due(peer(200_000), "noToken", at(61)), Some(0), "the minute is over");
        assert_eq!(said.0.lock().len(), 1);
    }
}
