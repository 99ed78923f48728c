//! What a cluster answers, as it can be recorded and read again.

use serde_json::{Map, Value};
use suture_core::effect::Waited;
use suture_core::nesting::{MAX_NESTING, is_recordable};
use suture_core::object::Object;
use suture_core::{Error, Fault, Reason, Reply};

/// Refuse an answer whose objects are nested too deeply to be recorded. A change has taken
/// place all the same: of its object what identifies it stays.
pub(crate) fn reply(reply: Reply) -> Result<Reply, Fault> {
    let fits = match &reply {
        Reply::Object(object) | Reply::Waited(Waited::Met(object)) => is_recordable(object),
        Reply::Page(page) => page.items.iter().all(|item| is_recordable(item)),
        Reply::Mutated(object) if is_recordable(object) => true,
        Reply::Mutated(object) => return Ok(Reply::Mutated(identity(object))),
        Reply::Settled
        | Reply::Waited(Waited::Deleted | Waited::Timeout)
        | Reply::Logs(_)
        | Reply::Held
        | Reply::Samples(_)
        | Reply::Series(_)
        | Reply::Alerts(_)
        | Reply::Now(_)
        | Reply::Slept
        | Reply::Noted => true,
    };
    if fits {
        return Ok(reply);
    }
    let message = format!(
        "the object is nested more than {MAX_NESTING} levels deep, and could not be recorded and read again"
    );
    Err(Error::new(Reason::UNSUPPORTED, message).into())
}

/// What says which object it is, and in which version.
fn identity(object: &Object) -> Object {
    let copied = |from: &Value, names: &[&str]| -> Map<String, Value> {
        let plain = |name: &&str| {
            Some(((*name).to_owned(), from.get(name).filter(|value| !value.is_object())?.clone()))
        };
        names.iter().filter_map(plain).collect()
    };
    let mut kept = copied(object, &["apiVersion", "kind"]);
    if let Some(metadata) = object.get("metadata") {
        let metadata = copied(metadata, &["name", "namespace", "uid", "resourceVersion", "generation"]);
        kept.insert("metadata".to_owned(), metadata.into());
    }
    Object::new(kept.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use suture_core::effect::Page;

    use super::*;

    fn deep(levels: usize) -> Value {
        let inner = (0..levels - 1).fold(json!(1), |inner, _| json!({"a": inner}));
        json!({"apiVersion": "v1", "kind": "Thing", "metadata": {"name": "x", "uid": "u", "labels": {"a": "b"}}, "spec": inner})
    }

    #[test]
    fn an_object_too_deep_to_be_recorded_is_an_error_in_every_answer_that_holds_one() {
        for (levels, fits) in [(100, true), (101, false), (120, false)] {
            let page = Page { items: vec![json!({}).into(), deep(levels).into()], ..Page::default() };
            for answer in [
                Reply::Object(deep(levels).into()),
                Reply::Waited(Waited::Met(deep(levels).into())),
                Reply::Page(page),
            ] {
                let result = reply(answer);
                assert_eq!(result.is_ok(), fits, "{levels}: {result:?}");
            }
        }
    }

    #[test]
    fn a_change_that_took_place_is_recorded_with_what_identifies_its_object() {
        assert_eq!(reply(Reply::Mutated(deep(100).into())).unwrap(), Reply::Mutated(deep(100).into()));
        let kept = json!({"apiVersion": "v1", "kind": "Thing", "metadata": {"name": "x", "uid": "u"}});
        assert_eq!(reply(Reply::Mutated(deep(101).into())).unwrap(), Reply::Mutated(kept.into()));
    }
}
