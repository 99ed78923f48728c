//! One-time links and the sessions that they become: in memory, bounded, and gone with the host.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use suture_core::digest::hex;
use suture_core::{Clock, Digest};

use crate::admission::Identity;
use crate::failure::Failure;

/// How long a link may be opened.
pub(super) const LINK: Duration = Duration::from_secs(60);
/// How long somebody stays signed in.
pub(super) const SESSION: Duration = Duration::from_secs(12 * 3600);
/// The most links that wait to be opened, and the most sessions; of more the oldest go.
const LINKS: usize = 64;
const SESSIONS: usize = 1000;
/// Random bytes of a secret: nobody guesses 256 bits.
const BYTES: usize = 32;

/// Who is signed in, by what.
pub(super) struct Sessions {
    clock: Arc<dyn Clock>,
    links: Mutex<VecDeque<Kept<Identity>>>,
    open: Mutex<VecDeque<Kept<Session>>>,
}

/// Somebody's session.
#[derive(Clone)]
pub(super) struct Session {
    pub identity: Identity,
    /// The token that the forms of this session carry.
    pub csrf: Arc<str>,
}

/// What a secret stands for. The secret itself is not kept.
struct Kept<T> {
    digest: [u8; 32],
    until: Duration,
    value: T,
}

impl Sessions {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, links: Mutex::default(), open: Mutex::default() }
    }

    /// A link that signs somebody in, once.
    pub fn link(&self, identity: Identity) -> Result<String, Failure> {
        let secret = secret()?;
        keep(&mut self.links.lock(), LINKS, &secret, self.clock.monotonic(), LINK, identity);
        Ok(secret)
    }

    /// Use a link up: the secret of the session that it becomes.
    pub fn redeem(&self, link: &str) -> Result<Option<String>, Failure> {
        let (session, csrf) = (secret()?, secret()?);
        let now = self.clock.monotonic();
        let mut links = self.links.lock();
        let Some(place) = find(&links, link, now) else { return Ok(None) };
        let Some(Kept { value: identity, .. }) = links.remove(place) else { return Ok(None) };
        drop(links);
        let value = Session { identity, csrf: csrf.into() };
        keep(&mut self.open.lock(), SESSIONS, &session, now, SESSION, value);
        Ok(Some(session))
    }

    /// The session of a secret.
    pub fn get(&self, secret: &str) -> Option<Session> {
        let open = self.open.lock();
        let place = find(&open, secret, self.clock.monotonic())?;
        open.get(place).map(|kept| kept.value.clone())
    }

    /// End a session.
    pub fn end(&self, secret: &str) {
        let mut open = self.open.lock();
        if let Some(place) = find(&open, secret, self.clock.monotonic()) {
            open.remove(place);
        }
    }
}

fn keep<T>(
    all: &mut VecDeque<Kept<T>>,
    most: usize,
    secret: &str,
    now: Duration,
    length: Duration,
    value: T,
) {
    all.retain(|kept| kept.until > now);
    while all.len() >= most {
        all.pop_front();
    }
    all.push_back(Kept { digest: digest(secret), until: now + length, value });
}

/// Where a secret stands that is not over. All are compared, whichever it is.
fn find<T>(all: &VecDeque<Kept<T>>, secret: &str, now: Duration) -> Option<usize> {
    let offered = digest(secret);
    let mut found = u32::MAX;
    for (index, kept) in (0_u32..).zip(all) {
        let is_it: Choice = kept.digest.ct_eq(&offered) & Choice::from(u8::from(kept.until > now));
        found.conditional_assign(&index, is_it);
    }
    usize::try_from(found).ok().filter(|place| *place < all.len())
}

fn digest(secret: &str) -> [u8; 32] {
    *Digest::of(secret.as_bytes()).bytes()
}

fn secret() -> Result<String, Failure> {
    let mut random = [0; BYTES];
    getrandom::fill(&mut random)
        .map_err(|error| Failure::internal(format!("the system gives no random bytes: {error}")))?;
    Ok(hex(&random))
}

#[cfg(test)]
mod tests {
    use suture_core::Timestamp;
    use suture_core::clock::Sleep;

    use super::*;

    /// A clock that goes when it is told to.
    #[derive(Default)]
    struct Stepped(Mutex<Duration>);

    impl Stepped {
        fn advance(&self, by: Duration) {
            *self.0.lock() += by;
        }
    }

    impl Clock for Stepped {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }
        fn monotonic(&self) -> Duration {
            *self.0.lock()
        }
        fn sleep_until(&self, _: Timestamp) -> Sleep {
            Box::pin(std::future::ready(()))
        }
    }

    fn sessions() -> (Sessions, Arc<Stepped>) {
        let clock = Arc::new(Stepped::default());
        (Sessions::new(clock.clone()), clock)
    }

    fn alice() -> Identity {
        Identity::new("alice", [7; 32])
    }

    #[test]
    fn a_link_is_used_once() {
        let (sessions, _) = sessions();
        let link = sessions.link(alice()).unwrap();
        let session = sessions.redeem(&link).unwrap().unwrap();
        assert_eq!(sessions.get(&session).unwrap().identity.name(), "alice");
        assert!(sessions.redeem(&link).unwrap().is_none());
        assert!(sessions.redeem(&session).unwrap().is_none(), "a session is no link");
        assert!(sessions.get(&link).is_none(), "a link is no session");
        sessions.end(&session);
        assert!(sessions.get(&session).is_none());
    }

    #[test]
    fn links_and_sessions_are_over_in_time() {
        let (sessions, clock) = sessions();
        let late = sessions.link(alice()).unwrap();
        clock.advance(LINK);
        assert!(sessions.redeem(&late).unwrap().is_none());
        let link = sessions.link(alice()).unwrap();
        let session = sessions.redeem(&link).unwrap().unwrap();
        clock.advance(SESSION - Duration::from_secs(1));
        assert!(sessions.get(&session).is_some());
        clock.advance(Duration::from_secs(1));
        assert!(sessions.get(&session).is_none());
    }

    #[test]
    fn there_are_only_so_many_of_either_and_the_oldest_go() {
        let (sessions, _) = sessions();
        let first = sessions.link(alice()).unwrap();
        for _ in 0..LINKS {
            sessions.link(alice()).unwrap();
        }
        assert!(sessions.redeem(&first).unwrap().is_none());
        assert_eq!(sessions.links.lock().len(), LINKS);
    }
}
