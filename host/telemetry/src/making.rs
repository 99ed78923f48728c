//! From what is told, and what the journal has of it, to spans.

use std::collections::HashMap;
use std::sync::Arc;

use opentelemetry_proto::tonic::trace::v1::Span;
use suture_core::{Clock, IncidentId, RunId, Timestamp};
use suture_engine::Progress;
use suture_journal::{IncidentRecord, IncidentState, Journal, RunRecord};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::sync::mpsc;

use crate::spans::{Run, alert, queue, verification};
use crate::{OnLost, ids};

/// Ends of runs and moves of incidents whose spans are not made yet. More are dropped.
const HEARD: usize = 8192;

/// What there is to tell of, and when it was heard.
pub(crate) type Heard = (Timestamp, Progress);

/// Listen, until nothing more is to be heard. Apart from the making of spans, which reads the
/// journal: whoever listens must not fall behind.
pub(crate) fn hear(
    mut told: Receiver<Progress>,
    clock: Arc<dyn Clock>,
    mut quiet: mpsc::Receiver<()>,
    on_lost: OnLost,
) -> mpsc::Receiver<Heard> {
    let (sender, heard) = mpsc::channel(HEARD);
    tokio::spawn(async move {
        loop {
            let progress = tokio::select! {
                // What was told before is heard before it is quiet.
                biased;
                progress = told.recv() => progress,
                _ = quiet.recv() => return,
            };
            match progress {
                Ok(Progress::Entry(..)) => {}
                Ok(progress) => {
                    if sender.try_send((clock.now(), progress)).is_err() {
                        on_lost(1);
                    }
                }
                Err(RecvError::Lagged(missed)) => on_lost(missed),
                Err(RecvError::Closed) => return,
            }
        }
    });
    heard
}

/// Makes spans.
pub(crate) struct Maker {
    journal: Journal,
    ratio: f64,
    spans: mpsc::Sender<Span>,
    on_lost: OnLost,
    /// When this host began with each run, or went on with it.
    begun: HashMap<RunId, Timestamp>,
    /// Incidents that are at work, and since when their alert is to clear: each gives one span
    /// when it comes to rest.
    active: HashMap<IncidentId, Option<Timestamp>>,
}

/// Incidents of which the next span is due, in each place that is looked at, at most: more that
/// wait cost spans, not memory.
const MOST: usize = 10_000;

/// What an earlier host left at work. Where it can't be read the host does not start.
async fn at_work(journal: &Journal) -> Vec<IncidentRecord> {
    let first = IncidentId::new("");
    let mut found = journal.owed(&first, MOST).await.unwrap_or_default().incidents;
    found.extend(journal.due(Timestamp::MAX, MOST).await.unwrap_or_default());
    for (policy, state, _) in journal.open_counts() {
        if state == IncidentState::Queued {
            found.extend(journal.queued(&policy, &first, MOST).await.unwrap_or_default().incidents);
        }
    }
    found.retain(|incident| incident.state.is_active());
    found
}

impl Maker {
    /// With what an earlier host left: of that the next span is due.
    pub async fn new(
        journal: Journal,
        clock: Arc<dyn Clock>,
        ratio: f64,
        spans: mpsc::Sender<Span>,
        on_lost: OnLost,
    ) -> Self {
        let mut active = HashMap::new();
        for incident in at_work(&journal).await {
            let mut since = None;
            if incident.state == IncidentState::Verifying
                && let Some(run) = incident.runs.last()
            {
                let run = journal.run(run).await.ok().flatten();
                since = Some(run.and_then(|run| run.ended_at).unwrap_or_else(|| clock.now()));
            }
            active.insert(incident.id, since);
        }
        Self { journal, ratio, spans, on_lost, begun: HashMap::new(), active }
    }

    /// Make spans of what is heard, until nothing more is.
    pub async fn run(mut self, mut heard: mpsc::Receiver<Heard>) {
        while let Some((at, progress)) = heard.recv().await {
            match progress {
                Progress::Incident(incident) => self.incident(&incident, at),
                Progress::Began(run) => drop(self.begun.insert(run.id, at)),
                Progress::Entry(..) => {}
                Progress::Ended(run) => {
                    let begun = self.begun.remove(&run.id).unwrap_or(run.started_at);
                    if ids::is_sampled(&run.incident, self.ratio) {
                        self.ended(&run, begun).await;
                    }
                }
            }
        }
    }

    fn send(&self, span: Span) {
        if self.spans.try_send(span).is_err() {
            (self.on_lost)(1);
        }
    }

    async fn ended(&self, run: &RunRecord, begun: Timestamp) {
        if run.attempt == 1
            && let Ok(Some(incident)) = self.journal.incident(&run.incident).await
        {
            self.send(queue(&incident, run));
        }
        let entries = match self.journal.legible_entries(&run.id).await {
            Ok((entries, _)) => entries,
            Err(error) => {
                tracing::warn!(run = %run.id, incident = %run.incident, policy = run.policy, %error,
                    "what the run did can't be read, and is not in its trace");
                Vec::new()
            }
        };
        let mut work = Run::new(run, begun);
        entries.iter().filter_map(|entry| work.entry(entry)).for_each(|span| self.send(span));
        self.send(work.end());
    }

    fn incident(&mut self, incident: &IncidentRecord, at: Timestamp) {
        let is_active = incident.state.is_active() && incident.closed_at.is_none();
        // What rests since before this host was started has its span.
        let since = match self.active.remove(&incident.id) {
            None if !is_active => return,
            since => since.flatten(),
        };
        let is_verifying = is_active && incident.state == IncidentState::Verifying;
        if is_active {
            self.active.insert(incident.id.clone(), is_verifying.then(|| since.unwrap_or(at)));
        }
        if !ids::is_sampled(&incident.id, self.ratio) {
            return;
        }
        if let Some(since) = since.filter(|_| !is_verifying) {
            self.send(verification(incident, since, incident.closed_at.unwrap_or(at)));
        }
        if !is_active {
            self.send(alert(incident, incident.closed_at.unwrap_or(at)));
        }
    }
}
