use super::*;

const VOLSYNC: &str = r#"
reactions:
- when: {verb: patch, kind: ReplicationSource, where: 'has(object.spec.trigger.manual)'}
  after: 30s
  do:
  - patch:
      target: volsync.backube/v1alpha1 ReplicationSource media/NAME
      subresource: status
      body: {status: {lastManualSync: '${object.spec.trigger.manual}', at: '${now}', latestMoverStatus: {result: Successful}}}
"#;

fn trigger(tag: &str) -> Patch {
    merge(SOURCE, json!({"spec": {"trigger": {"manual": tag}}}))
}

#[test]
fn a_scenario_can_play_volsync() {
    let harness = ClusterHarness::media(VOLSYNC);
    harness.patch(trigger("t1")).unwrap();
    assert_eq!(harness.cluster.next_event(), Some(later(harness.now(), Duration::from_secs(30))));
    harness.pass(29);
    assert_eq!(harness.at(SOURCE, "/status/lastManualSync"), Value::Null);
    // Nobody looks for a while: it was done in time all the same.
    harness.pass(600);
    let status = harness.at(SOURCE, "/status");
    assert_eq!((&status["lastManualSync"], &status["at"]), (&json!("t1"), &json!("2026-11-22T04:10:30Z")));
    assert_eq!(status["latestMoverStatus"]["result"], "Successful");
    harness.patch(merge(SOURCE, json!({"spec": {"trigger": {"manual": null}}}))).unwrap();
    assert_eq!(harness.cluster.next_event(), None, "without a tag nothing matches");
    assert_eq!(harness.cluster.mutations().len(), 2, "what reactions do is not the policy's doing");
    assert_eq!(harness.cluster.complaints(), Vec::<String>::new());
}

#[test]
fn a_reaction_fires_once_for_each_change_and_at_most_so_many_times() {
    let limited = VOLSYNC.replace("  after: 30s", "  times: 1\n  after: 30s");
    let harness = ClusterHarness::media(&limited);
    for (tag, synced) in [("t1", "t1"), ("t2", "t1")] {
        harness.patch(trigger(tag)).unwrap();
        harness.pass(60);
        assert_eq!(harness.at(SOURCE, "/status/lastManualSync"), synced);
    }
    let harness = ClusterHarness::media(VOLSYNC);
    harness.patch(trigger("t1")).unwrap();
    harness.patch(trigger("t1")).unwrap();
    harness.pass(29);
    harness.patch(trigger("t2")).unwrap();
    harness.pass(1);
    assert_eq!(harness.at(SOURCE, "/status/lastManualSync"), "t1", "as it was when it was triggered");
    harness.pass(29);
    assert_eq!(harness.at(SOURCE, "/status/lastManualSync"), "t2");
}

#[test]
fn a_controller_can_make_delete_and_write() {
    let harness = ClusterHarness::media(
        r#"
reactions:
- when: {verb: create, kind: Job, namespace: media, where: 'object.metadata.name.startsWith("unlock-")'}
  after: 4s
  do:
  - create:
      object:
        apiVersion: v1
        kind: Pod
        metadata: {name: '${object.metadata.name}-pod', namespace: media, ownerReferences: [{apiVersion: batch/v1, kind: Job, name: '${object.metadata.name}', uid: '${object.metadata.uid}'}]}
        spec: {containers: [{name: restic, args: ['unlock', '$${HOME}']}]}
        status: {phase: Succeeded}
  - log: {pod: media/NAME-pod, container: restic, text: 'unlocked by ${object.metadata.name}'}
  - patch: {target: batch/v1 Job media/NAME, body: {status: {succeeded: 1}}, subresource: status}
  - delete: {target: v1 ConfigMap media/notes}
- when: {verb: delete, kind: ConfigMap, where: 'oldObject.data.a == "1" && object("v1", "Pod", "media", "mover") != null'}
  do:
  - patch: {target: v1 Pod media/mover, type: json, body: [{op: add, path: /metadata/labels, value: {seen: "yes"}}]}
"#,
    );
    let job = json!({"metadata": {"name": "unlock-plex"}});
    harness.create(Create { kind: Kind::new("batch/v1", "Job"), ..create_in("media", job) }).unwrap();
    harness.pass(4);
    assert_eq!(harness.at("batch/v1 Job media/unlock-plex", "/status/succeeded"), 1);
    let pod = harness.get("v1 Pod media/unlock-plex-pod").unwrap();
    assert_eq!(
        (&pod["status"]["phase"], &pod["spec"]["containers"][0]["args"][1]),
        (&json!("Succeeded"), &json!("${HOME}"))
    );
    let pod = target("v1 Pod media/unlock-plex-pod");
    let logs = Effect::Logs { pod, container: String::new(), tail_lines: 0, limit_bytes: 0 };
    assert_eq!(harness.effect(&logs), Ok(Reply::Logs("unlocked by unlock-plex".to_owned())));
    assert!(!harness.exists("v1 ConfigMap media/notes"));
    assert_eq!(
        harness.at("v1 Pod media/mover", "/metadata/labels/seen"),
        "yes",
        "reactions set off reactions"
    );
    harness.delete("batch/v1 Job media/unlock-plex").unwrap();
    assert!(!harness.exists("v1 Pod media/unlock-plex-pod"));
    assert_eq!(harness.cluster.complaints(), Vec::<String>::new());
}

#[test]
fn a_reaction_to_an_object_that_is_gone_does_nothing() {
    let harness = ClusterHarness::media(VOLSYNC);
    harness.patch(trigger("t1")).unwrap();
    harness.delete(SOURCE).unwrap();
    harness.pass(60);
    assert!(!harness.exists(SOURCE));
    assert_eq!(harness.cluster.complaints(), Vec::<String>::new());
}

