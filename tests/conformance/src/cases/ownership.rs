//! Server-side apply: who owns which field.

use serde_json::{Value, json};
use suture_core::Reason;

use crate::bench::Bench;
use crate::case::group;
use crate::objects::{CONFIG_MAP, DEPLOYMENT, SOURCE, config_map, deployment, source};

group!("ownership":
    a_field_that_another_manager_applied_is_a_conflict_until_it_is_forced,
    a_field_that_another_manager_patched_is_a_conflict_until_it_is_forced,
    the_same_value_is_shared_and_stays_until_the_last_owner_gives_it_up,
    a_field_that_is_applied_no_longer_is_dropped,
    a_field_that_somebody_changed_since_is_not_dropped,
    a_field_that_somebody_removed_is_set_again,
    what_a_manager_patched_itself_conflicts_with_what_it_applies,
    two_managers_apply_different_fields_of_one_object,
    items_of_a_list_have_owners_where_the_list_is_a_map,
    a_list_that_is_no_map_has_one_owner,
    finalizers_are_a_set,
    labels_and_annotations_have_owners_of_their_own,
);

async fn a_field_that_another_manager_applied_is_a_conflict_until_it_is_forced(
    b: &Bench,
) -> anyhow::Result<()> {
    let x = b.target(CONFIG_MAP, "x");
    let (first, second) = (b.manager("suture-first"), b.manager("suture-second"));
    first.apply(&x, json!({"data": {"a": "1", "b": "1"}})).await?;
    b.refused("second", second.apply(&x, json!({"data": {"a": "2"}})).await, &Reason::CONFLICT);
    let forced = second.force(&x, json!({"data": {"a": "2"}})).await?;
    b.at(&forced, "/data", &json!({"a": "2", "b": "1"}));
    b.refused("first", first.apply(&x, json!({"data": {"a": "1"}})).await, &Reason::CONFLICT);
    // The first no longer owns it, so it does not go with the rest.
    let applied = first.apply(&x, json!({})).await?;
    b.at(&applied, "/data", &json!({"a": "2"}));
    Ok(())
}

async fn a_field_that_another_manager_patched_is_a_conflict_until_it_is_forced(
    b: &Bench,
) -> anyhow::Result<()> {
    b.other().create(SOURCE, source("plex")).await?;
    let plex = b.target(SOURCE, "plex");
    let fields = json!({"spec": {"sourcePVC": "other"}});
    b.refused("made", b.policy().apply(&plex, fields.clone()).await, &Reason::CONFLICT);
    b.done("forced", b.policy().force(&plex, fields.clone()).await);
    b.other().merge(&plex, json!({"spec": {"sourcePVC": "again"}})).await?;
    b.refused("patched", b.policy().apply(&plex, fields).await, &Reason::CONFLICT);
    Ok(())
}

async fn the_same_value_is_shared_and_stays_until_the_last_owner_gives_it_up(
    b: &Bench,
) -> anyhow::Result<()> {
    let x = b.target(CONFIG_MAP, "x");
    let (first, second) = (b.manager("suture-first"), b.manager("suture-second"));
    first.apply(&x, json!({"data": {"a": "1"}})).await?;
    second.apply(&x, json!({"data": {"a": "1"}})).await?;
    b.refused("changed", first.apply(&x, json!({"data": {"a": "2"}})).await, &Reason::CONFLICT);
    b.at(&*first.apply(&x, json!({})).await?, "/data", &json!({"a": "1"}));
    b.at(&*second.apply(&x, json!({})).await?, "/data/a", &Value::Null);
    Ok(())
}

async fn a_field_that_is_applied_no_longer_is_dropped(b: &Bench) -> anyhow::Result<()> {
    b.other().create(SOURCE, source("plex")).await?;
    let plex = b.target(SOURCE, "plex");
    b.policy().apply(&plex, json!({"spec": {"trigger": {"manual": "x"}, "paused": true}})).await?;
    let applied = b.policy().apply(&plex, json!({"spec": {"paused": true}})).await?;
    b.at(&applied, "/spec/trigger", &json!({"schedule": "0 * * * *"}));
    let applied = b.policy().apply(&plex, json!({})).await?;
    b.at(&applied, "/spec/paused", &Value::Null);
    b.at(&applied, "/spec/sourcePVC", &json!("plex"));
    Ok(())
}

async fn a_field_that_somebody_changed_since_is_not_dropped(b: &Bench) -> anyhow::Result<()> {
    let x = b.target(CONFIG_MAP, "x");
    b.policy().apply(&x, json!({"data": {"a": "1", "b": "1"}})).await?;
    b.other().merge(&x, json!({"data": {"a": "2"}})).await?;
    b.at(&*b.policy().apply(&x, json!({})).await?, "/data", &json!({"a": "2"}));
    Ok(())
}

async fn a_field_that_somebody_removed_is_set_again(b: &Bench) -> anyhow::Result<()> {
    let x = b.target(CONFIG_MAP, "x");
    b.policy().apply(&x, json!({"data": {"a": "1", "b": "1"}})).await?;
    b.other().merge(&x, json!({"data": {"a": null}})).await?;
    let applied = b.policy().apply(&x, json!({"data": {"a": "3", "b": "1"}})).await?;
    b.at(&applied, "/data", &json!({"a": "3", "b": "1"}));
    Ok(())
}

