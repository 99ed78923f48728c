//! Alerts that were posted and that nobody handles: no policy is for them, or the one that may
//! be is not loaded. Whoever posts them gets a 200, so they are told here.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;
use suture_core::clock::later;
use suture_core::{Alert, Labels, Timestamp, names};

use crate::metrics::Metrics;

/// Names (with the policy that is missed) that are told apart. What goes beyond is counted as one.
const MOST: usize = 200;
/// After how long without a post a name makes room for another: longer than Alertmanagers wait
/// until they repeat themselves (`repeat_interval`, four hours unless it is set).
const QUIET: Duration = Duration::from_secs(24 * 60 * 60);
/// What the names beyond are called in the metric.
const OTHERS: &str = "(others)";

/// Why nobody handles an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Why<'a> {
    /// No policy's matchers are met.
    NoPolicy,
    /// A policy that it may be for is not loaded; it waits for that.
    NotLoaded(&'a str),
    /// The same, and too many wait already.
    NotKept(&'a str),
    /// The policy that it is for needs a label as its key that it has not, or that is no name of an object:
    /// too long, say.
    InvalidKey { policy: &'a str, what: &'a str },
}

impl<'a> Why<'a> {
    fn policy(&self) -> Option<&'a str> {
        match self {
            Self::NoPolicy => None,
            Self::NotLoaded(policy) | Self::NotKept(policy) | Self::InvalidKey { policy, .. } => Some(policy),
        }
    }

    fn as_str(&self) -> &'static str {
        match self {
            Self::NoPolicy => "noPolicy",
            Self::NotLoaded(_) => "notLoaded",
            Self::NotKept(_) => "notKept",
            Self::InvalidKey { .. } => "invalidKey",
        }
    }
}

/// Alerts of one name that nobody handles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnmatchedAlert {
    /// The alert's name.
    pub alertname: String,
    /// `noPolicy`; `notLoaded`: it waits for a policy to be loaded; `notKept`: too many do;
    /// `invalidKey`: a label that the policy needs as its key is missing, or holds no name of an object: it is
    /// too long, say.
    pub reason: &'static str,
    /// The policy that it is for, or may be.
    pub policy: Option<String>,
    /// How often one was posted since the host started, repetitions included.
    pub count: u64,
    /// When the first came.
    pub first_at: Timestamp,
    /// When the last came.
    pub last_at: Timestamp,
    /// The labels of the last.
    pub labels: Labels,
}

/// All of them since the host started.
#[derive(Debug, Default)]
pub(crate) struct Unmatched(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    by_name: BTreeMap<(String, Option<String>), UnmatchedAlert>,
    /// The names that the metric tells apart: a series that was there once stays.
    measured: BTreeSet<String>,
    /// Alerts whose names are too many.
    others: u64,
}

impl Unmatched {
    /// So many alerts of one name fire, of which this is the last, and nobody handles them. The log
    /// tells of each name once.
    pub fn note(&self, alert: &Alert, count: u64, why: &Why<'_>, at: Timestamp, metrics: &Metrics) {
        let alertname = names::shortened(alert.labels.get("alertname").map_or("", String::as_str));
        let key = (alertname.clone(), why.policy().map(str::to_owned));
        let mut state = self.0.lock();
        if !state.by_name.contains_key(&key) && state.by_name.len() >= MOST && !state.make_room(at) {
            let is_first = state.others == 0;
            state.others += count;
            if is_first {
                tracing::warn!(
                    alertname,
                    "alerts of more than {MOST} names are for no policy that is loaded; further names are only counted"
                );
            }
            return metrics.unmatched(OTHERS, why.as_str(), count);
        }
        let is_known = state.measured.contains(&alertname);
        let is_measured = is_known || state.measured.len() < MOST;
        if is_measured && !is_known {
            state.measured.insert(alertname.clone());
        }
        metrics.unmatched(if is_measured { &alertname } else { OTHERS }, why.as_str(), count);
        let entry = state.by_name.entry(key).or_insert_with(|| {
            tell(&alertname, why);
            UnmatchedAlert {
                alertname,
                reason: why.as_str(),
                policy: why.policy().map(str::to_owned),
                count: 0,
                first_at: at,
                last_at: at,
                labels: Labels::new(),
            }
        });
        entry.reason = why.as_str();
        entry.count += count;
        entry.last_at = at;
        entry.labels.clone_from(&alert.labels);
    }

