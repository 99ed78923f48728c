use super::*;

const WEB: &str = "apps/v1 Deployment media/web";

#[test]
fn a_scale_changes_the_replicas_and_is_remembered_with_its_object() {
    let harness = ClusterHarness::media(
        "- {apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: media}, spec: {replicas: 1}}\n",
    );
    let mut scale = merge(WEB, json!({"spec": {"replicas": 0}}));
    scale.target.subresource = Some("scale".to_owned());
    let shown = harness.patch(scale).unwrap();
    assert_eq!((&shown["kind"], &shown["spec"]), (&json!("Scale"), &json!({})));
    assert_eq!(harness.at(WEB, "/spec/replicas"), 0);
    let performed = harness.cluster.mutations().pop().unwrap();
    assert_eq!(performed.patch, Some(json!({"spec": {"replicas": 0}})));
    assert_eq!(performed.subresource.as_deref(), Some("scale"));
}
