//! What an object says of itself (`kind`, `apiVersion`, name, namespace) beside what the request
//! says: left out, null, empty, or disagreeing. A guard that went by the object would be wrong
//! wherever the API server goes by the request.

use serde_json::{Value, json};
use suture_core::effect::Apply;
use suture_core::{Error, Mutation, Object, Reason};

use crate::bench::Bench;
use crate::case::group;
use crate::objects::{CONFIG_MAP, SOURCE, config_map, source};

group!("identity":
    a_create_goes_by_the_request_where_the_object_does_not_say,
    a_merge_patch_cannot_take_the_identity_of_an_object,
    a_json_patch_cannot_take_the_identity_of_an_object,
    an_apply_goes_by_the_request_where_the_object_does_not_say,
);

/// What is expected of one form: the reasons for a kind of Kubernetes' own, and for a custom one.
/// None: it is done, and the object is what the request says.
type Form = (&'static str, Value, Option<Reason>, Option<Reason>);

fn check(b: &Bench, kind: &str, form: &Form, result: Result<Object, Error>) {
    let (what, _, own, custom) = form;
    let expected = if kind == CONFIG_MAP { own } else { custom };
    let what = format!("{kind}: {what}");
    match expected {
        Some(reason) => b.refused(&what, result, reason),
        None => {
            if let Some(object) = b.done(&what, result) {
                let (api_version, name) = kind.split_once(' ').unwrap_or_default();
                b.at(&object, "/apiVersion", &json!(api_version));
                b.at(&object, "/kind", &json!(name));
                b.at(&object, "/metadata/namespace", &json!(b.namespace()));
            }
        }
    }
}

fn example(kind: &str, name: &str) -> Value {
    if kind == CONFIG_MAP { config_map(name) } else { source(name) }
}

/// An object with top-level fields changed; those of `metadata` one by one.
fn with(mut object: Value, changes: &Value) -> Value {
    for (field, value) in changes.as_object().into_iter().flatten() {
        match (field.as_str(), value) {
            ("metadata", Value::Object(fields)) => {
                for (field, value) in fields {
                    object["metadata"][field] = value.clone();
                }
            }
            _ => object[field] = value.clone(),
        }
    }
    object
}

async fn a_create_goes_by_the_request_where_the_object_does_not_say(b: &Bench) -> anyhow::Result<()> {
    let bad = || Some(Reason::BAD_REQUEST);
    let forms: Vec<Form> = vec![
        ("nothing said", json!({}), None, None),
        ("kind null", json!({"kind": null}), None, bad()),
        ("kind empty", json!({"kind": ""}), None, bad()),
        ("kind another", json!({"kind": "Secret"}), bad(), Some(Reason::INVALID)),
        ("kind in other letters", json!({"kind": "configmap"}), bad(), Some(Reason::INVALID)),
        ("kind a number", json!({"kind": 7}), bad(), bad()),
        ("kind an object", json!({"kind": {}}), bad(), bad()),
        ("apiVersion null", json!({"apiVersion": null}), None, bad()),
        ("apiVersion empty", json!({"apiVersion": ""}), None, bad()),
        ("apiVersion another", json!({"apiVersion": "apps/v1"}), bad(), bad()),
        ("apiVersion a number", json!({"apiVersion": 1}), bad(), bad()),
        ("both null", json!({"apiVersion": null, "kind": null}), None, bad()),
        ("namespace null", json!({"metadata": {"namespace": null}}), None, None),
        ("namespace empty", json!({"metadata": {"namespace": ""}}), None, None),
        ("namespace another", json!({"metadata": {"namespace": "default"}}), bad(), bad()),
        ("namespace a number", json!({"metadata": {"namespace": 1}}), bad(), bad()),
        ("name null", json!({"metadata": {"name": null}}), Some(Reason::INVALID), Some(Reason::INVALID)),
        ("name a number", json!({"metadata": {"name": 1}}), bad(), bad()),
        ("metadata null", json!({"metadata": null}), bad(), bad()),
        ("metadata a list", json!({"metadata": []}), bad(), bad()),
    ];
    for kind in [CONFIG_MAP, SOURCE] {
        for (number, form) in forms.iter().enumerate() {
            let object = with(example(kind, &format!("x-{number}")), &form.1);
            check(b, kind, form, b.policy().create(kind, object).await);
        }
    }
    Ok(())
}

async fn a_merge_patch_cannot_take_the_identity_of_an_object(b: &Bench) -> anyhow::Result<()> {
    let (bad, invalid) = (|| Some(Reason::BAD_REQUEST), || Some(Reason::INVALID));
    let broken = || Some(Reason::other("InternalError"));
    let forms: Vec<Form> = vec![
        ("kind null", json!({"kind": null}), None, invalid()),
        ("kind empty", json!({"kind": ""}), None, invalid()),
        ("kind another", json!({"kind": "Secret"}), invalid(), invalid()),
        ("kind a number", json!({"kind": 7}), invalid(), invalid()),
        ("apiVersion null", json!({"apiVersion": null}), invalid(), broken()),
        ("apiVersion empty", json!({"apiVersion": ""}), invalid(), broken()),
        ("apiVersion another", json!({"apiVersion": "apps/v1"}), invalid(), invalid()),
        ("both null", json!({"apiVersion": null, "kind": null}), invalid(), invalid()),
        ("name null", json!({"metadata": {"name": null}}), bad(), bad()),
        ("name empty", json!({"metadata": {"name": ""}}), bad(), bad()),
        ("name another", json!({"metadata": {"name": "y"}}), bad(), bad()),
        ("namespace null", json!({"metadata": {"namespace": null}}), None, None),
        ("namespace empty", json!({"metadata": {"namespace": ""}}), None, None),
        ("namespace another", json!({"metadata": {"namespace": "default"}}), bad(), bad()),
        ("metadata null", json!({"metadata": null}), bad(), bad()),
        ("metadata empty", json!({"metadata": {}}), None, None),
    ];
    for kind in [CONFIG_MAP, SOURCE] {
        b.other().create(kind, example(kind, "x")).await?;
        for form in &forms {
            check(b, kind, form, b.policy().merge(&b.target(kind, "x"), form.1.clone()).await);
        }
    }
    Ok(())
}

async fn a_json_patch_cannot_take_the_identity_of_an_object(b: &Bench) -> anyhow::Result<()> {
    let (bad, invalid) = (|| Some(Reason::BAD_REQUEST), || Some(Reason::INVALID));
    let broken = || Some(Reason::other("InternalError"));
    let forms: Vec<Form> = vec![
        ("kind removed", json!([{"op": "remove", "path": "/kind"}]), None, invalid()),
        ("kind null", json!([{"op": "replace", "path": "/kind", "value": null}]), None, invalid()),
        ("kind empty", json!([{"op": "add", "path": "/kind", "value": ""}]), None, invalid()),
        (
            "kind another",
            json!([{"op": "replace", "path": "/kind", "value": "Secret"}]),
            invalid(),
            invalid(),
        ),
        ("kind a number", json!([{"op": "replace", "path": "/kind", "value": 7}]), invalid(), invalid()),
        ("apiVersion removed", json!([{"op": "remove", "path": "/apiVersion"}]), invalid(), broken()),
        (
            "apiVersion another",
            json!([{"op": "replace", "path": "/apiVersion", "value": "apps/v1"}]),
            invalid(),
            invalid(),
        ),
        (
            "kind moved away",
            json!([{"op": "move", "from": "/kind", "path": "/metadata/labels"}]),
            invalid(),
            invalid(),
        ),
        ("name removed", json!([{"op": "remove", "path": "/metadata/name"}]), bad(), bad()),
        ("name another", json!([{"op": "replace", "path": "/metadata/name", "value": "y"}]), bad(), bad()),
        ("namespace removed", json!([{"op": "remove", "path": "/metadata/namespace"}]), None, None),
        (
            "namespace another",
            json!([{"op": "replace", "path": "/metadata/namespace", "value": "default"}]),
            bad(),
            bad(),
        ),
        ("metadata removed", json!([{"op": "remove", "path": "/metadata"}]), bad(), bad()),
        ("metadata null", json!([{"op": "replace", "path": "/metadata", "value": null}]), bad(), bad()),
    ];
    for kind in [CONFIG_MAP, SOURCE] {
        b.other().create(kind, example(kind, "x")).await?;
        for form in &forms {
            check(b, kind, form, b.policy().json(&b.target(kind, "x"), form.1.clone()).await);
        }
    }
    Ok(())
}

async fn an_apply_goes_by_the_request_where_the_object_does_not_say(b: &Bench) -> anyhow::Result<()> {
    let bad = || Some(Reason::BAD_REQUEST);
    let forms: Vec<Form> = vec![
        ("nothing said", json!({}), None, None),
        ("kind null", json!({"kind": null}), bad(), bad()),
        ("kind empty", json!({"kind": ""}), bad(), bad()),
        ("kind another", json!({"kind": "Secret"}), bad(), bad()),
        ("apiVersion null", json!({"apiVersion": null}), bad(), bad()),
        ("apiVersion empty", json!({"apiVersion": ""}), bad(), bad()),
        ("apiVersion another", json!({"apiVersion": "apps/v1"}), bad(), bad()),
        ("name null", json!({"metadata": {"name": null}}), bad(), bad()),
        ("name empty", json!({"metadata": {"name": ""}}), bad(), bad()),
        ("name another", json!({"metadata": {"name": "y"}}), bad(), bad()),
        ("namespace null", json!({"metadata": {"namespace": null}}), None, None),
        ("namespace empty", json!({"metadata": {"namespace": ""}}), None, None),
        ("namespace another", json!({"metadata": {"namespace": "default"}}), bad(), bad()),
    ];
    let without = [("metadata null", json!({"metadata": null}), bad(), bad())];
    let without_there: [Form; 1] = [("metadata null", json!({"metadata": null}), None, None)];
    for kind in [CONFIG_MAP, SOURCE] {
        for is_there in [false, true] {
            let last = if is_there { &without_there } else { &without };
            for (number, form) in forms.iter().chain(last).enumerate() {
                let name = format!("{}-{number}", if is_there { "there" } else { "new" });
                if is_there {
                    b.other().create(kind, example(kind, &name)).await?;
                }
                // As a policy may write it: without what the client would fill in.
                let object = with(json!({"metadata": {"labels": {"a": "b"}}}), &form.1);
                let apply = Apply { target: b.target(kind, &name), object, force: true };
                check(b, kind, form, b.policy().mutate(Mutation::Apply(apply), false).await);
            }
        }
    }
    Ok(())
}
