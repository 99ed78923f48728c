//! Patches, of each type, and what they may not do.

use serde_json::{Value, json};
use suture_core::Reason;

use crate::bench::Bench;
use crate::case::group;
use crate::objects::{CONFIG_MAP, SOURCE, config_map, source};

group!("patch":
    a_merge_patch_sets_removes_and_replaces,
    a_merge_patch_that_changes_nothing_changes_no_version,
    a_json_patch_does_each_operation_in_order,
    a_json_patch_replaces_what_is_not_there,
    a_json_patch_that_does_not_apply_is_invalid,
    a_patch_that_is_none_is_a_bad_request,
    a_patch_makes_no_other_object,
    what_the_server_owns_stays,
    what_is_immutable_is_refused,
    the_generation_counts_changes_of_the_spec,
    what_is_not_there_is_not_patched,
);

async fn a_merge_patch_sets_removes_and_replaces(b: &Bench) -> anyhow::Result<()> {
    b.other().create(SOURCE, source("plex")).await?;
    let plex = b.target(SOURCE, "plex");
    let body = json!({"metadata": {"labels": {"a": "b"}},
        "spec": {"trigger": {"schedule": null, "manual": "now"}, "restic": {"moverSecurityContext": null}}});
    let patched = b.policy().merge(&plex, body).await?;
    b.at(&patched, "/spec/trigger", &json!({"manual": "now"}));
    b.at(&patched, "/spec/sourcePVC", &json!("plex"));
    b.at(&patched, "/metadata/labels/a", &json!("b"));
    b.same("what is read", b.policy().get(&plex).await?, patched);
    Ok(())
}

async fn a_merge_patch_that_changes_nothing_changes_no_version(b: &Bench) -> anyhow::Result<()> {
    let made = b.other().create(SOURCE, source("plex")).await?;
    let plex = b.target(SOURCE, "plex");
    for body in [json!({}), json!({"spec": {"sourcePVC": "plex"}}), json!({"spec": {"paused": null}})] {
        let patched = b.policy().merge(&plex, body).await?;
        b.at(&patched, "/metadata/resourceVersion", &made["metadata"]["resourceVersion"]);
    }
    Ok(())
}

async fn a_json_patch_does_each_operation_in_order(b: &Bench) -> anyhow::Result<()> {
    b.other().create(CONFIG_MAP, config_map("notes")).await?;
    let notes = b.target(CONFIG_MAP, "notes");
    let patched = b
        .policy()
        .json(
            &notes,
            json!([
                {"op": "test", "path": "/data/a", "value": "1"},
                {"op": "add", "path": "/data/b", "value": "2"},
                {"op": "replace", "path": "/data/a", "value": "3"},
                {"op": "copy", "from": "/data/a", "path": "/data/c"},
                {"op": "move", "from": "/data/b", "path": "/data/d.e"},
                {"op": "add", "path": "/metadata/finalizers", "value": ["a.io/one"]},
                {"op": "add", "path": "/metadata/finalizers/-", "value": "a.io/three"},
                {"op": "add", "path": "/metadata/finalizers/1", "value": "a.io/two"},
                {"op": "remove", "path": "/data/c"},
                {"op": "test", "path": "/data/c", "value": null},
            ]),
        )
        .await?;
    b.at(&patched, "/data", &json!({"a": "3", "d.e": "2"}));
    b.at(&patched, "/metadata/finalizers", &json!(["a.io/one", "a.io/two", "a.io/three"]));
    let patched = b
        .policy()
        .json(
            &notes,
            json!([
                {"op": "copy", "from": "/data/a", "path": "/data/c"},
                {"op": "move", "from": "/data/a", "path": "/data/d"},
                {"op": "remove", "path": "/data/d.e"},
                {"op": "add", "path": "/metadata/annotations/a.io~1b", "value": "x"},
                {"op": "test", "path": "/data/none", "value": null},
            ]),
        )
        .await?;
    b.at(&patched, "/data", &json!({"c": "3", "d": "3"}));
    b.at(&patched, "/metadata/annotations/a.io~1b", &json!("x"));
    Ok(())
}

async fn a_json_patch_replaces_what_is_not_there(b: &Bench) -> anyhow::Result<()> {
    b.other().create(CONFIG_MAP, config_map("notes")).await?;
    let operations = json!([{"op": "replace", "path": "/data/new", "value": "x"}]);
    let patched = b.policy().json(&b.target(CONFIG_MAP, "notes"), operations).await?;
    b.at(&patched, "/data/new", &json!("x"));
    Ok(())
}

