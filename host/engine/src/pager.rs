//! How people are told: an alert to Alertmanager, which knows who is to hear it.

use async_trait::async_trait;
use suture_core::{HumanDuration, Labels, Timestamp, display};
use suture_journal::IncidentRecord;

use crate::key::FINGERPRINT;

/// What is said in all that people are told, and whether they are told of repairs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Telling {
    /// What this cluster is called.
    pub cluster: Option<String>,
    /// Where this host's API is reached: for links.
    pub external_url: Option<String>,
    /// Whether a repair that succeeded is told, too.
    pub repaired: bool,
}

/// What people are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The alert's labels, `alertname` among them.
    pub labels: Labels,
    /// `summary`, `description`, `next`, …
    pub annotations: Labels,
    /// Since when it holds.
    pub starts_at: Timestamp,
    /// When it ceased to hold; none while it does.
    pub ends_at: Option<Timestamp>,
    /// Where there is more; may be empty.
    pub link: String,
}

impl Page {
    /// What people are told of an incident that is escalated, or was until then.
    pub(crate) fn of_escalation(
        incident: &IncidentRecord,
        telling: &Telling,
        ends_at: Option<Timestamp>,
    ) -> Self {
        let severity = incident.alert.labels.get("severity").map_or("warning", String::as_str);
        let page = Self::of_incident(incident, "SutureEscalation", severity, telling);
        let next = match incident.runs.last() {
            Some(run) => format!("suture runs show {run}"),
            None => format!("suture incidents show {}", incident.id),
        };
        let mut description = format!("What was done: {next}");
        if !incident.evidence.is_empty() {
            description = format!("{description}\nThe end of the evidence:\n{}", incident.evidence);
        }
        let next = format!("{next}; once the cause is mended: suture incidents retry {}", incident.id);
        page.with("description", &description)
            .with("evidence", &incident.evidence)
            .with("next", &next)
            .until(ends_at)
    }

    /// What people are told of an incident whose plan they are to approve, or were until then.
    pub(crate) fn of_approval(
        incident: &IncidentRecord,
        telling: &Telling,
        ends_at: Option<Timestamp>,
    ) -> Option<Self> {
        let approval = incident.approval.as_ref()?;
        let severity = incident.alert.labels.get("severity").map_or("warning", String::as_str);
        let page = Self::of_incident(incident, "SutureApprovalNeeded", severity, telling);
        let run = &approval.run;
        let description = format!(
            "{} of {} people have approved it; it expires at {}. The plan, field by field: suture runs diff {run}",
            approval.given.len(),
            approval.needed,
            approval.expires_at
        );
        let page = Self { starts_at: approval.asked_at, ..page };
        let next = format!("suture approve {run}; or suture reject {run}");
        Some(
            page.with("description", &description)
                .with("evidence", &incident.evidence)
                .with("next", &next)
                .until(ends_at),
        )
    }

    /// What people are told of an incident whose repair cleared its alert. It ends by itself.
    pub(crate) fn of_repair(incident: &IncidentRecord, telling: &Telling, now: Timestamp) -> Self {
        let page = Self::of_incident(incident, "SutureRepaired", "info", telling);
        let seconds = incident.opened_at.duration_until(now).as_secs().max(0).unsigned_abs();
        let took = HumanDuration::from_secs(seconds);
        let runs = match incident.runs.len() {
            1 => "by one run".to_owned(),
            runs => format!("by {runs} runs"),
        };
        let run = incident.runs.last().map(ToString::to_string).unwrap_or_default();
        let description = format!(
            "The alert cleared {took} after it had come in, {runs}. What was done: suture runs show {run}"
        );
        page.with("description", &description).with("evidence", &incident.evidence)
    }

    fn of_incident(incident: &IncidentRecord, alertname: &str, severity: &str, telling: &Telling) -> Self {
        // A fingerprint tells people nothing; what it stands for does.
        let by_all_labels = incident.key.contains_key(FINGERPRINT);
        let mut labels = if by_all_labels { incident.alert.labels.clone() } else { incident.key.clone() };
        let source = incident.alert.labels.get("alertname").cloned().unwrap_or_default();
        labels.extend([
            ("policy".to_owned(), incident.policy.clone()),
            ("incident".to_owned(), incident.id.to_string()),
            ("source_alertname".to_owned(), source),
        ]);
        let page = Self::new(labels, alertname, severity, &incident.summary, incident.opened_at, telling);
        let links = telling.external_url.as_deref().zip(incident.runs.last());
        match links.map(|(url, run)| format!("{}/api/v1/runs/{run}", url.trim_end_matches('/'))) {
            Some(link) => Self { link: link.clone(), ..page.with("run_url", &link) },
            None => page,
        }
    }

    /// What people are told of something that holds from now on and is about no incident.
    pub(crate) fn of_notice(
        alertname: &str,
        policy: Option<&str>,
        summary: &str,
        now: Timestamp,
        telling: &Telling,
    ) -> Self {
        let labels = policy.map(|policy| ("policy".to_owned(), policy.to_owned())).into_iter().collect();
        Self::new(labels, alertname, "critical", summary, now, telling)
    }

    fn new(
        mut labels: Labels,
        alertname: &str,
        severity: &str,
        summary: &str,
        starts_at: Timestamp,
        telling: &Telling,
    ) -> Self {
        labels.insert("alertname".to_owned(), alertname.to_owned());
        labels.insert("severity".to_owned(), severity.to_owned());
        if let Some(cluster) = &telling.cluster {
            labels.entry("cluster".to_owned()).or_insert_with(|| cluster.clone());
        }
        let page = Self { labels, annotations: Labels::new(), starts_at, ends_at: None, link: String::new() };
        page.with("summary", summary)
    }

    /// What a policy says ends up in chats and mails. Labels stay: routes match them.
    fn with(mut self, annotation: &str, text: &str) -> Self {
        if !text.is_empty() {
            self.annotations.insert(annotation.to_owned(), display::lines(text).into_owned());
        }
        self
    }

    fn until(self, ends_at: Option<Timestamp>) -> Self {
        Self { ends_at, ..self }
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
