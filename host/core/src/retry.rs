//! Trying again: which errors another try may help against, and how long to pause before it.
//!
//! **One layer tries.** Who has the most patience repeats a call, and asks what is below to answer
//! at once; two loops around each other multiply. What an error says is decided here alone, by what
//! Kubernetes documents of its [statuses] and what client-go and kube-rs make of them:
//!
//! | error | decision | why |
//! |---|---|---|
//! | not reached, 502, 503, 504, 408, `ServerTimeout` (sent with 500) | [`Later`](Retry::Later) | "the client should retry the request" |
//! | 429 | [`Later`](Retry::Later) | it was not done; `Retry-After` says when |
//! | 500 | [`IfRead`](Retry::IfRead) | a read may work the next time. A change may have been done, and some fail so for good: an apply that the schema does not know, a webhook that breaks |
//! | 401 | [`Once`](Retry::Once) | a token may be just being replaced; one that was revoked stays so |
//! | 409 of an optimistic lock | [`Anew`](Retry::Anew) | the same request fails for ever: read the object, and decide again |
//! | anything else | [`Never`](Retry::Never) | it is refused, and will be |
//!
//! [statuses]: https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md#http-status-codes

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{self, Clock, Timestamp};
use crate::error::{Error, Reason};

/// The longest pause that a server can ask for. One that says "in a day" is not left alone for so long.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// What may be done about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Nothing: the same request brings the same answer.
    Never,
    /// Send it once more.
    Once,
    /// Send it again after a pause, until it was long enough.
    Later,
    /// The same, but only what changes nothing; of a change, find out whether it was done.
    IfRead,
    /// Read what is there now, and make another request of it.
    Anew,
}

impl Retry {
    /// What a status of HTTP says where nothing more is known, of any server.
    pub fn of_status(status: u16) -> Self {
        match status {
            401 => Self::Once,
            408 | 429 | 502..=504 => Self::Later,
            409 => Self::Anew,
            500.. => Self::IfRead,
            _ => Self::Never,
        }
    }
}

impl Error {
    /// What may be done about it.
    pub fn retry(&self) -> Retry {
        let known = [
            (Reason::UNAVAILABLE, Retry::Later),
            (Reason::TIMEOUT, Retry::Later),
            (Reason::TOO_MANY_REQUESTS, Retry::Later),
            (Reason::INTERNAL_ERROR, Retry::IfRead),
            (Reason::UNAUTHORIZED, Retry::Once),
            (Reason::CONFLICT, Retry::Anew),
            // Also 409, and no lock.
            (Reason::ALREADY_EXISTS, Retry::Never),
            // What was done is not known, and must not be done again.
            (Reason::UNKNOWN, Retry::Never),
        ];
        match known.into_iter().find(|(reason, _)| *reason == self.reason) {
            Some((_, retry)) => retry,
            None => self.status.map_or(Retry::Never, Retry::of_status),
        }
    }

    /// Whether the same read may succeed a little later.
    pub fn is_transient(&self) -> bool {
        matches!(self.retry(), Retry::Once | Retry::Later | Retry::IfRead)
    }

    /// Whether a change that failed so may have taken place all the same: the server broke down over
    /// it, did not answer, or something on the way answered in its place.
    pub fn leaves_doubt(&self) -> bool {
        [Reason::UNAVAILABLE, Reason::TIMEOUT, Reason::INTERNAL_ERROR, Reason::UNKNOWN].contains(&self.reason)
            || self.status.is_some_and(|status| !(400..500).contains(&status))
    }

    /// The pause that the server asked for, if it did; the longest is [`MAX_RETRY_AFTER`].
    pub fn retry_after(&self) -> Option<Duration> {
        Some(Duration::from_millis(self.retry_after_ms?).min(MAX_RETRY_AFTER))
    }
}

/// What a header `Retry-After` says: seconds, or a date (RFC 9110, 10.2.3).
pub fn retry_after(header: &str, now: Timestamp) -> Option<Duration> {
    let header = header.trim();
    match header.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => Some(clock::of_http(header)?.duration_since(now).try_into().unwrap_or_default()),
    }
}

/// Makes pauses differ from one to the next and from host to host, so that those who failed
/// together don't come again together.
#[derive(Clone, Copy, Debug)]
pub struct Jitter {
    percent: u32,
    seed: u64,
}

impl Jitter {
    /// Shortens pauses by up to so many percent. The seed alone decides by how much: the same
    /// one on an injected clock gives the same pauses.
    pub fn new(percent: u32, seed: impl Hash) -> Self {
        Self { percent: percent.min(100), seed: hash(seed) }
    }

    /// A pause, shortened; `time` is its number.
    pub fn shorten(self, pause: Duration, time: u32) -> Duration {
        let share = u32::try_from(hash((self.seed, time)) % 1000).unwrap_or_default();
        pause.saturating_sub(pause / 100_000 * (self.percent * share))
    }
}

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Pauses that grow.
#[derive(Clone, Debug)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    factor: u32,
    jitter: Option<Jitter>,
    times: u32,
}

