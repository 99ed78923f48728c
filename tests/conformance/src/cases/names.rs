//! Names, labels and annotations at their limits.

use serde_json::{Value, json};
use suture_core::Reason;

use crate::bench::Bench;
use crate::case::group;
use crate::objects::{CONFIG_MAP, JOB, NAMESPACE, SOURCE, config_map, job, source};

group!("names":
    a_name_is_a_dns_subdomain_of_at_most_253_characters,
    a_namespace_is_a_dns_label_of_at_most_63,
    a_label_value_has_at_most_63_characters_of_a_few_kinds,
    a_label_key_is_a_qualified_name,
    annotations_hold_256_kilobytes_together,
    finalizers_are_qualified_names,
    owners_are_named_in_full,
);

async fn a_name_is_a_dns_subdomain_of_at_most_253_characters(b: &Bench) -> anyhow::Result<()> {
    let (longest, longer) = ("a".repeat(253), "a".repeat(254));
    for name in [longest.as_str(), "a", "1", "a.b-c"] {
        b.done(name, b.policy().create(CONFIG_MAP, config_map(name)).await);
        b.done(name, b.policy().create(SOURCE, source(name)).await);
    }
    for name in [longer.as_str(), "Upper", "a_b", "-a", "a-", ".a", "a..b", "a b", "ä"] {
        b.refused(name, b.policy().create(CONFIG_MAP, config_map(name)).await, &Reason::INVALID);
        b.refused(name, b.policy().create(SOURCE, source(name)).await, &Reason::INVALID);
    }
    Ok(())
}

async fn a_namespace_is_a_dns_label_of_at_most_63(b: &Bench) -> anyhow::Result<()> {
    for name in ["a.b".to_owned(), "a".repeat(64), "Upper".to_owned()] {
        let mut creation = b.policy().creation(NAMESPACE, json!({"metadata": {"name": name}}));
        creation.namespace = None;
        let result = b.policy().mutate(suture_core::Mutation::Create(creation), false).await;
        b.refused(&name, result, &Reason::INVALID);
    }
    Ok(())
}

fn with(field: &str, value: Value) -> Value {
    json!({"metadata": {"generateName": "x-", field: value}})
}

async fn a_label_value_has_at_most_63_characters_of_a_few_kinds(b: &Bench) -> anyhow::Result<()> {
    for value in ["", "a", "A_b.c-d", &"x".repeat(63)] {
        let result = b.policy().create(CONFIG_MAP, with("labels", json!({"a": value}))).await;
        b.done(value, result);
    }
    for value in ["a b", "-a", "a/b", &"x".repeat(64)] {
        let labels = json!({"a": value});
        let result = b.policy().create(CONFIG_MAP, with("labels", labels.clone())).await;
        b.refused(value, result, &Reason::INVALID);
        b.other().create(SOURCE, source("labelled")).await.ok();
        let patched =
            b.policy().merge(&b.target(SOURCE, "labelled"), json!({"metadata": {"labels": labels}})).await;
        b.refused(value, patched, &Reason::INVALID);
    }
    Ok(())
}

async fn a_label_key_is_a_qualified_name(b: &Bench) -> anyhow::Result<()> {
    let longest = format!("{}/{}", "p".repeat(253), "x".repeat(63));
    for key in ["a", "a.b/C_d", longest.as_str()] {
        b.done(key, b.policy().create(CONFIG_MAP, with("labels", json!({key: "v"}))).await);
    }
    for key in ["", "a/b/c", "/a", "a/", "UP.x/a", "a b", &"x".repeat(64)] {
        let result = b.policy().create(CONFIG_MAP, with("labels", json!({key: "v"}))).await;
        b.refused(key, result, &Reason::INVALID);
    }
    let annotation = with("annotations", json!({"UP.x/a": "anything: { at } all"}));
    b.done("an annotation's prefix in upper case", b.policy().create(CONFIG_MAP, annotation).await);
    let annotation = with("annotations", json!({"a b": ""}));
    b.refused("an annotation", b.policy().create(CONFIG_MAP, annotation).await, &Reason::INVALID);
    Ok(())
}

async fn annotations_hold_256_kilobytes_together(b: &Bench) -> anyhow::Result<()> {
    let most = 256 * 1024;
    let fits = with("annotations", json!({"a": "x".repeat(most - 200)}));
    b.done("what fits", b.policy().create(CONFIG_MAP, fits).await);
    let more = with("annotations", json!({"a": "x".repeat(most)}));
    b.refused("more", b.policy().create(CONFIG_MAP, more).await, &Reason::INVALID);
    Ok(())
}

async fn finalizers_are_qualified_names(b: &Bench) -> anyhow::Result<()> {
    b.refused(
        "with a space",
        b.policy().create(SOURCE, json!({"metadata": {"name": "x", "finalizers": ["no finalizer"]}})).await,
        &Reason::INVALID,
    );
    // Those of Kubernetes itself must have a domain; custom resources need none.
    for (kind, mut object) in [(CONFIG_MAP, config_map("x")), (JOB, job("x"))] {
        object["metadata"]["finalizers"] = json!(["plain"]);
        b.refused(kind, b.policy().create(kind, object).await, &Reason::INVALID);
    }
    let mut plain = source("plain");
    plain["metadata"]["finalizers"] = json!(["plain"]);
    b.done("on a custom resource", b.policy().create(SOURCE, plain).await);
    let free = json!({"metadata": {"finalizers": null}});
    b.other().merge(&b.target(SOURCE, "plain"), free).await?;
    Ok(())
}

async fn owners_are_named_in_full(b: &Bench) -> anyhow::Result<()> {
    let owner = json!({"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"});
    for field in ["apiVersion", "kind", "name", "uid"] {
        let mut owner = owner.clone();
        owner[field] = json!("");
        let object = with("ownerReferences", json!([owner]));
        b.refused(field, b.policy().create(CONFIG_MAP, object).await, &Reason::INVALID);
    }
    let mut first = owner.clone();
    first["controller"] = json!(true);
    let mut second = first.clone();
    second["uid"] = json!("v");
    let object = with("ownerReferences", json!([first, second]));
    b.refused("two controllers", b.policy().create(CONFIG_MAP, object).await, &Reason::INVALID);
    Ok(())
}
