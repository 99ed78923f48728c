use suture_core::handler::Resolution;

use super::*;

fn resolve(harness: &ClusterHarness, prepared: &Prepared) -> Resolution {
    // What the journal brings back has lost `before`.
    let stored: Prepared = serde_json::from_value(serde_json::to_value(prepared).unwrap()).unwrap();
    harness.run(harness.cluster.resolve(&stored)).unwrap()
}

fn generated() -> Effect {
    mutate(Mutation::Create(create_in("media", json!({"metadata": {"generateName": "x-"}}))))
}

#[test]
fn preparing_changes_nothing_and_says_what_will_be_changed() {
    let harness = ClusterHarness::media("");
    let before = harness.cluster.objects();
    let create = harness.prepare(&generated()).unwrap();
    let Effect::Mutate { mutation, .. } = &create.effect else { panic!("no mutation") };
    assert!(mutation.reference().name.starts_with("x-"));
    let patch =
        harness.prepare(&mutate(Mutation::Patch(merge(SOURCE, json!({"spec": {"paused": true}}))))).unwrap();
    let Effect::Mutate { mutation: Mutation::Patch(pinned), .. } = &patch.effect else { panic!("no patch") };
    let source = harness.get(SOURCE).unwrap();
    assert_eq!(pinned.target.uid.as_deref(), source["metadata"]["uid"].as_str());
    assert_eq!(pinned.resource_version.as_deref(), source["metadata"]["resourceVersion"].as_str());
    assert_eq!(patch.before.as_ref(), Some(&source));
    assert_eq!(harness.cluster.objects(), before);
}

#[test]
fn what_was_prepared_is_a_conflict_once_the_object_moved_on() {
    let harness = ClusterHarness::media("");
    let json = Patch {
        patch_type: PatchType::Json,
        ..merge(SOURCE, json!([{"op": "add", "path": "/spec/paused", "value": true}]))
    };
    let effects = [
        Mutation::Patch(merge(SOURCE, json!({"spec": {"paused": true}}))),
        Mutation::Patch(json),
        Mutation::Delete(delete_of(SOURCE)),
    ];
    let prepared: Vec<Prepared> =
        effects.into_iter().map(|mutation| harness.prepare(&mutate(mutation)).unwrap()).collect();
    harness.cluster.edit(&reference(SOURCE), |source| source["spec"]["other"] = json!(1)).unwrap();
    for prepared in &prepared {
        assert_eq!(reason(harness.perform(prepared)), "Conflict");
    }
    harness.cluster.delete(&reference(SOURCE)).unwrap();
    for prepared in &prepared {
        assert_eq!(reason(harness.perform(prepared)), "NotFound");
    }
}

#[test]
fn a_create_is_found_again_by_its_annotation() {
    let harness = ClusterHarness::media("");
    let prepared = harness.prepare(&generated()).unwrap();
    assert_eq!(resolve(&harness, &prepared), Resolution::NotDone);
    let reply = harness.perform(&prepared).unwrap();
    assert_eq!(resolve(&harness, &prepared), Resolution::Done(reply));
    let again = harness.run(harness.cluster.prepare(&step(1), &generated())).unwrap();
    assert_eq!(again.effect, prepared.effect, "the same step makes the same object");
    let other = harness.run(harness.cluster.prepare(&step(2), &generated())).unwrap();
    assert_ne!(other.effect, prepared.effect);
}

#[test]
fn somebody_elses_object_of_the_name_is_not_the_steps_own() {
    let harness = ClusterHarness::media("");
    let prepared = harness.prepare(&mutate(Mutation::Create(create_in("media", config_map("x"))))).unwrap();
    harness
        .cluster
        .create(json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "x", "namespace": "media"}}))
        .unwrap();
    assert_eq!(resolve(&harness, &prepared), Resolution::NotDone);
    assert_eq!(reason(harness.perform(&prepared)), "AlreadyExists");
}