impl Backoff {
    /// The first pause and the longest. Each is twice the one before.
    pub const fn new(base: Duration, cap: Duration) -> Self {
        Self { base, cap, factor: 2, jitter: None, times: 0 }
    }

    /// Each pause is so many times the one before.
    #[must_use]
    pub const fn with_factor(self, factor: u32) -> Self {
        Self { factor, ..self }
    }

    /// Pauses are shortened.
    #[must_use]
    pub const fn with_jitter(self, jitter: Jitter) -> Self {
        Self { jitter: Some(jitter), ..self }
    }

    /// The pause before a retry (0 is the first), without jitter.
    pub fn pause(&self, retry: u32) -> Duration {
        self.base.saturating_mul(self.factor.saturating_pow(retry)).min(self.cap)
    }

    /// The next pause; no shorter than a server asks for ([`Error::retry_after`]).
    pub fn next(&mut self, asked: Option<Duration>) -> Duration {
        let pause = self.pause(self.times);
        let pause = self.jitter.map_or(pause, |jitter| jitter.shorten(pause, self.times));
        self.times = self.times.saturating_add(1);
        pause.max(asked.unwrap_or_default().min(MAX_RETRY_AFTER))
    }

    /// Begin with the first pause again: it succeeded.
    pub fn reset(&mut self) {
        self.times = 0;
    }
}

/// What is tried again, which decides what helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tried {
    /// A request that changes nothing.
    Read,
    /// A change, sent again as it is. It must be pinned so that it can't happen twice.
    Change,
    /// Something that looks at the world anew each time, and then decides.
    Work,
}

impl Tried {
    fn is_helped_by(self, retry: Retry) -> bool {
        match retry {
            Retry::Never => false,
            Retry::Once | Retry::Later => true,
            Retry::IfRead => self != Self::Change,
            Retry::Anew => self == Self::Work,
        }
    }
}

/// Tries of one thing, with pauses on the injected clock, until it was long enough.
pub struct Retries {
    tried: Tried,
    clock: Arc<dyn Clock>,
    backoff: Backoff,
    began: Timestamp,
    ends: Timestamp,
    was_once: bool,
}

impl Retries {
    /// Tries that begin now and go on for so long; the last one is at the end.
    pub fn new(tried: Tried, clock: Arc<dyn Clock>, backoff: Backoff, patience: Duration) -> Self {
        let (began, ends) = (clock.now(), clock.after(patience));
        Self { tried, clock, backoff, began, ends, was_once: false }
    }

    /// How long it has been tried.
    pub fn elapsed(&self) -> Duration {
        self.clock.now().duration_since(self.began).try_into().unwrap_or_default()
    }

    /// The pause before the next try; none where that would not help, or it was long enough.
    pub fn next(&mut self, error: &Error) -> Option<Duration> {
        let retry = error.retry();
        let may_help = self.tried.is_helped_by(retry)
            && (retry != Retry::Once || !std::mem::replace(&mut self.was_once, true));
        if may_help { self.next_pause(error.retry_after()) } else { None }
    }

    /// Pause before the next try; false where that would not help, or it was long enough.
    pub async fn again(&mut self, error: &Error) -> bool {
        let pause = self.next(error);
        self.sleep(pause).await
    }

    /// The same, whatever the reason.
    pub async fn again_anyway(&mut self) -> bool {
        let pause = self.next_pause(None);
        self.sleep(pause).await
    }

    fn next_pause(&mut self, asked: Option<Duration>) -> Option<Duration> {
        let left = self.ends.duration_since(self.clock.now()).try_into().unwrap_or(Duration::ZERO);
        // What a server asks for is not cut short: it would say the same again.
        let fits = !left.is_zero() && asked.is_none_or(|asked| asked <= left);
        fits.then(|| self.backoff.next(asked).min(left))
    }

