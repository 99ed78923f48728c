//! The imports: each call is one effect.

use suture_core::effect::{Effect, Reply};
use suture_core::{Error, Limit};

use crate::bindings::{clock, kube, log, prometheus, types};
use crate::convert;
use crate::instance::{Calls, State};
use crate::size::Size;
use crate::stop::Stop;

/// A result that the policy sees, or the end of its instance.
type Answer<T, E = kube::Error> = wasmtime::Result<Result<T, E>>;

impl State {
    /// Refuse what is larger than one call may be.
    fn admit(&self, arguments: &impl Size) -> Result<(), Stop> {
        let bytes = u64::try_from(arguments.size()).unwrap_or(u64::MAX);
        if bytes > self.limits.call_bytes.0 {
            return Err(Stop::limit(&self.limits, Limit::CallBytes));
        }
        Ok(())
    }

    /// Hand an effect to the host.
    ///
    /// Steps are counted here as the host counts them: from 1, one for each effect that
    /// it is asked to answer.
    async fn ask(&mut self, call: &'static str, effect: Effect) -> Result<Result<Reply, Error>, Stop> {
        let Calls::Answered(host) = &self.calls else {
            return Err(Stop::NotConstant(call));
        };
        self.step = self.step.saturating_add(1);
        // While the host is at work, the next one is.
        self.turn.give_up();
        Ok(self.meter.outside(host.answer(effect)).await?)
    }

    /// Hand over what is an effect, tell the policy what is none, and pick the answer out
    /// of the reply.
    async fn call<T>(
        &mut self,
        call: &'static str,
        effect: Result<Effect, Error>,
        pick: impl FnOnce(Reply) -> Option<T>,
    ) -> Answer<T> {
        let effect = match effect {
            Ok(effect) => effect,
            Err(error) => {
                // `manifest` may not even try.
                if matches!(self.calls, Calls::Refused) {
                    return Err(Stop::NotConstant(call).into());
                }
                return Ok(Err(error.into()));
            }
        };
        match self.ask(call, effect).await? {
            Ok(reply) => Ok(Ok(pick(reply).ok_or(Stop::Misanswered(call))?)),
            Err(error) => Ok(Err(error.into())),
        }
    }

    /// Like [`call`](Self::call), where the contract has no way to say that it failed.
    async fn tell<T>(
        &mut self,
        call: &'static str,
        effect: Effect,
        pick: impl FnOnce(Reply) -> Option<T>,
    ) -> wasmtime::Result<T> {
        match self.ask(call, effect).await? {
            Ok(reply) => Ok(pick(reply).ok_or(Stop::Misanswered(call))?),
            Err(error) => Err(Stop::Unanswered { call, error }.into()),
        }
    }
}

impl kube::Host for State {
    async fn get(&mut self, target: kube::Target) -> Answer<String> {
        self.admit(&target)?;
        let effect = Effect::Get { target: target.into() };
        self.call("kube.get", Ok(effect), |reply| match reply {
            Reply::Object(object) => Some(convert::text(&object)),
            _ => None,
        })
        .await
    }

    async fn list(&mut self, query: kube::Query) -> Answer<kube::Page> {
        self.admit(&query)?;
        self.call("kube.list", Ok(Effect::List(query.into())), |reply| match reply {
            Reply::Page(page) => Some(page.into()),
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
        let effect = convert::step(&step).map(|step| Effect::Settle { step, run_undo });
        self.call("kube.settle", effect, |reply| matches!(reply, Reply::Settled).then_some(())).await
    }

    async fn wait(
        &mut self,
        target: kube::Target,
        until: kube::Predicate,
        timeout_ms: u64,
    ) -> Answer<kube::Waited> {
        self.admit(&(&target, &until))?;
        let effect =
            convert::predicate(until).map(|until| Effect::Wait { target: target.into(), until, timeout_ms });
        self.call("kube.wait", effect, |reply| match reply {
            Reply::Waited(waited) => Some(waited.into()),
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
        let effect = Effect::Logs { pod: pod.into(), container, tail_lines, limit_bytes };
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
            Reply::Samples(samples) => Some(samples.into_iter().map(Into::into).collect()),
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
            Reply::Series(series) => Some(series.into_iter().map(Into::into).collect()),
            _ => None,
        })
        .await
    }

    async fn alerts(&mut self) -> Answer<Vec<prometheus::ActiveAlert>> {
        self.call("prometheus.alerts", Ok(Effect::Alerts), |reply| match reply {
            Reply::Alerts(alerts) => Some(alerts.into_iter().map(Into::into).collect()),
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
        let effect = Effect::Log { level: level.into(), message };
        self.tell("log.log", effect, |reply| matches!(reply, Reply::Noted).then_some(())).await
    }

    async fn step(&mut self, title: String) -> wasmtime::Result<()> {
        self.admit(&title)?;
        let effect = Effect::Step { title };
        self.tell("log.step", effect, |reply| matches!(reply, Reply::Noted).then_some(())).await
    }
}

impl types::Host for State {}
