//! How long the Lease is ours.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures::future::select;
use suture_core::{Clock, Timestamp};
use tokio::sync::watch;

use super::LeaseOptions;

/// Why a tenure is over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// Another host took the Lease, or somebody gave it to one.
    #[error("the lease {lease} is held by {holder} now")]
    Taken {
        /// The Lease.
        lease: String,
        /// Who holds it.
        holder: String,
    },
    /// Somebody emptied the Lease by hand.
    #[error("the lease {0} was taken from this host by hand: it names no holder")]
    Emptied(String),
    /// It could not be renewed for too long; another host may hold it by now.
    #[error("the lease {lease} was not renewed for {seconds} s, so another host may hold it by now{why}")]
    Expired {
        /// The Lease.
        lease: String,
        /// How long ago the last renewal was begun.
        seconds: u64,
        /// What kept it from being renewed, after a colon; empty where nothing did but
        /// time: the process or its machine stood still.
        why: String,
    },
    /// The host gave it back.
    #[error("the lease {0} was given back")]
    Released(String),
}

/// A moment, by both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    monotonic: Duration,
    wall: Timestamp,
}

impl Moment {
    pub fn now(clock: &dyn Clock) -> Self {
        Self { monotonic: clock.monotonic(), wall: clock.now() }
    }

    /// The time since then: the longer one of what the two clocks say. Nobody sets the
    /// monotonic clock back, but that of a virtual machine can stand still while the
    /// machine is paused; the time of day is set right afterwards.
    fn elapsed(&self, clock: &dyn Clock) -> Duration {
        let wall = Duration::try_from(self.wall.duration_until(clock.now())).unwrap_or_default();
        clock.monotonic().saturating_sub(self.monotonic).max(wall)
    }
}

/// The time in which a host may act. Cheap to clone; all clones end together.
#[derive(Clone)]
pub struct Tenure(Arc<Inner>);

struct Inner {
    clock: Arc<dyn Clock>,
    lease: String,
    /// How long it lasts after a renewal.
    length: Duration,
    state: watch::Sender<State>,
}

struct State {
    /// When the last renewal was begun.
    renewed: Moment,
    /// What went wrong since.
    trouble: String,
    lost: Option<Lost>,
}

impl Tenure {
    /// A tenure whose first renewal was begun then.
    pub(super) fn new(options: &LeaseOptions, clock: Arc<dyn Clock>, renewed: Moment) -> Self {
        let (state, _) = watch::channel(State { renewed, trouble: String::new(), lost: None });
        Self(Arc::new(Inner { clock, lease: options.to_string(), length: options.tenure(), state }))
    }

    /// Whether the host may act now.
    pub fn is_held(&self) -> bool {
        self.check().is_ok()
    }

    /// How long it lasts if it is not renewed; or why it is over, which it stays.
    ///
    /// # Errors
    /// Why it is over.
    pub fn check(&self) -> Result<Duration, Lost> {
        let inner = &self.0;
        let mut result = Ok(Duration::ZERO);
        inner.state.send_if_modified(|state| {
            if let Some(lost) = &state.lost {
                result = Err(lost.clone());
                return false;
            }
            let elapsed = state.renewed.elapsed(&*inner.clock);
            if elapsed < inner.length {
                result = Ok(inner.length - elapsed);
                return false;
            }
            let lost = Lost::Expired {
                lease: inner.lease.clone(),
                seconds: elapsed.as_secs(),
                why: state.trouble.clone(),
            };
            state.lost = Some(lost.clone());
            result = Err(lost);
            true
        });
        result
    }

    /// Wait until it is over.
    pub async fn lost(&self) -> Lost {
        let mut changes = self.0.state.subscribe();
        loop {
            match self.check() {
                Err(lost) => return lost,
                // The sleeper may be late: then the clock says so, at the next look.
                Ok(left) => select(pin!(changes.changed()), self.0.clock.sleep(left)).await,
            };
        }
    }

    /// Let something be done only while the tenure lasts: `None` where it is not done by
    /// then. Each time before it goes on the clock is asked, and not a timer: who wakes
    /// up after a long sleep must not send what he was about to send.
    pub async fn within<F: Future>(&self, work: F) -> Option<F::Output> {
        let mut work = pin!(work);
        let mut lost = pin!(self.lost());
        poll_fn(|context| {
            if lost.as_mut().poll(context).is_ready() || !self.is_held() {
                return Poll::Ready(None);
            }
            work.as_mut().poll(context).map(Some)
        })
        .await
    }

    /// A renewal that was begun then has succeeded. It prolongs only what still lasts.
    pub(super) fn renew(&self, begun: Moment) -> Result<(), Lost> {
        self.check()?;
        self.0.state.send_modify(|state| {
            state.renewed = begun;
            state.trouble.clear();
        });
        self.check().map(drop)
    }

    /// A renewal failed.
    pub(super) fn trouble(&self, what: &str) {
        self.0.state.send_modify(|state| state.trouble = format!(": {what}"));
    }

    /// It is over, unless it is already; and why.
    pub(super) fn end(&self, why: Lost) -> Lost {
        let mut lost = why.clone();
        self.0.state.send_modify(|state| lost = state.lost.get_or_insert(why).clone());
        lost
    }
}
