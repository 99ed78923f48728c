use super::*;

/// A Job, its pod, and a ConfigMap that a Deployment owns as well.
const FAMILY: &str = r#"
- apiVersion: batch/v1
  kind: Job
  metadata: {name: job, namespace: media}
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web, namespace: media}
- apiVersion: v1
  kind: Pod
  metadata:
    name: job-pod
    namespace: media
    ownerReferences: [{apiVersion: batch/v1, kind: Job, name: job, controller: true, blockOwnerDeletion: true}]
- apiVersion: v1
  kind: ConfigMap
  metadata:
    name: shared
    namespace: media
    ownerReferences:
    - {apiVersion: batch/v1, kind: Job, name: job}
    - {apiVersion: apps/v1, kind: Deployment, name: web}
"#;
const JOB: &str = "batch/v1 Job media/job";
const POD: &str = "v1 Pod media/job-pod";
const SHARED: &str = "v1 ConfigMap media/shared";

fn delete(harness: &ClusterHarness, text: &str, propagation: Propagation) -> Object {
    harness.change(Mutation::Delete(Delete { propagation, ..delete_of(text) })).unwrap()
}

#[test]
fn a_fixtures_owner_references_get_the_uids_of_their_owners() {
    let harness = ClusterHarness::media(FAMILY);
    assert_eq!(harness.at(POD, "/metadata/ownerReferences/0/uid"), harness.at(JOB, "/metadata/uid"));
}

#[test]
fn what_nobody_owns_any_more_goes_after_its_owner() {
    let harness = ClusterHarness::media(FAMILY);
    delete(&harness, JOB, Propagation::Background);
    assert!(!harness.exists(JOB) && !harness.exists(POD));
    let owners = harness.at(SHARED, "/metadata/ownerReferences");
    assert_eq!(owners.as_array().unwrap().len(), 1);
    assert_eq!(owners[0]["kind"], "Deployment");
    delete(&harness, "apps/v1 Deployment media/web", Propagation::Background);
    assert!(!harness.exists(SHARED));
    assert_eq!(harness.cluster.mutations().len(), 2, "what is collected is not the policy's doing");
}

#[test]
fn orphans_stay_and_have_no_owner() {
    let harness = ClusterHarness::media(FAMILY);
    delete(&harness, JOB, Propagation::Orphan);
    assert!(!harness.exists(JOB));
    assert_eq!(harness.at(POD, "/metadata/ownerReferences"), Value::Null);
}

#[test]
fn in_the_foreground_an_owner_waits_for_what_blocks_it() {
    let harness = ClusterHarness::media(FAMILY);
    harness
        .cluster
        .edit(&reference(POD), |pod| pod["metadata"]["finalizers"] = json!(["a.io/hold"]))
        .unwrap();
    let job = delete(&harness, JOB, Propagation::Foreground);
    assert_eq!(job["metadata"]["finalizers"], json!(["foregroundDeletion"]));
    assert!(harness.exists(JOB) && harness.exists(POD));
    harness.patch(merge(POD, json!({"metadata": {"finalizers": null}}))).unwrap();
    assert!(!harness.exists(POD) && !harness.exists(JOB));
    assert_eq!(harness.at(SHARED, "/metadata/ownerReferences/0/kind"), "Deployment");
}

#[test]
fn a_namespace_goes_with_all_that_is_in_it_and_takes_nothing_new() {
    let harness = ClusterHarness::media(
        "- {apiVersion: v1, kind: Namespace, metadata: {name: media}}\n\
         - {apiVersion: v1, kind: Namespace, metadata: {name: home}}\n\
         - {apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: home}}\n\
         - {apiVersion: v1, kind: ConfigMap, metadata: {name: held, namespace: media, finalizers: [a.io/hold]}}\n",
    );
    let namespace = harness.delete("v1 Namespace media").unwrap();
    assert_eq!(namespace["status"]["phase"], "Terminating");
    assert!(!harness.exists(SOURCE) && harness.exists("v1 ConfigMap media/held"));
    assert_eq!(reason(harness.create(create_in("media", config_map("x")))), "Forbidden");
    harness.patch(merge("v1 ConfigMap media/held", json!({"metadata": {"finalizers": null}}))).unwrap();
    assert!(!harness.exists("v1 Namespace media"));
    assert!(harness.exists("v1 ConfigMap home/c"));
}
