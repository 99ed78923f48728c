//! Objects that are not as their kind's schema says.

use serde_json::json;
use suture_core::Reason;

use crate::bench::Bench;
use crate::case::group;
use crate::objects::{CONFIG_MAP, JOB, SNAPSHOT, SOURCE, config_map, job, source};

group!("schema":
    a_field_that_no_schema_knows_is_refused_on_create,
    a_field_that_no_schema_knows_is_refused_in_a_patch,
    a_value_of_the_wrong_type_is_refused,
    values_must_be_as_the_definition_says,
    required_fields_are_required,
    a_status_has_a_schema_too,
    an_apply_that_the_schema_does_not_know_fails,
);

async fn a_field_that_no_schema_knows_is_refused_on_create(b: &Bench) -> anyhow::Result<()> {
    let mut wrong = source("x");
    wrong["spec"]["sourcePVCC"] = json!("x");
    b.refused("spec", b.policy().create(SOURCE, wrong).await, &Reason::BAD_REQUEST);
    let mut wrong = source("x");
    wrong["specc"] = json!({});
    b.refused("top", b.policy().create(SOURCE, wrong).await, &Reason::BAD_REQUEST);
    let mut wrong = source("x");
    wrong["metadata"]["nmae"] = json!("y");
    b.refused("metadata", b.policy().create(SOURCE, wrong).await, &Reason::BAD_REQUEST);
    let mut wrong = config_map("x");
    wrong["dtaa"] = json!({});
    b.refused("a ConfigMap", b.policy().create(CONFIG_MAP, wrong).await, &Reason::BAD_REQUEST);
    let mut wrong = job("x");
    wrong["spec"]["template"]["spec"]["contaniers"] = json!([]);
    b.refused("a Job", b.policy().create(JOB, wrong).await, &Reason::BAD_REQUEST);
    Ok(())
}

async fn a_field_that_no_schema_knows_is_refused_in_a_patch(b: &Bench) -> anyhow::Result<()> {
    b.other().create(SOURCE, source("plex")).await?;
    b.other().create(CONFIG_MAP, config_map("notes")).await?;
    let (plex, notes) = (b.target(SOURCE, "plex"), b.target(CONFIG_MAP, "notes"));
    b.refused("merge", b.policy().merge(&plex, json!({"spec": {"zz": 1}})).await, &Reason::INVALID);
    let operations = json!([{"op": "add", "path": "/spec/zz", "value": 1}]);
    b.refused("json", b.policy().json(&plex, operations).await, &Reason::INVALID);
    b.refused("a ConfigMap", b.policy().merge(&notes, json!({"dtaa": {}})).await, &Reason::INVALID);
    b.done("null of what is not known", b.policy().merge(&plex, json!({"spec": {"zz": null}})).await);
    Ok(())
}

async fn a_value_of_the_wrong_type_is_refused(b: &Bench) -> anyhow::Result<()> {
    let mut wrong = source("x");
    wrong["spec"]["sourcePVC"] = json!(1);
    b.refused("create", b.policy().create(SOURCE, wrong).await, &Reason::INVALID);
    let mut wrong = source("x");
    wrong["spec"] = json!("text");
    b.refused("spec", b.policy().create(SOURCE, wrong).await, &Reason::INVALID);
    let mut wrong = config_map("x");
    wrong["data"]["a"] = json!(1);
    b.refused("a ConfigMap", b.policy().create(CONFIG_MAP, wrong).await, &Reason::BAD_REQUEST);
    let mut wrong = job("x");
    wrong["spec"]["backoffLimit"] = json!("three");
    b.refused("a Job", b.policy().create(JOB, wrong).await, &Reason::BAD_REQUEST);
    b.other().create(SOURCE, source("plex")).await?;
    b.other().create(CONFIG_MAP, config_map("notes")).await?;
    let plex = b.target(SOURCE, "plex");
    b.refused("patch", b.policy().merge(&plex, json!({"spec": {"sourcePVC": 1}})).await, &Reason::INVALID);
    let labels = json!({"metadata": {"labels": {"a": 1}}});
    b.refused("a label", b.policy().merge(&plex, labels).await, &Reason::INVALID);
    let notes = b.target(CONFIG_MAP, "notes");
    b.refused("a ConfigMap", b.policy().merge(&notes, json!({"data": {"a": 1}})).await, &Reason::INVALID);
    Ok(())
}

async fn values_must_be_as_the_definition_says(b: &Bench) -> anyhow::Result<()> {
    b.other().create(SOURCE, source("plex")).await?;
    let plex = b.target(SOURCE, "plex");
    for spec in [
        json!({"trigger": {"schedule": "whenever"}}),
        json!({"restic": {"copyMethod": "Telepathy"}}),
        json!({"restic": {"cacheCapacity": "a lot"}}),
    ] {
        let result = b.policy().merge(&plex, json!({"spec": spec})).await;
        b.refused(&spec.to_string(), result, &Reason::INVALID);
    }
    for spec in [json!({"restic": {"cacheCapacity": "1Gi"}}), json!({"restic": {"cacheCapacity": 1}})] {
        b.done(&spec.to_string(), b.policy().merge(&plex, json!({"spec": spec})).await);
    }
    Ok(())
}

async fn required_fields_are_required(b: &Bench) -> anyhow::Result<()> {
    for object in [json!({"metadata": {"name": "v"}}), json!({"metadata": {"name": "v"}, "spec": {}})] {
        b.refused(&object.to_string(), b.policy().create(SNAPSHOT, object.clone()).await, &Reason::INVALID);
    }
    let snapshot = json!({"metadata": {"name": "v"}, "spec": {"source": {"persistentVolumeClaimName": "c"}}});
    b.done("whole", b.policy().create(SNAPSHOT, snapshot).await);
    let target = b.target(SNAPSHOT, "v");
    b.refused("taken away", b.policy().merge(&target, json!({"spec": null})).await, &Reason::INVALID);
    Ok(())
}

async fn a_status_has_a_schema_too(b: &Bench) -> anyhow::Result<()> {
    b.other().create(SOURCE, source("plex")).await?;
    let mut status = b.target(SOURCE, "plex");
    status.subresource = Some("status".into());
    for body in [json!({"lastSyncTime": 5}), json!({"lastSyncTime": "yesterday"}), json!({"zz": 1})] {
        let result = b.policy().merge(&status, json!({"status": body})).await;
        b.refused(&body.to_string(), result, &Reason::INVALID);
    }
    Ok(())
}

async fn an_apply_that_the_schema_does_not_know_fails(b: &Bench) -> anyhow::Result<()> {
    b.other().create(SOURCE, source("plex")).await?;
    let plex = b.target(SOURCE, "plex");
    // The API server answers 500 to these, without a reason.
    let broken = Reason::other("InternalError");
    b.refused("unknown", b.policy().apply(&plex, json!({"spec": {"zz": 1}})).await, &broken);
    b.refused("type", b.policy().apply(&plex, json!({"spec": {"sourcePVC": 1}})).await, &broken);
    let schedule = json!({"spec": {"trigger": {"schedule": "whenever"}}});
    b.refused("value", b.policy().force(&plex, schedule).await, &Reason::INVALID);
    Ok(())
}
