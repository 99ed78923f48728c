//! Metrics of the addresses that a host listens on.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use suture_core::Timestamp;

use super::{Metrics, counted, labels, seconds};

labels! {
    OfListener { listener }
    ListenerReason { listener, reason }
    ListenerResult { listener, result }
}

pub(super) struct Listeners {
    connections: Family<OfListener, Gauge>,
    closed: Family<ListenerReason, Counter>,
    refused: Family<ListenerReason, Counter>,
    reloads: Family<ListenerResult, Counter>,
    expiry: Family<OfListener, Gauge>,
}

impl Listeners {
    pub fn register(to: &mut Registry) -> Self {
        Self {
            connections: counted(to, "connections", "Connections that are open", Family::default()),
            closed: counted(
                to,
                "connections_closed",
                "Connections that the host closed on its own account",
                Family::default(),
            ),
            refused: counted(
                to,
                "requests_refused",
                "Requests that were turned away for who sent them, or how",
                Family::default(),
            ),
            reloads: counted(to, "tls_reloads", "TLS files that were read again", Family::default()),
            expiry: seconds(
                to,
                "tls_certificate_expiry_timestamp",
                "When the certificate that is served expires, since 1970",
                Family::default(),
            ),
        }
    }
}

impl Metrics {
    /// A listener (`webhook`, `admin`) has one connection more, or one less.
    pub fn connection(&self, listener: &str, is_open: bool) {
        let connections =
            self.0.listeners.connections.get_or_create(&OfListener { listener: listener.into() });
        if is_open {
            connections.inc()
        } else {
            connections.dec()
        };
    }

    /// A listener closed a connection for a reason: `crowded`, `stalled`, `handshake`.
    pub fn connection_closed(&self, listener: &str, reason: &str) {
        let labels = ListenerReason { listener: listener.into(), reason: reason.into() };
        self.0.listeners.closed.get_or_create(&labels).inc();
    }

    /// A listener turned a request away, for a reason: `noToken`, `unknownToken`,
    /// `unknownPassword`, `noCertificate`, `forbidden`, `foreign`, `misdirected`.
    pub fn request_refused(&self, listener: &str, reason: &str) {
        let labels = ListenerReason { listener: listener.into(), reason: reason.into() };
        self.0.listeners.refused.get_or_create(&labels).inc();
    }

    /// The TLS files of a listener have changed, and were put in force or not.
    pub fn tls_reloaded(&self, listener: &str, in_force: bool) {
        let result = if in_force { "ok" } else { "refused" };
        let labels = ListenerResult { listener: listener.into(), result: result.into() };
        self.0.listeners.reloads.get_or_create(&labels).inc();
    }

    /// The certificate that a listener serves is good until some time.
    pub fn certificate_expires(&self, listener: &str, at: Timestamp) {
        let labels = OfListener { listener: listener.into() };
        self.0.listeners.expiry.get_or_create(&labels).set(at.as_second());
    }
}
