//! A policy as a program of its own: its calls go out on stdout, the answers come in on stdin, a line
//! of JSON each. `suture test --coverage` is the host at the other end. (What else the policy prints
//! has no mark before it, and is for people.)

use std::any::Any;
use std::cell::RefCell;
use std::io::{BufRead, Write, stdin, stdout};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{ExitCode, exit};
use std::rc::Rc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::*;
use crate::Policy;

/// What a line of the protocol begins with.
pub const MARK: &str = "\u{1}suture ";

/// What a policy's process says.
#[derive(Debug, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "one at a time, and read at once")]
pub enum Message {
    /// What it says of itself: it was started with `manifest`.
    Manifest(types::Manifest),
    /// It asks its host.
    Call(Call),
    /// It has concluded, or could not.
    Over(Result<types::Outcome, String>),
    /// It panicked.
    Panicked(String),
}

/// A call of [`Host`].
#[derive(Debug, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "one at a time, and read at once")]
#[expect(missing_docs, reason = "the methods of `Host`, with their arguments")]
pub enum Call {
    Get(Target),
    List(Query),
    Mutate(Mutation, Option<Mutation>),
    Settle(String, bool),
    Wait(Target, Predicate, u64),
    Logs(Target, String, u32, u32),
    Exclusive(String, u64),
    Query(String),
    QueryRange(String, u64, u64, u64),
    Alerts,
    Now,
    Sleep(u64),
    Log(Level, String),
    Step(String),
}

/// A number of a sample: JSON has no NaN and no infinity, so its bits travel.
type Bits = u64;
type Labels = Vec<(String, String)>;
type Points = Vec<(u64, Bits)>;

impl Call {
    /// Have it answered: a line of JSON.
    ///
    /// # Errors
    /// Where the answer can't be written, which does not happen.
    pub fn answer(self, host: &dyn Host) -> serde_json::Result<String> {
        let text = serde_json::to_string::<Result<(), Error>>;
        match self {
            Self::Get(target) => serde_json::to_string(&host.get(&target)),
            Self::List(query) => serde_json::to_string(&host.list(&query)),
            Self::Mutate(mutation, undo) => serde_json::to_string(&host.mutate(&mutation, undo.as_ref())),
            Self::Settle(step, run_undo) => text(&host.settle(&step, run_undo)),
            Self::Wait(target, until, timeout) => serde_json::to_string(&host.wait(&target, &until, timeout)),
            Self::Logs(pod, container, lines, bytes) => {
                serde_json::to_string(&host.logs(&pod, &container, lines, bytes))
            }
            Self::Exclusive(name, timeout) => text(&host.exclusive(&name, timeout)),
            Self::Query(expression) => {
                let bits = |Sample { labels, at_ms, value }| (labels, at_ms, value.to_bits());
                let samples = host.query(&expression);
                serde_json::to_string(&samples.map(|all| all.into_iter().map(bits).collect::<Vec<_>>()))
            }
            Self::QueryRange(expression, start, end, step) => {
                let bits = |Series { labels, points }| {
                    let points = points.into_iter().map(|(at, value): (u64, f64)| (at, value.to_bits()));
                    (labels, points.collect::<Vec<_>>())
                };
                let series = host.query_range(&expression, start, end, step);
                serde_json::to_string(&series.map(|all| all.into_iter().map(bits).collect::<Vec<_>>()))
            }
            Self::Alerts => serde_json::to_string(&host.alerts()),
            Self::Now => serde_json::to_string(&host.now()),
            Self::Sleep(duration) => serde_json::to_string(&host.sleep(duration)),
            Self::Log(level, message) => serde_json::to_string(&host.log(level, &message)),
            Self::Step(title) => serde_json::to_string(&host.step(&title)),
        }
    }
}

/// The host at the other end.
struct Pipe(RefCell<Box<dyn BufRead>>);

impl Pipe {
    /// The next answer. Where nobody answers any more the run is over: the process ends, in order.
    fn read<T: DeserializeOwned>(&self) -> T {
        let mut line = String::new();
        let read = self.0.borrow_mut().read_line(&mut line);
        match read.map(|_| serde_json::from_str(&line)) {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => exit(0),
        }
    }

