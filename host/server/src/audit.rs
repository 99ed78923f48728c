//! The audit trail: each act at the admin address becomes a row of the journal, before it is answered.

mod asked;
mod noted;
mod publisher;
mod quota;

use std::sync::Arc;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use suture_core::{Clock, RealClock};
use suture_engine::Metrics;
use suture_journal::{Act, ActOutcome, Change, Durability, Journal, JournalError};

pub(crate) use asked::Asked;
pub(crate) use noted::Noted;
pub(crate) use publisher::{Publisher, tell_head};

use crate::failure::{Failure, Told};
use crate::right::Caller;
use quota::Quota;

/// Writes it.
pub(crate) struct Trail {
    journal: Journal,
    metrics: Metrics,
    clock: Arc<dyn Clock>,
    quota: Quota,
}

impl Trail {
    pub fn new(journal: Journal, metrics: Metrics, clock: Arc<dyn Clock>) -> Self {
        Self { journal, metrics, clock, quota: Quota::default() }
    }

    /// Have something done that somebody may do. That they are about to is on disk before it begins, and what
    /// came of it before it is answered. Nothing is done that can't be written down.
    pub async fn perform(
        self: Arc<Self>,
        asked: Asked,
        caller: Caller,
        request: Request,
        next: Next,
    ) -> Response {
        let begun = match self.begin(asked.act(&caller, Noted::default())).await {
            Ok(begun) => begun,
            Err(error) => {
                let message = format!("nothing is done that can't be written into the audit trail: {error}");
                return Failure::unavailable(message).into_response();
            }
        };
        // It comes to its end, and into the trail, though its client may be gone by then.
        let act = tokio::spawn(async move {
            let response = next.run(request).await;
            self.end(begun, &asked, &caller, response).await
        });
        act.await.unwrap_or_else(|error| {
            Failure::internal(format!("what was asked for broke off: {error}")).into_response()
        })
    }

    /// Write down that somebody asked for what they may not do.
    pub async fn refuse(&self, asked: &Asked, caller: &Caller, failure: &Failure) {
        let told = Told { code: failure.code, message: failure.message.clone() };
        let Some(act) = self.not_done(asked, caller, ActOutcome::Refused, Some(told)) else { return };
        self.write(None, act).await;
    }

    /// Write down that something is about to be done.
    ///
    /// # Errors
    /// Why it can't be; then it must not be done.
    pub async fn begin(&self, act: Act) -> Result<i64, JournalError> {
        let id = self.journal.reserve_act()?;
        let begun = vec![Change::ActBegun(id, self.clock.now(), act)];
        self.journal.commit(begun, Durability::Synced).await.map(|()| id)
    }

    /// Write down what came of it.
    pub async fn conclude(&self, begun: i64, act: Act) {
        self.write(Some(begun), act).await;
    }

    async fn write(&self, begun: Option<i64>, act: Act) {
        let outcome = act.outcome;
        let row = Change::Acted(begun, self.clock.now(), Some(act));
        match self.journal.commit(vec![row], Durability::Synced).await {
            Ok(()) => self.metrics.audit_row(outcome),
            Err(error) => tracing::error!(%error, "the audit trail can't be written"),
        }
    }

    async fn end(&self, begun: i64, asked: &Asked, caller: &Caller, response: Response) -> Response {
        let outcome = outcome(response.status());
        let act = match outcome {
            ActOutcome::Done => {
                let noted = caller.noted();
                (!noted.is_only_a_look).then(|| asked.act(caller, noted))
            }
            ActOutcome::Refused | ActOutcome::Failed | ActOutcome::Unknown => {
                let told = response.extensions().get::<Told>().cloned();
                let told =
                    told.unwrap_or_else(|| Told { code: "none", message: response.status().to_string() });
                self.not_done(asked, caller, outcome, Some(told))
            }
        };
        let is_row = act.is_some();
        let row = Change::Acted(Some(begun), self.clock.now(), act);
        match self.journal.commit(vec![row], Durability::Synced).await {
            Ok(()) => {
                if is_row {
                    self.metrics.audit_row(outcome);
                }
                response
            }
            Err(error) => {
                tracing::error!(%error, who = caller.name(), what = asked.what(), "the audit trail can't be written");
                match outcome {
                    ActOutcome::Done => {
                        let message =
                            format!("it is done, and its row in the audit trail can't be written: {error}");
                        Failure::internal(message).into_response()
                    }
                    ActOutcome::Refused | ActOutcome::Failed | ActOutcome::Unknown => response,
                }
            }
        }
    }

    /// The row of what was not done. None where there are too many of somebody: nobody must be able to fill
    /// the trail, and the disk, by what they may not do.
    fn not_done(
        &self,
        asked: &Asked,
        caller: &Caller,
        outcome: ActOutcome,
        told: Option<Told>,
    ) -> Option<Act> {
        let Some(unwritten) = self.quota.take(caller.name(), RealClock.monotonic()) else {
            self.metrics.audit_unwritten();
            return None;
        };
        let (code, message) = told.map(|told| (told.code.to_owned(), told.message)).unzip();
        Some(Act { outcome, code, message, unwritten, ..asked.act(caller, caller.noted()) })
    }
}

fn outcome(status: StatusCode) -> ActOutcome {
    // A form is answered with the page that shows what was done.
    if status.is_success() || status.is_redirection() {
        ActOutcome::Done
    } else if status.is_client_error() {
        ActOutcome::Refused
    } else {
        ActOutcome::Failed
    }
}
