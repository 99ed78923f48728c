//! Subresources.

use serde_json::{Value, json};
use suture_core::effect::{Create, Delete, Target};
use suture_core::{Mutation, Reason};

use crate::bench::Bench;
use crate::case::group;
use crate::objects::{CONFIG_MAP, DEPLOYMENT, SOURCE, config_map, deployment, source};

group!("subresources":
    a_status_changes_nothing_but_itself,
    an_object_changes_nothing_of_its_status,
    a_status_is_read_with_its_object,
    a_status_is_applied_by_itself,
    a_kind_without_a_status_has_no_such_subresource,
    a_subresource_is_neither_made_nor_deleted,
    a_scale_reads_and_changes_the_replicas,
    a_scale_below_zero_or_of_the_wrong_type_is_invalid,
);

fn of(target: Target, subresource: &str) -> Target {
    Target { subresource: Some(subresource.to_owned()), ..target }
}

async fn a_status_changes_nothing_but_itself(b: &Bench) -> anyhow::Result<()> {
    b.other().create(SOURCE, source("plex")).await?;
    let plex = b.target(SOURCE, "plex");
    let body = json!({"status": {"lastSyncTime": "2026-11-21T04:00:00Z"},
        "spec": {"sourcePVC": "other"}, "metadata": {"labels": {"via": "status"}}});
    let patched = b.policy().merge(&of(plex.clone(), "status"), body).await?;
    b.at(&patched, "/status/lastSyncTime", &json!("2026-11-21T04:00:00Z"));
    b.at(&patched, "/spec/sourcePVC", &json!("plex"));
    b.at(&patched, "/metadata/labels", &Value::Null);
    b.at(&patched, "/metadata/generation", &json!(1));
    b.same("what is read", b.policy().get(&plex).await?, patched);
    let operations = json!([{"op": "add", "path": "/status/lastManualSync", "value": "x"},
        {"op": "replace", "path": "/spec/sourcePVC", "value": "other"}]);
    let patched = b.policy().json(&of(plex, "status"), operations).await?;
    b.at(&patched, "/status/lastManualSync", &json!("x"));
    b.at(&patched, "/spec/sourcePVC", &json!("plex"));
    Ok(())
}

async fn an_object_changes_nothing_of_its_status(b: &Bench) -> anyhow::Result<()> {
    let made = b.other().create(SOURCE, source("plex")).await?;
    let plex = b.target(SOURCE, "plex");
    let body = json!({"status": {"lastSyncTime": "2026-11-21T04:00:00Z"}});
    let patched = b.policy().merge(&plex, body.clone()).await?;
    b.same("the object", &patched, &made);
    b.other().merge(&of(plex.clone(), "status"), body).await?;
    let patched = b.policy().merge(&plex, json!({"status": null, "spec": {"paused": true}})).await?;
    b.at(&patched, "/status/lastSyncTime", &json!("2026-11-21T04:00:00Z"));
    b.at(&patched, "/spec/paused", &json!(true));
    Ok(())
}

async fn a_status_is_read_with_its_object(b: &Bench) -> anyhow::Result<()> {
    let made = b.other().create(SOURCE, source("plex")).await?;
    let status = of(b.target(SOURCE, "plex"), "status");
    b.same("the object", b.policy().get(&status).await?, made);
    Ok(())
}

async fn a_status_is_applied_by_itself(b: &Bench) -> anyhow::Result<()> {
    b.other().create(SOURCE, source("plex")).await?;
    let plex = b.target(SOURCE, "plex");
    let fields = json!({"status": {"lastManualSync": "x"}});
    let applied = b.policy().apply(&of(plex.clone(), "status"), fields).await?;
    b.at(&applied, "/status/lastManualSync", &json!("x"));
    // The manager's fields of the object are others than those of the status.
    let applied = b.policy().apply(&plex, json!({"spec": {"paused": true}})).await?;
    b.at(&applied, "/status/lastManualSync", &json!("x"));
    b.at(&applied, "/spec/paused", &json!(true));
    let none = of(b.target(SOURCE, "none"), "status");
    b.refused("none", b.policy().apply(&none, json!({"status": {}})).await, &Reason::NOT_FOUND);
    Ok(())
}

