//! Objects that expressions ask for: at the end, or as they were at some time.

use std::sync::Arc;

use parking_lot::Mutex;
use suture_core::expression::ObjectLookup;
use suture_core::object::{Kind, Object};
use suture_core::{Expression, ObjectRef};

use super::Difference;
use crate::format::Located;

/// Finds an object in the cluster as it is at the end.
pub type Lookup = Arc<dyn Fn(&ObjectRef) -> Option<Object> + Send + Sync>;

/// Whether one of `finally` does not hold, and why.
pub(crate) fn finally(index: usize, test: &Located<Expression>, cluster: &Lookup) -> Option<Difference> {
    let Unmet { why, seen } = unmet(test, cluster)?;
    let mut message = why;
    for (reference, exists) in seen {
        let state = if exists { "exists" } else { "does not exist" };
        message.push_str(&format!("\n{reference} {state}"));
    }
    Some(Difference { expectation: format!("finally[{index}]"), line: test.line, message, at: None })
}

/// An expression that does not hold at the end.
pub(crate) struct Unmet {
    /// What it came to.
    pub why: String,
    /// The objects that it looked at, and whether they exist.
    pub seen: Vec<(ObjectRef, bool)>,
}

/// Whether an expression holds of the cluster as it is.
pub(crate) fn unmet(test: &Located<Expression>, cluster: &Lookup) -> Option<Unmet> {
    let seen = Arc::<Mutex<Vec<(ObjectRef, bool)>>>::default();
    let why = match test.value.test_with(&[], Some(looking_up(cluster.clone(), seen.clone()))) {
        Ok(true) => return None,
        Ok(false) => format!("`{}` is false at the end", test.value.source().trim()),
        Err(error) => format!("at the end, {error}"),
    };
    let seen = std::mem::take(&mut *seen.lock());
    Some(Unmet { why, seen })
}

/// The function `object()` of expressions, over some objects. What it was asked for, and
/// whether that exists, is noted.
pub(super) fn looking_up(objects: Lookup, asked: Arc<Mutex<Vec<(ObjectRef, bool)>>>) -> ObjectLookup {
    Arc::new(move |api_version, kind, namespace, name| {
        let reference = ObjectRef {
            kind: Kind::new(api_version, kind),
            namespace: (!namespace.is_empty()).then(|| namespace.to_owned()),
            name: name.to_owned(),
        };
        let object = objects(&reference);
        asked.lock().push((reference, object.is_some()));
        object
    })
}
