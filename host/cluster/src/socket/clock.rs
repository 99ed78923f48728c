//! The server's time on the client's side.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use suture_core::clock::later;
use suture_core::{Clock, RealClock, ScaledClock, Timestamp, VirtualClock};
use tokio::sync::watch;

use super::wire::{Passing, Welcome};

/// The clock of a server.
#[derive(Clone)]
pub struct ServerClock {
    /// For whoever lives by it.
    pub shared: Arc<dyn Clock>,
    /// The same, where somebody there lets time pass.
    manual: Option<VirtualClock>,
}

impl ServerClock {
    /// The clock that a server lives by, which it told of between two moments. One that runs is
    /// right to within half of what passes between them.
    ///
    /// # Errors
    /// Where time can't pass so.
    pub fn of(welcome: &Welcome, asked: Duration, answered: Duration) -> Result<Self, String> {
        let speed = match welcome.time {
            Passing::Running { speed } => speed,
            Passing::Manual => {
                let clock = VirtualClock::new(welcome.now, Timestamp::MAX);
                return Ok(Self { shared: Arc::new(clock.clone()), manual: Some(clock) });
            }
        };
        if !(1.0..=1e6).contains(&speed) {
            return Err(format!("its time runs {speed} times as fast as real time, which can't be"));
        }
        let on_its_way = answered.saturating_sub(asked) / 2;
        let since = RealClock.monotonic().saturating_sub(answered) + on_its_way;
        let clock = ScaledClock::starting_at(later(welcome.now, since.mul_f64(speed)), speed);
        Ok(Self { shared: Arc::new(clock), manual: None })
    }

    /// Take up the next time that is told, once nothing holds the clock. May be dropped, and
    /// begun anew.
    pub async fn next(&self, times: &mut watch::Receiver<Timestamp>) -> Timestamp {
        let Some(clock) = &self.manual else { return pending().await };
        let Ok(now) = times.wait_for(|now| *now > clock.now()).await.map(|now| *now) else {
            // Nobody tells any more.
            return pending().await;
        };
        clock.released().await;
        while clock.step(now) {}
        now
    }
}
