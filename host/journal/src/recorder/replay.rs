//! Answering from the record: how a run goes on after its process has died.

use suture_core::effect::Nature;
use suture_core::{Effect, Error, Halt, Prepared, Reason, Reply, Resolution};

use super::{Recorder, size};
use crate::entry::{Body, Entry};
use crate::log::Durability;
use crate::script::{Line, Progress, shown};

impl Recorder {
    /// The recorder of a run whose process died in the middle, with what is on record of
    /// it. Once it is [awake](Self::awake), a fresh instance of the same policy asks for
    /// the same again, and is answered from the record until that is used up; then its
    /// calls are live.
    ///
    /// Only for a run that has not [ended](crate::Ledger::ending), under the same module,
    /// incident, settings and limits, and on the same cluster.
    pub fn resuming(self, entries: &[Entry]) -> Self {
        {
            let mut state = self.state.lock();
            state.ledger = crate::Ledger::of(entries);
            state.bytes = entries.iter().map(size::of).fold(0, u64::saturating_add);
        }
        self
    }

    /// The determinism error of a policy that ended before it had asked for all that is on
    /// record.
    pub fn left_over(&self) -> Option<Halt> {
        let state = self.state.lock();
        state.script.0.front().map(|line| Halt::Nondeterminism {
            step: line.step,
            recorded: shown(&line.asked),
            asked: "nothing more: it ended".to_owned(),
        })
    }

    /// Answer a call from the record, or take up what was begun.
    pub(super) async fn replay(&self, line: Line, effect: Effect) -> Result<Result<Reply, Error>, Halt> {
        let Line { step, .. } = line;
        if !line.is(&effect) {
            return Err(Halt::Nondeterminism { step, recorded: shown(&line.asked), asked: shown(&effect) });
        }
        let answer = match line.progress {
            Progress::Answered(answer) => Result::from(answer),
            Progress::Begun(prepared) if !prepared.effect.is_mutation() => {
                return self.await_prepared(step, &prepared).await;
            }
            Progress::Begun(prepared) => return self.in_doubt(step, &prepared, effect).await,
        };
        self.count_created(&effect, &answer);
        Ok(answer)
    }

    /// Find out what became of a change that has an intent and no reply. What was done is
    /// recorded; what was not is prepared anew, under today's grants; and what can't be
    /// told is an error that the policy sees.
    async fn in_doubt(
        &self,
        step: u32,
        prepared: &Prepared,
        effect: Effect,
    ) -> Result<Result<Reply, Error>, Halt> {
        let answer = match self.find_out(prepared).await {
            Resolution::Done(reply) => Ok(reply),
            Resolution::NotDone => {
                if let Effect::Settle { step: change, run_undo } = effect {
                    return self.settle(step, change, run_undo).await;
                }
                return self.mutate(step, effect, Some(prepared)).await;
            }
            Resolution::Unknown(why) => {
                Err(Error::new(Reason::UNKNOWN, format!("the host died while it was at it: {why}")))
            }
        };
        self.write(step, Body::Reply { answer: answer.clone().into() }, Durability::Lazy).await?;
        self.count_created(&effect, &answer);
        self.within(size::of(&answer), 0)?;
        let is_settlement = effect.nature() == Nature::Settlement;
        Ok(if is_settlement { answer.map(|_| Reply::Settled) } else { answer })
    }
}