    async fn sleep(&self, pause: Option<Duration>) -> bool {
        match pause {
            Some(pause) => {
                self.clock.sleep(pause).await;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::VirtualClock;
    use crate::clock::Driven;

    const SECOND: Duration = Duration::from_secs(1);

    fn error(reason: &Reason, status: Option<u16>) -> Error {
        Error { status, ..Error::new(reason.clone(), "it failed") }
    }

    #[test]
    fn what_may_be_done_goes_by_the_reason_and_then_by_the_status() {
        let other = Reason::other("SomethingNew");
        for (reason, status, retry) in [
            (&Reason::UNAVAILABLE, None, Retry::Later),
            (&Reason::UNAVAILABLE, Some(404), Retry::Later),
            // `ServerTimeout` of Kubernetes.
            (&Reason::TIMEOUT, Some(500), Retry::Later),
            (&Reason::TOO_MANY_REQUESTS, Some(429), Retry::Later),
            (&Reason::INTERNAL_ERROR, Some(500), Retry::IfRead),
            (&Reason::INTERNAL_ERROR, None, Retry::IfRead),
            (&Reason::UNAUTHORIZED, Some(401), Retry::Once),
            (&Reason::CONFLICT, Some(409), Retry::Anew),
            (&Reason::ALREADY_EXISTS, Some(409), Retry::Never),
            (&Reason::UNKNOWN, None, Retry::Never),
            (&Reason::FORBIDDEN, Some(403), Retry::Never),
            (&other, Some(503), Retry::Later),
            (&other, Some(418), Retry::Never),
            (&other, None, Retry::Never),
        ] {
            assert_eq!(error(reason, status).retry(), retry, "{reason} {status:?}");
        }
    }

    #[test]
    fn what_a_server_refused_is_not_in_doubt() {
        for (reason, status, doubt) in [
            (&Reason::UNAVAILABLE, None, true),
            (&Reason::TIMEOUT, Some(504), true),
            (&Reason::INTERNAL_ERROR, Some(500), true),
            (&Reason::other("SomethingNew"), Some(302), true),
            (&Reason::TOO_MANY_REQUESTS, Some(429), false),
            (&Reason::CONFLICT, Some(409), false),
            (&Reason::DENIED, None, false),
        ] {
            assert_eq!(error(reason, status).leaves_doubt(), doubt, "{reason} {status:?}");
        }
    }

    #[test]
    fn pauses_grow_up_to_the_cap_and_a_server_may_ask_for_more_but_not_for_hours() {
        let mut backoff = Backoff::new(SECOND, 15 * SECOND).with_factor(5);
        assert_eq!([(); 4].map(|()| backoff.next(None).as_secs()), [1, 5, 15, 15]);
        backoff.reset();
        assert_eq!(backoff.next(Some(7 * SECOND)), 7 * SECOND);
        assert_eq!(backoff.next(Some(86_400 * SECOND)), MAX_RETRY_AFTER);
        assert_eq!(Backoff::new(SECOND, 3600 * SECOND).pause(u32::MAX), 3600 * SECOND);
    }

    #[test]
    fn jitter_shortens_by_what_its_seed_says() {
        let pauses = |seed: &str| {
            let jitter = Jitter::new(25, seed);
            [0, 1, 2, 3].map(|time| jitter.shorten(SECOND, time))
        };
        assert_eq!(pauses("a"), pauses("a"));
        assert_ne!(pauses("a"), pauses("b"));
        assert!(pauses("a").iter().all(|pause| *pause <= SECOND && *pause > SECOND * 3 / 4));
        assert_ne!(pauses("a")[0], pauses("a")[1]);
    }

    #[test]
    fn a_header_says_seconds_or_when() {
        let now = "2026-11-27T09:56:05Z".parse().unwrap();
        assert_eq!(retry_after("7", now), Some(7 * SECOND));
        assert_eq!(retry_after("Fri, 27 Nov 2026 09:56:15 GMT", now), Some(10 * SECOND));
        assert_eq!(retry_after("Fri, 27 Nov 2026 09:56:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
    }

    /// At which seconds something that always fails is tried.
    fn tries(tried: Tried, error: &Error, patience: Duration) -> Vec<u64> {
        let start = Timestamp::from_second(1_000_000).unwrap();
        let clock = Arc::new(VirtualClock::new(start, clock::later(start, 3600 * SECOND)));
        let driven = pollster::block_on(clock.drive(async {
            let mut retries = Retries::new(tried, clock.clone(), Backoff::new(SECOND, 8 * SECOND), patience);
            let mut times = vec![0];
            while retries.again(error).await {
                times.push(retries.elapsed().as_secs());
            }
            times
        }));
        let Driven::Done(times) = driven else { panic!("{driven:?}") };
        times
    }

    #[test]
    fn the_last_try_is_at_the_end() {
        let away = error(&Reason::UNAVAILABLE, None);
        assert_eq!(tries(Tried::Read, &away, 20 * SECOND), [0, 1, 3, 7, 15, 20]);
        assert_eq!(tries(Tried::Read, &away, Duration::ZERO), [0]);
    }

    #[test]
    fn a_pause_that_a_server_asks_for_is_kept_or_it_is_not_asked_again() {
        let busy = Error { retry_after_ms: Some(9000), ..error(&Reason::TOO_MANY_REQUESTS, Some(429)) };
        assert_eq!(tries(Tried::Change, &busy, 20 * SECOND), [0, 9, 18]);
    }

    #[test]
    fn what_is_tried_decides_what_helps() {
        let unauthorized = error(&Reason::UNAUTHORIZED, Some(401));
        let broken = error(&Reason::INTERNAL_ERROR, Some(500));
        let conflict = error(&Reason::CONFLICT, Some(409));
        for (tried, error, expected) in [
            (Tried::Read, &unauthorized, 2),
            (Tried::Work, &unauthorized, 2),
            (Tried::Read, &broken, 3),
            (Tried::Change, &broken, 1),
            (Tried::Work, &broken, 3),
            (Tried::Change, &conflict, 1),
            (Tried::Work, &conflict, 3),
        ] {
            assert_eq!(tries(tried, error, 3 * SECOND).len(), expected, "{tried:?} {error}");
        }
    }
}
