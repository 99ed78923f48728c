//! Of a day that goes wrong, the least that still does.

use crate::day::play;
use crate::judge::Fault;
use crate::plan::Plan;

/// Leave out what is not needed for something to go wrong: by halves, quarters, and so on.
pub fn shrink(plan: &Plan, fault: Fault) -> (Plan, Fault) {
    let (mut least, mut fault) = (plan.clone(), fault);
    let mut size = least.events.len().div_ceil(2);
    while size > 0 {
        let mut from = 0;
        while from < least.events.len() {
            let mut fewer = least.clone();
            fewer.events.drain(from..(from + size).min(least.events.len()));
            match play(&fewer) {
                Err(found) => (least, fault) = (fewer, found),
                Ok(_) => from += size,
            }
        }
        size = if size == 1 { 0 } else { size.div_ceil(2) };
    }
    (least, fault)
}