#[test]
fn a_patch_was_done_or_not_or_nobody_knows() {
    let patches = [
        merge(SOURCE, json!({"spec": {"paused": true}})),
        of_status(merge(SOURCE, json!({"status": {"note": "x"}}))),
        Patch {
            patch_type: PatchType::Json,
            ..merge(SOURCE, json!([{"op": "replace", "path": "/spec/sourcePVC", "value": "y"}]))
        },
    ];
    for patch in patches {
        let harness = ClusterHarness::media("");
        let prepared = harness.prepare(&mutate(Mutation::Patch(patch))).unwrap();
        assert_eq!(resolve(&harness, &prepared), Resolution::NotDone);
        harness.perform(&prepared).unwrap();
        assert!(matches!(resolve(&harness, &prepared), Resolution::Done(Reply::Mutated(_))));
        // Somebody changes something else: what the patch asked for still holds.
        harness.cluster.edit(&reference(SOURCE), |source| source["spec"]["other"] = json!(1)).unwrap();
        assert!(matches!(resolve(&harness, &prepared), Resolution::Done(_)));
        // Somebody takes it back: then it can't be told from never having been done.
        harness
            .cluster
            .edit(&reference(SOURCE), |source| {
                source["spec"] = json!({});
                source["status"] = json!({});
            })
            .unwrap();
        assert!(matches!(resolve(&harness, &prepared), Resolution::Unknown(_)));
        harness.cluster.delete(&reference(SOURCE)).unwrap();
        assert_eq!(resolve(&harness, &prepared), Resolution::NotDone);
    }
}

#[test]
fn a_move_that_was_done_cannot_be_told_and_is_not_repeated() {
    let harness = ClusterHarness::media("");
    let moved = json!([{"op": "move", "from": "/spec/sourcePVC", "path": "/spec/other"}]);
    let patch = Patch { patch_type: PatchType::Json, ..merge(SOURCE, moved) };
    let prepared = harness.prepare(&mutate(Mutation::Patch(patch))).unwrap();
    harness.perform(&prepared).unwrap();
    let Resolution::Unknown(why) = resolve(&harness, &prepared) else { panic!("it can be told") };
    assert!(why.contains(SOURCE), "{why}");
}

#[test]
fn a_delete_was_done_where_the_object_is_gone_or_going_or_another() {
    let harness = ClusterHarness::media("");
    let prepared = harness.prepare(&mutate(Mutation::Delete(delete_of(SOURCE)))).unwrap();
    assert_eq!(resolve(&harness, &prepared), Resolution::NotDone);
    harness.perform(&prepared).unwrap();
    let Resolution::Done(Reply::Mutated(remnant)) = resolve(&harness, &prepared) else { panic!("not done") };
    assert_eq!(ObjectRef::of(&remnant), Some(reference(SOURCE)));
    harness
        .cluster
        .create(json!({"apiVersion": "volsync.backube/v1alpha1", "kind": "ReplicationSource",
        "metadata": {"name": "plex", "namespace": "media"}}))
        .unwrap();
    assert!(matches!(resolve(&harness, &prepared), Resolution::Done(_)));

    let held = ClusterHarness::media("");
    held.cluster
        .edit(&reference(SOURCE), |source| source["metadata"]["finalizers"] = json!(["a.io/x"]))
        .unwrap();
    let prepared = held.prepare(&mutate(Mutation::Delete(delete_of(SOURCE)))).unwrap();
    let reply = held.perform(&prepared).unwrap();
    assert_eq!(resolve(&held, &prepared), Resolution::Done(reply));
}

#[test]
fn a_dry_run_shows_what_would_be_and_changes_nothing() {
    let harness = ClusterHarness::media(
        "reactions:\n- when: {verb: patch, kind: ReplicationSource}\n  do: [{delete: {target: v1 Pod media/mover}}]\n",
    );
    let before = harness.cluster.objects();
    for mutation in [
        Mutation::Patch(merge(SOURCE, json!({"spec": {"paused": true}}))),
        Mutation::Create(create_in("media", config_map("x"))),
        Mutation::Delete(delete_of(SOURCE)),
    ] {
        let prepared = Prepared { dry_run: true, ..harness.prepare(&mutate(mutation)).unwrap() };
        harness.perform(&prepared).unwrap();
        assert_eq!(resolve(&harness, &prepared), Resolution::NotDone);
    }
    let invalid = Mutation::Patch(merge(SOURCE, json!({"metadata": {"name": "y"}})));
    let prepared = Prepared { dry_run: true, ..harness.prepare(&mutate(invalid)).unwrap() };
    assert_eq!(reason(harness.perform(&prepared)), "BadRequest");
    harness.pass(60);
    assert_eq!(harness.cluster.objects(), before);
    let performed = harness.cluster.mutations();
    assert!(performed.len() == 3 && performed.iter().all(|one| one.dry_run));
    assert_eq!(performed[0].patch, Some(json!({"spec": {"paused": true}})));
}

#[test]
fn two_clusters_of_one_fixture_tell_the_same_story() {
    let story = || {
        let harness = ClusterHarness::media("");
        harness.perform(&harness.prepare(&generated()).unwrap()).unwrap();
        harness.patch(merge(SOURCE, json!({"spec": {"paused": true}}))).unwrap();
        harness.delete("v1 ConfigMap media/notes").unwrap();
        (harness.cluster.objects(), harness.cluster.mutations())
    };
    assert_eq!(story(), story());
}
