//! What somebody with few rights is told.

use serde_json::json;
use suture_core::effect::{Predicate, Propagation, Query};
use suture_core::{Grant, Reason};

use crate::bench::{Bench, cluster_wide};
use crate::case::group;
use crate::objects::{CONFIG_MAP, NAMESPACE, POD, SOURCE, all, config_map, source};

group!("rights":
    whoever_may_not_learns_nothing_of_what_is_there,
    whoever_may_read_learns_what_is_not_there,
    a_right_to_one_name_is_none_to_another,
    a_kind_that_is_not_served_is_so_for_everybody,
    a_subresource_is_a_right_of_its_own,
);

fn right(b: &Bench, group: &str, resource: &str, verbs: &[&str], name: &str) -> anyhow::Result<Grant> {
    Ok(serde_json::from_value(json!({"groups": [group], "resources": [resource], "verbs": verbs,
        "namespaces": [b.namespace()], "names": [name]}))?)
}

async fn whoever_may_not_learns_nothing_of_what_is_there(b: &Bench) -> anyhow::Result<()> {
    b.other().create(CONFIG_MAP, config_map("there")).await?;
    let nobody = b.limited(vec![]).await?;
    for name in ["there", "none"] {
        let target = b.target(CONFIG_MAP, name);
        b.refused("get", nobody.get(&target).await, &Reason::FORBIDDEN);
        b.refused("merge", nobody.merge(&target, json!({})).await, &Reason::FORBIDDEN);
        b.refused("json", nobody.json(&target, json!([])).await, &Reason::FORBIDDEN);
        b.refused("apply", nobody.apply(&target, json!({})).await, &Reason::FORBIDDEN);
        b.refused("delete", nobody.delete(&target, Propagation::Background).await, &Reason::FORBIDDEN);
        b.refused("wait", nobody.wait(&target, Predicate::Deleted, 1000).await, &Reason::FORBIDDEN);
        b.refused("create", nobody.create(CONFIG_MAP, config_map(name)).await, &Reason::FORBIDDEN);
    }
    b.refused("list", nobody.list(all(b, CONFIG_MAP)).await, &Reason::FORBIDDEN);
    b.refused("logs", nobody.logs(&b.target(POD, "none"), "").await, &Reason::FORBIDDEN);
    b.refused("namespace", nobody.get(&cluster_wide(NAMESPACE, b.namespace())).await, &Reason::FORBIDDEN);
    Ok(())
}

async fn whoever_may_read_learns_what_is_not_there(b: &Bench) -> anyhow::Result<()> {
    b.other().create(CONFIG_MAP, config_map("there")).await?;
    let reader = b.limited(vec![right(b, "", "configmaps", &["get", "list"], "*")?]).await?;
    let (there, none) = (b.target(CONFIG_MAP, "there"), b.target(CONFIG_MAP, "none"));
    b.done("get", reader.get(&there).await);
    b.refused("get", reader.get(&none).await, &Reason::NOT_FOUND);
    b.done("list", reader.list(all(b, CONFIG_MAP)).await);
    let everywhere = Query { namespace: None, ..all(b, CONFIG_MAP) };
    b.refused("list everywhere", reader.list(everywhere).await, &Reason::FORBIDDEN);
    b.done("wait", reader.wait(&none, Predicate::Deleted, 1000).await);
    b.refused("merge", reader.merge(&there, json!({"data": {"b": "2"}})).await, &Reason::FORBIDDEN);
    b.refused("merge", reader.merge(&none, json!({})).await, &Reason::NOT_FOUND);
    b.refused("apply", reader.apply(&there, json!({"data": {"b": "2"}})).await, &Reason::FORBIDDEN);
    b.refused("delete", reader.delete(&there, Propagation::Background).await, &Reason::FORBIDDEN);
    b.refused("create", reader.create(CONFIG_MAP, config_map("new")).await, &Reason::FORBIDDEN);
    Ok(())
}

async fn a_right_to_one_name_is_none_to_another(b: &Bench) -> anyhow::Result<()> {
    for name in ["mine", "yours"] {
        b.other().create(SOURCE, source(name)).await?;
    }
    let rights = vec![right(b, "volsync.backube", "replicationsources", &["get", "patch"], "mine")?];
    let keeper = b.limited(rights).await?;
    let paused = json!({"spec": {"paused": true}});
    b.done("mine", keeper.merge(&b.target(SOURCE, "mine"), paused.clone()).await);
    b.done("mine", keeper.force(&b.target(SOURCE, "mine"), paused.clone()).await);
    b.refused("yours", keeper.merge(&b.target(SOURCE, "yours"), paused.clone()).await, &Reason::FORBIDDEN);
    b.refused("yours", keeper.get(&b.target(SOURCE, "yours")).await, &Reason::FORBIDDEN);
    b.refused("list", keeper.list(all(b, SOURCE)).await, &Reason::FORBIDDEN);
    Ok(())
}

async fn a_kind_that_is_not_served_is_so_for_everybody(b: &Bench) -> anyhow::Result<()> {
    let nobody = b.limited(vec![]).await?;
    b.refused("get", nobody.get(&b.target("zoo.io/v1 Cat", "x")).await, &Reason::NOT_SERVED);
    Ok(())
}

async fn a_subresource_is_a_right_of_its_own(b: &Bench) -> anyhow::Result<()> {
    b.other().create(SOURCE, source("plex")).await?;
    let rights = vec![right(b, "volsync.backube", "replicationsources", &["get", "patch"], "*")?];
    let keeper = b.limited(rights).await?;
    let mut status = b.target(SOURCE, "plex");
    status.subresource = Some("status".into());
    let body = json!({"status": {"lastManualSync": "x"}});
    b.refused("patch", keeper.merge(&status, body).await, &Reason::FORBIDDEN);
    Ok(())
}
