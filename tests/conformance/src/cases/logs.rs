//! Logs of containers.

use serde_json::json;
use suture_core::Reason;

use crate::bench::Bench;
use crate::case::group;
use crate::objects::{CONFIG_MAP, POD, pod};

group!("logs":
    a_pod_that_does_not_exist_has_none,
    a_pod_on_no_node_has_written_nothing,
    a_container_must_be_named_where_there_are_more,
    only_pods_have_logs,
);

async fn a_pod_that_does_not_exist_has_none(b: &Bench) -> anyhow::Result<()> {
    b.refused("none", b.policy().logs(&b.target(POD, "none"), "").await, &Reason::NOT_FOUND);
    b.refused("none", b.policy().logs(&b.target(POD, "none"), "main").await, &Reason::NOT_FOUND);
    Ok(())
}

async fn a_pod_on_no_node_has_written_nothing(b: &Bench) -> anyhow::Result<()> {
    b.other().create(POD, pod("p")).await?;
    b.same("log", b.policy().logs(&b.target(POD, "p"), "").await?, String::new());
    b.same("log", b.policy().logs(&b.target(POD, "p"), "main").await?, String::new());
    Ok(())
}

async fn a_container_must_be_named_where_there_are_more(b: &Bench) -> anyhow::Result<()> {
    let mut two = pod("p");
    two["spec"]["containers"] =
        json!([{"name": "a", "image": "example.test/none"}, {"name": "b", "image": "example.test/none"}]);
    b.other().create(POD, two).await?;
    let p = b.target(POD, "p");
    b.refused("which?", b.policy().logs(&p, "").await, &Reason::BAD_REQUEST);
    b.refused("no such", b.policy().logs(&p, "c").await, &Reason::BAD_REQUEST);
    b.done("one of them", b.policy().logs(&p, "b").await);
    Ok(())
}

async fn only_pods_have_logs(b: &Bench) -> anyhow::Result<()> {
    b.refused("a ConfigMap", b.policy().logs(&b.target(CONFIG_MAP, "x"), "").await, &Reason::BAD_REQUEST);
    Ok(())
}
