//! Effects that failed, as `given.faults`.

use std::collections::BTreeMap;

use suture_core::{Effect, Error, Glob, ObjectRef};
use suture_simulator::fixture::FaultRule;

/// What a rule can tell effects apart by: verb, kind, name.
type Key = (&'static str, Option<String>, Option<String>);

/// The rules so far, and how often what they are about has succeeded.
#[derive(Default)]
pub(super) struct Faults {
    passed: BTreeMap<Key, u32>,
    rules: Vec<(Key, u32, FaultRule)>,
}

fn key(effect: &Effect) -> Key {
    // A list has no name, and one that the server names has none yet.
    let name = |object: &ObjectRef| Some(object.name.clone()).filter(|name| !name.is_empty());
    let object = effect.object();
    (effect.verb(), object.as_ref().map(|object| object.kind.kind.clone()), object.as_ref().and_then(name))
}

impl Faults {
    /// An effect reached the cluster and was not struck, so often.
    pub fn pass(&mut self, effect: &Effect, times: u32) {
        let passed = self.passed.entry(key(effect)).or_default();
        *passed = passed.saturating_add(times);
    }

    /// An effect failed so often, one time after the other.
    pub fn strike(&mut self, effect: &Effect, error: &Error, times: u32) {
        let key = key(effect);
        let skip = self.passed.get(&key).copied().unwrap_or_default();
        let same = |rule: &FaultRule| rule.reason == error.reason.as_str() && rule.message == error.message;
        if let Some((.., rule)) = self
            .rules
            .iter_mut()
            .rev()
            .find(|(of, ..)| *of == key)
            .filter(|(_, at, rule)| *at == skip && same(rule))
        {
            rule.times = rule.times.map(|before| before.saturating_add(times));
            return;
        }
        let (verb, kind, name) = key.clone();
        let rule = FaultRule {
            verb: verb.to_owned(),
            kind,
            name: name.and_then(|name| Glob::new(&name).ok()),
            skip,
            times: Some(times),
            reason: error.reason.as_str().to_owned(),
            message: error.message.clone(),
        };
        self.rules.push((key, skip, rule));
    }

    /// The rules.
    pub fn rules(&self) -> impl Iterator<Item = &FaultRule> {
        self.rules.iter().map(|(.., rule)| rule)
    }
}

#[cfg(test)]
mod tests {
    use suture_core::Reason;

    use super::*;

    #[test]
    fn failures_in_a_row_are_one_rule_and_those_after_a_success_another() {
        let (mut faults, query) = (Faults::default(), Effect::Query { expression: "up".into() });
        let error = Error::new(Reason::UNAVAILABLE, "down");
        faults.pass(&query, 1);
        faults.strike(&query, &error, 1);
        faults.strike(&query, &error, 2);
        faults.strike(&Effect::Alerts, &error, 1);
        faults.pass(&query, 3);
        faults.strike(&query, &error, 1);
        let rules: Vec<_> = faults.rules().map(|rule| (rule.verb.as_str(), rule.skip, rule.times)).collect();
        assert_eq!(rules, [("query", 1, Some(3)), ("alerts", 0, Some(1)), ("query", 4, Some(1))]);
    }
}
