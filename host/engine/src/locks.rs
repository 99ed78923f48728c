//! Locks that runs take by name (`kube.exclusive`), held until the run ends.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::{Mutex as Lock, OwnedMutexGuard};

/// All locks of a host. Fair: who asked first gets it first.
#[derive(Debug, Default)]
pub struct Locks(Mutex<HashMap<String, Weak<Lock<()>>>>);

/// A lock that is held. Ends when dropped.
pub type Held = OwnedMutexGuard<()>;

impl Locks {
    /// Wait for a lock.
    pub async fn acquire(&self, name: String) -> Held {
        self.named(name).lock_owned().await
    }

    /// Take a lock that nobody holds.
    pub fn try_acquire(&self, name: String) -> Option<Held> {
        self.named(name).try_lock_owned().ok()
    }

    fn named(&self, name: String) -> Arc<Lock<()>> {
        let mut locks = self.0.lock();
        locks.retain(|_, lock| lock.strong_count() > 0);
        let known = locks.get(&name).and_then(Weak::upgrade);
        known.unwrap_or_else(|| {
            let lock = Arc::new(Lock::new(()));
            locks.insert(name, Arc::downgrade(&lock));
            lock
        })
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn a_lock_is_held_by_one_and_forgotten_when_nobody_wants_it() {
        let locks = Locks::default();
        let held = locks.acquire("a".into()).now_or_never().unwrap();
        assert!(locks.acquire("a".into()).now_or_never().is_none());
        assert!(locks.acquire("b".into()).now_or_never().is_some());
        drop(held);
        assert!(locks.acquire("a".into()).now_or_never().is_some());
        assert_eq!(locks.0.lock().len(), 1);
    }
}
