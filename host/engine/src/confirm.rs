//! A webhook is a hint, not a proof: before the first mutation the alert must fire in
//! Prometheus.

mod listed;
mod standing;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use suture_core::{AlertRelabeling, Clock, EffectHandler, Error, Fault, Labels, Step};

pub(crate) use listed::Listed;
pub use standing::Standing;

/// Knows what Prometheus does to the labels of alerts on their way to Alertmanager, of which
/// its own list of alerts shows nothing.
#[async_trait]
pub trait RelabelingSource: Send + Sync {
    /// What it does; nothing where it is a server that does not say.
    ///
    /// # Errors
    /// Why it can't be asked now: without the answer an alert that fires could be taken for gone.
    async fn relabeling(&self) -> Result<AlertRelabeling, Error>;
}

#[async_trait]
impl RelabelingSource for AlertRelabeling {
    async fn relabeling(&self) -> Result<AlertRelabeling, Error> {
        Ok(self.clone())
    }
}

/// How the error begins by which a change is denied whose alert does not fire.
pub const NOT_FIRING: &str = "the alert does not fire in Prometheus";

/// How long after an answer that does not list an alert Prometheus is asked again: after a
/// gap in its scrapes, or a restart, one answer can be empty.
pub(crate) const AGAIN: Duration = Duration::from_secs(5);
/// The same, where it lists nothing at all: one that has just started lists nothing before it has
/// evaluated its rules once.
const AGAIN_WHERE_NOTHING_IS: Duration = Duration::from_secs(30);

/// Whether an alert must be confirmed before anything is changed.
#[derive(Clone)]
pub enum Confirm {
    /// By Prometheus.
    Prometheus(ByPrometheus),
    /// Not at all.
    None,
}

/// How Prometheus confirms an alert.
#[derive(Clone)]
pub struct ByPrometheus {
    /// What it does to labels.
    pub relabeling: Arc<dyn RelabelingSource>,
    /// The labels that an alert of the same name must have alike; all of them where none are
    /// given.
    pub key: Option<BTreeSet<String>>,
}

impl Confirm {
    /// By Prometheus, which leaves labels as they are.
    pub fn prometheus() -> Self {
        let relabeling = Arc::new(AlertRelabeling::default());
        Self::Prometheus(ByPrometheus { relabeling, key: None })
    }

    /// Whether Prometheus is asked.
    pub fn is_required(&self) -> bool {
        matches!(self, Self::Prometheus(_))
    }

    /// What Prometheus says of the alert with these labels. That it fires, where nothing is to
    /// be confirmed.
    ///
    /// # Errors
    /// Why Prometheus can't be asked.
    pub async fn standing(
        &self,
        labels: &Labels,
        prometheus: &dyn EffectHandler,
        step: &Step,
    ) -> Result<Standing, Fault> {
        match self {
            Self::Prometheus(by) => Ok(Listed::ask(prometheus, by, step).await?.standing(labels)),
            Self::None => Ok(Standing::Unasked),
        }
    }

    /// Whether the alert with these labels has cleared: its rule does not hold, or two answers
    /// in a row don't list it.
    ///
    /// # Errors
    /// Why Prometheus can't be asked.
    pub async fn has_cleared(
        &self,
        labels: &Labels,
        prometheus: &dyn EffectHandler,
        step: &Step,
        clock: &Arc<dyn Clock>,
    ) -> Result<bool, Fault> {
        let Self::Prometheus(by) = self else { return Ok(false) };
        let listed = Listed::ask(prometheus, by, step).await?;
        match listed.standing(labels) {
            Standing::Unasked | Standing::Firing { .. } | Standing::Pending => Ok(false),
            Standing::KeptFiring(_) => Ok(true),
            Standing::Absent(_) => {
                clock.sleep(if listed.is_empty() { AGAIN_WHERE_NOTHING_IS } else { AGAIN }).await;
                Ok(match self.standing(labels, prometheus, step).await? {
                    Standing::Unasked | Standing::Firing { .. } | Standing::Pending => false,
                    Standing::KeptFiring(_) | Standing::Absent(_) => true,
                })
            }
        }
    }
}

#[cfg(test)]
mod tests;
