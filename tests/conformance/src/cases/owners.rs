//! What goes with its owner, and what stays.

use serde_json::{Value, json};
use suture_core::effect::Propagation;
use suture_core::{Object, Reason, object};

use crate::bench::Bench;
use crate::case::group;
use crate::objects::{CONFIG_MAP, config_map};

group!("owners":
    in_the_background_dependents_go_after_their_owner,
    in_the_foreground_an_owner_waits_for_what_blocks_it,
    orphans_stay_and_have_no_owner,
    a_deletion_in_the_foreground_can_not_be_turned_into_one_in_the_background,
);

async fn owner(b: &Bench, name: &str) -> anyhow::Result<Object> {
    Ok(b.other().create(CONFIG_MAP, config_map(name)).await?)
}

fn reference(owner: &Object, blocks: bool) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"], "blockOwnerDeletion": blocks})
}

async fn dependent(b: &Bench, name: &str, owners: Value, finalizers: Value) -> anyhow::Result<()> {
    let mut dependent = config_map(name);
    dependent["metadata"]["ownerReferences"] = owners;
    dependent["metadata"]["finalizers"] = finalizers;
    b.other().create(CONFIG_MAP, dependent).await?;
    Ok(())
}

/// An owner; something that it alone owns; something that another owns too; and something
/// that blocks it and is held by a finalizer.
async fn family(b: &Bench) -> anyhow::Result<()> {
    let (first, second) = (owner(b, "first").await?, owner(b, "second").await?);
    dependent(b, "alone", json!([reference(&first, false)]), Value::Null).await?;
    dependent(b, "shared", json!([reference(&first, false), reference(&second, false)]), Value::Null).await?;
    dependent(b, "held", json!([reference(&first, true)]), json!(["a.io/hold"])).await
}

async fn exists(b: &Bench, name: &str) -> bool {
    b.other().exists(&b.target(CONFIG_MAP, name)).await
}

async fn terminates(b: &Bench, name: &str) -> bool {
    b.other().get(&b.target(CONFIG_MAP, name)).await.is_ok_and(|object| object::is_terminating(&object))
}

async fn owners_of(b: &Bench, name: &str) -> Vec<String> {
    let Ok(object) = b.other().get(&b.target(CONFIG_MAP, name)).await else { return vec![] };
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    owners.into_iter().flatten().filter_map(|owner| owner["name"].as_str().map(str::to_owned)).collect()
}

async fn release(b: &Bench) -> anyhow::Result<()> {
    b.other().merge(&b.target(CONFIG_MAP, "held"), json!({"metadata": {"finalizers": null}})).await?;
    Ok(())
}

async fn in_the_background_dependents_go_after_their_owner(b: &Bench) -> anyhow::Result<()> {
    family(b).await?;
    b.policy().delete(&b.target(CONFIG_MAP, "first"), Propagation::Background).await?;
    b.same("the owner is there", exists(b, "first").await, false);
    b.eventually("what it alone owned is gone", async || !exists(b, "alone").await).await?;
    b.eventually("what is held terminates", async || terminates(b, "held").await).await?;
    b.eventually("the shared one has one owner", async || owners_of(b, "shared").await == ["second"]).await?;
    release(b).await?;
    b.eventually("what was held is gone", async || !exists(b, "held").await).await
}

async fn in_the_foreground_an_owner_waits_for_what_blocks_it(b: &Bench) -> anyhow::Result<()> {
    family(b).await?;
    let shown = b.policy().delete(&b.target(CONFIG_MAP, "first"), Propagation::Foreground).await?;
    b.at(&shown, "/metadata/finalizers", &json!(["foregroundDeletion"]));
    b.eventually("what it alone owned is gone", async || !exists(b, "alone").await).await?;
    b.eventually("what is held terminates", async || terminates(b, "held").await).await?;
    b.eventually("the shared one has one owner", async || owners_of(b, "shared").await == ["second"]).await?;
    b.same("the owner waits", terminates(b, "first").await, true);
    release(b).await?;
    b.eventually("the owner is gone", async || !exists(b, "first").await).await?;
    b.same("what was held is there", exists(b, "held").await, false);
    Ok(())
}

async fn orphans_stay_and_have_no_owner(b: &Bench) -> anyhow::Result<()> {
    family(b).await?;
    b.policy().delete(&b.target(CONFIG_MAP, "first"), Propagation::Orphan).await?;
    b.eventually("the owner is gone", async || !exists(b, "first").await).await?;
    b.same("owners", owners_of(b, "alone").await, vec![]);
    b.same("owners", owners_of(b, "shared").await, vec!["second".to_owned()]);
    for name in ["alone", "shared", "held"] {
        b.same(name, exists(b, name).await && !terminates(b, name).await, true);
    }
    release(b).await
}

async fn a_deletion_in_the_foreground_can_not_be_turned_into_one_in_the_background(
    b: &Bench,
) -> anyhow::Result<()> {
    family(b).await?;
    let first = b.target(CONFIG_MAP, "first");
    b.policy().delete(&first, Propagation::Foreground).await?;
    b.eventually("what is held terminates", async || terminates(b, "held").await).await?;
    // Not with a version as precondition, which all that is prepared has: kube-apiserver
    // takes the finalizer away first, and then finds another version than was asked for.
    let again = b.policy().delete(&first, Propagation::Background).await;
    b.refused("in the background", again, &Reason::CONFLICT);
    b.same("the owner waits", terminates(b, "first").await, true);
    release(b).await?;
    b.eventually("the owner is gone", async || !exists(b, "first").await).await
}
