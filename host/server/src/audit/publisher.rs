//! Which row of the trail is the last, said where nobody who can write the journal takes it back; and rows
//! that are older than they need to be.

use std::sync::Arc;
use std::time::Duration;

use suture_core::{Clock, RealClock, Timestamp};
use suture_engine::Metrics;
use suture_journal::{AuditHead, Journal};
use tokio::task::JoinHandle;

/// How often it is said.
const EVERY: Duration = Duration::from_secs(3600);
/// How many times it is said until old rows leave once more: each time that is a row, too.
const PRUNE_EVERY: u64 = 24;

/// Says it from the start on, until it is dropped.
pub(crate) struct Publisher(JoinHandle<()>);

impl Publisher {
    /// `clock` is that of the rows.
    pub fn start(journal: Journal, metrics: Metrics, clock: Arc<dyn Clock>, retention: Duration) -> Self {
        let work = async move {
            let real: &dyn Clock = &RealClock;
            for round in 0_u64.. {
                if round.is_multiple_of(PRUNE_EVERY) {
                    prune(&journal, clock.now(), retention).await;
                }
                if let Some(head) = tell_head(&journal).await {
                    metrics.audit_head(head.sequence, &head.hash.to_string());
                }
                real.sleep(EVERY).await;
            }
        };
        Self(tokio::spawn(work))
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Say in the log which row is the last.
pub(crate) async fn tell_head(journal: &Journal) -> Option<AuditHead> {
    match journal.audit_head().await {
        Ok(Some(head)) => {
            tracing::info!(sequence = head.sequence, hash = %head.hash, "the head of the audit trail");
            Some(head)
        }
        Ok(None) => None,
        Err(error) => {
            tracing::error!(%error, "the head of the audit trail can't be read");
            None
        }
    }
}

async fn prune(journal: &Journal, now: Timestamp, retention: Duration) {
    let retention = jiff::SignedDuration::try_from(retention).unwrap_or(jiff::SignedDuration::MAX);
    let before = now.saturating_sub(retention).unwrap_or(Timestamp::MIN);
    match journal.prune_audit(before).await {
        Ok(0) => {}
        Ok(rows) => tracing::info!(rows, "old rows have left the audit trail"),
        Err(error) => tracing::warn!(%error, "old rows of the audit trail can't be removed"),
    }
}
