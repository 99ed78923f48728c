//! What a host does, as OpenTelemetry spans: a trace an incident, in it a span of its alert,
//! under it one for each run, under that one for each effect.
//!
//! Ids are not drawn but follow from those of the host: the trace id is the incident's ULID, a
//! run's span id the end of the run's, an effect's follows from run and step. So a run that goes
//! on after a restart goes on in its trace, and whoever knows an incident knows its trace. Times
//! are those of the record, by the clock of the cluster.
//!
//! The spans of a run are made from the journal, all at once when it has ended: what a run did
//! before its host was killed is told by the next host, and nothing is told twice.
//!
//! A span says what was done to which object, and the reason of an error. It never has bodies,
//! logs, or messages of errors. Of a policy's own words it has the headings of its steps.

mod export;
mod ids;
mod making;
mod spans;

use std::sync::Arc;
use std::time::Duration;

use suture_core::Clock;
use suture_engine::progress::Listeners;
use suture_journal::Journal;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use export::Exporter;
pub use ids::{sent_trace_id, trace_id};
use making::Maker;

/// Spans that wait to be sent. More are dropped, and counted.
const WAITING: usize = 8192;
/// How long it may take to read from the journal what ended last.
const LAST_READS: Duration = Duration::from_secs(1);

/// Where spans are sent, and which.
#[derive(Clone)]
pub struct Collector {
    /// The base URL; spans go to `/v1/traces` below it.
    pub endpoint: String,
    /// Headers of each request.
    pub headers: reqwest::header::HeaderMap,
    /// How long one request may take.
    pub timeout: Duration,
    /// Of how many incidents spans are sent: 1 for all, 0.1 for every tenth. Which ones follows
    /// from the trace id, so all hosts choose the same.
    pub sample_ratio: f64,
    /// The name of this service.
    pub service: String,
    /// This host's version.
    pub version: String,
}

/// What is told of.
pub struct Source<'a> {
    /// What runs did.
    pub journal: Journal,
    /// What happens.
    pub listeners: &'a Listeners,
    /// The clock of the journal.
    pub clock: Arc<dyn Clock>,
}

/// Hears how many spans were lost.
pub type OnLost = Arc<dyn Fn(u64) + Send + Sync>;

/// Spans on their way. What is under way is sent by [`stop`](Self::stop).
pub struct Telemetry {
    /// Dropped to end the making of spans.
    hearing: Option<mpsc::Sender<()>>,
    making: JoinHandle<()>,
    exporting: JoinHandle<()>,
    stop: mpsc::Sender<()>,
    clock: Arc<dyn Clock>,
}

impl Telemetry {
    /// Begin to send what listeners are told. A collector that is slow or gone costs spans, and
    /// holds up nothing. `clock` is the one by which the collector lives: the real one. To be
    /// called before the host goes to work, so that it hears all.
    pub async fn start(
        collector: Collector,
        client: reqwest::Client,
        source: Source<'_>,
        clock: Arc<dyn Clock>,
        on_lost: OnLost,
    ) -> Self {
        let (spans, received) = mpsc::channel(WAITING);
        let (stop, stopped) = mpsc::channel(1);
        let (hearing, quiet) = mpsc::channel(1);
        let told = source.listeners.subscribe();
        let heard = making::hear(told, source.clock.clone(), quiet, on_lost.clone());
        let ratio = collector.sample_ratio;
        ids::send(ratio);
        let maker = Maker::new(source.journal, source.clock, ratio, spans, on_lost.clone()).await;
        let making = tokio::spawn(maker.run(heard));
        let exporter = Exporter::new(collector, client, clock.clone(), on_lost);
        let exporting = tokio::spawn(exporter.run(received, stopped));
        Self { hearing: Some(hearing), making, exporting, stop, clock }
    }

    /// Make spans of what was told so far, and hear no more. Nothing is read from the journal
    /// afterwards: it may be closed.
    pub async fn hear_out(&mut self) {
        if self.hearing.take().is_some() && self.clock.timeout(LAST_READS, &mut self.making).await.is_none() {
            self.making.abort();
        }
    }

    /// Send what is there, within a time, and end.
    pub async fn stop(mut self, patience: Duration) {
        self.hear_out().await;
        let Self { mut exporting, stop, clock, .. } = self;
        drop(stop);
        if clock.timeout(patience, &mut exporting).await.is_none() {
            exporting.abort();
        }
    }
}
