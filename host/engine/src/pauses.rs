//! What people have paused: the host, or single policies. It holds at once, and outlives the
//! process once the journal has it.

use std::collections::BTreeMap;

use parking_lot::RwLock;
use suture_core::Timestamp;
use suture_journal::PauseRecord;

/// What is paused now; without a policy, the host.
#[derive(Debug, Default)]
pub(crate) struct Pauses(RwLock<BTreeMap<Option<String>, PauseRecord>>);

impl Pauses {
    /// What an earlier host has left.
    pub fn new(pauses: Vec<PauseRecord>) -> Self {
        Self(RwLock::new(pauses.into_iter().map(|pause| (pause.policy.clone(), pause)).collect()))
    }

    /// All that hold, the host's first.
    pub fn all(&self, now: Timestamp) -> Vec<PauseRecord> {
        self.0.read().values().filter(|pause| pause.holds(now)).cloned().collect()
    }

    /// The host's own.
    pub fn host(&self, now: Timestamp) -> Option<PauseRecord> {
        self.get(None, now)
    }

    /// Why a policy starts no run: the host is paused, or it is.
    pub fn of(&self, policy: &str, now: Timestamp) -> Option<PauseRecord> {
        self.host(now).or_else(|| self.get(Some(policy), now))
    }

    /// The host's and the policy's own.
    pub fn both(&self, policy: &str, now: Timestamp) -> Vec<PauseRecord> {
        self.host(now).into_iter().chain(self.get(Some(policy), now)).collect()
    }

    /// That of a policy, or (none) the host's.
    pub fn get(&self, policy: Option<&str>, now: Timestamp) -> Option<PauseRecord> {
        let found = self.0.read().get(&policy.map(str::to_owned)).cloned();
        found.filter(|pause| pause.holds(now))
    }

    /// One more, or another in its place.
    pub fn put(&self, pause: PauseRecord) {
        self.0.write().insert(pause.policy.clone(), pause);
    }

    /// One less.
    pub fn remove(&self, policy: Option<&str>) {
        self.0.write().remove(&policy.map(str::to_owned));
    }

    /// When the next ends by itself.
    pub fn next_end(&self) -> Option<Timestamp> {
        self.0.read().values().filter_map(|pause| pause.until).min()
    }

    /// Those that have ended by themselves: they are told of once.
    pub fn take_ended(&self, now: Timestamp) -> Vec<PauseRecord> {
        let mut all = self.0.write();
        let ended: Vec<PauseRecord> = all.values().filter(|pause| !pause.holds(now)).cloned().collect();
        ended.iter().for_each(|pause| drop(all.remove(&pause.policy)));
        ended
    }
}

/// What a pause keeps from its work, for people.
pub(crate) fn whose(pause: &PauseRecord) -> String {
    match &pause.policy {
        Some(policy) => format!("policy `{policy}`"),
        None => "the host".to_owned(),
    }
}

/// A pause in a sentence: by whom, until when, why.
pub(crate) fn sentence(pause: &PauseRecord) -> String {
    let PauseRecord { who, reason, until, drain, .. } = pause;
    let what = if drain.is_some() { "drained" } else { "paused" };
    let until = until.map_or_else(String::new, |until| format!(" until {until}"));
    let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    format!("{} is {what} by {who}{until}{reason}", whose(pause))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause(policy: Option<&str>, until: Option<i64>) -> PauseRecord {
        PauseRecord {
            policy: policy.map(str::to_owned),
            who: "alice".into(),
            reason: String::new(),
            since: Timestamp::UNIX_EPOCH,
            until: until.map(|second| Timestamp::from_second(second).unwrap()),
            drain: None,
        }
    }

    #[test]
    fn a_pause_ends_by_itself_and_is_told_of_once() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let pauses = Pauses::new(vec![pause(Some("a"), Some(5)), pause(Some("b"), None)]);
        assert_eq!(pauses.next_end(), Some(at(5)));
        assert!(pauses.of("a", at(4)).is_some() && pauses.of("a", at(5)).is_none());
        assert!(pauses.of("b", at(5)).is_some() && pauses.of("c", at(5)).is_none());
        assert_eq!(pauses.take_ended(at(5)).len(), 1);
        assert_eq!(pauses.take_ended(at(5)), []);
        pauses.put(pause(None, None));
        assert!(pauses.of("c", at(9)).is_some());
        let both = pauses.both("b", at(9)).into_iter().map(|pause| pause.policy);
        assert_eq!(both.collect::<Vec<_>>(), [None, Some("b".to_owned())]);
        pauses.remove(None);
        assert_eq!(pauses.all(at(9)).len(), 1);
    }
}
