//! The server's time on the client's side.

use std::time::Duration;

use suture_core::clock::later;
use suture_core::{Clock, RealClock, ScaledClock};

use super::wire::Welcome;

/// The clock that a server lives by, which it told of between two moments: right to within
/// half of what passes between them.
pub fn synchronised(welcome: &Welcome, asked: Duration, answered: Duration) -> ScaledClock {
    let on_its_way = answered.saturating_sub(asked) / 2;
    let since = RealClock.monotonic().saturating_sub(answered) + on_its_way;
    ScaledClock::starting_at(later(welcome.now, since.mul_f64(welcome.speed)), welcome.speed)
}
