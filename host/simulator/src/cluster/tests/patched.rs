use super::*;

fn json_patch(text: &str, operations: Value) -> Patch {
    Patch { patch_type: PatchType::Json, ..merge(text, operations) }
}

fn version(object: &Value) -> String {
    object["metadata"]["resourceVersion"].as_str().unwrap().to_owned()
}

#[test]
fn a_change_of_the_spec_counts_as_a_generation_and_one_of_the_labels_does_not() {
    let harness = ClusterHarness::media("");
    let before = harness.get(SOURCE).unwrap();
    let labelled = harness.patch(merge(SOURCE, json!({"metadata": {"labels": {"b": "c"}}}))).unwrap();
    assert_eq!(labelled["metadata"]["generation"], 1);
    assert_ne!(version(&labelled), version(&before));
    let changed = harness.patch(merge(SOURCE, json!({"spec": {"paused": true}}))).unwrap();
    assert_eq!(changed["metadata"]["generation"], 2);
    assert_eq!(changed["metadata"]["labels"], json!({"app": "plex", "b": "c"}));
}

#[test]
fn a_patch_that_changes_nothing_leaves_the_version() {
    let harness = ClusterHarness::media("");
    let before = harness.get(SOURCE).unwrap();
    let after = harness.patch(merge(SOURCE, json!({"spec": {"sourcePVC": "plex", "gone": null}}))).unwrap();
    assert_eq!(version(&after), version(&before));
    let performed = &harness.cluster.mutations()[0];
    assert_eq!((performed.mutation.as_str(), performed.patch.clone()), ("patch", None));
}

#[test]
fn status_and_the_rest_change_only_through_their_own_door() {
    let harness = ClusterHarness::media("");
    let body = json!({"spec": {"paused": true}, "status": {"lastManualSync": "t"}, "metadata": {"labels": {"x": "y"}}});
    let after = harness.patch(merge(SOURCE, body.clone())).unwrap();
    assert_eq!((&after["spec"]["paused"], after["status"].get("lastManualSync")), (&json!(true), None));
    let other = ClusterHarness::media("");
    let after = other.patch(of_status(merge(SOURCE, body))).unwrap();
    assert_eq!(after["status"]["lastManualSync"], "t");
    assert_eq!(after["status"]["lastSyncTime"], "2026-11-21T04:00:00Z");
    assert_eq!((after["spec"].get("paused"), after["metadata"]["labels"].get("x")), (None, None));
    assert_eq!(after["metadata"]["generation"], 1);
    // A ConfigMap has no status subresource.
    let config_map = of_status(merge("v1 ConfigMap media/notes", json!({"status": {}})));
    assert_eq!(reason(harness.patch(config_map)), "NotFound");
    let mut scale = merge(SOURCE, json!({}));
    scale.target.subresource = Some("scale".to_owned());
    assert_eq!(reason(harness.patch(scale)), "NotFound");
}

#[test]
fn identity_is_not_for_changing() {
    let harness = ClusterHarness::media("");
    for (metadata, wanted) in [
        (json!({"name": "other"}), "BadRequest"),
        (json!({"name": null}), "BadRequest"),
        (json!({"namespace": "home"}), "BadRequest"),
        (json!({"uid": "other"}), "Invalid"),
        (json!({"deletionTimestamp": "2026-11-22T04:10:00Z"}), "Invalid"),
        (json!({"labels": {"a": "not a label"}}), "Invalid"),
        (json!({"labels": {"a": 1}}), "Invalid"),
        (json!({"resourceVersion": "0"}), "Conflict"),
    ] {
        let patch = merge(SOURCE, json!({"metadata": metadata}));
        assert_eq!(reason(harness.patch(patch)), wanted, "{metadata}");
    }
    assert_eq!(reason(harness.patch(merge(SOURCE, json!({"kind": "Pod"})))), "Invalid");
    assert_eq!(reason(harness.patch(merge(SOURCE, json!("x")))), "BadRequest");
    let created = json!({"metadata": {"creationTimestamp": "2020-01-01T00:00:00Z", "generation": 9}});
    let after = harness.patch(merge(SOURCE, created)).unwrap();
    assert_eq!(after["metadata"]["creationTimestamp"], "2026-11-22T04:10:00Z");
    assert_eq!(after["metadata"]["generation"], 1);
}

#[test]
fn a_json_patch_whose_test_fails_is_invalid_and_one_that_is_none_is_a_bad_request() {
    let harness = ClusterHarness::media("");
    let path = "/spec/trigger/schedule";
    let wrong = json!([{"op": "test", "path": path, "value": "other"}, {"op": "remove", "path": path}]);
    assert_eq!(reason(harness.patch(json_patch(SOURCE, wrong))), "Invalid");
    assert_eq!(
        reason(harness.patch(json_patch(SOURCE, json!([{"op": "remove", "path": "/no"}])))),
        "Invalid"
    );
    assert_eq!(reason(harness.patch(json_patch(SOURCE, json!([{"op": "fly"}])))), "Invalid");
    assert_eq!(reason(harness.patch(json_patch(SOURCE, json!({"op": "remove"})))), "BadRequest");
    let right = json!([{"op": "test", "path": path, "value": "0 * * * *"}, {"op": "remove", "path": path}]);
    assert_eq!(harness.patch(json_patch(SOURCE, right)).unwrap()["spec"]["trigger"], json!({}));
    assert_eq!(harness.at(SOURCE, path), Value::Null);
}

#[test]
fn a_patch_of_another_version_or_another_object_is_a_conflict() {
    let harness = ClusterHarness::media("");
    let mut old = merge(SOURCE, json!({"spec": {"paused": true}}));
    old.resource_version = Some("0".to_owned());
    assert_eq!(reason(harness.patch(old)), "Conflict");
    let mut other = merge(SOURCE, json!({"spec": {"paused": true}}));
    other.target.uid = Some("other".to_owned());
    assert_eq!(reason(harness.patch(other)), "Conflict");
    let gone = merge("v1 ConfigMap media/gone", json!({}));
    assert_eq!(reason(harness.patch(gone)), "NotFound");
    assert!(harness.cluster.mutations().is_empty());
}

#[test]
fn what_changed_is_told_as_a_merge_patch_whatever_it_was_written_as() {
    let harness = ClusterHarness::media("");
    let operations = json!([{"op": "move", "from": "/spec/sourcePVC", "path": "/spec/other"}]);
    harness.patch(json_patch(SOURCE, operations)).unwrap();
    let performed = &harness.cluster.mutations()[0];
    assert_eq!(performed.patch, Some(json!({"spec": {"other": "plex", "sourcePVC": null}})));
    assert_eq!(performed.object, reference(SOURCE));
    assert_eq!(performed.step, Some(step(1)));
}
