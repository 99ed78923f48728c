//! How people are told: by Alertmanager, or by the log where there is none.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::join_all;
use suture_cluster::{AlertmanagerClient, PostedAlert};
use suture_core::clock::later;
use suture_core::{Clock, RealClock, Timestamp};
use suture_engine::{NoPager, Page, Pager};

use super::alertmanagers;
use crate::config::{ConfigError, Loaded};

/// For how long an alert that is posted holds, unless it is posted again: a few of the minutes
/// in which people are reminded, as Prometheus does it.
const LASTS: Duration = Duration::from_secs(300);
/// The most alerts in one request.
const BATCH: usize = 100;

/// How people are told.
///
/// # Errors
/// What is wrong with an Alertmanager.
pub(crate) fn pager(loaded: &Loaded) -> Result<Arc<dyn Pager>, ConfigError> {
    let clients = alertmanagers(loaded)?;
    Ok(if clients.is_empty() { Arc::new(NoPager) } else { Arc::new(ToAlertmanagers(clients)) })
}

/// Tells each of them, as Prometheus does: they share silences and what was sent, not alerts.
struct ToAlertmanagers(Vec<AlertmanagerClient>);

#[async_trait]
impl Pager for ToAlertmanagers {
    async fn page(&self, page: &Page) -> Result<(), String> {
        self.post(&[posted(page, RealClock.now())]).await
    }

    async fn remind(&self, pages: &[Page]) -> Result<(), String> {
        let now = RealClock.now();
        for batch in pages.chunks(BATCH) {
            self.post(&batch.iter().map(|page| posted(page, now)).collect::<Vec<_>>()).await?;
        }
        Ok(())
    }
}

impl ToAlertmanagers {
    /// Post to each. People are told where one of them has it.
    async fn post(&self, alerts: &[PostedAlert]) -> Result<(), String> {
        let results = join_all(self.0.iter().map(|client| client.post_alerts(alerts))).await;
        let (told, failed): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
        let errors = failed.into_iter().filter_map(|one| Some(one.err()?.to_string())).collect::<Vec<_>>();
        if told.is_empty() {
            return Err(errors.join("; "));
        }
        for error in errors {
            tracing::warn!(error, "one Alertmanager of several could not be told");
        }
        Ok(())
    }
}

fn posted(page: &Page, now: Timestamp) -> PostedAlert {
    PostedAlert {
        labels: page.labels.clone(),
        annotations: page.annotations.clone(),
        starts_at: page.starts_at.min(now),
        ends_at: Some(page.ends_at.unwrap_or_else(|| later(now, LASTS))),
        generator_url: page.link.clone(),
    }
}
