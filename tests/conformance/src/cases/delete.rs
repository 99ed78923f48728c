//! Deleting.

use serde_json::{Value, json};
use suture_core::Reason;
use suture_core::effect::Propagation;
use suture_core::object;

use crate::bench::Bench;
use crate::case::group;
use crate::objects::{CONFIG_MAP, POD, SOURCE, config_map, pod, source};

group!("delete":
    what_is_deleted_is_shown_as_it_was_and_is_gone,
    a_second_delete_is_not_found,
    a_pod_that_nothing_runs_goes_at_once,
    an_object_without_dependents_goes_in_every_way,
);

async fn what_is_deleted_is_shown_as_it_was_and_is_gone(b: &Bench) -> anyhow::Result<()> {
    for (kind, object) in [(CONFIG_MAP, config_map("x")), (SOURCE, source("x"))] {
        let made = b.other().create(kind, object).await?;
        let target = b.target(kind, "x");
        let shown = b.policy().delete(&target, Propagation::Background).await?;
        b.same("uid", object::uid(&shown), object::uid(&made));
        b.same("name", object::name(&shown), Some("x"));
        b.refused("read", b.policy().get(&target).await, &Reason::NOT_FOUND);
    }
    Ok(())
}

async fn a_second_delete_is_not_found(b: &Bench) -> anyhow::Result<()> {
    b.other().create(CONFIG_MAP, config_map("x")).await?;
    let target = b.target(CONFIG_MAP, "x");
    b.policy().delete(&target, Propagation::Background).await?;
    for propagation in [Propagation::Background, Propagation::Foreground, Propagation::Orphan] {
        b.refused("again", b.policy().delete(&target, propagation).await, &Reason::NOT_FOUND);
    }
    Ok(())
}

async fn a_pod_that_nothing_runs_goes_at_once(b: &Bench) -> anyhow::Result<()> {
    b.other().create(POD, pod("p")).await?;
    b.policy().delete(&b.target(POD, "p"), Propagation::Background).await?;
    b.refused("read", b.policy().get(&b.target(POD, "p")).await, &Reason::NOT_FOUND);
    Ok(())
}

async fn an_object_without_dependents_goes_in_every_way(b: &Bench) -> anyhow::Result<()> {
    for (propagation, finalizer) in [
        (Propagation::Background, Value::Null),
        (Propagation::Foreground, json!(["foregroundDeletion"])),
        (Propagation::Orphan, json!(["orphan"])),
    ] {
        let target = b.target(CONFIG_MAP, "x");
        b.other().create(CONFIG_MAP, config_map("x")).await?;
        let shown = b.policy().delete(&target, propagation).await?;
        b.at(&shown, "/metadata/finalizers", &finalizer);
        b.eventually("it is gone", async || !b.policy().exists(&target).await).await?;
    }
    Ok(())
}
