//! How people are told: an alert to Alertmanager, which knows who is to hear it.

use async_trait::async_trait;
use suture_core::{Labels, Timestamp, display};
use suture_journal::IncidentRecord;

use crate::key::FINGERPRINT;

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

impl Page {
    /// What people are told of an incident that is escalated, or was until then.
    pub(crate) fn of_escalation(incident: &IncidentRecord, ends_at: Option<Timestamp>) -> Self {
        // A fingerprint tells people nothing; what it stands for does.
        let by_all_labels = incident.key.contains_key(FINGERPRINT);
        let mut labels = if by_all_labels { incident.alert.labels.clone() } else { incident.key.clone() };
        let alertname = incident.alert.labels.get("alertname").cloned().unwrap_or_default();
        labels.extend([
            ("alertname".to_owned(), "SutureEscalation".to_owned()),
            ("severity".to_owned(), "warning".to_owned()),
            ("policy".to_owned(), incident.policy.clone()),
            ("incident".to_owned(), incident.id.to_string()),
            ("source_alertname".to_owned(), alertname),
        ]);
        let mut annotations = Labels::from([("summary".to_owned(), incident.summary.clone())]);
        if let Some(run) = incident.runs.last() {
            annotations.insert("description".to_owned(), format!("What was done: suture runs show {run}"));
        }
        // What a policy says ends up in chats and mails. Labels stay: routes match them.
        for text in annotations.values_mut() {
            *text = display::lines(text).into_owned();
        }
        Self { labels, annotations, starts_at: incident.opened_at, ends_at }
    }
}

/// Tells people.
#[async_trait]
pub trait Pager: Send + Sync {
    /// Deliver one page.
    ///
    /// # Errors
    /// Why it could not be delivered.
    async fn page(&self, page: &Page) -> Result<(), String>;

    /// Deliver again what was delivered before and still holds: Alertmanager keeps alerts in
    /// memory, and takes one for resolved that is not posted for some minutes.
    ///
    /// # Errors
    /// Why it could not be delivered.
    async fn remind(&self, pages: &[Page]) -> Result<(), String>;
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

    async fn remind(&self, _pages: &[Page]) -> Result<(), String> {
        Ok(())
    }
}