async fn a_json_patch_that_does_not_apply_is_invalid(b: &Bench) -> anyhow::Result<()> {
    b.other().create(CONFIG_MAP, config_map("notes")).await?;
    let notes = b.target(CONFIG_MAP, "notes");
    for operation in [
        json!({"op": "test", "path": "/data/a", "value": "2"}),
        json!({"op": "test", "path": "/data/a", "value": 1}),
        json!({"op": "test", "path": "/data/none", "value": "2"}),
        json!({"op": "remove", "path": "/data/none"}),
        json!({"op": "remove", "path": "/metadata/finalizers/0"}),
        json!({"op": "add", "path": "/none/at/all", "value": "x"}),
        json!({"op": "replace", "path": "/none/at/all", "value": "x"}),
        json!({"op": "move", "from": "/data/none", "path": "/data/x"}),
        json!({"op": "frob", "path": "/data/a", "value": "2"}),
        json!({"path": "/data/a", "value": "2"}),
        json!({"op": "remove"}),
    ] {
        let result = b.policy().json(&notes, json!([operation])).await;
        b.refused(&operation.to_string(), result, &Reason::INVALID);
    }
    b.at(&*b.policy().get(&notes).await?, "/data", &json!({"a": "1"}));
    Ok(())
}

async fn a_patch_that_is_none_is_a_bad_request(b: &Bench) -> anyhow::Result<()> {
    b.other().create(CONFIG_MAP, config_map("notes")).await?;
    let notes = b.target(CONFIG_MAP, "notes");
    for body in [json!([]), json!("x"), json!(7), json!(null)] {
        let result = b.policy().merge(&notes, body.clone()).await;
        b.refused(&format!("merge {body}"), result, &Reason::BAD_REQUEST);
    }
    for body in [json!({}), json!("x"), json!({"op": "remove", "path": "/data/a"})] {
        let result = b.policy().json(&notes, body.clone()).await;
        b.refused(&format!("json {body}"), result, &Reason::BAD_REQUEST);
    }
    Ok(())
}

async fn a_patch_makes_no_other_object(b: &Bench) -> anyhow::Result<()> {
    b.other().create(CONFIG_MAP, config_map("x")).await?;
    b.other().create(SOURCE, source("x")).await?;
    for kind in [CONFIG_MAP, SOURCE] {
        let target = b.target(kind, "x");
        for (body, reason) in [
            (json!({"metadata": {"name": "y"}}), Reason::BAD_REQUEST),
            (json!({"metadata": {"name": null}}), Reason::BAD_REQUEST),
            (json!({"metadata": {"namespace": "y"}}), Reason::BAD_REQUEST),
            (json!({"metadata": null}), Reason::BAD_REQUEST),
            (json!({"kind": "Secret"}), Reason::INVALID),
            (json!({"apiVersion": "v2"}), Reason::INVALID),
        ] {
            let result = b.policy().merge(&target, body.clone()).await;
            b.refused(&format!("{kind} {body}"), result, &reason);
        }
        let operations = json!([{"op": "remove", "path": "/metadata/name"}]);
        b.refused("no name", b.policy().json(&target, operations).await, &Reason::BAD_REQUEST);
    }
    Ok(())
}

async fn what_the_server_owns_stays(b: &Bench) -> anyhow::Result<()> {
    let made = b.other().create(SOURCE, source("plex")).await?;
    let body =
        json!({"metadata": {"uid": null, "generation": 77, "creationTimestamp": "2020-01-01T00:00:00Z"}});
    let patched = b.policy().merge(&b.target(SOURCE, "plex"), body).await?;
    b.same("the object", patched, made);
    Ok(())
}

async fn what_is_immutable_is_refused(b: &Bench) -> anyhow::Result<()> {
    b.other().create(CONFIG_MAP, config_map("x")).await?;
    b.other().create(SOURCE, source("x")).await?;
    for kind in [CONFIG_MAP, SOURCE] {
        for (field, value) in [("uid", "other"), ("deletionTimestamp", "2020-01-01T00:00:00Z")] {
            let body = json!({"metadata": {field: value}});
            b.refused(field, b.policy().merge(&b.target(kind, "x"), body).await, &Reason::INVALID);
        }
    }
    Ok(())
}

async fn the_generation_counts_changes_of_the_spec(b: &Bench) -> anyhow::Result<()> {
    b.other().create(SOURCE, source("plex")).await?;
    b.other().create(CONFIG_MAP, config_map("notes")).await?;
    let plex = b.target(SOURCE, "plex");
    for (body, generation) in [
        (json!({"metadata": {"labels": {"a": "b"}}}), 1),
        (json!({"spec": {"paused": true}}), 2),
        (json!({"spec": {"paused": true}}), 2),
        (json!({"spec": {"paused": null}}), 3),
    ] {
        let patched = b.policy().merge(&plex, body).await?;
        b.at(&patched, "/metadata/generation", &json!(generation));
    }
    let notes = b.policy().merge(&b.target(CONFIG_MAP, "notes"), json!({"data": {"b": "2"}})).await?;
    b.at(&notes, "/metadata/generation", &Value::Null);
    Ok(())
}

async fn what_is_not_there_is_not_patched(b: &Bench) -> anyhow::Result<()> {
    let none = b.target(CONFIG_MAP, "none");
    b.refused("merge", b.policy().merge(&none, json!({})).await, &Reason::NOT_FOUND);
    b.refused("json", b.policy().json(&none, json!([])).await, &Reason::NOT_FOUND);
    Ok(())
}
