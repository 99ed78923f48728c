//! Reading many objects.

use serde_json::{Value, json};
use suture_core::Reason;
use suture_core::effect::Query;

use crate::bench::Bench;
use crate::case::group;
use crate::objects::{CONFIG_MAP, NAMESPACE, SOURCE, all, names, source};

group!("list":
    what_is_listed_is_what_is_read_and_in_the_order_of_names,
    a_namespace_that_does_not_exist_holds_nothing,
    a_list_over_all_namespaces_shows_every_one,
    metadata_alone_has_the_kind_and_no_spec,
    kinds_without_namespaces_are_listed_without_one,
);

async fn what_is_listed_is_what_is_read_and_in_the_order_of_names(b: &Bench) -> anyhow::Result<()> {
    for name in ["b", "a-1", "a", "a.b"] {
        b.other().create(SOURCE, source(name)).await?;
    }
    let page = b.policy().list(all(b, SOURCE)).await?;
    b.same("names", names(&page.items), ["a", "a-1", "a.b", "b"].map(str::to_owned).to_vec());
    b.same("next", page.next, None);
    for item in page.items {
        let name = suture_core::object::name(&item).unwrap_or_default().to_owned();
        b.same("an item", suture_core::object::redact(item), b.policy().get(&b.target(SOURCE, &name)).await?);
    }
    Ok(())
}

async fn a_namespace_that_does_not_exist_holds_nothing(b: &Bench) -> anyhow::Result<()> {
    let query = Query { namespace: Some("no-such-namespace".into()), ..all(b, CONFIG_MAP) };
    b.same("items", b.policy().list(query).await?.items.len(), 0);
    Ok(())
}

async fn a_list_over_all_namespaces_shows_every_one(b: &Bench) -> anyhow::Result<()> {
    let another = b.another_namespace().await?;
    let labelled = |name: &str| json!({"metadata": {"name": name, "labels": {"only": b.namespace()}}});
    b.other().create(CONFIG_MAP, labelled("here")).await?;
    let mut there = b.other().creation(CONFIG_MAP, labelled("there"));
    there.namespace = Some(another);
    b.other().mutate(suture_core::Mutation::Create(there), false).await?;
    let labels = format!("only={}", b.namespace());
    let query = Query { namespace: None, labels, ..all(b, CONFIG_MAP) };
    let mut found = names(&b.policy().list(query).await?.items);
    found.sort();
    b.same("names", found, vec!["here".to_owned(), "there".to_owned()]);
    Ok(())
}

async fn metadata_alone_has_the_kind_and_no_spec(b: &Bench) -> anyhow::Result<()> {
    let made = b.policy().create(SOURCE, source("plex")).await?;
    let page = b.policy().list(Query { metadata_only: true, ..all(b, SOURCE) }).await?;
    b.same("items", page.items.len(), 1);
    for item in page.items {
        b.at(&item, "/apiVersion", &json!("volsync.backube/v1alpha1"));
        b.at(&item, "/kind", &json!("ReplicationSource"));
        b.at(&item, "/metadata/uid", &made["metadata"]["uid"]);
        b.at(&item, "/spec", &Value::Null);
    }
    Ok(())
}

async fn kinds_without_namespaces_are_listed_without_one(b: &Bench) -> anyhow::Result<()> {
    let fields = format!("metadata.name={}", b.namespace());
    let query = Query { namespace: None, fields, ..all(b, NAMESPACE) };
    b.same("names", names(&b.policy().list(query).await?.items), vec![b.namespace().to_owned()]);
    b.refused("in a namespace", b.policy().list(all(b, NAMESPACE)).await, &Reason::BAD_REQUEST);
    Ok(())
}
