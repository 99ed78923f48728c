//! What a connection does: it is served, or waits for its client.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use suture_core::Clock;

/// What a connection does.
pub(crate) struct Activity {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    /// Since when the client may send, and has sent nothing that could be answered. None while
    /// a request is answered.
    waiting: Option<Duration>,
    /// Since when the client takes nothing of an answer.
    blocked: Option<Duration>,
    is_trusted: bool,
}

/// How much a connection deserves to be kept; the smallest least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Idleness {
    is_trusted: bool,
    since: Duration,
}

impl Activity {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let waiting = Some(clock.monotonic());
        Self { clock, state: Mutex::new(State { waiting, blocked: None, is_trusted: false }) }
    }

    /// Its client has shown that it may ask.
    pub fn trust(&self) {
        self.state.lock().is_trusted = true;
    }

    /// A request is answered until the result is dropped.
    pub(super) fn serve(self: Arc<Self>) -> Serving {
        self.state.lock().waiting = None;
        Serving(self)
    }

    /// Whether the client takes nothing of what is written.
    pub(super) fn block(&self, is_blocked: bool) {
        let now = self.clock.monotonic();
        self.state.lock().blocked = is_blocked.then_some(now);
    }

    /// How it stands beside others; none where it is the host that is to act next.
    pub(super) fn idleness(&self) -> Option<Idleness> {
        let state = self.state.lock();
        let since = state.blocked.or(state.waiting)?;
        Some(Idleness { is_trusted: state.is_trusted, since })
    }
}

/// While a request is answered.
pub(super) struct Serving(Arc<Activity>);

impl Drop for Serving {
    fn drop(&mut self) {
        let now = self.0.clock.monotonic();
        self.0.state.lock().waiting = Some(now);
    }
}
