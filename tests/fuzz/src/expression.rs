//! CEL.

use std::sync::LazyLock;

use serde_json::{Value, json};
use suture_core::Expression;

/// Lists long enough that loops over them which are not bounded are felt.
static OBJECT: LazyLock<Value> = LazyLock::new(|| {
    let list: Vec<_> = (0..40).map(|number| json!({"n": number, "name": format!("item-{number}")})).collect();
    json!({
        "kind": "Pod",
        "metadata": {"name": "plex", "labels": {"a.b/c": "d"}},
        "spec": {"list": list, "n": 3, "f": 0.5, "text": "x".repeat(200)},
    })
});

/// Whatever compiles has a value or an error, in bounded time, and names its variables.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(expression) = Expression::compile(text) else { return };
    assert!(text.len() <= Expression::MAX_BYTES);
    expression.variables();
    let _ = expression.evaluate(&[("object", &OBJECT)]);
}
