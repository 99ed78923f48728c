//! Objects that terminate while finalizers hold them.

use serde_json::{Value, json};
use suture_core::Reason;
use suture_core::effect::{Propagation, Target};
use suture_core::object;

use crate::bench::Bench;
use crate::case::group;
use crate::objects::{CONFIG_MAP, SOURCE, config_map, source};

group!("finalizers":
    an_object_terminates_and_goes_with_the_last_finalizer,
    a_terminating_object_gets_no_new_finalizer,
    a_terminating_object_can_be_changed_and_not_called_back,
    a_name_is_taken_until_the_object_is_gone,
    deleting_a_terminating_object_again_changes_nothing,
    a_json_patch_lets_it_go_too,
);

const HELD: [(&str, &str); 2] = [(CONFIG_MAP, "held"), (SOURCE, "held")];

async fn hold(b: &Bench, kind: &str) -> anyhow::Result<Target> {
    let mut held = if kind == SOURCE { source("held") } else { config_map("held") };
    held["metadata"]["finalizers"] = json!(["a.io/one", "a.io/two"]);
    b.other().create(kind, held).await?;
    Ok(b.target(kind, "held"))
}

async fn release(b: &Bench, target: &Target) -> anyhow::Result<()> {
    b.other().merge(target, json!({"metadata": {"finalizers": null}})).await?;
    Ok(())
}

async fn an_object_terminates_and_goes_with_the_last_finalizer(b: &Bench) -> anyhow::Result<()> {
    for (kind, _) in HELD {
        let target = hold(b, kind).await?;
        let shown = b.policy().delete(&target, Propagation::Background).await?;
        b.same("terminating", object::is_terminating(&shown), true);
        b.at(&shown, "/metadata/deletionGracePeriodSeconds", &json!(0));
        let left = b.policy().merge(&target, json!({"metadata": {"finalizers": ["a.io/two"]}})).await?;
        b.same("terminating", object::is_terminating(&left), true);
        b.same("what is read", b.policy().get(&target).await?, left);
        let last = b.policy().merge(&target, json!({"metadata": {"finalizers": []}})).await?;
        b.at(&last, "/metadata/finalizers", &Value::Null);
        b.refused("read", b.policy().get(&target).await, &Reason::NOT_FOUND);
    }
    Ok(())
}

async fn a_terminating_object_gets_no_new_finalizer(b: &Bench) -> anyhow::Result<()> {
    for (kind, _) in HELD {
        let target = hold(b, kind).await?;
        b.policy().delete(&target, Propagation::Background).await?;
        let more = json!({"metadata": {"finalizers": ["a.io/one", "a.io/two", "a.io/three"]}});
        b.refused("merge", b.policy().merge(&target, more.clone()).await, &Reason::INVALID);
        b.refused("apply", b.policy().force(&target, more).await, &Reason::INVALID);
        let operations = json!([{"op": "add", "path": "/metadata/finalizers/-", "value": "a.io/three"}]);
        b.refused("json", b.policy().json(&target, operations).await, &Reason::INVALID);
        release(b, &target).await?;
    }
    Ok(())
}

async fn a_terminating_object_can_be_changed_and_not_called_back(b: &Bench) -> anyhow::Result<()> {
    let target = hold(b, CONFIG_MAP).await?;
    let shown = b.policy().delete(&target, Propagation::Background).await?;
    for deletion in [json!(null), json!("2020-01-01T00:00:00Z")] {
        let body = json!({"metadata": {"deletionTimestamp": deletion}, "data": {"b": deletion.is_null().to_string()}});
        let patched = b.policy().merge(&target, body).await?;
        b.at(&patched, "/metadata/deletionTimestamp", &shown["metadata"]["deletionTimestamp"]);
    }
    b.at(&*b.policy().get(&target).await?, "/data/b", &json!("false"));
    release(b, &target).await
}

async fn a_name_is_taken_until_the_object_is_gone(b: &Bench) -> anyhow::Result<()> {
    let target = hold(b, CONFIG_MAP).await?;
    b.policy().delete(&target, Propagation::Background).await?;
    b.refused("taken", b.policy().create(CONFIG_MAP, config_map("held")).await, &Reason::ALREADY_EXISTS);
    release(b, &target).await?;
    b.done("free", b.policy().create(CONFIG_MAP, config_map("held")).await);
    Ok(())
}

async fn deleting_a_terminating_object_again_changes_nothing(b: &Bench) -> anyhow::Result<()> {
    let target = hold(b, CONFIG_MAP).await?;
    let first = b.policy().delete(&target, Propagation::Background).await?;
    let second = b.policy().delete(&target, Propagation::Background).await?;
    b.same("the object", second, first);
    release(b, &target).await
}

async fn a_json_patch_lets_it_go_too(b: &Bench) -> anyhow::Result<()> {
    let target = hold(b, SOURCE).await?;
    b.policy().delete(&target, Propagation::Background).await?;
    b.policy().json(&target, json!([{"op": "remove", "path": "/metadata/finalizers"}])).await?;
    b.refused("read", b.policy().get(&target).await, &Reason::NOT_FOUND);
    Ok(())
}
