use super::*;

const HUNG: &str = r#"
- apiVersion: snapshot.storage.k8s.io/v1
  kind: VolumeSnapshot
  metadata: {name: volsync-plex-src, namespace: media, finalizers: [a.io/one, a.io/two]}
"#;
const SNAPSHOT: &str = "snapshot.storage.k8s.io/v1 VolumeSnapshot media/volsync-plex-src";

#[test]
fn a_second_delete_is_not_found() {
    let harness = ClusterHarness::media("");
    harness.delete("v1 ConfigMap media/notes").unwrap();
    assert_eq!(reason(harness.delete("v1 ConfigMap media/notes")), "NotFound");
    assert_eq!(reason(harness.get("v1 ConfigMap media/notes")), "NotFound");
    assert_eq!(harness.cluster.mutations().len(), 1);
}

#[test]
fn an_object_with_finalizers_terminates_and_goes_with_the_last_of_them() {
    let harness = ClusterHarness::media(HUNG);
    let terminating = harness.delete(SNAPSHOT).unwrap();
    assert_eq!(terminating["metadata"]["deletionTimestamp"], "2026-11-22T04:10:00Z");
    let again = harness.delete(SNAPSHOT).unwrap();
    assert_eq!(again, terminating, "a delete of what terminates changes nothing");
    harness.patch(merge(SNAPSHOT, json!({"metadata": {"finalizers": ["a.io/two"]}}))).unwrap();
    assert!(harness.exists(SNAPSHOT));
    harness.patch(merge(SNAPSHOT, json!({"metadata": {"finalizers": null}}))).unwrap();
    assert!(!harness.exists(SNAPSHOT));
    let last = harness.cluster.mutations().pop().unwrap();
    assert_eq!((last.mutation.as_str(), last.after), ("patch", None));
}

#[test]
fn finalizers_of_a_living_object_go_like_any_other_field() {
    let harness = ClusterHarness::media(HUNG);
    harness.patch(merge(SNAPSHOT, json!({"metadata": {"finalizers": []}}))).unwrap();
    assert!(harness.exists(SNAPSHOT));
    harness.delete(SNAPSHOT).unwrap();
    assert!(!harness.exists(SNAPSHOT));
}

#[test]
fn what_terminates_takes_no_new_finalizer_and_stays_doomed() {
    let harness = ClusterHarness::media(HUNG);
    harness.delete(SNAPSHOT).unwrap();
    let more = json!({"metadata": {"finalizers": ["a.io/one", "a.io/two", "a.io/three"]}});
    assert_eq!(reason(harness.patch(merge(SNAPSHOT, more))), "Invalid");
    let revived = harness.patch(merge(SNAPSHOT, json!({"metadata": {"deletionTimestamp": null}}))).unwrap();
    assert_eq!(revived["metadata"]["deletionTimestamp"], "2026-11-22T04:10:00Z");
}

#[test]
fn a_delete_of_another_version_or_another_object_is_a_conflict() {
    let harness = ClusterHarness::media("");
    let mut old = delete_of(SOURCE);
    old.resource_version = Some("0".to_owned());
    assert_eq!(reason(harness.change(Mutation::Delete(old))), "Conflict");
    let mut other = delete_of(SOURCE);
    other.target.uid = Some("other".to_owned());
    assert_eq!(reason(harness.change(Mutation::Delete(other))), "Conflict");
    let mut status = delete_of(SOURCE);
    status.target.subresource = Some("status".to_owned());
    assert_eq!(reason(harness.change(Mutation::Delete(status))), "MethodNotAllowed");
    assert!(harness.exists(SOURCE));
}