#[test]
fn a_condition_that_fails_is_no_match_and_is_told() {
    let harness = ClusterHarness::media(
        &VOLSYNC.replace("has(object.spec.trigger.manual)", "object.spec.nothing == 1"),
    );
    harness.patch(trigger("t1")).unwrap();
    harness.patch(trigger("t2")).unwrap();
    assert_eq!(harness.cluster.next_event(), None);
    let complaints = harness.cluster.complaints();
    assert_eq!(complaints.len(), 1, "{complaints:?}");
    assert!(complaints[0].starts_with("reactions[0].when.where") && complaints[0].contains("media/plex"));
}

#[test]
fn what_a_controller_cannot_do_is_told() {
    let harness =
        ClusterHarness::media(&VOLSYNC.replace("${object.spec.trigger.manual}", "${object.spec.nothing}"));
    harness.patch(trigger("t1")).unwrap();
    harness.pass(60);
    let complaints = harness.cluster.complaints();
    assert!(complaints[0].starts_with("reactions[0].do[0]"), "{complaints:?}");
}

#[test]
fn reactions_without_end_come_to_one() {
    for after in ["0s", "1ms"] {
        let harness = ClusterHarness::media(&format!(
            "reactions:\n- when: {{verb: patch, kind: ConfigMap}}\n  after: {after}\n  do:\n  - patch: \
             {{target: v1 ConfigMap media/NAME, body: {{data: {{a: '${{object.data.a + \"x\"}}'}}}}}}\n"
        ));
        harness.patch(merge("v1 ConfigMap media/notes", json!({"data": {"a": "x"}}))).unwrap();
        harness.pass(3600);
        let complaints = harness.cluster.complaints();
        assert!(complaints.iter().any(|complaint| complaint.contains("without end")), "{complaints:?}");
        assert_eq!(harness.cluster.next_event(), None);
    }
}

#[test]
fn a_reaction_that_repeats_with_time_is_no_loop() {
    let harness = ClusterHarness::media(
        "reactions:\n- when: {verb: patch, kind: ConfigMap}\n  after: 1m\n  do:\n  - patch: \
         {target: v1 ConfigMap media/NAME, body: {data: {at: '${now}'}}}\n",
    );
    harness.patch(merge("v1 ConfigMap media/notes", json!({"data": {"a": "x"}}))).unwrap();
    harness.pass(86_400);
    assert_eq!(harness.at("v1 ConfigMap media/notes", "/data/at"), "2026-11-23T04:10:00Z");
    assert_eq!(harness.cluster.complaints(), Vec::<String>::new());
}

#[test]
fn changes_from_outside_set_off_reactions_too() {
    let harness = ClusterHarness::media(VOLSYNC);
    let edited = harness
        .cluster
        .edit(&reference(SOURCE), |source| {
            source["spec"]["trigger"]["manual"] = json!("by-hand");
            source["status"]["note"] = json!("both at once");
        })
        .unwrap()
        .unwrap();
    assert_eq!(edited["status"]["note"], "both at once");
    harness.pass(30);
    assert_eq!(harness.at(SOURCE, "/status/lastManualSync"), "by-hand");
    assert!(harness.cluster.mutations().is_empty());
    harness.cluster.delete(&reference(SOURCE)).unwrap();
    assert_eq!(reason(harness.cluster.edit(&reference(SOURCE), |_| {})), "NotFound");
    assert_eq!(reason(harness.cluster.delete(&reference(SOURCE))), "NotFound");
}

#[test]
fn what_comes_later_comes_at_its_time_or_before_a_step() {
    let harness = ClusterHarness::media(
        "later:\n- after: 5m\n  do:\n  - patch: {target: v1 ConfigMap media/notes, body: {data: {a: '${now}'}}}\n\
         - step: 3\n  do:\n  - create: {object: {apiVersion: v1, kind: ConfigMap, metadata: {name: new, namespace: media}}}\n\
         - step: 2\n  do:\n  - delete: {target: v1 Pod media/mover}\n",
    );
    let get = |number, target| {
        let prepared = harness.run(harness.cluster.prepare(&step(number), &Effect::Get { target }));
        harness.perform(&prepared.map_err(error)?)
    };
    harness.pass(299);
    assert_eq!(harness.at("v1 ConfigMap media/notes", "/data/a"), "1");
    harness.pass(1);
    assert_eq!(harness.at("v1 ConfigMap media/notes", "/data/a"), "2026-11-22T04:15:00Z");
    get(1, target("v1 Pod media/mover")).unwrap();
    assert_eq!(reason(get(1, target("v1 ConfigMap media/new"))), "NotFound");
    // Steps 2 to 8 asked for nothing here.
    assert_eq!(reason(get(9, target("v1 Pod media/mover"))), "NotFound");
    get(10, target("v1 ConfigMap media/new")).unwrap();
    assert_eq!(harness.cluster.complaints(), Vec::<String>::new());
}

#[test]
fn a_fault_can_let_the_first_effects_pass() {
    let harness = ClusterHarness::media(
        "faults:\n- {verb: get, kind: Pod, skip: 1, times: 1, reason: Unavailable}\n\
         - {verb: get, kind: Pod, skip: 2, times: 1, reason: Forbidden}\n",
    );
    let get = || match harness.get("v1 Pod media/mover") {
        Ok(_) => "ok".to_owned(),
        Err(error) => error.reason.to_string(),
    };
    assert_eq!([get(), get(), get(), get(), get()], ["ok", "Unavailable", "ok", "Forbidden", "ok"]);
}
