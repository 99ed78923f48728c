//! Server-side apply: who owns which field, and what an apply makes of an object.
//!
//! As in Kubernetes, but for one simplification that changes no answer: of those who write
//! without applying, it is not kept who they are, because they never conflict and always
//! take what they write. Nothing at all is kept of an object before it is applied to for
//! the first time: until then all fields belong to those who write without applying.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fields::{self, Changed, Fields, Part, Path};
use super::shape::Shape;

/// Who applies: a field manager, and the subresource that it applies to. Its fields of the
/// object and of the status are kept apart.
pub type Applier = (String, Option<String>);

/// Who owns the fields of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ownership {
    /// The fields that each applied last and still owns.
    applied: BTreeMap<Applier, Fields>,
    /// The fields of everybody who writes without applying.
    written: Fields,
}

/// Fields that others own with other values.
#[derive(Debug, PartialEq, Eq)]
pub struct Conflicts(Vec<(String, Path)>);

impl Conflicts {
    /// What people read.
    pub fn message(&self) -> String {
        let each = self.0.iter().map(|(owner, path)| format!("{} is {owner}", fields::shown(path)));
        format!("{}; give them up, or take them by force", each.collect::<Vec<_>>().join(", "))
    }
}

impl Ownership {
    /// Of an object that nobody has applied to yet.
    pub fn of(shape: Shape<'_>, live: &Value) -> Self {
        Self { applied: BTreeMap::new(), written: fields::of(shape, live).into_keys().collect() }
    }

    /// Somebody changed the object without applying.
    pub fn write(&mut self, shape: Shape<'_>, before: &Value, after: &Value) {
        let Changed { set, gone } = fields::changes(shape, before, after);
        for owned in self.applied.values_mut() {
            owned.retain(|path| !set.contains(path) && !gone.contains(path));
        }
        self.applied.retain(|_, owned| !owned.is_empty());
        self.written.retain(|path| !gone.contains(path));
        self.written.extend(set);
    }

    /// What an apply makes of the object, and of the ownership.
    ///
    /// # Errors
    /// The fields that others own with other values, unless they are taken by force.
    pub fn apply(
        &mut self,
        shape: Shape<'_>,
        live: &Value,
        applier: &Applier,
        config: &Value,
        force: bool,
    ) -> Result<Value, Conflicts> {
        let now: Fields = fields::of(shape, config).into_keys().collect();
        let before = self.applied.get(applier).cloned().unwrap_or_default();
        let mut merged = fields::merge(shape, Some(live), config);
        for path in before.difference(&now) {
            if !self.is_anothers(applier, path) && !now.iter().any(|kept| is_inside(kept, path)) {
                fields::remove(shape, &mut merged, path);
            }
        }
        let Changed { set, gone } = fields::changes(shape, live, &merged);
        let conflicts = self.conflicts(applier, &set);
        if !force && !conflicts.is_empty() {
            return Err(Conflicts(conflicts));
        }
        let is_lost = |path: &Path| set.contains(path) || gone.contains(path);
        for (other, owned) in &mut self.applied {
            if other != applier {
                owned.retain(|path| !is_lost(path));
            }
        }
        self.written.retain(|path| !is_lost(path));
        self.applied.insert(applier.clone(), now);
        self.applied.retain(|_, owned| !owned.is_empty());
        Ok(merged)
    }

    /// Whether anybody else owns a field, or something inside an item.
    fn is_anothers(&self, applier: &Applier, path: &Path) -> bool {
        let owns = |owned: &Fields| {
            owned.contains(path)
                || matches!(path.last(), Some(Part::Item(_)))
                    && owned.iter().any(|other| is_inside(other, path))
        };
        owns(&self.written) || self.applied.iter().any(|(other, owned)| other != applier && owns(owned))
    }

    fn conflicts(&self, applier: &Applier, set: &Fields) -> Vec<(String, Path)> {
        let others = self.applied.iter().filter(|(other, _)| *other != applier);
        let applied = others.flat_map(|((manager, _), owned)| {
            owned.intersection(set).map(move |path| (format!("applied by `{manager}`"), path.clone()))
        });
        let written =
            self.written.intersection(set).map(|path| ("written by others".to_owned(), path.clone()));
        applied.chain(written).collect()
    }
}

fn is_inside(path: &Path, outer: &Path) -> bool {
    path.len() > outer.len() && path.starts_with(outer)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    struct Live {
        object: Value,
        ownership: Ownership,
    }

    impl Live {
        fn new(object: Value) -> Self {
            let ownership = Ownership::of(Shape::of(None, true), &object);
            Self { object, ownership }
        }

        fn apply(&mut self, manager: &str, config: Value, force: bool) -> Result<&Value, String> {
            let applier = (manager.to_owned(), None);
            let shape = Shape::of(None, true);
            self.object = self
                .ownership
                .apply(shape, &self.object, &applier, &config, force)
                .map_err(|conflicts| conflicts.message())?;
            Ok(&self.object)
        }

        fn write(&mut self, after: Value) {
            self.ownership.write(Shape::of(None, true), &self.object, &after);
            self.object = after;
        }
    }

    #[test]
    fn another_value_of_anothers_field_is_a_conflict_and_the_same_value_is_shared() {
        let mut live = Live::new(json!({"data": {"a": "1"}}));
        assert!(live.apply("m", json!({"data": {"a": "2"}}), false).unwrap_err().contains(".data.a"));
        live.apply("m", json!({"data": {"a": "1"}}), false).unwrap();
        live.apply("m", json!({"data": {"a": "2"}}), true).unwrap();
        assert!(live.apply("n", json!({"data": {"a": "3"}}), false).unwrap_err().contains("`m`"));
    }

    #[test]
    fn what_is_applied_no_longer_goes_unless_somebody_else_has_it() {
        let mut live = Live::new(json!({"data": {"kept": "1"}}));
        live.apply("m", json!({"data": {"kept": "1", "mine": "1", "changed": "1"}}), false).unwrap();
        live.write(json!({"data": {"kept": "1", "mine": "1", "changed": "2"}}));
        let left = live.apply("m", json!({}), false).unwrap();
        assert_eq!(*left, json!({"data": {"kept": "1", "changed": "2"}}));
    }

    #[test]
    fn an_item_stays_while_anybody_has_something_in_it() {
        let containers = |all: Value| json!({"spec": {"containers": all}});
        let mut live = Live::new(json!({}));
        live.apply("m", containers(json!([{"name": "a", "image": "i"}])), false).unwrap();
        live.apply("n", containers(json!([{"name": "a", "env": [{"name": "E", "value": "1"}]}])), false)
            .unwrap();
        let left = live.apply("m", json!({}), false).unwrap();
        assert_eq!(*left, containers(json!([{"name": "a", "env": [{"name": "E", "value": "1"}]}])));
        assert_eq!(*live.apply("n", json!({}), false).unwrap(), json!({}));
    }
}
