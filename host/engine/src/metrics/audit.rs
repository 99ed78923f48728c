//! Metrics of the audit trail.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use suture_journal::ActOutcome;

use super::{Metrics, counted, labels};

labels! {
    CameTo { outcome }
    Head { sequence, hash }
}

pub(super) struct Audit {
    rows: Family<CameTo, Counter>,
    unwritten: Counter,
    head: Family<Head, Gauge>,
}

impl Audit {
    pub fn register(to: &mut Registry) -> Self {
        Self {
            rows: counted(
                to,
                "audit_rows",
                "Rows of the audit trail, by what came of the act",
                Family::default(),
            ),
            unwritten: counted(
                to,
                "audit_unwritten",
                "Acts that were refused or failed, and have no row as there were too many",
                Counter::default(),
            ),
            head: counted(
                to,
                "audit_head_info",
                "The last row of the audit trail, as of the last full hour",
                Family::default(),
            ),
        }
    }
}

impl Metrics {
    /// An act became a row.
    pub fn audit_row(&self, outcome: ActOutcome) {
        self.0.audit.rows.get_or_create(&CameTo { outcome: outcome.as_str().to_owned() }).inc();
    }

    /// One that was not done did not.
    pub fn audit_unwritten(&self) {
        self.0.audit.unwritten.inc();
    }

    /// The last row.
    pub fn audit_head(&self, sequence: u64, hash: &str) {
        let head = &self.0.audit.head;
        head.clear();
        head.get_or_create(&Head { sequence: sequence.to_string(), hash: hash.to_owned() }).set(1);
    }
}
