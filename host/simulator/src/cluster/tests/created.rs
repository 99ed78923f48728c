use super::*;

#[test]
fn a_new_object_gets_what_the_server_owns_and_says_which_step_made_it() {
    let harness = ClusterHarness::media("");
    let mut job = json!({"metadata": {"name": "unlock", "uid": "mine", "deletionTimestamp": "2020-01-01T00:00:00Z"},
        "spec": {}, "status": {"succeeded": 1}});
    job["metadata"]["generation"] = json!(7);
    let create = Create { kind: Kind::new("batch/v1", "Job"), ..create_in("media", job) };
    let made = harness.create(create).unwrap();
    assert_eq!(made["metadata"]["annotations"]["suture.dev/run"], "run-1/1");
    assert_eq!(made["metadata"]["namespace"], "media");
    assert_eq!(made["metadata"]["generation"], 1);
    assert_eq!(made["metadata"]["creationTimestamp"], "2026-11-22T04:10:00Z");
    assert_ne!(made["metadata"]["uid"], "mine");
    assert_eq!(made["metadata"].get("deletionTimestamp"), None);
    assert_eq!(made["status"], json!({}), "a new object's status is the server's");
    assert_eq!((&made["apiVersion"], &made["kind"]), (&json!("batch/v1"), &json!("Job")));
}

#[test]
fn two_objects_of_one_name_are_one_too_many() {
    let harness = ClusterHarness::media("");
    harness.create(create_in("media", config_map("x"))).unwrap();
    assert_eq!(reason(harness.create(create_in("media", config_map("x")))), "AlreadyExists");
    harness.create(create_in("home", config_map("x"))).unwrap();
}

#[test]
fn names_and_labels_that_kubernetes_refuses_are_invalid() {
    let harness = ClusterHarness::media("");
    for metadata in [
        json!({"name": "Upper"}),
        json!({"name": "a_b"}),
        json!({}),
        json!({"generateName": ""}),
        json!({"name": "x", "labels": {"a": "not a label"}}),
        json!({"name": "x", "labels": {"": "v"}}),
        json!({"name": "x", "finalizers": ["no finalizer"]}),
        json!({"name": "x", "ownerReferences": [{"kind": "Pod", "name": "p"}]}),
    ] {
        let create = create_in("media", json!({"metadata": metadata}));
        assert_eq!(reason(harness.create(create)), "Invalid", "{metadata}");
    }
}

#[test]
fn an_object_that_contradicts_the_request_is_a_bad_request() {
    let harness = ClusterHarness::media("");
    for object in [
        json!({"kind": "Secret", "metadata": {"name": "x"}}),
        json!({"apiVersion": "v2", "metadata": {"name": "x"}}),
        json!({"metadata": {"name": "x", "namespace": "home"}}),
        json!({"metadata": {"name": "x", "resourceVersion": "3"}}),
        json!({"metadata": "x"}),
        json!({"metadata": {"name": "x", "annotations": []}}),
        json!({"metadata": {"name": "x", "labels": {"a": 1}}}),
        json!({"metadata": {"name": "x"}, "dtaa": {}}),
        json!({"metadata": {"name": "x"}, "data": {"a": 1}}),
        json!("x"),
    ] {
        assert_eq!(reason(harness.create(create_in("media", object.clone()))), "BadRequest", "{object}");
    }
    let nowhere = Create { namespace: None, ..create_in("media", config_map("x")) };
    assert_eq!(reason(harness.create(nowhere)), "BadRequest");
    let unknown = Create { kind: Kind::new("zoo.io/v1", "Cat"), ..create_in("media", config_map("x")) };
    assert_eq!(reason(harness.create(unknown)), "NotServed");
    let eviction = Create { subresource: Some("eviction".to_owned()), ..create_in("media", config_map("x")) };
    assert_eq!(reason(harness.create(eviction)), "NotFound");
    let pod = Create { kind: Kind::new("v1", "Pod"), ..create_in("media", config_map("mover")) };
    let eviction = Create { subresource: Some("eviction".to_owned()), ..pod };
    assert_eq!(reason(harness.create(eviction)), "Unsupported");
}

#[test]
fn a_generated_name_is_the_same_for_the_same_step_and_free() {
    let generated = || create_in("media", json!({"metadata": {"generateName": "unlock-"}}));
    let name = |harness: &ClusterHarness| {
        harness.create(generated()).unwrap()["metadata"]["name"].as_str().unwrap().to_owned()
    };
    let (one, other) = (ClusterHarness::media(""), ClusterHarness::media(""));
    let first = name(&one);
    assert_eq!(first, name(&other));
    let suffix = first.strip_prefix("unlock-").unwrap();
    assert!(suffix.len() == 5 && suffix.bytes().all(|byte| b"bcdfghjklmnpqrstvwxz2456789".contains(&byte)));

    // Somebody else has that name already.
    let taken = ClusterHarness::media("");
    taken
        .cluster
        .create(json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": first, "namespace": "media"}}))
        .unwrap();
    assert_ne!(name(&taken), first);

    let long = create_in("media", json!({"metadata": {"generateName": "x".repeat(200)}}));
    assert_eq!(one.create(long).unwrap()["metadata"]["name"].as_str().unwrap().len(), 63);
}

#[test]
fn namespaces_exist_where_the_fixture_has_none_and_only_those_it_has_otherwise() {
    let strict = ClusterHarness::media("- {apiVersion: v1, kind: Namespace, metadata: {name: media}}\n");
    strict.create(create_in("media", config_map("x"))).unwrap();
    assert_eq!(reason(strict.create(create_in("home", config_map("x")))), "NotFound");
    ClusterHarness::media("").create(create_in("home", config_map("x"))).unwrap();
}
