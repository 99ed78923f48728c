//! Requests that are sent again where that may help.

use std::time::Duration;

use http::Request;
use suture_core::{Backoff, Error, Jitter, Reason, Retries, Tried};

use super::answer::Answer;
use super::wire::Wire;

/// How long an API server that is away is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// The first pause between two tries, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// The pauses between tries. No two hosts wait for exactly as long.
pub(super) fn backoff(wire: &Wire, longest: Duration) -> Backoff {
    Backoff::new(PAUSES.0, longest).with_jitter(Jitter::new(50, wire.clock.now().as_nanosecond()))
}

/// The pauses of whoever asks once at a time, and goes on with it himself.
pub(super) fn short_backoff(wire: &Wire) -> Backoff {
    backoff(wire, PAUSES.1)
}

/// Tries of one request.
pub(super) struct Tries<'a> {
    wire: &'a Wire,
    retries: Retries,
    was_ready: bool,
}

impl<'a> Tries<'a> {
    pub fn new(wire: &'a Wire, tried: Tried) -> Self {
        let patience = if wire.asks_once { Duration::ZERO } else { PATIENCE };
        let retries = Retries::new(tried, wire.clock.clone(), short_backoff(wire), patience);
        Self { wire, retries, was_ready: false }
    }

    /// Wait before the next try; false where that is of no use, or there were enough.
    pub async fn again(&mut self, error: &Error) -> bool {
        if error.status != Some(403) {
            return self.retries.again(error).await;
        }
        // Refused by one that was ready when it was asked, it is refused.
        if self.was_ready {
            return false;
        }
        self.was_ready = self.wire.is_ready().await;
        self.was_ready || self.retries.again_anyway().await
    }

    /// Whether it may only have been refused because the API server has just started.
    fn is_premature(&self, error: &Error) -> bool {
        error.status == Some(403) && !self.was_ready
    }
}

impl Wire {
    /// Send a request that changes nothing, again where that may help.
    pub async fn read(&self, request: Request<Vec<u8>>) -> Result<Answer, Error> {
        let mut tries = Tries::new(self, Tried::Read);
        loop {
            let (error, answer) = match self.send(request.clone()).await {
                Ok(answer) => match answer.refused() {
                    Some(error) => (error, Some(answer)),
                    None => return Ok(answer),
                },
                Err(none) => (none.error(), None),
            };
            // What answers in the API server's place, as a login page does, is not asked again.
            if error.status.is_some_and(|status| status < 400) || !tries.again(&error).await {
                // Who asked once is told to ask again.
                if self.asks_once && tries.is_premature(&error) {
                    let message = format!("the API server is not ready: {}", error.message);
                    return Err(Error::new(Reason::UNAVAILABLE, message));
                }
                return answer.ok_or(error);
            }
        }
    }
}
