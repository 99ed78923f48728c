//! The calls of native policy code as effects.

use std::cell::Cell;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use suture_core::contract::text;
use suture_core::{Effect, Error, Halt, Reply};
use suture_policy::host::{
    self, ActiveAlert, Host, Level, Mutated, Mutation, Page, Predicate, Query, Sample, Series, Target, Waited,
};

use crate::convert;

pub(crate) type Answer = Result<Result<Reply, Error>, Halt>;

/// An answer that takes time.
pub(crate) type Pending = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// Unwinds the policy's code when the host has ended the run.
pub(crate) struct Over(pub Halt);

/// Answers a policy's calls through a host of the real kind.
pub(crate) struct Bridge {
    host: Arc<dyn suture_core::Host>,
    /// Blocks until an answer is there.
    wait: Box<dyn Fn(Pending) -> Answer>,
    /// Counted as the host counts: one for each effect that it is asked to answer.
    step: Cell<u32>,
}

impl Bridge {
    pub fn new(host: Arc<dyn suture_core::Host>, wait: Box<dyn Fn(Pending) -> Answer>) -> Self {
        Self { host, wait, step: Cell::new(0) }
    }

    /// Ask for an effect. Does not return where the run is over.
    fn ask(&self, effect: Effect) -> Result<Reply, Error> {
        self.step.set(self.step.get().saturating_add(1));
        let host = self.host.clone();
        let mut answer: Pending = Box::pin(async move { host.answer(effect).await });
        // Most answers are there at once.
        let answer = match answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => answer,
            Poll::Pending => (self.wait)(answer),
        };
        answer.unwrap_or_else(|halt| resume_unwind(Box::new(Over(halt))))
    }

    fn call<T>(
        &self,
        effect: Result<Effect, Error>,
        pick: impl FnOnce(Reply) -> Option<T>,
    ) -> Result<T, host::Error> {
        let reply = effect.and_then(|effect| self.ask(effect)).map_err(convert::error)?;
        pick(reply).ok_or_else(|| convert::error(convert::misanswered()))
    }

    fn tell<T>(&self, effect: Effect, pick: impl FnOnce(Reply) -> Option<T>) -> T {
        match self.call(Ok(effect), pick) {
            Ok(value) => value,
            // The contract has no error here: the host itself is broken.
            Err(error) => resume_unwind(Box::new(error.message)),
        }
    }
}

impl Host for Bridge {
    fn get(&self, target: &Target) -> Result<String, host::Error> {
        self.call(Ok(Effect::Get { target: convert::target(target.clone()) }), |reply| match reply {
            Reply::Object(object) => Some(convert::text(&object)),
            _ => None,
        })
    }

    fn list(&self, query: &Query) -> Result<Page, host::Error> {
        self.call(Ok(Effect::List(convert::query(query.clone()))), |reply| match reply {
            Reply::Page(page) => Some(convert::page(page)),
            _ => None,
        })
    }

    fn mutate(&self, mutation: &Mutation, undo: Option<&Mutation>) -> Result<Mutated, host::Error> {
        let effect = convert::mutation("mutation", mutation.clone()).and_then(|mutation| {
            let undo = undo.map(|undo| convert::mutation("undo", undo.clone())).transpose()?;
            Ok(Effect::Mutate { mutation, undo })
        });
        let object = self.call(effect, |reply| match reply {
            Reply::Mutated(object) => Some(convert::text(&object)),
            _ => None,
        })?;
        Ok(Mutated { step: self.step.get().to_string(), object })
    }

    fn settle(&self, step: &str, run_undo: bool) -> Result<(), host::Error> {
        let effect = text::step(step).map(|step| Effect::Settle { step, run_undo });
        self.call(effect, |reply| matches!(reply, Reply::Settled).then_some(()))
    }

    fn wait(&self, target: &Target, until: &Predicate, timeout_ms: u64) -> Result<Waited, host::Error> {
        let effect = convert::predicate(until.clone()).map(|until| Effect::Wait {
            target: convert::target(target.clone()),
            until,
            timeout_ms,
        });
        self.call(effect, |reply| match reply {
            Reply::Waited(waited) => Some(convert::waited(waited)),
            _ => None,
        })
    }

    fn logs(
        &self,
        pod: &Target,
        container: &str,
        tail_lines: u32,
        limit_bytes: u32,
    ) -> Result<String, host::Error> {
        let (pod, container) = (convert::target(pod.clone()), container.to_owned());
        self.call(Ok(Effect::Logs { pod, container, tail_lines, limit_bytes }), |reply| match reply {
            Reply::Logs(text) => Some(text),
            _ => None,
        })
    }

    fn exclusive(&self, name: &str, timeout_ms: u64) -> Result<(), host::Error> {
        let effect = Effect::Exclusive { name: name.to_owned(), timeout_ms };
        self.call(Ok(effect), |reply| matches!(reply, Reply::Held).then_some(()))
    }

    fn query(&self, expression: &str) -> Result<Vec<Sample>, host::Error> {
        self.call(Ok(Effect::Query { expression: expression.to_owned() }), |reply| match reply {
            Reply::Samples(samples) => Some(samples.into_iter().map(convert::sample).collect()),
            _ => None,
        })
    }

    fn query_range(
        &self,
        expression: &str,
        start_ms: u64,
        end_ms: u64,
        step_ms: u64,
    ) -> Result<Vec<Series>, host::Error> {
        let effect = Effect::QueryRange { expression: expression.to_owned(), start_ms, end_ms, step_ms };
        self.call(Ok(effect), |reply| match reply {
            Reply::Series(series) => Some(series.into_iter().map(convert::series).collect()),
            _ => None,
        })
    }

    fn alerts(&self) -> Result<Vec<ActiveAlert>, host::Error> {
        self.call(Ok(Effect::Alerts), |reply| match reply {
            Reply::Alerts(alerts) => Some(alerts.into_iter().map(convert::active_alert).collect()),
            _ => None,
        })
    }

    fn now(&self) -> u64 {
        self.tell(Effect::Now, |reply| match reply {
            Reply::Now(time) => Some(u64::try_from(time.as_millisecond()).unwrap_or_default()),
            _ => None,
        })
    }

    fn sleep(&self, duration_ms: u64) {
        self.tell(Effect::Sleep { duration_ms }, |reply| matches!(reply, Reply::Slept).then_some(()));
    }

    fn log(&self, level: Level, message: &str) {
        let effect = Effect::Log { level: convert::level(level), message: message.to_owned() };
        self.tell(effect, |reply| matches!(reply, Reply::Noted).then_some(()));
    }

    fn step(&self, title: &str) {
        let effect = Effect::Step { title: title.to_owned() };
        self.tell(effect, |reply| matches!(reply, Reply::Noted).then_some(()));
    }
}
