//! Selecting by labels and fields.

use serde_json::json;
use suture_core::Reason;
use suture_core::effect::Query;

use crate::bench::Bench;
use crate::case::group;
use crate::objects::{CONFIG_MAP, POD, SOURCE, all, config_map, names, pod};

group!("selectors":
    label_selectors_select_by_equality_sets_existence_and_number,
    a_label_selector_that_makes_no_sense_is_a_bad_request,
    field_selectors_select_by_name_and_namespace,
    pods_are_selected_by_their_phase,
    a_field_that_a_kind_does_not_support_is_a_bad_request,
);

async fn labelled(b: &Bench) -> anyhow::Result<()> {
    for (name, labels) in [
        ("one", json!({"app": "x", "n": "1", "volsync.backube/cleanup": ""})),
        ("two", json!({"app": "y", "n": "2"})),
        ("ten", json!({"app": "x", "n": "10"})),
    ] {
        let object = json!({"metadata": {"name": name, "labels": labels}});
        b.other().create(CONFIG_MAP, object).await?;
    }
    Ok(())
}

async fn label_selectors_select_by_equality_sets_existence_and_number(b: &Bench) -> anyhow::Result<()> {
    labelled(b).await?;
    for (selector, selected) in [
        ("app=x", "one ten"),
        ("app==x,n!=1", "ten"),
        (" app = x ", "one ten"),
        ("app in (x, y),n notin (1,2)", "ten"),
        ("app in(y)", "two"),
        ("app in (x,,z),n", "one ten"),
        ("volsync.backube/cleanup", "one"),
        ("volsync.backube/cleanup=", "one"),
        ("!volsync.backube/cleanup,app", "ten two"),
        ("app,!  n", ""),
        ("n>1", "ten two"),
        ("n < 10,app", "one two"),
        ("app=x,app=y", ""),
        ("app=z", ""),
    ] {
        let query = Query { labels: selector.into(), ..all(b, CONFIG_MAP) };
        let found = b.done(selector, b.policy().list(query).await);
        b.same(selector, found.map(|page| names(&page.items).join(" ")), Some(selected.to_owned()));
    }
    Ok(())
}

async fn a_label_selector_that_makes_no_sense_is_a_bad_request(b: &Bench) -> anyhow::Result<()> {
    let long = format!("{}=a", "x".repeat(64));
    let long_value = format!("a={}", "x".repeat(64));
    for selector in [
        "app in 1",
        "app within (x)",
        "a b",
        "a=b=c",
        "!!a",
        "n>x",
        "n in (0",
        "app=x,",
        "=x",
        ",app",
        "app,,n",
        "-a=1",
        "a=-1-",
        "a/b/c=1",
        "UP.x/l",
        &long,
        &long_value,
    ] {
        let query = Query { labels: selector.into(), ..all(b, CONFIG_MAP) };
        b.refused(selector, b.policy().list(query).await, &Reason::BAD_REQUEST);
    }
    Ok(())
}

async fn field_selectors_select_by_name_and_namespace(b: &Bench) -> anyhow::Result<()> {
    labelled(b).await?;
    let here = format!("metadata.namespace={},metadata.name=two", b.namespace());
    for (selector, selected) in [
        ("metadata.name=one", "one"),
        ("metadata.name==ten,", "ten"),
        ("metadata.name=none", ""),
        ("metadata.name=one,metadata.namespace=elsewhere", ""),
        (here.as_str(), "two"),
    ] {
        let query = Query { fields: selector.into(), ..all(b, CONFIG_MAP) };
        let found = b.done(selector, b.policy().list(query).await);
        b.same(selector, found.map(|page| names(&page.items).join(" ")), Some(selected.to_owned()));
    }
    let others = Query { fields: "metadata.name!=one".into(), labels: "app".into(), ..all(b, CONFIG_MAP) };
    b.same("!=", names(&b.policy().list(others).await?.items).join(" "), "ten two".to_owned());
    Ok(())
}

async fn pods_are_selected_by_their_phase(b: &Bench) -> anyhow::Result<()> {
    for name in ["done", "waiting"] {
        b.other().create(POD, pod(name)).await?;
    }
    let mut status = b.target(POD, "done");
    status.subresource = Some("status".into());
    b.other().merge(&status, json!({"status": {"phase": "Succeeded"}})).await?;
    for (fields, selected) in [("status.phase=Succeeded", "done"), ("status.phase!=Succeeded", "waiting")] {
        let query = Query { fields: fields.into(), ..all(b, POD) };
        b.same(fields, names(&b.policy().list(query).await?.items).join(" "), selected.to_owned());
    }
    Ok(())
}

async fn a_field_that_a_kind_does_not_support_is_a_bad_request(b: &Bench) -> anyhow::Result<()> {
    b.other().create(CONFIG_MAP, config_map("notes")).await?;
    for (kind, selector) in [
        (CONFIG_MAP, "data.a=1"),
        (CONFIG_MAP, "metadata.labels.app=x"),
        (CONFIG_MAP, "metadata.name"),
        (CONFIG_MAP, "metadata.name in (a)"),
        (CONFIG_MAP, "metadata.name=a=b"),
        (CONFIG_MAP, "=x"),
        (SOURCE, "spec.sourcePVC=plex"),
        (POD, "spec.containers=x"),
    ] {
        let query = Query { fields: selector.into(), ..all(b, kind) };
        b.refused(selector, b.policy().list(query).await, &Reason::BAD_REQUEST);
    }
    Ok(())
}
