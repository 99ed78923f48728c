//! Server-side apply: the object as a whole.

use serde_json::{Value, json};
use suture_core::effect::{Apply, Target};
use suture_core::{Effect, Mutation, Reason};

use crate::bench::Bench;
use crate::case::group;
use crate::client::apply;
use crate::objects::{CONFIG_MAP, SOURCE, config_map, source};

group!("apply":
    what_is_not_there_is_made,
    fields_are_laid_over_what_others_set,
    an_apply_needs_its_kind_and_no_other,
    an_apply_of_another_object_is_a_bad_request,
    an_apply_that_breaks_a_rule_is_invalid,
    an_apply_to_an_object_that_was_replaced_is_refused,
    an_apply_of_what_is_not_there_is_not_merged_into_what_somebody_makes_meanwhile,
    an_apply_in_no_namespace_finds_none,
    applying_the_same_again_changes_only_what_says_who_did_it,
);

async fn what_is_not_there_is_made(b: &Bench) -> anyhow::Result<()> {
    for (kind, fields) in [
        (CONFIG_MAP, json!({"data": {"a": "1"}})),
        (SOURCE, json!({"spec": {"sourcePVC": "x"}, "metadata": {"labels": {"a": "b"}}})),
    ] {
        let target = b.target(kind, "x");
        let made = b.policy().apply(&target, fields).await?;
        b.same("what is read", b.policy().get(&target).await?, made);
    }
    b.at(&*b.policy().get(&b.target(SOURCE, "x")).await?, "/metadata/generation", &json!(1));
    Ok(())
}

async fn fields_are_laid_over_what_others_set(b: &Bench) -> anyhow::Result<()> {
    b.other().create(SOURCE, source("plex")).await?;
    let fields = json!({"spec": {"trigger": {"manual": "now"}, "paused": false}});
    let applied = b.policy().apply(&b.target(SOURCE, "plex"), fields).await?;
    b.at(&applied, "/spec/trigger", &json!({"manual": "now", "schedule": "0 * * * *"}));
    b.at(&applied, "/spec/paused", &json!(false));
    b.at(&applied, "/spec/sourcePVC", &json!("plex"));
    b.at(&applied, "/metadata/generation", &json!(2));
    Ok(())
}

fn raw(target: &Target, object: Value) -> Mutation {
    Mutation::Apply(Apply { target: target.clone(), object, force: false })
}

async fn an_apply_needs_its_kind_and_no_other(b: &Bench) -> anyhow::Result<()> {
    let target = b.target(CONFIG_MAP, "x");
    for object in [
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}}),
        json!({"apiVersion": "v2", "kind": "ConfigMap", "metadata": {"name": "x"}}),
        json!("x"),
        json!([]),
    ] {
        let result = b.policy().mutate(raw(&target, object.clone()), false).await;
        b.refused(&object.to_string(), result, &Reason::BAD_REQUEST);
    }
    Ok(())
}

async fn an_apply_of_another_object_is_a_bad_request(b: &Bench) -> anyhow::Result<()> {
    b.other().create(CONFIG_MAP, config_map("x")).await?;
    let target = b.target(CONFIG_MAP, "x");
    for metadata in [
        json!({"name": "y"}),
        json!({"name": "x", "namespace": "default"}),
        json!({"name": "x", "managedFields": [{"manager": "somebody-else", "operation": "Apply"}]}),
    ] {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata});
        let result = b.policy().mutate(raw(&target, object), false).await;
        b.refused(&metadata.to_string(), result, &Reason::BAD_REQUEST);
    }
    Ok(())
}

async fn an_apply_that_breaks_a_rule_is_invalid(b: &Bench) -> anyhow::Result<()> {
    let target = b.target(CONFIG_MAP, "x");
    let labels = json!({"metadata": {"labels": {"a": "b c"}}});
    b.refused("new", b.policy().apply(&target, labels.clone()).await, &Reason::INVALID);
    b.refused("name", b.policy().apply(&b.target(CONFIG_MAP, "BAD"), json!({})).await, &Reason::INVALID);
    b.other().create(CONFIG_MAP, config_map("x")).await?;
    b.refused("old", b.policy().apply(&target, labels).await, &Reason::INVALID);
    Ok(())
}

async fn an_apply_to_an_object_that_was_replaced_is_refused(b: &Bench) -> anyhow::Result<()> {
    b.other().create(CONFIG_MAP, config_map("x")).await?;
    let target = b.target(CONFIG_MAP, "x");
    let mutation = Mutation::Apply(apply(&target, json!({"data": {"b": "2"}}), false));
    let prepared = b.policy().prepare(Effect::Mutate { mutation, undo: None }).await?;
    b.other().delete(&target, suture_core::effect::Propagation::Background).await?;
    b.refused("gone", b.policy().perform(&prepared).await, &Reason::CONFLICT);
    b.same("it was made", b.policy().exists(&target).await, false);
    let second = b.other().create(CONFIG_MAP, config_map("x")).await?;
    b.refused("replaced", b.policy().perform(&prepared).await, &Reason::CONFLICT);
    b.same("the second", b.other().get(&target).await?, second);
    Ok(())
}

async fn an_apply_of_what_is_not_there_is_not_merged_into_what_somebody_makes_meanwhile(
    b: &Bench,
) -> anyhow::Result<()> {
    for (kind, fields, made) in [
        (CONFIG_MAP, json!({"data": {"b": "2"}}), config_map("y")),
        (SOURCE, json!({"spec": {"paused": true}}), source("y")),
    ] {
        let target = b.target(kind, "y");
        let mutation = Mutation::Apply(apply(&target, fields, true));
        let prepared = b.policy().prepare(Effect::Mutate { mutation, undo: None }).await?;
        let theirs = b.other().create(kind, made).await?;
        b.refused("made meanwhile", b.policy().perform(&prepared).await, &Reason::CONFLICT);
        b.same("theirs", b.other().get(&target).await?, theirs);
    }
    Ok(())
}

async fn an_apply_in_no_namespace_finds_none(b: &Bench) -> anyhow::Result<()> {
    let lost = Target { namespace: Some("no-such-namespace".into()), ..b.target(CONFIG_MAP, "x") };
    b.refused("no such namespace", b.policy().apply(&lost, json!({})).await, &Reason::NOT_FOUND);
    let nowhere = Target { namespace: None, ..b.target(CONFIG_MAP, "x") };
    b.refused("none", b.policy().apply(&nowhere, json!({})).await, &Reason::BAD_REQUEST);
    Ok(())
}

async fn applying_the_same_again_changes_only_what_says_who_did_it(b: &Bench) -> anyhow::Result<()> {
    let target = b.target(SOURCE, "x");
    let fields = json!({"spec": {"sourcePVC": "x"}});
    let mut first = Value::clone(&*b.policy().apply(&target, fields.clone()).await?);
    let mut second = Value::clone(&*b.policy().apply(&target, fields).await?);
    for object in [&mut first, &mut second] {
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("annotations");
            metadata.remove("resourceVersion");
        }
    }
    b.same("the object", second, first);
    Ok(())
}
