//! How people are told: an alert to Alertmanager, which knows who is to hear it.

use async_trait::async_trait;
use suture_core::{Labels, Timestamp};

/// What people are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The alert's labels, `alertname` among them.
    pub labels: Labels,
    /// `summary` and `description`.
    pub annotations: Labels,
    /// Since when it holds.
    pub starts_at: Timestamp,
    /// When it ceased to hold; none while it does.
    pub ends_at: Option<Timestamp>,
}

/// Tells people.
#[async_trait]
pub trait Pager: Send + Sync {
    /// Deliver one page.
    ///
    /// # Errors
    /// Why it could not be delivered.
    async fn page(&self, page: &Page) -> Result<(), String>;
}

/// For a host without Alertmanager: the log is all there is.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPager;

#[async_trait]
impl Pager for NoPager {
    async fn page(&self, page: &Page) -> Result<(), String> {
        let summary = page.annotations.get("summary").map_or("", String::as_str);
        let label = |name| page.labels.get(name).map(String::as_str);
        let (incident, policy) = (label("incident"), label("policy"));
        tracing::error!(incident, policy, labels = ?page.labels, "a person must look: {summary}");
        Ok(())
    }
}