    /// Policies are loaded, or gone: what waited for them does so no longer.
    pub fn forget(&self, waits_for: impl Fn(&str) -> bool) {
        let mut state = self.0.lock();
        state.by_name.retain(|(_, policy), _| policy.as_deref().is_none_or(&waits_for));
    }

    /// What there is, by name; and how many alerts have names beyond those.
    pub fn all(&self) -> (Vec<UnmatchedAlert>, u64) {
        let state = self.0.lock();
        (state.by_name.values().cloned().collect(), state.others)
    }
}

impl State {
    /// Forget the name that has not been posted for the longest, where that is long enough for
    /// Alertmanager to have repeated it: whether there is room now.
    fn make_room(&mut self, now: Timestamp) -> bool {
        let oldest = self.by_name.iter().min_by_key(|(_, alert)| alert.last_at);
        let quiet = oldest.filter(|(_, alert)| later(alert.last_at, QUIET) < now);
        let Some(name) = quiet.map(|(name, _)| name.clone()) else { return false };
        self.by_name.remove(&name);
        true
    }
}

fn tell(alertname: &str, why: &Why<'_>) {
    match why {
        Why::NoPolicy => tracing::warn!(
            alertname,
            "an alert is for no policy, and nothing is done about it; `suture alerts --unmatched` lists such alerts"
        ),
        Why::NotLoaded(policy) => tracing::warn!(
            alertname,
            policy,
            "an alert may be for a policy that is not loaded; it waits until that is"
        ),
        Why::NotKept(policy) => tracing::error!(
            alertname,
            policy,
            "an alert may be for a policy that is not loaded, and too many wait for that already: nothing is done about \
             it until it is posted again"
        ),
        Why::InvalidKey { policy, what } => tracing::warn!(
            alertname,
            policy,
            "nothing is done about an alert: {what}; `suture alerts --unmatched` lists such alerts"
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn alert(name: &str) -> Alert {
        let alert =
            json!({"status": "firing", "labels": {"alertname": name}, "startsAt": "2026-11-22T04:00:00Z"});
        serde_json::from_value(alert).unwrap()
    }

    #[test]
    fn however_many_names_are_posted_the_list_and_the_metric_are_bounded_and_all_are_counted() {
        let (unmatched, metrics) = (Unmatched::default(), Metrics::new("test"));
        for number in 0..MOST + 50 {
            let name = format!("Made up {number}");
            unmatched.note(&alert(&name), 1, &Why::NoPolicy, Timestamp::UNIX_EPOCH, &metrics);
        }
        unmatched.note(&alert("Made up 0"), 1, &Why::NoPolicy, Timestamp::UNIX_EPOCH, &metrics);
        let (all, others) = unmatched.all();
        assert_eq!((all.len(), others, all[0].count), (MOST, 50, 2));
        let text = metrics.encode();
        let series = text.lines().filter(|line| line.starts_with("suture_alerts_unmatched_total{"));
        assert_eq!(series.count(), MOST + 1);
        assert!(text.contains(r#"{alert="(others)",reason="noPolicy"} 50"#), "{text}");
    }

    #[test]
    fn a_name_that_is_not_posted_any_more_makes_room_for_another() {
        let (unmatched, metrics) = (Unmatched::default(), Metrics::new("test"));
        for number in 0..MOST {
            unmatched.note(
                &alert(&format!("Made up {number}")),
                1,
                &Why::NoPolicy,
                Timestamp::UNIX_EPOCH,
                &metrics,
            );
        }
        let next_week = later(Timestamp::UNIX_EPOCH, 7 * QUIET);
        unmatched.note(&alert("Real"), 1, &Why::NoPolicy, next_week, &metrics);
        let (all, others) = unmatched.all();
        assert!(all.iter().any(|alert| alert.alertname == "Real"));
        assert_eq!((all.len(), others), (MOST, 0));
        let text = metrics.encode();
        assert!(text.contains(r#"{alert="(others)",reason="noPolicy"} 1"#), "no series more: {text}");
    }

    #[test]
    fn what_waited_for_a_policy_is_forgotten_when_that_is_loaded() {
        let (unmatched, metrics) = (Unmatched::default(), Metrics::new("test"));
        for why in [Why::NoPolicy, Why::NotLoaded("a"), Why::NotKept("b")] {
            unmatched.note(&alert("A"), 1, &why, Timestamp::UNIX_EPOCH, &metrics);
        }
        unmatched.forget(|policy| policy != "a");
        let left: Vec<_> = unmatched.all().0.into_iter().map(|alert| alert.policy).collect();
        assert_eq!(left, [None, Some("b".to_owned())]);
    }
}
