//! The thread that moves the engine's epoch.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use wasmtime::{Engine, EngineWeak};

/// How often the epoch moves: how long a spinning guest keeps a thread to itself, and
/// how far it can overdraw its CPU budget. With 10 ms and eight spinning guests a timer
/// of 300 ms fired at 615 ms; with 1 ms, at 305 ms.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// After so many ticks without a live instance the thread sleeps until there is one, so
/// that an idle host does not wake a thousand times a second.
const LINGER: u32 = 1000;

/// Moves the epoch while instances live. The thread holds no strong reference to the
/// engine and ends with it; drop the engine first.
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    live: AtomicUsize,
    parked: AtomicBool,
}

/// An instance lives while this does.
pub(crate) struct Live(Arc<Shared>);

impl Drop for Live {
    fn drop(&mut self) {
        self.0.live.fetch_sub(1, SeqCst);
    }
}

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (weak, theirs) = (engine.weak(), shared.clone());
        let thread =
            thread::Builder::new().name("suture-epochs".to_owned()).spawn(move || run(&weak, &theirs))?;
        Ok(Self { shared, thread })
    }

    /// The epoch moves at least until the result is dropped.
    pub(crate) fn keep(&self) -> Live {
        // In this order, and in the opposite one in `run`: one of the two sees the other.
        self.shared.live.fetch_add(1, SeqCst);
        if self.shared.parked.load(SeqCst) {
            self.thread.thread().unpark();
        }
        Live(self.shared.clone())
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.thread.thread().unpark();
    }
}

fn run(engine: &EngineWeak, shared: &Shared) {
    let mut idle = 0;
    while let Some(engine) = engine.upgrade() {
        engine.increment_epoch();
        drop(engine);
        idle = if shared.live.load(SeqCst) == 0 { idle + 1 } else { 0 };
        if idle < LINGER {
            thread::sleep(TICK);
            continue;
        }
        shared.parked.store(true, SeqCst);
        if shared.live.load(SeqCst) == 0 {
            thread::park();
        }
        shared.parked.store(false, SeqCst);
        idle = 0;
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::Config;

    use super::*;

    fn ticking() -> (Engine, Ticker) {
        let engine = Engine::new(Config::new().epoch_interruption(true)).unwrap();
        let ticker = Ticker::start(&engine).unwrap();
        (engine, ticker)
    }

    fn until(condition: impl Fn() -> bool) {
        while !condition() {
            thread::sleep(TICK);
        }
    }

    #[test]
    fn the_thread_rests_while_nothing_lives_and_wakes_for_an_instance() {
        let (_engine, ticker) = ticking();
        let live = ticker.keep();
        thread::sleep(TICK * (LINGER + LINGER / 2));
        assert!(!ticker.shared.parked.load(SeqCst));
        drop(live);
        until(|| ticker.shared.parked.load(SeqCst));
        let _live = ticker.keep();
        until(|| !ticker.shared.parked.load(SeqCst));
    }

    #[test]
    fn the_thread_ends_with_the_engine() {
        let (engine, ticker) = ticking();
        assert!(!ticker.thread.is_finished());
        drop(engine);
        until(|| ticker.thread.is_finished());

        // And from its rest.
        let (engine, ticker) = ticking();
        until(|| ticker.shared.parked.load(SeqCst));
        drop(engine);
        ticker.thread.thread().unpark();
        until(|| ticker.thread.is_finished());
    }
}
