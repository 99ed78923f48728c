//! Metrics: which of them a grant lets a policy query, and a manifest asks for.

use super::{Glob, Grant};
use crate::manifest::Permission;
use crate::names;

/// The longest pattern for names of metrics, in bytes.
pub const MAX_PATTERN_BYTES: usize = 256;

impl Eq for Glob {}

impl Grant {
    /// Whether it is about metrics.
    pub fn is_of_metrics(&self) -> bool {
        !self.metrics.is_empty()
    }

    /// What is wrong with what it names: it is about resources or about metrics.
    ///
    /// # Errors
    /// A sentence.
    pub fn check_subject(&self) -> Result<(), String> {
        let (resources, metrics) = (is_of_resources(self), self.is_of_metrics());
        match (resources, metrics) {
            (true, true) => Err("a grant has `metrics` or resources, not both: make two of it".to_owned()),
            (false, true) if !self.namespaces.is_empty() || !self.pods.is_empty() => {
                Err("metrics have no `namespaces` and no `pods`: whoever queries a metric sees all its series"
                    .to_owned())
            }
            (false, true) => Ok(()),
            (true, false) | (false, false)
                if self.groups.is_empty() || self.resources.is_empty() || self.verbs.is_empty() =>
            {
                Err("a grant without groups, resources or verbs allows nothing (the core group is \"\"); one \
                     that lets Prometheus be queried has `metrics` instead"
                    .to_owned())
            }
            (true, false) | (false, false) => Ok(()),
        }
    }
}

fn is_of_resources(grant: &Grant) -> bool {
    !(grant.groups.is_empty() && grant.resources.is_empty() && grant.verbs.is_empty())
}

/// A pattern for names of metrics from a manifest: only `*` and `?` are signs, for its author
/// is not trusted with what takes time to match.
///
/// # Errors
/// What is wrong with it.
pub fn pattern(text: &str) -> Result<Glob, String> {
    let fits = |c: char| !c.is_control() && !c.is_whitespace() && !"[]{}\\!\"'`".contains(c);
    if text.is_empty() || text.len() > MAX_PATTERN_BYTES || !text.chars().all(fits) {
        return Err(format!(
            "`{}` is no name of a metric, nor a pattern of `*` and `?` (at most {MAX_PATTERN_BYTES} bytes)",
            names::shortened(text)
        ));
    }
    Glob::new(text)
}

/// Whether a metric stands in one of these lists.
pub fn names<'a>(lists: impl IntoIterator<Item = &'a [Glob]>, metric: &str) -> bool {
    lists.into_iter().flatten().any(|glob| glob.matches(metric))
}

/// Whether a metric is requested.
pub fn is_requested(requested: &[Permission], metric: &str) -> bool {
    names(requested.iter().map(|permission| permission.metrics.as_slice()), metric)
}

/// Whether a metric is granted.
pub fn is_granted(grants: &[Grant], metric: &str) -> bool {
    names(grants.iter().map(|grant| grant.metrics.as_slice()), metric)
}

/// Whether two patterns seem to be about the same metrics: one matches the other as it is
/// written. For what people are told; what may be queried is decided name by name.
pub fn overlap(one: &Glob, other: &Glob) -> bool {
    one.matches(other.as_str()) || other.matches(one.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(yaml: &str) -> Grant {
        serde_saphyr::from_str(yaml).unwrap()
    }

    #[test]
    fn a_grant_has_metrics_or_resources() {
        let metrics = grant("{metrics: [volsync_*, kube_job_status_failed]}");
        assert_eq!(metrics.check_subject(), Ok(()));
        assert_eq!(grant("{groups: [''], resources: [pods], verbs: [get]}").check_subject(), Ok(()));
        for (wrong, what) in [
            ("{groups: [''], resources: [pods], verbs: [get], metrics: [up]}", "not both"),
            ("{verbs: [get], metrics: [up]}", "not both"),
            ("{metrics: [up], namespaces: [media]}", "no `namespaces`"),
            ("{groups: [''], resources: [pods]}", "allows nothing"),
            ("{}", "allows nothing"),
        ] {
            let error = grant(wrong).check_subject().unwrap_err();
            assert!(error.contains(what), "{wrong}: {error}");
        }
    }

    #[test]
    fn a_grant_of_metrics_allows_no_access_to_objects() {
        let access = crate::grant::Access {
            group: "",
            resource: "pods",
            subresource: None,
            verb: crate::Verb::Get,
            namespace: Some("media"),
            namespaced: true,
            name: Some("x"),
        };
        assert!(!grant("{metrics: ['*']}").allows(&access));
    }

    #[test]
    fn a_pattern_of_a_manifest_has_only_simple_signs() {
        for text in ["up", "volsync_*", "job:rate?m", "http.server.duration"] {
            assert!(pattern(text).is_ok(), "{text}");
        }
        let long = "x".repeat(MAX_PATTERN_BYTES + 1);
        for text in ["", "a b", "{a,b}", "[ab]", r"a\*", "a\u{7}", long.as_str()] {
            assert!(pattern(text).is_err(), "{text}");
        }
    }
}
