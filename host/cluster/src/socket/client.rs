//! The side that acts on the cluster.

mod connection;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use suture_core::clock::Clock;
use suture_core::effect::Nature;
use suture_core::handler::{Discovery, Resource};
use suture_core::object::Kind;
use suture_core::{
    Effect, EffectHandler, Error, Fault, Prepared, RealClock, Reason, Reply, Resolution, Step,
};
use tokio::sync::Mutex;

use super::SocketError;
use super::clock::ServerClock;
use super::wire::{Answer, Question};
use connection::{Connection, Greeted, Unanswered};

/// How long an answer to anything but a wait may take, in real time.
const PATIENCE: Duration = Duration::from_secs(30);

/// The pause before a wait is asked again on a new connection, in real time.
const PAUSE: Duration = Duration::from_secs(1);

/// The cluster behind a socket. A connection that is lost is made anew with the next
/// question.
pub struct SocketCluster {
    path: PathBuf,
    /// The server that the clock, and all that was read, is of.
    server: String,
    clock: ServerClock,
    connection: Mutex<Arc<Connection>>,
}

impl fmt::Debug for SocketCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketCluster").field("path", &self.path).finish_non_exhaustive()
    }
}

impl SocketCluster {
    /// Connect to the cluster at a path.
    ///
    /// # Errors
    /// Where nobody answers there, or somebody who speaks otherwise.
    pub async fn connect(path: &Path) -> Result<Self, SocketError> {
        let greeted = Greeted::at(path).await.map_err(|what| SocketError::new(path, what))?;
        let (server, clock) = (greeted.server.clone(), greeted.clock.clone());
        let connection = Mutex::new(Arc::new(greeted.connect(clock.clone())));
        Ok(Self { path: path.to_owned(), server, clock, connection })
    }

    /// The clock that the cluster lives by: right to within the time that a question takes. Where
    /// the server tells the time, it moves only then.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.clock.shared.clone()
    }

    /// The connection, made anew where it was lost.
    async fn connection(&self) -> Result<Arc<Connection>, String> {
        let mut current = self.connection.lock().await;
        let Some(lost) = current.lost() else { return Ok(current.clone()) };
        let greeted = Greeted::at(&self.path).await?;
        if greeted.server != self.server {
            return Err("another simulator is at work there now, with a cluster of its own; start this host again to act \
                        on that"
                .to_owned());
        }
        tracing::info!(socket = %self.path.display(), lost, "connected to the simulated cluster again");
        *current = Arc::new(greeted.connect(self.clock.clone()));
        Ok(current.clone())
    }

    /// Ask, and wait for the answer; for a while only, where it is no question that waits.
    async fn ask(&self, question: Question, patience: Option<Duration>) -> Result<Answer, Fault> {
        // What is no wait is answered before time goes on.
        let _hold = patience.map(|_| self.clock.shared.hold());
        let is_change = matches!(&question, Question::Perform(carried) if carried.is_change());
        let at = self.path.display();
        let unavailable = |what: String| {
            Fault::from(Error::new(
                Reason::UNAVAILABLE,
                format!("the simulated cluster at {at} can't be reached: {what}"),
            ))
        };
        let connection = self.connection().await.map_err(unavailable)?;
        let answer = connection.ask(&question);
        let answer = match patience {
            None => answer.await,
            Some(patience) => {
                let clock: &dyn Clock = &RealClock;
                let late = || Unanswered::Lost(format!("no answer within {} seconds", patience.as_secs()));
                clock.timeout(patience, answer).await.unwrap_or_else(|| Err(late()))
            }
        };
        match answer {
            Ok(Answer::Failed(fault)) => Err(fault),
            Ok(answer) => Ok(answer),
            Err(Unanswered::Refused(error)) => Err(error.into()),
            Err(Unanswered::NotSent(what)) => Err(unavailable(what)),
            Err(Unanswered::Lost(what)) if is_change => {
                let message = format!(
                    "the simulated cluster at {at} was asked for a change and did not answer: {what}"
                );
                Err(Error::new(Reason::UNKNOWN, message).into())
            }
            Err(Unanswered::Lost(what)) => Err(unavailable(what)),
        }
    }

    /// A wait outlives its connection: only how things are counts, so it can be asked again.
    async fn wait(&self, prepared: &Prepared) -> Result<Answer, Fault> {
        loop {
            let answer = self.ask(Question::Perform(prepared.clone().into()), None).await;
            match answer {
                Err(Fault::Error(error))
                    if error.reason == Reason::UNAVAILABLE
                        && prepared.deadline.is_some_and(|deadline| self.clock.shared.now() < deadline) =>
                {
                    tracing::warn!(%error, "waiting goes on");
                    let clock: &dyn Clock = &RealClock;
                    clock.sleep(PAUSE).await;
                }
                answer => return answer,
            }
        }
    }
}

/// Answers of another kind than the question.
fn mixed_up(answer: &Answer) -> Fault {
    let message = format!("the simulated cluster answers something else than was asked: {}", answer.name());
    Error::new(Reason::UNKNOWN, message).into()
}

#[async_trait]
impl EffectHandler for SocketCluster {
    async fn prepare(&self, step: &Step, effect: &Effect) -> Result<Prepared, Fault> {
        let question = Question::Prepare { step: step.clone(), effect: effect.clone() };
        match self.ask(question, Some(PATIENCE)).await? {
            Answer::Prepared(prepared) => Ok((*prepared).into()),
            other => Err(mixed_up(&other)),
        }
    }

    async fn perform(&self, prepared: &Prepared) -> Result<Reply, Fault> {
        let answer = match prepared.effect.nature() {
            Nature::Wait => self.wait(prepared).await?,
            Nature::Read | Nature::Change | Nature::Settlement | Nature::Aside => {
                self.ask(Question::Perform(prepared.clone().into()), Some(PATIENCE)).await?
            }
        };
        match answer {
            Answer::Performed(reply) => Ok(reply),
            other => Err(mixed_up(&other)),
        }
    }

    async fn resolve(&self, prepared: &Prepared) -> Result<Resolution, Fault> {
        match self.ask(Question::Resolve(prepared.clone().into()), Some(PATIENCE)).await? {
            Answer::Resolved(resolution) => Ok(resolution),
            other => Err(mixed_up(&other)),
        }
    }
}

#[async_trait]
impl Discovery for SocketCluster {
    async fn resource(&self, kind: &Kind) -> Result<Resource, Error> {
        match self.ask(Question::Resource(kind.clone()), Some(PATIENCE)).await {
            Ok(Answer::Resource(resource)) => Ok(resource),
            Ok(other) => match mixed_up(&other) {
                Fault::Error(error) => Err(error),
                Fault::Halt(halt) => Err(Error::new(Reason::UNAVAILABLE, halt.to_string())),
            },
            Err(Fault::Error(error)) => Err(error),
            Err(Fault::Halt(halt)) => Err(Error::new(Reason::UNAVAILABLE, halt.to_string())),
        }
    }
}
