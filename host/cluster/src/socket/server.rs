//! The side that has the cluster.

mod telling;
mod work;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures::{Sink, SinkExt, StreamExt};
use suture_core::clock::Clock;
use suture_core::handler::Discovery;
use suture_core::{EffectHandler, Error, Fault, RealClock, Reason, Reply, Timestamp};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::codec::Framed;

use super::awake::awake;
use super::wire::{self, Answer, FromClient, FromServer, PROTOCOL, Passing, Question, Welcome};
use super::{GREETING, Listener, MAX_CONNECTIONS, MAX_IN_FLIGHT, ManualTime};
use telling::Telling;
use work::Work;

/// How many answers wait to be sent. A client that does not read them is asked to wait.
const UNSENT: usize = 64;

/// A cluster that is offered.
pub struct Offer<C> {
    cluster: Arc<C>,
    clock: Arc<dyn Clock>,
    passing: Passing,
    /// The time, where somebody lets it pass.
    manual: Option<ManualTime>,
    name: String,
}

/// Why a connection is over.
enum Over {
    /// The client has gone, or can't be reached.
    Gone,
    /// It said something that makes no sense.
    Refused(String),
}

impl<C: EffectHandler + Discovery + 'static> Offer<C> {
    /// Offer a cluster that lives by a clock, which runs `speed` times as fast as real time.
    pub fn new(cluster: C, clock: Arc<dyn Clock>, speed: f64) -> Self {
        Self::of(cluster, clock, Passing::Running { speed }, None)
    }

    /// Offer a cluster whose time stands still until somebody lets it pass.
    pub fn with_manual_time(cluster: C, time: &ManualTime) -> Self {
        Self::of(cluster, time.clock(), Passing::Manual, Some(time.clone()))
    }

    fn of(cluster: C, clock: Arc<dyn Clock>, passing: Passing, manual: Option<ManualTime>) -> Self {
        Self { cluster: Arc::new(cluster), clock, passing, manual, name: ulid::Ulid::generate().to_string() }
    }

    /// Answer whoever connects, until this is dropped; then all connections are over.
    pub async fn serve(self, listener: Listener) {
        let offer = Arc::new(self);
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.socket.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                    Ok((stream, _)) => {
                        let (offer, clock) = (offer.clone(), offer.clock.clone());
                        connections.spawn(awake(&clock, async move { offer.converse(stream).await }));
                    }
                    Err(error) => {
                        // Out of files, most likely: they come back when connections end.
                        tracing::warn!(%error, "nobody can connect to the simulated cluster");
                        let clock: &dyn Clock = &RealClock;
                        clock.sleep(std::time::Duration::from_millis(100)).await;
                    }
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }

    async fn converse(&self, stream: UnixStream) {
        let (mut sink, mut frames) = Framed::new(stream, wire::codec()).split();
        let over = match self.greet(&mut sink, &mut frames).await {
            Ok(now) => {
                let telling = Telling::after(now, self.manual.clone());
                self.answer_all(&mut sink, &mut frames, &telling).await
            }
            Err(over) => over,
        };
        let Over::Refused(reason) = over else { return };
        tracing::warn!(reason, "a connection to the simulated cluster is ended");
        if let Ok(frame) = wire::encode(&FromServer::Refused { reason }) {
            let clock: &dyn Clock = &RealClock;
            // A client that does not want to know why is no reason to stay.
            let _ = clock.timeout(GREETING, sink.send(frame)).await;
        }
    }

    /// The first frames. What time the client was told.
    async fn greet(
        &self,
        sink: &mut (impl Sink<Bytes> + Unpin),
        frames: &mut Frames,
    ) -> Result<Timestamp, Over> {
        let clock: &dyn Clock = &RealClock;
        let first = clock.timeout(GREETING, frames.next()).await;
        let first = first
            .ok_or_else(|| Over::Refused(format!("no greeting within {} seconds", GREETING.as_secs())))?;
        let protocol = match receive(first)? {
            FromClient::Hello { protocol } => protocol,
            _ => return Err(Over::Refused("the first frame is no greeting".to_owned())),
        };
        if protocol != PROTOCOL {
            return Err(Over::Refused(format!(
                "the client speaks version {protocol} of the protocol and the simulator version {PROTOCOL}; use the same \
                 version of suture on both sides"
            )));
        }
        let now = self.clock.now();
        let welcome = Welcome { protocol, server: self.name.clone(), now, time: self.passing };
        let frame = wire::encode(&FromServer::Hello(welcome)).map_err(Over::Refused)?;
        sink.send(frame).await.map_err(|_| Over::Gone)?;
        Ok(now)
    }

    /// Questions and answers, until the client goes.
    async fn answer_all(
        &self,
        sink: &mut (impl Sink<Bytes> + Unpin),
        frames: &mut Frames,
        telling: &Telling,
    ) -> Over {
        let (answers, mut unsent) = mpsc::channel::<Bytes>(UNSENT);
        let write = async {
            loop {
                let frame = tokio::select! {
                    // The time first: it may have brought the answer.
                    biased;
                    now = telling.next() => wire::encode(&FromServer::Time { now }).ok(),
                    frame = unsent.recv() => frame,
                };
                let Some(frame) = frame else { return Over::Gone };
                if sink.send(frame).await.is_err() {
                    return Over::Gone;
                }
            }
        };
        let mut work = Work::default();
        let read = async {
            loop {
                let step = tokio::select! {
                    frame = frames.next() => self.receive(frame, &mut work, &answers, telling).await,
                    Some(ended) = work.next() => ended,
                };
                if let Err(over) = step {
                    return over;
                }
            }
        };
        tokio::select! { over = read => over, over = write => over }
    }

    async fn receive(
        &self,
        frame: Option<Result<bytes::BytesMut, std::io::Error>>,
        work: &mut Work,
        answers: &mpsc::Sender<Bytes>,
        telling: &Telling,
    ) -> Result<(), Over> {
        let (id, question) = match receive(frame)? {
            FromClient::Hello { .. } => return Err(Over::Refused("a second greeting".to_owned())),
            FromClient::Cancel { id } => {
                work.cancel(id);
                return Ok(());
            }
            FromClient::Reached { now } => {
                telling.reached(now);
                return Ok(());
            }
            FromClient::Ask { id, question } => (id, question),
        };
        if work.has(id) {
            return Err(Over::Refused(format!("question {id} is asked twice")));
        }
        let question = match serde_json::from_str(question.get()) {
            Ok(_) if work.len() >= MAX_IN_FLIGHT => Err(too_many()),
            Ok(question) => Ok(question),
            Err(error) => {
                Err(Error::new(Reason::BAD_REQUEST, format!("the question makes no sense: {error}")))
            }
        };
        let question = match question {
            Ok(question) => question,
            Err(error) => {
                let answer = Answer::Failed(error.into());
                return answers.send(framed(id, &answer)).await.map_err(|_| Over::Gone);
            }
        };
        let (cluster, answers) = (self.cluster.clone(), answers.clone());
        let work_on_it = awake(&self.clock, async move {
            let frame = framed(id, &answer(&*cluster, question).await);
            // Whoever asked may be gone by now.
            let _ = answers.send(frame).await;
        });
        work.begin(id, work_on_it);
        Ok(())
    }
}

