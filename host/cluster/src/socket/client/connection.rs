//! One connection, from the greeting to the end.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::{SinkExt, StreamExt};
use parking_lot::Mutex;
use suture_core::clock::Clock;
use suture_core::{Error, RealClock, Reason, Timestamp};
use tokio::net::UnixStream;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::codec::{Framed, LengthDelimitedCodec};

use super::super::clock::ServerClock;
use super::super::wire::{self, Answer, FromClient, FromServer, PROTOCOL, Question, Welcome};
use super::super::{GREETING, MAX_IN_FLIGHT};

/// Why a question has no answer.
pub enum Unanswered {
    /// It was not asked: it can't be, or there are too many already.
    Refused(Error),
    /// It did not leave this process.
    NotSent(String),
    /// It may have arrived.
    Lost(String),
}

/// A connection to a server. Its task ends when this is dropped.
pub struct Connection {
    /// Each question in flight keeps a place for its cancellation, so there always is one.
    unsent: mpsc::Sender<Bytes>,
    answers: Arc<Mutex<Answers>>,
}

#[derive(Default)]
struct Answers {
    last: u64,
    awaited: HashMap<u64, oneshot::Sender<Result<Answer, String>>>,
    /// Why the connection is over, once it is.
    lost: Option<String>,
}

type Frames = Framed<UnixStream, LengthDelimitedCodec>;

/// A server that has introduced itself.
pub struct Greeted {
    /// Its name.
    pub server: String,
    /// The clock that it lives by.
    pub clock: ServerClock,
    now: Timestamp,
    frames: Frames,
}

impl Greeted {
    /// Connect, and exchange greetings.
    ///
    /// # Errors
    /// Why it can't be used.
    pub async fn at(path: &Path) -> Result<Self, String> {
        let clock: &dyn Clock = &RealClock;
        let greeted = clock.timeout(GREETING, greet(path)).await;
        greeted.ok_or_else(|| format!("no greeting within {} seconds", GREETING.as_secs()))?
    }

    /// Ask it, and set a clock by what it tells.
    pub fn connect(self, clock: ServerClock) -> Connection {
        let (unsent, outgoing) = mpsc::channel(MAX_IN_FLIGHT + MAX_IN_FLIGHT / 8);
        let answers = Arc::<Mutex<Answers>>::default();
        tokio::spawn(carry(self.frames, outgoing, answers.clone(), clock, self.now));
        Connection { unsent, answers }
    }
}

impl Connection {
    /// Why it is over, where it is.
    pub fn lost(&self) -> Option<String> {
        self.answers.lock().lost.clone()
    }

    /// Ask. Dropped before the answer is there, this cancels the question.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn ask(&self, question: &Question) -> Result<Answer, Unanswered> {
        let bad = |what: String| {
            Unanswered::Refused(Error::new(
                Reason::BAD_REQUEST,
                format!("the question can't be sent: {what}"),
            ))
        };
        let full = || {
            let message = format!("{MAX_IN_FLIGHT} questions have no answer yet");
            Unanswered::Refused(Error::new(Reason::TOO_MANY_REQUESTS, message))
        };
        let question = wire::raw(question).map_err(bad)?;
        let place = self.unsent.clone().try_reserve_owned().map_err(|error| match error {
            TrySendError::Full(_) => full(),
            TrySendError::Closed(_) => Unanswered::NotSent(self.why_lost()),
        })?;
        let (answered, answer) = oneshot::channel();
        let id = {
            let mut answers = self.answers.lock();
            if let Some(lost) = &answers.lost {
                return Err(Unanswered::NotSent(lost.clone()));
            }
            answers.last += 1;
            let id = answers.last;
            answers.awaited.insert(id, answered);
            id
        };
        let mut asked = Asked { id, answers: &self.answers, place: Some(place), is_sent: false };
        let frame = wire::encode(&FromClient::Ask { id, question }).map_err(bad)?;
        self.unsent.try_send(frame).map_err(|error| match error {
            TrySendError::Full(_) => full(),
            TrySendError::Closed(_) => Unanswered::NotSent(self.why_lost()),
        })?;
        asked.is_sent = true;
        let answer = answer.await;
        asked.is_sent = false;
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(what)) => Err(Unanswered::Lost(what)),
            Err(_) => Err(Unanswered::Lost(self.why_lost())),
        }
    }

    fn why_lost(&self) -> String {
        self.lost().unwrap_or_else(|| "the connection is over".to_owned())
    }
}