async fn what_a_manager_patched_itself_conflicts_with_what_it_applies(b: &Bench) -> anyhow::Result<()> {
    let x = b.target(CONFIG_MAP, "x");
    b.policy().apply(&x, json!({"data": {"a": "1"}})).await?;
    b.policy().merge(&x, json!({"data": {"a": "2"}})).await?;
    b.refused("apply", b.policy().apply(&x, json!({"data": {"a": "3"}})).await, &Reason::CONFLICT);
    Ok(())
}

async fn two_managers_apply_different_fields_of_one_object(b: &Bench) -> anyhow::Result<()> {
    let x = b.target(CONFIG_MAP, "x");
    b.manager("suture-first").apply(&x, json!({"data": {"a": "1"}})).await?;
    b.manager("suture-second").apply(&x, json!({"data": {"b": "2"}})).await?;
    let applied = b.manager("suture-first").apply(&x, json!({"data": {"a": "3"}})).await?;
    b.at(&applied, "/data", &json!({"a": "3", "b": "2"}));
    b.other().create(CONFIG_MAP, config_map("made")).await?;
    b.done(
        "whoever made it",
        b.other().apply(&b.target(CONFIG_MAP, "made"), json!({"data": {"b": "2"}})).await,
    );
    Ok(())
}

/// Fields of the container `main`, or another.
fn containers(containers: Value) -> Value {
    json!({"spec": {"template": {"spec": {"containers": containers}}}})
}

fn parts(object: &Value, pointer: &str) -> Vec<String> {
    let list = object.pointer(pointer).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|item| item["name"].as_str().map(str::to_owned)).collect()
}

async fn items_of_a_list_have_owners_where_the_list_is_a_map(b: &Bench) -> anyhow::Result<()> {
    const CONTAINERS: &str = "/spec/template/spec/containers";
    b.other().create(DEPLOYMENT, deployment("web")).await?;
    let web = b.target(DEPLOYMENT, "web");
    let fields = containers(json!([{"name": "main", "env": [{"name": "B", "value": "2"}]},
        {"name": "side", "image": "example.test/side"}]));
    let applied = b.policy().apply(&web, fields).await?;
    b.same("containers", parts(&applied, CONTAINERS), vec!["main".to_owned(), "side".to_owned()]);
    b.same("env", parts(&applied, &format!("{CONTAINERS}/0/env")), vec!["A".to_owned(), "B".to_owned()]);
    let foreign = containers(json!([{"name": "main", "env": [{"name": "A", "value": "9"}]}]));
    b.refused("another's item", b.policy().apply(&web, foreign).await, &Reason::CONFLICT);
    let applied = b.policy().apply(&web, json!({})).await?;
    b.same("containers", parts(&applied, CONTAINERS), vec!["main".to_owned()]);
    b.same("env", parts(&applied, &format!("{CONTAINERS}/0/env")), vec!["A".to_owned()]);
    b.at(&applied, &format!("{CONTAINERS}/0/image"), &json!("example.test/none"));
    Ok(())
}

async fn a_list_that_is_no_map_has_one_owner(b: &Bench) -> anyhow::Result<()> {
    b.other().create(DEPLOYMENT, deployment("web")).await?;
    let web = b.target(DEPLOYMENT, "web");
    let fields = containers(json!([{"name": "main", "args": ["x", "y"]}]));
    b.refused("args", b.policy().apply(&web, fields.clone()).await, &Reason::CONFLICT);
    let forced = b.policy().force(&web, fields).await?;
    b.at(&forced, "/spec/template/spec/containers/0/args", &json!(["x", "y"]));
    Ok(())
}

async fn finalizers_are_a_set(b: &Bench) -> anyhow::Result<()> {
    let x = b.target(CONFIG_MAP, "x");
    let finalizers = |list: Value| json!({"metadata": {"finalizers": list}});
    b.manager("suture-first").apply(&x, finalizers(json!(["a.io/one"]))).await?;
    let applied = b.manager("suture-second").apply(&x, finalizers(json!(["a.io/two"]))).await?;
    b.at(&applied, "/metadata/finalizers", &json!(["a.io/one", "a.io/two"]));
    let applied = b.manager("suture-first").apply(&x, json!({})).await?;
    b.at(&applied, "/metadata/finalizers", &json!(["a.io/two"]));
    b.manager("suture-second").apply(&x, json!({})).await?;
    Ok(())
}

async fn labels_and_annotations_have_owners_of_their_own(b: &Bench) -> anyhow::Result<()> {
    let x = b.target(CONFIG_MAP, "x");
    let labels = |labels: Value| json!({"metadata": {"labels": labels, "annotations": {"note": "n"}}});
    b.manager("suture-first").apply(&x, labels(json!({"a": "1"}))).await?;
    b.manager("suture-second").apply(&x, labels(json!({"b": "2"}))).await?;
    let applied = b.manager("suture-first").apply(&x, json!({})).await?;
    b.at(&applied, "/metadata/labels", &json!({"b": "2"}));
    b.at(&applied, "/metadata/annotations/note", &json!("n"));
    Ok(())
}
