//! Lists of incidents and runs, a page at a time.

use serde::{Deserialize, Serialize};

/// Which incidents or runs, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Filter {
    /// Only those of this policy.
    pub policy: Option<String>,
    /// Only those that stand here: what `as_str` of the state says.
    pub state: Option<String>,
    /// How many at most: [`Filter::DEFAULT_LIMIT`] where absent or 0, at most
    /// [`Filter::MAX_LIMIT`].
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
        match &self.after {
            None => Ok(i64::MAX),
            Some(text) => text.parse().map_err(|_| {
                format!(
                    "`after={}` is not the `next` of an earlier page",
                    suture_core::names::shortened(text)
                )
            }),
        }
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// What is on it, newest first.
    pub items: Vec<T>,
    /// What `after` must be for the next page; none on the last.
    pub next: Option<String>,
    /// What should be on it and can't be read any more: table, id, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damaged: Vec<String>,
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
}
