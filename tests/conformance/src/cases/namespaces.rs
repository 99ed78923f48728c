//! Namespaces that terminate.

use serde_json::json;
use suture_core::effect::{Create, Propagation, Target};
use suture_core::{Mutation, Reason};

use crate::bench::{Bench, cluster_wide};
use crate::case::group;
use crate::objects::{CONFIG_MAP, NAMESPACE, config_map};

group!("namespaces":
    a_terminating_namespace_takes_nothing_new_and_goes_with_its_last_object,
);

async fn a_terminating_namespace_takes_nothing_new_and_goes_with_its_last_object(
    b: &Bench,
) -> anyhow::Result<()> {
    let name = b.another_namespace().await?;
    let inside = |name_of: &str| Target { namespace: Some(name.clone()), ..b.target(CONFIG_MAP, name_of) };
    let make = async |object| {
        let creation = Create { namespace: Some(name.clone()), ..b.policy().creation(CONFIG_MAP, object) };
        b.policy().mutate(Mutation::Create(creation), false).await
    };
    let mut held = config_map("held");
    held["metadata"]["finalizers"] = json!(["a.io/hold"]);
    make(held).await?;
    make(config_map("free")).await?;
    let namespace = cluster_wide(NAMESPACE, &name);
    let shown = b.policy().delete(&namespace, Propagation::Background).await?;
    b.at(&shown, "/status/phase", &json!("Terminating"));
    b.refused("create", make(config_map("new")).await, &Reason::FORBIDDEN);
    b.refused("generate", make(json!({"metadata": {"generateName": "new-"}})).await, &Reason::FORBIDDEN);
    b.refused("apply", b.policy().apply(&inside("new"), json!({})).await, &Reason::FORBIDDEN);
    b.eventually("what is free goes", async || !b.other().exists(&inside("free")).await).await?;
    b.done("patch", b.policy().merge(&inside("held"), json!({"data": {"b": "2"}})).await);
    b.same("the namespace stays", b.other().exists(&namespace).await, true);
    b.other().merge(&inside("held"), json!({"metadata": {"finalizers": null}})).await?;
    b.eventually("the namespace goes", async || !b.other().exists(&namespace).await).await
}
