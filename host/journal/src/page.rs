//! Lists of incidents and runs, a page at a time.

use serde::{Deserialize, Serialize};
use suture_core::names::shortened;
use suture_core::{Ending, Timestamp};

use crate::record::{IncidentState, RunState};
use crate::since::Since;

/// Which incidents or runs, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Filter {
    /// Only those of this policy.
    pub policy: Option<String>,
    /// Only those that stand here: what `as_str` of the state says.
    pub state: Option<String>,
    /// Only those that came to this: a run's outcome, or that of an incident's last run.
    pub outcome: Option<String>,
    /// Only those about objects in this namespace.
    pub namespace: Option<String>,
    /// Only those that began since then: an RFC 3339 time, or how long ago (`2h`).
    pub since: Option<Since>,
    /// `true`: only those that are not over; `false`: only those that are.
    pub open: Option<bool>,
    /// How many at most: 100 where absent or 0, at most 1000.
    pub limit: Option<usize>,
    /// Where the page begins: the `next` of the one before.
    pub after: Option<String>,
}

impl Filter {
    /// How many a page has where nobody says.
    pub const DEFAULT_LIMIT: usize = 100;
    /// How many a page has at most.
    pub const MAX_LIMIT: usize = 1000;

    /// How many this page has at most.
    pub fn page_size(&self) -> usize {
        match self.limit {
            None | Some(0) => Self::DEFAULT_LIMIT,
            Some(limit) => limit.min(Self::MAX_LIMIT),
        }
    }

    /// The place in the list after which the page begins.
    ///
    /// # Errors
    /// `after` is not what a page said.
    pub fn place(&self) -> Result<i64, String> {
        self.after.as_deref().map_or(Ok(i64::MAX), place)
    }

    /// That this is a filter of incidents.
    ///
    /// # Errors
    /// Which value is none that exists, and which do.
    pub fn check_for_incidents(&self) -> Result<(), String> {
        self.check(&IncidentState::ALL.map(IncidentState::as_str))
    }

    /// That this is a filter of runs.
    ///
    /// # Errors
    /// As of [`check_for_incidents`](Self::check_for_incidents).
    pub fn check_for_runs(&self) -> Result<(), String> {
        self.check(&RunState::ALL.map(RunState::as_str))
    }

    fn check(&self, states: &[&str]) -> Result<(), String> {
        one_of("state", self.state.as_deref(), states)?;
        one_of("outcome", self.outcome.as_deref(), &Ending::NAMES)?;
        self.place().map(|_| ())
    }

    /// What the ids of those begin with, or come after, that are wanted at a time.
    pub(crate) fn first_id(&self, now: Timestamp) -> Option<String> {
        self.since.map(|since| ulid_time(since.at(now)))
    }
}

/// The place that the `next` of a page names.
pub(crate) fn place(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| format!("`after={}` is not the `next` of an earlier page", shortened(text)))
}

pub(crate) fn one_of(what: &str, given: Option<&str>, known: &[&str]) -> Result<(), String> {
    match given {
        Some(given) if !known.contains(&given) => {
            Err(format!("`{what}={}` is none that exists; there are: {}", shortened(given), known.join(", ")))
        }
        Some(_) | None => Ok(()),
    }
}

/// The part of an id that tells its time: ten digits of Crockford's base 32, as in a ULID.
fn ulid_time(at: Timestamp) -> String {
    const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let millis = u64::try_from(at.as_millisecond()).unwrap_or_default();
    let digit = |place: u32| {
        let index = (millis >> (5 * place)) & 31;
        DIGITS.get(usize::try_from(index).unwrap_or_default()).copied().map_or('0', char::from)
    };
    (0..10).rev().map(digit).collect()
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// What is on it, newest first. A page can be short, or empty, and not the last: what is
    /// looked at for one is bounded.
    pub items: Vec<T>,
    /// What `after` must be for the next page; none on the last.
    pub next: Option<String>,
    /// What should be on it and can't be read any more: table, id, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damaged: Vec<String>,
}

impl<T> Page<T> {
    /// The same page of something else.
    pub fn map<U>(self, item: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(item).collect(), next: self.next, damaged: self.damaged }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_never_larger_than_the_maximum() {
        let size = |limit| Filter { limit, ..Filter::default() }.page_size();
        assert_eq!(size(None), 100);
        assert_eq!(size(Some(0)), 100);
        assert_eq!(size(Some(7)), 7);
        assert_eq!(size(Some(1_000_000)), 1000);
    }

    #[test]
    fn a_place_that_no_page_named_is_refused_with_its_text() {
        let filter = Filter { after: Some("x'; drop".into()), ..Filter::default() };
        assert!(filter.place().unwrap_err().contains("x'; drop"));
    }

    #[test]
    fn a_value_that_does_not_exist_is_refused_with_those_that_do() {
        let filter = Filter { state: Some("bogus".into()), ..Filter::default() };
        let error = filter.check_for_incidents().unwrap_err();
        assert!(error.contains("`state=bogus`") && error.contains("received, queued"), "{error}");
        assert!(filter.check_for_runs().unwrap_err().ends_with("there are: running, waiting, ended"));
        let filter = Filter { outcome: Some("fine".into()), ..Filter::default() };
        assert!(filter.check_for_runs().unwrap_err().contains("remediated, unnecessary, retry"));
        for state in ["running", "waiting"] {
            let filter = Filter { state: Some(state.into()), ..Filter::default() };
            assert_eq!((filter.check_for_incidents(), filter.check_for_runs()), (Ok(()), Ok(())));
        }
    }

    #[test]
    fn a_time_is_found_among_ids() {
        for text in ["1970-01-01T00:00:00Z", "2026-11-22T04:10:00.123Z"] {
            let at: Timestamp = text.parse().unwrap();
            let millis = u64::try_from(at.as_millisecond()).unwrap();
            let id = ulid::Ulid::from_parts(millis, 7).to_string().to_lowercase();
            assert_eq!(ulid_time(at), id[..10]);
        }
    }
}
