//! How many rows somebody gets for what was not done.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;

/// How many at once.
const BURST: u32 = 30;
/// After how long there is one more.
const EVERY: Duration = Duration::from_secs(15 * 60);

/// What each has left. There are as many of them as the configuration names.
#[derive(Default)]
pub(super) struct Quota(Mutex<HashMap<String, Left>>);

struct Left {
    rows: u32,
    /// When there was one more.
    since: Duration,
    /// How many got none since the last that did.
    unwritten: u64,
}

impl Quota {
    /// Take one, if there is any: how many got none before.
    pub fn take(&self, who: &str, now: Duration) -> Option<u64> {
        let mut all = self.0.lock();
        let left = all.entry(who.to_owned()).or_insert(Left { rows: BURST, since: now, unwritten: 0 });
        while left.rows < BURST && now.saturating_sub(left.since) >= EVERY {
            left.rows += 1;
            left.since += EVERY;
        }
        if left.rows == BURST {
            left.since = now;
        }
        match left.rows.checked_sub(1) {
            Some(rows) => {
                left.rows = rows;
                Some(std::mem::take(&mut left.unwritten))
            }
            None => {
                left.unwritten += 1;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(minutes: u64) -> Duration {
        Duration::from_secs(minutes * 60)
    }

    #[test]
    fn who_asks_again_and_again_for_what_they_may_not_do_gets_few_rows_and_the_rest_is_counted() {
        let quota = Quota::default();
        let rows = (0..1000).filter(|_| quota.take("mallory", at(0)).is_some()).count();
        assert_eq!(rows, 30);
        assert_eq!(quota.take("alice", at(0)), Some(0), "others have theirs");
        assert_eq!(quota.take("mallory", at(14)), None);
        assert_eq!(quota.take("mallory", at(15)), Some(971));
        assert_eq!(quota.take("mallory", at(15)), None);
        let in_a_day = (0..24 * 60).filter(|minute| quota.take("mallory", at(20 + minute)).is_some()).count();
        assert!(in_a_day <= 97, "{in_a_day}");
    }

    #[test]
    fn who_is_quiet_for_long_has_no_more_than_at_the_beginning() {
        let quota = Quota::default();
        assert_eq!(quota.take("alice", at(0)), Some(0));
        let rows = (0..1000).filter(|_| quota.take("alice", at(100_000)).is_some()).count();
        assert_eq!(rows, 30);
    }
}
