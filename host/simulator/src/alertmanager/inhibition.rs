//! Inhibition: of some alerts nobody is told while another one holds.

use suture_core::{Labels, Matchers};

/// A rule of `inhibit_rules`, as `inhibit/inhibit.go` of Alertmanager goes by it.
#[derive(Clone, Debug)]
pub struct InhibitRule {
    /// `source_matchers`: the alerts that inhibit others.
    pub source: Matchers,
    /// `target_matchers`: those that are inhibited.
    pub target: Matchers,
    /// `equal`: labels that both have alike. One that neither has is alike, too.
    pub equal: Vec<String>,
}

impl InhibitRule {
    /// Whether one of the alerts that hold inhibits another. It does so also while it is silenced
    /// itself. Of those that match both sides of the rule, none inhibits another.
    pub fn inhibits<'a>(&self, target: &Labels, mut holding: impl Iterator<Item = &'a Labels>) -> bool {
        if !self.target.matches(target) {
            return false;
        }
        let is_source_too = self.source.matches(target);
        holding.any(|source| {
            let alike = |name: &String| value(source, name) == value(target, name);
            self.source.matches(source)
                && self.equal.iter().all(alike)
                && !(is_source_too && self.target.matches(source))
        })
    }
}

fn value<'a>(labels: &'a Labels, name: &str) -> &'a str {
    labels.get(name).map_or("", String::as_str)
}

#[cfg(test)]
mod tests {
    //! Cases of Alertmanager's own `inhibit/inhibit_test.go`.

    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn rule(source: &str, target: &str, equal: &[&str]) -> InhibitRule {
        InhibitRule {
            source: Matchers::parse_all(&[source]).unwrap(),
            target: Matchers::parse_all(&[target]).unwrap(),
            equal: equal.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    #[test]
    fn an_alert_is_inhibited_by_another_that_has_the_labels_alike_that_must_be() {
        let rule = rule("s=\"1\"", "t=\"1\"", &["e", "f"]);
        let inhibits = |source, target| rule.inhibits(&labels(target), [labels(source)].iter());
        assert!(inhibits(&[("s", "1"), ("e", "1")], &[("t", "1"), ("e", "1")]));
        assert!(inhibits(&[("s", "1")], &[("t", "1"), ("e", "")]), "what is not there is empty");
        assert!(!inhibits(&[("s", "1"), ("e", "1")], &[("t", "1"), ("e", "2")]));
        assert!(!inhibits(&[("s", "1"), ("e", "1")], &[("t", "1")]));
        assert!(!inhibits(&[("s", "0"), ("e", "1")], &[("t", "1"), ("e", "1")]));
        assert!(!inhibits(&[("s", "1"), ("e", "1")], &[("t", "0"), ("e", "1")]));
    }

    #[test]
    fn an_alert_that_matches_both_sides_is_inhibited_only_by_one_that_does_not() {
        let rule = rule("s=\"1\"", "t=\"1\"", &["e"]);
        let both = labels(&[("s", "1"), ("t", "1"), ("e", "1")]);
        let other = labels(&[("s", "1"), ("t", "1"), ("e", "1"), ("x", "1")]);
        assert!(!rule.inhibits(&both, [both.clone(), other].iter()));
        assert!(rule.inhibits(&both, [labels(&[("s", "1"), ("e", "1")])].iter()));
    }
}
