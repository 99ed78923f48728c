//! What the server fills in where policies look.

use serde_json::json;
use suture_core::Mutation;

use crate::bench::{Bench, cluster_wide};
use crate::case::group;
use crate::objects::{JOB, NAMESPACE, POD, job, pod};

group!("defaults":
    a_new_pod_is_pending_and_a_new_job_has_an_empty_status,
    a_namespace_is_active_and_carries_its_name_as_a_label,
    text_of_a_secret_becomes_data,
);

async fn a_new_pod_is_pending_and_a_new_job_has_an_empty_status(b: &Bench) -> anyhow::Result<()> {
    let pod = b.policy().create(POD, pod("p")).await?;
    b.at(&pod, "/status/phase", &json!("Pending"));
    let job = b.policy().create(JOB, job("j")).await?;
    b.at(&job, "/status", &json!({}));
    b.at(&job, "/metadata/generation", &json!(1));
    Ok(())
}

async fn a_namespace_is_active_and_carries_its_name_as_a_label(b: &Bench) -> anyhow::Result<()> {
    let name = format!("{}-x", b.namespace());
    let mut creation = b.policy().creation(NAMESPACE, json!({"metadata": {"name": name}}));
    creation.namespace = None;
    let made = b.policy().mutate(Mutation::Create(creation), false).await?;
    b.at(&made, "/metadata/labels/kubernetes.io~1metadata.name", &json!(name));
    b.at(&made, "/status/phase", &json!("Active"));
    let read = b.policy().get(&cluster_wide(NAMESPACE, &name)).await?;
    b.at(&read, "/metadata/labels/kubernetes.io~1metadata.name", &json!(name));
    Ok(())
}

async fn text_of_a_secret_becomes_data(b: &Bench) -> anyhow::Result<()> {
    let secret = json!({"metadata": {"name": "s"}, "stringData": {"user": "me"}});
    let made = b.policy().create("v1 Secret", secret).await?;
    // The values never reach a policy; the keys do.
    b.at(&made, "/data", &json!({"user": ""}));
    b.at(&made, "/stringData", &json!(null));
    b.at(&made, "/type", &json!("Opaque"));
    Ok(())
}
