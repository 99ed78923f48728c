//! The fields that a grant lets a patch touch.

use serde_json::{Map, Value};
use suture_core::effect::PatchType;
use suture_core::grant::FieldPattern;
use suture_core::grant::fields::{self, Path, pointer};
use suture_core::patch::difference;

use crate::patch::patched;

/// A JSON list: pointers to fields, an object, then a patch for it.
///
/// Where the fields cover all that a patch changes, the object is as it was without them. Where
/// they don't, what they don't cover has another value.
pub fn run(bytes: &[u8]) {
    let Ok((pointers, before, body)) = serde_json::from_slice::<(Vec<String>, Value, Value)>(bytes) else {
        return;
    };
    let Ok(allowed) = pointers.into_iter().map(FieldPattern::try_from).collect::<Result<Vec<_>, _>>() else {
        return;
    };
    for pattern in &allowed {
        assert_eq!(FieldPattern::try_from(pattern.to_string()).as_ref(), Ok(pattern));
    }
    let patch_type = if body.is_array() { PatchType::Json } else { PatchType::Merge };
    let Ok(after) = patched(&before, patch_type, body) else { return };
    let changed = fields::changed(&before, &after);
    assert_eq!(changed.is_empty(), difference(&before, &after).is_none());
    for path in &changed {
        let at = pointer(path);
        assert_ne!(before.pointer(&at), after.pointer(&at), "`{at}` did not change");
    }
    let is_covered = |path: &Path| allowed.iter().any(|pattern| pattern.covers(path));
    if changed.iter().all(is_covered) {
        assert_eq!(
            without(&before, &allowed, &mut Vec::new()),
            without(&after, &allowed, &mut Vec::new()),
            "it changed what no pattern covers"
        );
    }
}

/// A value without the fields that are covered, nor objects that have no others; none where
/// nothing is left.
fn without(value: &Value, allowed: &[FieldPattern], at: &mut Path) -> Option<Value> {
    if allowed.iter().any(|pattern| pattern.covers(at)) {
        return None;
    }
    let mut below = |name: &str, value: &Value| {
        at.push(name.to_owned());
        let left = without(value, allowed, at);
        at.pop();
        left
    };
    match value {
        Value::Object(fields) => {
            let left: Map<_, _> =
                fields.iter().filter_map(|(name, value)| Some((name.clone(), below(name, value)?))).collect();
            (!left.is_empty()).then_some(Value::Object(left))
        }
        // How many there are counts, whatever they are.
        Value::Array(items) => {
            let items = items.iter().enumerate();
            Some(items.map(|(index, item)| below(&index.to_string(), item).unwrap_or_default()).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Some(value.clone()),
    }
}
