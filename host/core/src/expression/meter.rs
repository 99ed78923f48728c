//! What an evaluation may cost. Each round of a loop costs as many units as its body has
//! nodes; what is copied, compared or added costs a unit for each 16 bytes or item.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cel::common::types::{CelBytes, CelInt, CelList, CelMap, CelString};
use cel::common::value::{CowVal, Val};
use cel::{Context, ExecutionError, FunctionContext};
use serde_json::Value;

use super::ExpressionError;
use crate::pattern;

/// Takes what a loop runs over, and how many nodes its body has; gives back what it took.
pub(super) const LOOP: &str = "@loop";
/// Takes a value that is about to be copied or compared; gives it back.
pub(super) const SIZE: &str = "@size";
/// `text.matches(regex)`, with regular expressions that are bounded.
pub(super) const MATCHES: &str = "@matches";

/// The most units that one evaluation may cost: some tenths of a second.
const MAX_COST: u64 = 2_000_000;
/// The largest values that an expression is evaluated over, together: text, and a little for
/// each key and item. An object in etcd has at most 1.5 MiB.
const MAX_INPUT_BYTES: usize = 16 << 20;
const BYTES_PER_UNIT: u64 = 16;

/// A function of ours.
pub(super) type Function = Box<
    dyn for<'a, 'v> Fn(&mut FunctionContext<'a, 'v>) -> Result<CowVal<'a, 'v>, ExecutionError> + Send + Sync,
>;

/// What an evaluation has cost so far.
#[derive(Clone, Default)]
pub(super) struct Meter(Arc<AtomicU64>);

impl Meter {
    /// Let an expression call the meter. Such names can't be written in CEL.
    pub fn install(&self, context: &mut Context<'_, '_>) -> Result<(), ExpressionError> {
        let meter = self.clone();
        let each: Function = Box::new(move |call| {
            let body = call.args.pop();
            let nodes =
                body.as_ref().and_then(|nodes| nodes.downcast_ref::<CelInt>()).map_or(1, |n| *n.inner());
            let range = call.args.pop().ok_or_else(|| ExecutionError::invalid_argument_count(2, 0))?;
            let rounds = range.as_sizer().map_or(1, |sizer| *sizer.size().inner());
            meter.charge(u64::try_from(rounds.saturating_mul(nodes)).unwrap_or(u64::MAX))?;
            meter.charge_for(range.as_ref())?;
            Ok(range)
        });
        let meter = self.clone();
        let size: Function = Box::new(move |call| {
            let value = call.args.pop().ok_or_else(|| ExecutionError::invalid_argument_count(1, 0))?;
            meter.charge_for(value.as_ref())?;
            Ok(value)
        });
        let matches = |text: Arc<String>, regex: Arc<String>| {
            pattern::regex(&regex)
                .map(|regex| regex.is_match(&text))
                .map_err(|error| ExecutionError::function_error("matches", error))
        };
        let declared = context
            .add_function(LOOP, each)
            .and_then(|()| context.add_function(SIZE, size))
            .and_then(|()| context.add_function(MATCHES, matches));
        declared.map_err(|error| ExpressionError(error.to_string()))
    }

    /// Whether it cost too much. `||` and `exists` hide errors: so it is asked at the end, too.
    pub fn check(&self) -> Result<(), ExecutionError> {
        if self.0.load(Ordering::Relaxed) <= MAX_COST {
            return Ok(());
        }
        let message =
            "it takes too long over values this large: it loops over too much, or compares too much";
        Err(ExecutionError::function_error("loop", message))
    }

    fn charge(&self, units: u64) -> Result<(), ExecutionError> {
        // No overflow: at most a few charges follow the one that was too much.
        self.0.fetch_add(units.min(MAX_COST + 1), Ordering::Relaxed);
        self.check()
    }

    /// Charge for all that a value holds. Stops where it is too much.
    fn charge_for(&self, value: &dyn Val) -> Result<(), ExecutionError> {
        if let Some(text) = value.downcast_ref::<CelString>() {
            return self.charge(1 + text.inner().len() as u64 / BYTES_PER_UNIT);
        }
        if let Some(bytes) = value.downcast_ref::<CelBytes>() {
            return self.charge(1 + bytes.inner().len() as u64 / BYTES_PER_UNIT);
        }
        self.charge(1)?;
        if let Some(list) = value.downcast_ref::<CelList>() {
            list.inner().iter().try_for_each(|item| self.charge_for(item.as_ref()))?;
        } else if let Some(map) = value.downcast_ref::<CelMap>() {
            for (key, value) in map.inner() {
                self.charge_for(key.inner())?;
                self.charge_for(value.as_ref())?;
            }
        }
        Ok(())
    }
}

/// Refuse values that are too large to be converted.
pub(super) fn check_input(variables: &[(&str, &Value)]) -> Result<(), ExpressionError> {
    let mut left = MAX_INPUT_BYTES;
    let mut stack: Vec<&Value> = variables.iter().map(|(_, value)| *value).collect();
    while let Some(value) = stack.pop() {
        let text = match value {
            Value::String(text) => text.len(),
            Value::Object(fields) => {
                stack.extend(fields.values());
                fields.keys().map(String::len).sum()
            }
            Value::Array(items) => {
                stack.extend(items);
                0
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        };
        left = left.checked_sub(text + size_of::<Value>()).ok_or_else(|| {
            ExpressionError(format!(
                "the values to evaluate it over are larger than {} MiB together",
                MAX_INPUT_BYTES >> 20
            ))
        })?;
    }
    Ok(())
}
