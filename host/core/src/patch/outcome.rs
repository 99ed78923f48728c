//! Whether an object is as a JSON patch leaves it, which can't be seen by applying it again:
//! what was removed can't be removed, and a `test` of what was there before fails.

use json_patch::PatchOperation;
use serde_json::Value;

/// What holds of a place once a patch is done.
struct Fact {
    path: String,
    /// None where nothing is there.
    value: Option<Value>,
    /// It was put in or taken out: in a list that would have moved the others.
    moves: bool,
}

/// Whether an object is as a JSON patch leaves it, whoever made it so: all holds that the
/// operations bring about, and what they test and don't touch. False also where that can't be
/// told from them alone: they move what they don't name, or put something into a list.
pub fn is_left_by(object: &Value, operations: &Value) -> bool {
    let operations = serde_json::from_value::<Vec<PatchOperation>>(operations.clone());
    let facts = operations.ok().and_then(|operations| facts(&operations));
    facts.is_some_and(|facts| facts.iter().all(|fact| fact.holds(object)))
}

impl Fact {
    fn holds(&self, object: &Value) -> bool {
        let parent = self.path.rsplit_once('/').and_then(|(parent, _)| object.pointer(parent));
        if self.moves && parent.is_some_and(Value::is_array) {
            return false;
        }
        match (&self.value, object.pointer(&self.path)) {
            // The API server drops a field that is null.
            (None | Some(Value::Null), None | Some(Value::Null)) => true,
            (Some(value), Some(there)) => value == there,
            _ => false,
        }
    }

    fn is_below(&self, path: &str) -> bool {
        is_below(&self.path, path)
    }
}

fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'))
}

/// What holds afterwards; none where the patch does not say.
fn facts(operations: &[PatchOperation]) -> Option<Vec<Fact>> {
    let mut facts = Facts(Vec::new());
    for operation in operations {
        match operation {
            PatchOperation::Test(test) => facts.test(test.path.as_str(), &test.value),
            PatchOperation::Add(add) => facts.write(add.path.as_str(), Some(add.value.clone()), true)?,
            PatchOperation::Replace(new) => facts.write(new.path.as_str(), Some(new.value.clone()), false)?,
            PatchOperation::Remove(gone) => facts.write(gone.path.as_str(), None, true)?,
            PatchOperation::Move(moved) => {
                let value = facts.known(moved.from.as_str())?;
                facts.write(moved.from.as_str(), None, true)?;
                facts.write(moved.path.as_str(), Some(value), true)?;
            }
            PatchOperation::Copy(copied) => {
                let value = facts.known(copied.from.as_str())?;
                facts.write(copied.path.as_str(), Some(value), true)?;
            }
        }
    }
    Some(facts.0)
}

struct Facts(Vec<Fact>);

impl Facts {
    /// What was there before, and stays unless it is written.
    fn test(&mut self, path: &str, value: &Value) {
        let is_said = |fact: &Fact| fact.path == path || fact.is_below(path) || is_below(path, &fact.path);
        if !self.0.iter().any(is_said) {
            self.0.push(Fact { path: path.to_owned(), value: Some(value.clone()), moves: false });
        }
    }

    /// None where it changes a part of what was said as a whole.
    fn write(&mut self, path: &str, value: Option<Value>, moves: bool) -> Option<()> {
        if self.0.iter().any(|fact| is_below(path, &fact.path)) {
            return None;
        }
        self.0.retain(|fact| fact.path != path && !fact.is_below(path));
        self.0.push(Fact { path: path.to_owned(), value, moves });
        Some(())
    }

    fn known(&self, path: &str) -> Option<Value> {
        self.0.iter().find(|fact| fact.path == path)?.value.clone()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn left(object: &Value, operations: Value) -> bool {
        is_left_by(object, &operations)
    }

    #[test]
    fn what_was_removed_is_gone_whatever_was_tested_before() {
        let undo = json!([
            {"op": "test", "path": "/spec/trigger/manual", "value": "tag"},
            {"op": "remove", "path": "/spec/trigger/manual"},
        ]);
        assert!(left(&json!({"spec": {"trigger": {"schedule": "x"}}}), undo.clone()));
        assert!(left(&json!({"spec": {}}), undo.clone()));
        assert!(!left(&json!({"spec": {"trigger": {"manual": "tag"}}}), undo.clone()));
        assert!(!left(&json!({"spec": {"trigger": {"manual": "another"}}}), undo));
    }

    #[test]
    fn what_was_written_last_is_there_and_what_was_only_tested_still_is() {
        let patch = json!([
            {"op": "test", "path": "/a", "value": 1},
            {"op": "test", "path": "/b", "value": 1},
            {"op": "add", "path": "/c", "value": {"d": 1}},
            {"op": "replace", "path": "/b", "value": 2},
            {"op": "test", "path": "/b", "value": 2},
            {"op": "replace", "path": "/b", "value": 3},
            {"op": "add", "path": "/n", "value": null},
        ]);
        assert!(left(&json!({"a": 1, "b": 3, "c": {"d": 1}}), patch.clone()));
        for other in [
            json!({"a": 2, "b": 3, "c": {"d": 1}}),
            json!({"a": 1, "b": 2, "c": {"d": 1}}),
            json!({"a": 1, "b": 3}),
        ] {
            assert!(!left(&other, patch.clone()), "{other}");
        }
    }

    #[test]
    fn what_moved_is_there_where_the_patch_says_what_it_was() {
        let named = json!([
            {"op": "test", "path": "/a", "value": 1},
            {"op": "copy", "from": "/a", "path": "/c"},
            {"op": "move", "from": "/a", "path": "/b"},
        ]);
        assert!(left(&json!({"b": 1, "c": 1}), named.clone()));
        assert!(!left(&json!({"a": 1}), named));
        assert!(!left(&json!({"b": 1}), json!([{"op": "move", "from": "/a", "path": "/b"}])));
        assert!(!left(&json!({"a": 1, "b": 1}), json!([{"op": "copy", "from": "/a", "path": "/b"}])));
    }

    #[test]
    fn what_was_put_into_a_list_or_taken_out_can_not_be_told() {
        let list = json!({"list": [1, 2]});
        for operation in [
            json!({"op": "add", "path": "/list/0", "value": 1}),
            json!({"op": "add", "path": "/list/-", "value": 2}),
            json!({"op": "remove", "path": "/list/2"}),
        ] {
            assert!(!left(&list, json!([operation])));
        }
        assert!(left(&list, json!([{"op": "replace", "path": "/list/1", "value": 2}])));
    }

    #[test]
    fn a_part_of_what_was_written_as_a_whole_can_not_be_told() {
        let patch = json!([
            {"op": "add", "path": "/a", "value": {"b": 1, "c": 1}},
            {"op": "remove", "path": "/a/b"},
        ]);
        assert!(!left(&json!({"a": {"c": 1}}), patch));
        // A name that only begins alike is another.
        let patch = json!([
            {"op": "add", "path": "/a", "value": 1},
            {"op": "add", "path": "/ab", "value": 2},
        ]);
        assert!(left(&json!({"a": 1, "ab": 2}), patch));
    }
}
