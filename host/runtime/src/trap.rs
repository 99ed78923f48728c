//! What wasmtime says, for people.

use suture_core::Ending;
use suture_core::contract::text::{MAX_TEXT, cut};
use wasmtime::{Trap, WasmBacktrace};

use crate::stop::Stop;

/// How many frames are named, the innermost first.
const FRAMES: usize = 5;

/// How an error ends a run.
pub(crate) fn ending(error: &wasmtime::Error) -> Ending {
    match error.downcast_ref::<Stop>() {
        Some(Stop::Halt(halt)) => Ending::Halted(halt.clone()),
        Some(stop) => Ending::Trapped(format!("{stop}{}", frames(error))),
        None => Ending::Trapped(describe(error)),
    }
}

/// An error in one line: the kind of trap, and where.
pub(crate) fn describe(error: &wasmtime::Error) -> String {
    let what = match (error.downcast_ref::<Stop>(), error.downcast_ref::<Trap>()) {
        (Some(stop), _) => stop.to_string(),
        (None, Some(trap)) => trap.to_string(),
        (None, None) => error.root_cause().to_string(),
    };
    cut(format!("{what}{}", frames(error)), MAX_TEXT)
}

/// Where it was: names where the component has them, else the places in its code.
fn frames(error: &wasmtime::Error) -> String {
    let Some(trace) = error.downcast_ref::<WasmBacktrace>() else { return String::new() };
    let names: Vec<String> = trace
        .frames()
        .iter()
        .take(FRAMES)
        .map(|frame| match frame.func_name() {
            Some(name) => format!("`{}`", cut(name.to_owned(), 80)),
            None => match frame.module_offset() {
                Some(offset) => format!("function {} at {offset:#x}", frame.func_index()),
                None => format!("function {}", frame.func_index()),
            },
        })
        .collect();
    if names.is_empty() { String::new() } else { format!(" (in {})", names.join(", called by ")) }
}
