//! What all calls of one type have in common: a row for each.

use strum::VariantArray;

use super::{EffectType, MutationType, Nature};
use crate::grant::Verb;

/// Who answers a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answerer {
    /// The API server.
    Cluster,
    /// Prometheus.
    Prometheus,
    /// The host itself.
    Host,
}

impl EffectType {
    /// All there are.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Its name in metrics and timelines; of a mutation, see [`MutationType::as_str`].
    pub(super) const fn as_str(self) -> &'static str {
        self.row().0
    }

    /// What it is to the layers that it passes.
    pub const fn nature(self) -> Nature {
        self.row().1
    }

    /// Who answers it.
    pub const fn answerer(self) -> Answerer {
        self.row().2
    }

    const fn row(self) -> (&'static str, Nature, Answerer) {
        match self {
            Self::Get => ("get", Nature::Read, Answerer::Cluster),
            Self::List => ("list", Nature::Read, Answerer::Cluster),
            Self::Mutate => ("mutate", Nature::Change, Answerer::Cluster),
            Self::Settle => ("settle", Nature::Settlement, Answerer::Host),
            Self::Wait => ("wait", Nature::Wait, Answerer::Cluster),
            Self::Logs => ("logs", Nature::Read, Answerer::Cluster),
            Self::Exclusive => ("exclusive", Nature::Wait, Answerer::Host),
            Self::Query => ("query", Nature::Read, Answerer::Prometheus),
            Self::QueryRange => ("queryRange", Nature::Read, Answerer::Prometheus),
            Self::Alerts => ("alerts", Nature::Read, Answerer::Prometheus),
            Self::Now => ("now", Nature::Aside, Answerer::Host),
            Self::Sleep => ("sleep", Nature::Wait, Answerer::Host),
            Self::Log => ("log", Nature::Aside, Answerer::Host),
            Self::Step => ("step", Nature::Aside, Answerer::Host),
        }
    }

    /// The names of everything that a cluster or Prometheus answers, mutations included.
    pub fn answered_outside() -> impl Iterator<Item = &'static str> {
        let outside = Self::ALL.iter().filter(|one| one.answerer() != Answerer::Host);
        let others = outside.filter(|one| **one != Self::Mutate).map(|one| one.as_str());
        others.chain(MutationType::ALL.iter().map(|one| one.as_str()))
    }
}

/// What a mutation does to its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnObject {
    /// It makes one that is not there.
    Creates,
    /// It changes one that is there.
    Changes,
    /// It changes one, or makes it where it is not there.
    CreatesOrChanges,
    /// It ends one that is there.
    Deletes,
}

/// What there is to know of all mutations of one type.
struct Row {
    name: &'static str,
    verb: Verb,
    on_object: OnObject,
    event_reason: &'static str,
    /// The field of its JSON that holds what is written.
    body: Option<&'static str>,
}

impl MutationType {
    /// All there are.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Its name in scenarios, timelines and metrics.
    pub const fn as_str(self) -> &'static str {
        self.row().name
    }

    /// What a grant must allow; beside it [`Verb::Create`], where an apply makes its object.
    pub const fn verb(self) -> Verb {
        self.row().verb
    }

    /// What it does to its object.
    pub const fn on_object(self) -> OnObject {
        self.row().on_object
    }

    /// The reason of the Kubernetes Event that tells of it.
    pub const fn event_reason(self) -> &'static str {
        self.row().event_reason
    }

    /// Where what is written stands in the JSON of the effect, with dots.
    pub(super) fn body_path(self) -> Option<String> {
        let Row { name, body, .. } = self.row();
        body.map(|body| format!("mutation.{name}.{body}."))
    }

    const fn row(self) -> Row {
        let (name, verb, on_object, event_reason, body) = match self {
            Self::Create => ("create", Verb::Create, OnObject::Creates, "Created", Some("object")),
            Self::Patch => ("patch", Verb::Patch, OnObject::Changes, "Patched", Some("body")),
            Self::Apply => ("apply", Verb::Patch, OnObject::CreatesOrChanges, "Applied", Some("object")),
            Self::Delete => ("delete", Verb::Delete, OnObject::Deletes, "Deleted", None),
        };
        Row { name, verb, on_object, event_reason, body }
    }
}

impl std::fmt::Display for MutationType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_calls_have_one_name() {
        let effects = EffectType::ALL.iter().map(|one| one.as_str());
        let names: Vec<_> = effects.chain(MutationType::ALL.iter().map(|one| one.as_str())).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    }
}