type Frames = futures::stream::SplitStream<Framed<UnixStream, tokio_util::codec::LengthDelimitedCodec>>;

/// A frame of a client.
fn receive(frame: Option<Result<bytes::BytesMut, std::io::Error>>) -> Result<FromClient, Over> {
    match frame {
        None => Err(Over::Gone),
        Some(Ok(frame)) => wire::decode(&frame).map_err(Over::Refused),
        Some(Err(error)) if error.kind() == std::io::ErrorKind::InvalidData => {
            Err(Over::Refused(format!("a frame is too large: {error}")))
        }
        Some(Err(_)) => Err(Over::Gone),
    }
}

fn too_many() -> Error {
    let message = format!("{MAX_IN_FLIGHT} questions have no answer yet, and more are not taken");
    Error::new(Reason::TOO_MANY_REQUESTS, message)
}

async fn answer(cluster: &(impl EffectHandler + Discovery), question: Question) -> Answer {
    let answer = match question {
        Question::Prepare { step, effect } => {
            cluster.prepare(&step, &effect).await.map(|prepared| Answer::Prepared(Box::new(prepared.into())))
        }
        Question::Perform(prepared) => cluster.perform(&prepared.into()).await.map(Answer::Performed),
        Question::Resolve(prepared) => cluster.resolve(&prepared.into()).await.map(Answer::Resolved),
        Question::Resource(kind) => cluster.resource(&kind).await.map(Answer::Resource).map_err(Fault::from),
    };
    answer.unwrap_or_else(Answer::Failed)
}

/// The frame of an answer; where that is too large, of an error that says so.
fn framed(id: u64, answer: &Answer) -> Bytes {
    let frame = |answer: &Answer| wire::encode(&FromServer::Answer { id, answer: wire::raw(answer)? });
    let failed = |what: String| {
        // A change has taken place, and what it brought does not come across.
        let reason = match answer {
            Answer::Performed(Reply::Mutated(_)) => Reason::UNKNOWN,
            _ => Reason::UNSUPPORTED,
        };
        frame(&Answer::Failed(Error::new(reason, format!("the answer can't be sent: {what}")).into()))
    };
    frame(answer).or_else(failed).unwrap_or_default()
}

impl fmt::Debug for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("gone"),
            Self::Refused(reason) => write!(f, "refused: {reason}"),
        }
    }
}