/// A question in flight.
struct Asked<'a> {
    id: u64,
    answers: &'a Mutex<Answers>,
    place: Option<mpsc::OwnedPermit<Bytes>>,
    /// It was sent, and has no answer.
    is_sent: bool,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.answers.lock().awaited.remove(&self.id);
        if let (true, Some(place)) = (self.is_sent, self.place.take())
            && let Ok(frame) = wire::encode(&FromClient::Cancel { id: self.id })
        {
            place.send(frame);
        }
    }
}

async fn greet(path: &Path) -> Result<Greeted, String> {
    let stream = UnixStream::connect(path).await.map_err(|error| {
        format!(
            "nobody answers there ({error}); start `suture simulate --scenario FILE --socket {}`",
            path.display()
        )
    })?;
    let mut frames = Framed::new(stream, wire::codec());
    let asked = RealClock.monotonic();
    let hello = wire::encode(&FromClient::Hello { protocol: PROTOCOL })?;
    frames.send(hello).await.map_err(|error| error.to_string())?;
    let welcome = match receive(frames.next().await)? {
        FromServer::Hello(welcome) => welcome,
        FromServer::Refused { reason } => return Err(reason),
        FromServer::Answer { .. } => return Err("it answers before it was asked".to_owned()),
        FromServer::Time { .. } => return Err("it tells the time before it greets".to_owned()),
    };
    if welcome.protocol != PROTOCOL {
        return Err(format!(
            "the simulator speaks version {} of the protocol and this host version {PROTOCOL}; use the same version of \
             suture on both sides",
            welcome.protocol
        ));
    }
    let clock = ServerClock::of(&welcome, asked, RealClock.monotonic())?;
    let Welcome { server, now, .. } = welcome;
    Ok(Greeted { server, clock, now, frames })
}

/// Send and receive until either end is gone.
async fn carry(
    frames: Frames,
    mut outgoing: mpsc::Receiver<Bytes>,
    answers: Arc<Mutex<Answers>>,
    clock: ServerClock,
    now: Timestamp,
) {
    let (mut sink, mut frames) = frames.split();
    let (tell, mut times) = watch::channel(now);
    let write = async {
        loop {
            let frame = tokio::select! {
                frame = outgoing.recv() => frame.ok_or_else(|| "this side is done".to_owned()),
                now = clock.next(&mut times) => wire::encode(&FromClient::Reached { now }),
            };
            let sent = match frame {
                Ok(frame) => sink.send(frame).await.map_err(|error| error.to_string()),
                Err(why) => Err(why),
            };
            if let Err(why) = sent {
                return why;
            }
        }
    };
    let read = async {
        loop {
            match receive(frames.next().await) {
                Ok(FromServer::Answer { id, answer }) => {
                    // Of a question that was cancelled, nobody waits for it.
                    if let Some(awaited) = answers.lock().awaited.remove(&id) {
                        let answer = serde_json::from_str(answer.get());
                        let _ = awaited
                            .send(answer.map_err(|error| format!("the answer makes no sense: {error}")));
                    }
                }
                Ok(FromServer::Time { now }) => drop(tell.send_replace(now)),
                Ok(FromServer::Refused { reason }) => return reason,
                Ok(FromServer::Hello(_)) => return "it greets a second time".to_owned(),
                Err(what) => return what,
            }
        }
    };
    let why = tokio::select! { why = read => why, why = write => why };
    let mut answers = answers.lock();
    answers.lost = Some(why);
    // Whoever waits hears of it.
    answers.awaited.clear();
}

/// A frame of the server.
fn receive(frame: Option<std::io::Result<BytesMut>>) -> Result<FromServer, String> {
    match frame {
        None => Err("the simulator has ended the connection".to_owned()),
        Some(Ok(frame)) => wire::decode(&frame),
        Some(Err(error)) => Err(error.to_string()),
    }
}