    fn ask<T: DeserializeOwned>(&self, call: Call) -> T {
        say(&Message::Call(call));
        self.read()
    }
}

/// Write a line. Where nobody reads it the run is over.
fn say(message: &Message) {
    let written = serde_json::to_string(message).map_err(std::io::Error::from).and_then(|text| {
        let mut out = stdout().lock();
        // A line that the policy has begun is ended first.
        writeln!(out, "\n{MARK}{text}")?;
        out.flush()
    });
    if written.is_err() {
        exit(0);
    }
}

impl Host for Pipe {
    fn get(&self, target: &Target) -> Result<String, Error> {
        self.ask(Call::Get(target.clone()))
    }

    fn list(&self, query: &Query) -> Result<Page, Error> {
        self.ask(Call::List(query.clone()))
    }

    fn mutate(&self, mutation: &Mutation, undo: Option<&Mutation>) -> Result<Mutated, Error> {
        self.ask(Call::Mutate(mutation.clone(), undo.cloned()))
    }

    fn settle(&self, step: &str, run_undo: bool) -> Result<(), Error> {
        self.ask(Call::Settle(step.to_owned(), run_undo))
    }

    fn wait(&self, target: &Target, until: &Predicate, timeout_ms: u64) -> Result<Waited, Error> {
        self.ask(Call::Wait(target.clone(), until.clone(), timeout_ms))
    }

    fn logs(&self, pod: &Target, container: &str, lines: u32, bytes: u32) -> Result<String, Error> {
        self.ask(Call::Logs(pod.clone(), container.to_owned(), lines, bytes))
    }

    fn exclusive(&self, name: &str, timeout_ms: u64) -> Result<(), Error> {
        self.ask(Call::Exclusive(name.to_owned(), timeout_ms))
    }

    fn query(&self, expression: &str) -> Result<Vec<Sample>, Error> {
        let samples: Result<Vec<(Labels, u64, Bits)>, Error> = self.ask(Call::Query(expression.to_owned()));
        let sample = |(labels, at_ms, value)| Sample { labels, at_ms, value: f64::from_bits(value) };
        samples.map(|all| all.into_iter().map(sample).collect())
    }

    fn query_range(
        &self,
        expression: &str,
        start_ms: u64,
        end_ms: u64,
        step_ms: u64,
    ) -> Result<Vec<Series>, Error> {
        let series: Result<Vec<(Labels, Points)>, Error> =
            self.ask(Call::QueryRange(expression.to_owned(), start_ms, end_ms, step_ms));
        let one = |(labels, points): (Labels, Points)| {
            let points = points.into_iter().map(|(at, value)| (at, f64::from_bits(value))).collect();
            Series { labels, points }
        };
        series.map(|all| all.into_iter().map(one).collect())
    }

    fn alerts(&self) -> Result<Vec<ActiveAlert>, Error> {
        self.ask(Call::Alerts)
    }

    fn now(&self) -> u64 {
        self.ask(Call::Now)
    }

    fn sleep(&self, duration_ms: u64) {
        self.ask(Call::Sleep(duration_ms))
    }

    fn log(&self, level: Level, message: &str) {
        self.ask(Call::Log(level, message.to_owned()))
    }

    fn step(&self, title: &str) {
        self.ask(Call::Step(title.to_owned()))
    }
}

/// Say what the policy says of itself, or handle the incident that comes first on stdin.
pub fn main<P: Policy>() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("manifest") {
        say(&Message::Manifest(crate::manifest::<P>()));
        return ExitCode::SUCCESS;
    }
    let pipe = Rc::new(Pipe(RefCell::new(Box::new(stdin().lock()))));
    let incident = pipe.read();
    let run = || with(pipe, || <crate::Component<P> as crate::wit::Guest>::remediate(incident));
    say(&match catch_unwind(AssertUnwindSafe(run)) {
        Ok(ending) => Message::Over(ending),
        Err(panic) => Message::Panicked(said(&*panic)),
    });
    ExitCode::SUCCESS
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "panicked".to_owned())
}
