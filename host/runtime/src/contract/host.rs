//! The imports: each call is one effect.

use suture_core::Error;
use suture_core::contract::text;
use suture_core::effect::{Effect, Reply};

use super::bindings::{clock, kube, log, prometheus, types};
use super::convert;
use crate::call;
use crate::instance::State;

/// A result that the policy sees, or the end of its instance.
type Answer<T> = call::Answer<T, kube::Error>;

impl From<Error> for kube::Error {
    fn from(error: Error) -> Self {
        convert::error(error)
    }
}

impl kube::Host for State {
    async fn get(&mut self, target: kube::Target) -> Answer<String> {
        self.admit(&target)?;
        let effect = Effect::Get { target: convert::target(target) };
        self.call("kube.get", Ok(effect), |reply| match reply {
            Reply::Object(object) => Some(convert::text(&object)),
            _ => None,
        })
        .await
    }

    async fn list(&mut self, query: kube::Query) -> Answer<kube::Page> {
        self.admit(&query)?;
        self.call("kube.list", Ok(Effect::List(convert::query(query))), |reply| match reply {
            Reply::Page(page) => Some(convert::page(page)),
            _ => None,
        })
        .await
    }

    async fn mutate(
        &mut self,
        mutation: kube::Mutation,
        undo: Option<kube::Mutation>,
    ) -> Answer<kube::Mutated> {
        self.admit(&(&mutation, &undo))?;
        let effect = convert::mutation("mutation", mutation).and_then(|mutation| {
            let undo = undo.map(|undo| convert::mutation("undo", undo)).transpose()?;
            Ok(Effect::Mutate { mutation, undo })
        });
        let object = self
            .call("kube.mutate", effect, |reply| match reply {
                Reply::Mutated(object) => Some(convert::text(&object)),
                _ => None,
            })
            .await?;
        Ok(object.map(|object| kube::Mutated { step: self.step.to_string(), object }))
    }

    async fn settle(&mut self, step: String, run_undo: bool) -> Answer<()> {
        self.admit(&step)?;
        let effect = text::step(&step).map(|step| Effect::Settle { step, run_undo });
        self.call("kube.settle", effect, |reply| matches!(reply, Reply::Settled).then_some(())).await
    }

    async fn wait(
        &mut self,
        target: kube::Target,
        until: kube::Predicate,
        timeout_ms: u64,
    ) -> Answer<kube::Waited> {
        self.admit(&(&target, &until))?;
        let effect = convert::predicate(until).map(|until| Effect::Wait {
            target: convert::target(target),
            until,
            timeout_ms,
        });
        self.call("kube.wait", effect, |reply| match reply {
            Reply::Waited(waited) => Some(convert::waited(waited)),
            _ => None,
        })
        .await
    }

    async fn logs(
        &mut self,
        pod: kube::Target,
        container: String,
        tail_lines: u32,
        limit_bytes: u32,
    ) -> Answer<String> {
        self.admit(&(&pod, &container))?;
        let effect = Effect::Logs { pod: convert::target(pod), container, tail_lines, limit_bytes };
        self.call("kube.logs", Ok(effect), |reply| match reply {
            Reply::Logs(text) => Some(text),
            _ => None,
        })
        .await
    }

    async fn exclusive(&mut self, name: String, timeout_ms: u64) -> Answer<()> {
        self.admit(&name)?;
        let effect = Effect::Exclusive { name, timeout_ms };
        self.call("kube.exclusive", Ok(effect), |reply| matches!(reply, Reply::Held).then_some(())).await
    }
}

impl prometheus::Host for State {
    async fn query(&mut self, expression: String) -> Answer<Vec<prometheus::Sample>> {
        self.admit(&expression)?;
        self.call("prometheus.query", Ok(Effect::Query { expression }), |reply| match reply {
            Reply::Samples(samples) => Some(samples.into_iter().map(convert::sample).collect()),
            _ => None,
        })
        .await
    }

    async fn query_range(
        &mut self,
        expression: String,
        start_ms: u64,
        end_ms: u64,
        step_ms: u64,
    ) -> Answer<Vec<prometheus::Series>> {
        self.admit(&expression)?;
        let effect = Effect::QueryRange { expression, start_ms, end_ms, step_ms };
        self.call("prometheus.query-range", Ok(effect), |reply| match reply {
            Reply::Series(series) => Some(series.into_iter().map(convert::series).collect()),
            _ => None,
        })
        .await
    }

    async fn alerts(&mut self) -> Answer<Vec<prometheus::ActiveAlert>> {
        self.call("prometheus.alerts", Ok(Effect::Alerts), |reply| match reply {
            Reply::Alerts(alerts) => Some(alerts.into_iter().map(convert::active_alert).collect()),
            _ => None,
        })
        .await
    }
}

impl clock::Host for State {
    async fn now(&mut self) -> wasmtime::Result<u64> {
        self.tell("clock.now", Effect::Now, |reply| match reply {
            // Before 1970 there are no alerts.
            Reply::Now(time) => Some(u64::try_from(time.as_millisecond()).unwrap_or_default()),
            _ => None,
        })
        .await
    }

    async fn sleep(&mut self, duration_ms: u64) -> wasmtime::Result<()> {
        let effect = Effect::Sleep { duration_ms };
        self.tell("clock.sleep", effect, |reply| matches!(reply, Reply::Slept).then_some(())).await
    }
}

impl log::Host for State {
    async fn log(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        self.admit(&message)?;
        let effect = Effect::Log { level: convert::level(level), message };
        self.tell("log.log", effect, |reply| matches!(reply, Reply::Noted).then_some(())).await
    }

    async fn step(&mut self, title: String) -> wasmtime::Result<()> {
        self.admit(&title)?;
        let effect = Effect::Step { title };
        self.tell("log.step", effect, |reply| matches!(reply, Reply::Noted).then_some(())).await
    }
}

impl types::Host for State {}