async fn a_kind_without_a_status_has_no_such_subresource(b: &Bench) -> anyhow::Result<()> {
    b.other().create(CONFIG_MAP, config_map("notes")).await?;
    b.other().create(SOURCE, source("plex")).await?;
    for target in [
        of(b.target(CONFIG_MAP, "notes"), "status"),
        of(b.target(CONFIG_MAP, "notes"), "scale"),
        of(b.target(SOURCE, "plex"), "scale"),
    ] {
        b.refused("read", b.policy().get(&target).await, &Reason::NOT_FOUND);
        b.refused("patched", b.policy().merge(&target, json!({})).await, &Reason::NOT_FOUND);
    }
    Ok(())
}

async fn a_subresource_is_neither_made_nor_deleted(b: &Bench) -> anyhow::Result<()> {
    b.other().create(SOURCE, source("plex")).await?;
    let target = of(b.target(SOURCE, "plex"), "status");
    let delete = Delete::of(target);
    let result = b.policy().mutate(Mutation::Delete(delete), false).await;
    b.refused("delete", result, &Reason::METHOD_NOT_ALLOWED);
    let creation = b.policy().creation(SOURCE, source("plex"));
    let creation = Create { subresource: Some("status".into()), ..creation };
    let result = b.policy().mutate(Mutation::Create(creation), false).await;
    b.refused("create", result, &Reason::METHOD_NOT_ALLOWED);
    Ok(())
}

async fn a_scale_reads_and_changes_the_replicas(b: &Bench) -> anyhow::Result<()> {
    let made = b.other().create(DEPLOYMENT, deployment("web")).await?;
    let web = b.target(DEPLOYMENT, "web");
    let scale = b.policy().get(&of(web.clone(), "scale")).await?;
    b.at(&scale, "/apiVersion", &json!("autoscaling/v1"));
    b.at(&scale, "/kind", &json!("Scale"));
    b.at(&scale, "/metadata/name", &json!("web"));
    b.at(&scale, "/metadata/uid", &made["metadata"]["uid"]);
    b.at(&scale, "/spec", &json!({}));
    b.at(&scale, "/status/selector", &json!("app=web"));
    // A controller that writes in between makes it a conflict.
    let mut scaled = None;
    let scale = async || {
        let body = json!({"spec": {"replicas": 2}});
        scaled = b.policy().merge(&of(web.clone(), "scale"), body).await.ok();
        scaled.is_some()
    };
    b.eventually("the scale is changed", scale).await?;
    let scaled = scaled.unwrap_or_default();
    b.at(&scaled, "/kind", &json!("Scale"));
    b.at(&scaled, "/spec/replicas", &json!(2));
    let read = b.policy().get(&web).await?;
    b.at(&read, "/spec/replicas", &json!(2));
    let scale = async || {
        let operations = json!([{"op": "replace", "path": "/spec/replicas", "value": 0}]);
        b.policy().json(&of(web.clone(), "scale"), operations).await.is_ok()
    };
    b.eventually("the scale is changed back", scale).await?;
    b.at(&*b.policy().get(&web).await?, "/spec/replicas", &json!(0));
    Ok(())
}

async fn a_scale_below_zero_or_of_the_wrong_type_is_invalid(b: &Bench) -> anyhow::Result<()> {
    b.other().create(DEPLOYMENT, deployment("web")).await?;
    let scale = of(b.target(DEPLOYMENT, "web"), "scale");
    for replicas in [json!(-1), json!("two")] {
        let result = b.policy().merge(&scale, json!({"spec": {"replicas": replicas}})).await;
        b.refused(&replicas.to_string(), result, &Reason::INVALID);
    }
    Ok(())
}
