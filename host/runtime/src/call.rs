//! A call of a policy, whatever version of the contract it came by: it is one effect.

use suture_core::effect::{Effect, Reply};
use suture_core::{Error, Limit};

use crate::instance::{Calls, State};
use crate::stop::Stop;

/// A result that the policy sees, or the end of its instance.
pub(crate) type Answer<T, E> = wasmtime::Result<Result<T, E>>;

/// The bytes of text in a value that a policy handed over.
pub(crate) trait Size {
    fn size(&self) -> usize;
}

impl Size for String {
    fn size(&self) -> usize {
        self.len()
    }
}

impl<T: Size> Size for Option<T> {
    fn size(&self) -> usize {
        self.as_ref().map_or(0, Size::size)
    }
}

impl<T: Size> Size for Vec<T> {
    fn size(&self) -> usize {
        // An empty element is not free either.
        self.iter().map(|item| item.size() + size_of::<T>()).sum()
    }
}

impl<A: Size, B: Size> Size for (&A, &B) {
    fn size(&self) -> usize {
        self.0.size() + self.1.size()
    }
}

impl State {
    /// Refuse what is larger than one call may be.
    pub(crate) fn admit(&self, arguments: &impl Size) -> Result<(), Stop> {
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
    pub(crate) async fn call<T, E: From<Error>>(
        &mut self,
        call: &'static str,
        effect: Result<Effect, Error>,
        pick: impl FnOnce(Reply) -> Option<T>,
    ) -> Answer<T, E> {
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
    pub(crate) async fn tell<T>(
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
