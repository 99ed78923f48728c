//! Making objects.

use serde_json::{Value, json};
use suture_core::effect::Create;
use suture_core::{Mutation, Reason};

use crate::bench::Bench;
use crate::case::group;
use crate::objects::{CONFIG_MAP, JOB, NAMESPACE, SOURCE, config_map, job, source};

group!("create":
    the_server_owns_what_it_owns,
    two_objects_of_one_name_are_one_too_many,
    a_namespace_must_exist,
    generated_names_begin_as_asked_and_are_cut_to_63,
    an_object_needs_a_name,
    an_object_that_contradicts_the_request_is_a_bad_request,
    the_step_that_made_an_object_stands_on_it,
);

async fn the_server_owns_what_it_owns(b: &Bench) -> anyhow::Result<()> {
    let mut wanted = source("plex");
    wanted["metadata"]["uid"] = json!("mine");
    wanted["metadata"]["creationTimestamp"] = json!("2020-01-01T00:00:00Z");
    wanted["metadata"]["deletionTimestamp"] = json!("2020-01-01T00:00:00Z");
    wanted["metadata"]["generation"] = json!(7);
    wanted["status"] = json!({"lastSyncTime": "2020-01-01T00:00:00Z"});
    let made = b.policy().create(SOURCE, wanted).await?;
    b.at(&made, "/metadata/generation", &json!(1));
    b.at(&made, "/metadata/deletionTimestamp", &Value::Null);
    b.at(&made, "/status", &Value::Null);
    b.same("the uid is mine", made["metadata"]["uid"] == "mine", false);
    b.same("the time is mine", made["metadata"]["creationTimestamp"] == "2020-01-01T00:00:00Z", false);
    Ok(())
}

async fn two_objects_of_one_name_are_one_too_many(b: &Bench) -> anyhow::Result<()> {
    b.other().create(CONFIG_MAP, config_map("x")).await?;
    b.refused("again", b.policy().create(CONFIG_MAP, config_map("x")).await, &Reason::ALREADY_EXISTS);
    b.done("as another kind", b.policy().create(JOB, job("x")).await);
    Ok(())
}

async fn a_namespace_must_exist(b: &Bench) -> anyhow::Result<()> {
    let creation = b.policy().creation(CONFIG_MAP, config_map("x"));
    let lost = Create { namespace: Some("no-such-namespace".into()), ..creation.clone() };
    let result = b.policy().mutate(Mutation::Create(lost), false).await;
    b.refused("in no such namespace", result, &Reason::NOT_FOUND);
    let nowhere = Create { namespace: None, ..creation };
    let result = b.policy().mutate(Mutation::Create(nowhere), false).await;
    b.refused("in no namespace", result, &Reason::BAD_REQUEST);
    let inside = b.policy().create(NAMESPACE, json!({"metadata": {"name": "x"}})).await;
    b.refused("a namespace in a namespace", inside, &Reason::BAD_REQUEST);
    Ok(())
}

async fn generated_names_begin_as_asked_and_are_cut_to_63(b: &Bench) -> anyhow::Result<()> {
    let generated = |base: &str| json!({"metadata": {"generateName": base}});
    let mut names = vec![];
    for _ in 0..2 {
        let made = b.policy().create(CONFIG_MAP, generated("unlock-")).await?;
        names.push(made["metadata"]["name"].as_str().unwrap_or_default().to_owned());
        b.at(&made, "/metadata/generateName", &json!("unlock-"));
    }
    b.same("they begin as asked", names.iter().all(|name| name.starts_with("unlock-")), true);
    b.same("they have 5 more letters", names.iter().all(|name| name.len() == 12), true);
    b.same("they are the same", names[0] == names[1], false);
    let long = b.policy().create(CONFIG_MAP, generated(&"x".repeat(200))).await?;
    b.same("length", long["metadata"]["name"].as_str().map(str::len), Some(63));
    b.refused("Upper", b.policy().create(CONFIG_MAP, generated("Upper-")).await, &Reason::INVALID);
    Ok(())
}

async fn an_object_needs_a_name(b: &Bench) -> anyhow::Result<()> {
    for (kind, metadata) in [
        (CONFIG_MAP, json!({})),
        (CONFIG_MAP, json!({"generateName": ""})),
        (CONFIG_MAP, json!({"name": ""})),
        (SOURCE, json!({})),
    ] {
        let result = b.policy().create(kind, json!({"metadata": metadata})).await;
        b.refused(kind, result, &Reason::INVALID);
    }
    b.refused("without metadata", b.policy().create(CONFIG_MAP, json!({"data": {}})).await, &Reason::INVALID);
    Ok(())
}

async fn an_object_that_contradicts_the_request_is_a_bad_request(b: &Bench) -> anyhow::Result<()> {
    for object in [
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}}),
        json!({"apiVersion": "v2", "kind": "ConfigMap", "metadata": {"name": "x"}}),
        json!({"metadata": {"name": "x", "namespace": "default"}}),
        json!({"metadata": "x"}),
        json!({"metadata": {"name": "x", "annotations": []}}),
        json!({"metadata": {"name": "x", "labels": {"a": 1}}}),
        json!({"metadata": {"name": "x", "labels": "a"}}),
        json!({"metadata": {"name": "x", "finalizers": "a"}}),
        json!({"metadata": {"name": "x", "ownerReferences": [7]}}),
        json!("x"),
        json!([]),
    ] {
        let result = b.policy().create(CONFIG_MAP, object.clone()).await;
        b.refused(&object.to_string(), result, &Reason::BAD_REQUEST);
    }
    Ok(())
}

async fn the_step_that_made_an_object_stands_on_it(b: &Bench) -> anyhow::Result<()> {
    let made = b.policy().create(CONFIG_MAP, config_map("x")).await?;
    let step = suture_core::object::annotation(&made, suture_core::object::RUN_ANNOTATION);
    b.same("it begins with the run", step.is_some_and(|step| step.starts_with(b.namespace())), true);
    Ok(())
}
