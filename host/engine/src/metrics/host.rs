//! Metrics of the host itself: its journal, its API server, its configuration.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use suture_core::Timestamp;
use suture_journal::Room;

use super::{Histograms, Metrics, OfVerb, ResultOf, counted, from_a_milli, labels, seconds};
use crate::waiting::Waiting;

labels! {
    OfLease { lease }
    RequestOf { verb, code }
    WaitsFor { policy, reason }
}

pub(super) struct Host {
    paused: Gauge,
    waiting: Family<WaitsFor, Gauge>,
    waiting_oldest: Family<WaitsFor, Gauge>,
    lease_held: Family<OfLease, Gauge>,
    inbox: Gauge,
    inbox_bytes: Gauge,
    journal_size: Gauge,
    journal_used: Gauge,
    journal_max: Gauge,
    journal_failing: Gauge,
    journal_damage: Gauge,
    commit_duration: Histogram,
    requests: Family<RequestOf, Counter>,
    request_duration: Histograms<OfVerb>,
    reloads: Family<ResultOf, Counter>,
    in_force: Gauge,
    spans_dropped: Counter,
}

impl Host {
    pub fn register(to: &mut Registry, version: &str) -> Self {
        to.register("build", "The version of this host", Info::new([("version", version.to_owned())]));
        let in_force = Gauge::default();
        // What a host starts with is in force.
        in_force.set(1);
        let bytes = |to: &mut Registry, name: &str, help: &str| {
            let gauge = Gauge::default();
            to.register_with_unit(name, help, Unit::Bytes, gauge.clone());
            gauge
        };
        let inbox_bytes =
            bytes(to, "inbox_size", "The bodies of notifications that are accepted and not yet routed");
        let journal_used = bytes(
            to,
            "journal_used",
            "What the contents of the journal take, as far as that counts for storage.maxSize",
        );
        let journal_max = bytes(to, "journal_max", "What they may take: storage.maxSize; 0 without a limit");
        let journal_size = Gauge::default();
        to.register_with_unit(
            "journal_size",
            "The journal on disk, as of this moment",
            Unit::Bytes,
            journal_size.clone(),
        );
        Self {
            paused: counted(to, "paused", "Whether the host starts no runs for now", Gauge::default()),
            waiting: counted(to, "waiting", "What waits, and for what", Family::default()),
            waiting_oldest: seconds(
                to,
                "waiting_oldest",
                "For how long the first of them has waited",
                Family::default(),
            ),
            lease_held: counted(
                to,
                "lease_held",
                "Whether this host holds the lease, and so is the one that acts",
                Family::default(),
            ),
            inbox: counted(
                to,
                "inbox_notifications",
                "Notifications that are accepted and not yet routed",
                Gauge::default(),
            ),
            inbox_bytes,
            journal_size,
            journal_used,
            journal_max,
            journal_failing: counted(
                to,
                "journal_failing",
                "Whether the journal can't be written: nothing is accepted, and runs are suspended",
                Gauge::default(),
            ),
            journal_damage: counted(
                to,
                "journal_damage",
                "What of the journal was seen to be damaged since the host started",
                Gauge::default(),
            ),
            commit_duration: seconds(
                to,
                "journal_commit_duration",
                "One commit of the journal, the disk included",
                Histogram::new(exponential_buckets(0.0001, 2.0, 16)),
            ),
            requests: counted(
                to,
                "api_requests",
                "Requests to the API server; the code is none where there was no answer",
                Family::default(),
            ),
            request_duration: seconds(
                to,
                "api_request_duration",
                "From a request to the API server to its answer",
                Family::new_with_constructor(from_a_milli),
            ),
            reloads: counted(
                to,
                "config_reloads",
                "Configurations read again: ok, or refused",
                Family::default(),
            ),
            // As Prometheus and Alertmanager name theirs.
            in_force: counted(
                to,
                "config_last_reload_successful",
                "Whether the configuration on disk is in force, as far as it is without a restart",
                in_force,
            ),
            spans_dropped: counted(
                to,
                "spans_dropped",
                "Spans that the collector of traces did not get",
                Counter::default(),
            ),
        }
    }
}

impl Metrics {
    /// Whether the host starts no runs for now.
    pub fn paused(&self, paused: bool) {
        self.0.host.paused.set(paused.into());
    }

    /// All that waits, as of now.
    pub fn waiting(&self, all: &[Waiting], now: Timestamp) {
        let Host { waiting, waiting_oldest, .. } = &self.0.host;
        waiting.clear();
        waiting_oldest.clear();
        for one in all {
            let labels = WaitsFor { policy: one.policy.clone(), reason: one.reason.as_str().to_owned() };
            waiting.get_or_create(&labels).set(i64::try_from(one.count).unwrap_or(i64::MAX));
            let age = one.since.map_or(0, |since| since.duration_until(now).as_secs().max(0));
            waiting_oldest.get_or_create(&labels).set(age);
        }
    }

    /// Whether this host holds a lease.
    pub fn lease(&self, lease: &str, held: bool) {
        self.0.host.lease_held.get_or_create(&OfLease { lease: lease.into() }).set(held.into());
    }

    /// What stands in the journal now: notifications that are not yet routed, and its bytes on
    /// disk.
    pub fn journal(&self, inbox: usize, bytes: u64) {
        self.0.host.inbox.set(i64::try_from(inbox).unwrap_or(i64::MAX));
        self.0.host.journal_size.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// How many bytes wait to be routed, and how much of the journal's limit is used.
    pub fn journal_room(&self, inbox: u64, room: Room) {
        let set = |gauge: &Gauge, bytes: u64| {
            gauge.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        };
        set(&self.0.host.inbox_bytes, inbox);
        set(&self.0.host.journal_used, room.used);
        set(&self.0.host.journal_max, room.max.unwrap_or_default());
    }

    /// Whether the journal can't be written, and how much of it was seen to be damaged.
    pub fn journal_health(&self, is_failing: bool, damage: usize) {
        self.0.host.journal_failing.set(is_failing.into());
        self.0.host.journal_damage.set(i64::try_from(damage).unwrap_or(i64::MAX));
    }

    /// The journal committed.
    pub fn commit(&self, duration: Duration) {
        self.0.host.commit_duration.observe(duration.as_secs_f64());
    }

    /// The API server answered a request, with a status; none where it did not answer.
    pub fn api_request(&self, method: &str, status: Option<u16>, took: Duration) {
        let host = &self.0.host;
        let code = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
        host.requests.get_or_create(&RequestOf { verb: method.into(), code }).inc();
        host.request_duration.get_or_create(&OfVerb { verb: method.into() }).observe(took.as_secs_f64());
    }

    /// The configuration was read again.
    pub fn reloaded(&self, in_force: bool) {
        let result = if in_force { "ok" } else { "refused" };
        self.0.host.in_force.set(in_force.into());
        self.0.host.reloads.get_or_create(&ResultOf { result: result.into() }).inc();
    }

    /// Spans were lost.
    pub fn spans_dropped(&self, count: u64) {
        self.0.host.spans_dropped.inc_by(count);
    }
}
