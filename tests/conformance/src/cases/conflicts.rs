//! Changes of what has moved on.

use serde_json::json;
use suture_core::effect::{Delete, Patch, PatchType, Propagation, Target};
use suture_core::{Effect, Mutation, Reason};

use crate::bench::Bench;
use crate::case::group;
use crate::client::patch;
use crate::objects::{CONFIG_MAP, SOURCE, config_map, source};

group!("conflicts":
    what_was_prepared_is_refused_after_another_change,
    what_was_prepared_does_not_reach_another_object_of_the_name,
    what_was_prepared_is_not_found_when_the_object_is_gone,
    another_version_or_uid_than_was_asked_for_is_a_conflict,
    a_version_in_the_patch_itself_is_a_precondition,
    a_create_that_somebody_was_faster_with_already_exists,
);

fn changes(target: &Target) -> [(&'static str, Mutation); 4] {
    let merge = patch(target, PatchType::Merge, json!({"metadata": {"labels": {"mine": "x"}}}));
    let json = patch(
        target,
        PatchType::Json,
        json!([{"op": "add", "path": "/metadata/labels", "value": {"mine": "x"}}]),
    );
    let delete = Delete::of(target.clone());
    let foreground = Delete { propagation: Propagation::Foreground, ..delete.clone() };
    [
        ("merge", Mutation::Patch(merge)),
        ("json", Mutation::Patch(json)),
        ("delete", Mutation::Delete(delete)),
        ("delete in the foreground", Mutation::Delete(foreground)),
    ]
}

async fn what_was_prepared_is_refused_after_another_change(b: &Bench) -> anyhow::Result<()> {
    b.other().create(CONFIG_MAP, config_map("x")).await?;
    b.other().create(SOURCE, source("x")).await?;
    for kind in [CONFIG_MAP, SOURCE] {
        let target = b.target(kind, "x");
        for (index, (name, mutation)) in changes(&target).into_iter().enumerate() {
            let prepared = b.policy().prepare(Effect::Mutate { mutation, undo: None }).await?;
            let change = json!({"metadata": {"annotations": {"n": index.to_string()}}});
            b.other().merge(&target, change).await?;
            b.refused(name, b.policy().perform(&prepared).await, &Reason::CONFLICT);
        }
    }
    Ok(())
}

async fn what_was_prepared_does_not_reach_another_object_of_the_name(b: &Bench) -> anyhow::Result<()> {
    let target = b.target(CONFIG_MAP, "x");
    for (name, mutation) in changes(&target) {
        b.other().create(CONFIG_MAP, config_map("x")).await?;
        let prepared = b.policy().prepare(Effect::Mutate { mutation, undo: None }).await?;
        b.other().delete(&target, Propagation::Background).await?;
        let second = b.other().create(CONFIG_MAP, config_map("x")).await?;
        b.refused(name, b.policy().perform(&prepared).await, &Reason::CONFLICT);
        b.same("the second", b.other().get(&target).await?, second);
        b.other().delete(&target, Propagation::Background).await?;
    }
    Ok(())
}

async fn what_was_prepared_is_not_found_when_the_object_is_gone(b: &Bench) -> anyhow::Result<()> {
    let target = b.target(CONFIG_MAP, "x");
    for (name, mutation) in changes(&target) {
        b.other().create(CONFIG_MAP, config_map("x")).await?;
        let prepared = b.policy().prepare(Effect::Mutate { mutation, undo: None }).await?;
        b.other().delete(&target, Propagation::Background).await?;
        b.refused(name, b.policy().perform(&prepared).await, &Reason::NOT_FOUND);
    }
    Ok(())
}

async fn another_version_or_uid_than_was_asked_for_is_a_conflict(b: &Bench) -> anyhow::Result<()> {
    let made = b.other().create(CONFIG_MAP, config_map("x")).await?;
    let target = b.target(CONFIG_MAP, "x");
    let version = suture_core::object::resource_version(&made).map(str::to_owned);
    b.other().merge(&target, json!({"data": {"b": "2"}})).await?;
    let old = Patch { resource_version: version.clone(), ..patch(&target, PatchType::Merge, json!({})) };
    b.refused("version", b.policy().mutate(Mutation::Patch(old), false).await, &Reason::CONFLICT);
    let old = Delete { resource_version: version, ..Delete::of(target.clone()) };
    b.refused("version", b.policy().mutate(Mutation::Delete(old), false).await, &Reason::CONFLICT);
    let stranger = Target { uid: Some("00000000-0000-4000-8000-000000000000".into()), ..target };
    for (name, mutation) in changes(&stranger) {
        b.refused(name, b.policy().mutate(mutation, false).await, &Reason::CONFLICT);
    }
    b.refused("apply", b.policy().apply(&stranger, json!({})).await, &Reason::CONFLICT);
    Ok(())
}

async fn a_version_in_the_patch_itself_is_a_precondition(b: &Bench) -> anyhow::Result<()> {
    let made = b.other().create(CONFIG_MAP, config_map("x")).await?;
    let target = b.target(CONFIG_MAP, "x");
    let body =
        json!({"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}, "data": {"b": "2"}});
    b.done("at the version", b.policy().merge(&target, body.clone()).await);
    b.refused("at an old one", b.policy().merge(&target, body).await, &Reason::CONFLICT);
    Ok(())
}

async fn a_create_that_somebody_was_faster_with_already_exists(b: &Bench) -> anyhow::Result<()> {
    let create = Mutation::Create(b.policy().creation(CONFIG_MAP, config_map("x")));
    let prepared = b.policy().prepare(Effect::Mutate { mutation: create, undo: None }).await?;
    b.other().create(CONFIG_MAP, config_map("x")).await?;
    b.refused("create", b.policy().perform(&prepared).await, &Reason::ALREADY_EXISTS);
    Ok(())
}
