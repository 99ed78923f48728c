use super::*;

const FULL: &str = r#"
name: a stale restic lock blocks the backup
given:
  now: 2026-11-22T04:10:00Z
  settings: {}
  mode: enforce
  grants:
  - {groups: [volsync.backube], resources: [replicationsources], verbs: [get, patch], namespaces: [media], names: ["*"]}
  limits: {effects: 50}
  limit: 3d
  objects:
  - apiVersion: volsync.backube/v1alpha1
    kind: ReplicationSource
    metadata: {name: plex, namespace: media}
    spec: {trigger: {schedule: "0 4 * * *"}}
  - apiVersion: v1
    kind: Pod
    metadata: {name: volsync-src-plex-abcde, namespace: media}
    spec: {containers: [{name: restic, image: restic}]}
  logs:
  - {pod: media/volsync-src-plex-abcde, container: restic, text: "locked"}
  prometheus:
  - {query: 'up', result: [{labels: {job: x}, value: 1}]}
when:
- alert: {labels: {alertname: VolSyncVolumeOutOfSync, obj_namespace: media, obj_name: plex, role: source}}
- alert: {labels: {alertname: VolSyncVolumeOutOfSync, obj_namespace: media, obj_name: plex, role: source}, status: resolved}
  after: 5m
reactions:
- when: {verb: create, kind: Job, namespace: media, where: 'object.metadata.name.startsWith("x")'}
  after: 4s
  do:
  - patch: {target: batch/v1 Job media/NAME, body: {status: {succeeded: 1}}, subresource: status}
then:
  outcome: remediated
  summary: runs again
  effects:
  - patch: volsync.backube/v1alpha1 ReplicationSource media/plex
    where: 'has(patch.spec.restic.unlock)'
  never:
  - delete: snapshot.storage.k8s.io/v1 VolumeSnapshot media/*
  - create: "*"
  finally: 'object("v1", "Pod", "media", "plex") == null'
"#;

fn file() -> &'static Path {
    Path::new("s.yaml")
}

fn error(text: &str) -> String {
    Scenario::parse(text, file()).unwrap_err().to_string()
}

/// A scenario of which `then` is given.
fn with_then(then: &str) -> Result<Scenario, ScenarioError> {
    let text = format!("name: x\nwhen:\n- alert: {{labels: {{a: b}}}}\nthen:\n{then}");
    Scenario::parse(&text, file())
}

#[test]
fn a_full_scenario_is_read() {
    let scenario = Scenario::parse(FULL, file()).unwrap();
    assert_eq!(scenario.name, "a stale restic lock blocks the backup");
    assert_eq!(scenario.line, 2);
    assert_eq!(scenario.limits.effects, 50);
    assert_eq!(scenario.limit.to_string(), "3d");
    assert_eq!(scenario.fixture.objects.len(), 2);
    assert_eq!(scenario.fixture.reactions.len(), 1);
    assert_eq!(scenario.then.effects[0].line, 37);
    assert_eq!(scenario.then.finally.len(), 1);
    assert_eq!(scenario.then.finally[0].line, 42);
    let [fires, resolved] = &scenario.when[..] else { panic!("{:?}", scenario.when) };
    assert_eq!(fires.alert.starts_at, resolved.alert.starts_at, "it is the same firing");
    assert!(resolved.alert.ends_at.is_some());
}

#[test]
fn only_a_name_and_an_alert_are_needed() {
    let scenario = Scenario::parse("name: x\nwhen: [{alert: {labels: {a: b}}}]", file()).unwrap();
    assert_eq!(scenario.mode, Mode::Enforce);
    assert_eq!(scenario.fixture.now.to_string(), "2026-01-01T00:00:00Z");
    assert_eq!(scenario.limit.to_string(), "7d");
    assert!(!scenario.lists_alerts);
}

#[test]
fn several_scenarios_can_share_a_file() {
    let text = format!("{FULL}---\nname: second\nwhen: [{{alert: {{labels: {{a: b}}}}}}]\n");
    let all = Scenario::parse_all(&text, file()).unwrap();
    assert_eq!(all.iter().map(|scenario| scenario.name.as_str()).collect::<Vec<_>>()[1], "second");
    assert!(Scenario::parse(&text, file()).unwrap_err().to_string().contains("there are 2 scenarios"));
}

#[test]
fn an_unknown_key_is_an_error_with_its_place() {
    for (typo, line) in [
        ("name: x\nwhne: []\n", 2),
        ("name: x\ngiven:\n  object: []\nwhen: []\n", 3),
        ("name: x\nwhen:\n- alert: {labels: {a: b}}\n  aftr: 5m\n", 4),
        ("name: x\nwhen: [{alert: {labels: {a: b}}}]\nthen:\n  effects:\n  - update: '*'\n", 5),
        (
            "name: x\nwhen: [{alert: {labels: {a: b}}}]\nreactions:\n- when: {verb: create, kind: Job, nmae: x}\n  do: []\n",
            4,
        ),
    ] {
        let error = error(typo);
        assert!(error.starts_with(&format!("s.yaml:{line}:")) && error.contains("unknown"), "{error}");
    }
}

#[test]
fn an_expectation_that_can_never_match_is_an_error_and_no_pass() {
    for (then, message) in [
        ("  outcome: repaired", "is not an outcome"),
        ("  outcome: planned", "mode `observe`"),
        ("  effects: [{patch: batch/v1 Job}]", "APIVERSION KIND NAMESPACE/NAME"),
        ("  effects: [{patch: '*', delete: '*'}]", "write two"),
        ("  effects: [{where: 'true'}]", "one of create, patch, apply, delete"),
        ("  effects: [{patch: '*', where: 'patch.'}]", "patch."),
        ("  effects: [{delete: '*', where: 'has(patch.spec)'}]", "`patch` is not known"),
        ("  never: [{patch: '*', where: 'pacth.spec == 1'}]", "`pacth` is not known"),
        ("  never: [{patch: 'v1 * media/x'}]", "in the namespace and the name only"),
        ("  finally: 'object == null'", "`object` is not known"),
        ("  finally: ['true', '1 +']", "1 +"),
        ("  summary: ''", "an empty text"),
        ("  effects: [{delete: v1 Pod a/b}]\n  never: [{delete: v1 Pod a/*}]", "can never pass"),
        ("  effects: [{delete: v1 Pod a/b}]\n  never: [{delete: '*'}]", "can never pass"),
    ] {
        let error = with_then(then).unwrap_err().to_string();
        assert!(error.contains(message) && error.starts_with("s.yaml:"), "{then}: {error}");
    }
}

#[test]
fn a_prohibition_that_leaves_room_for_the_effect_is_fine() {
    let then = "  effects: [{delete: v1 Pod a/b}]\n  never: [{delete: v1 Pod a/b, where: 'object.spec.x == 1'}, \
                {delete: v1 Pod c/*}, {patch: v1 Pod a/b}]";
    assert!(with_then(then).is_ok());
}

#[test]
fn what_is_wrong_with_the_cluster_is_shown_where_it_stands() {
    let error = error(
        "name: x\ngiven:\n  objects:\n  - {apiVersion: v1, kind: Pod, metadata: {name: a, namespace: b}}\n  - {kind: Pod}\nwhen: [{alert: {labels: {a: b}}}]\n",
    );
    assert!(error.starts_with("s.yaml:5:"), "{error}");
}

#[test]
fn a_file_that_grows_when_it_is_read_is_refused() {
    let mut bomb = "name: x\na0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let below = format!("*a{}", level - 1);
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", [below.as_str(); 9].join(", ")));
    }
    assert!(Scenario::parse(&bomb, file()).is_err());
    let deep = format!("name: {}x{}\n", "[".repeat(5000), "]".repeat(5000));
    assert!(Scenario::parse(&deep, file()).is_err());
    assert!(error(&"#".repeat(Scenario::MAX_BYTES + 1)).contains("bytes"));
}

#[test]
fn what_is_not_yaml_and_what_is_empty_say_so() {
    assert!(error("name: [x").starts_with("s.yaml:1:"));
    assert!(error("").contains("there is no scenario"));
    assert!(error("name: x\nwhen: []\n").contains("without an alert nothing happens"));
}

#[test]
fn what_the_manifest_requests_is_granted_in_the_namespaces_that_the_scenario_names() {
    let mut scenario = Scenario::parse(FULL, file()).unwrap();
    scenario.grants = None;
    let permission = suture_core::manifest::RawPermission {
        groups: vec![String::new()],
        resources: vec!["pods".into()],
        verbs: vec!["get".into()],
        reason: "r".into(),
        ..Default::default()
    };
    let manifest = suture_core::manifest::RawManifest {
        name: "p".into(),
        version: "1.0.0".into(),
        description: String::new(),
        matchers: vec![],
        key: vec!["a".into()],
        permissions: vec![permission],
        settings_schema: r#"{"type": "object"}"#.into(),
    };
    let grants = scenario.grants(&manifest.check().unwrap());
    let namespaces: Vec<_> = grants[0].namespaces.iter().map(Glob::as_str).collect();
    assert_eq!(namespaces, ["media"]);
    assert_eq!(grants[0].resources, ["pods"]);
}

#[test]
fn what_surrounds_the_run_is_read_and_a_typo_in_it_is_told() {
    let read = |given: &str| {
        let text = format!("name: x\ngiven: {{{given}}}\nwhen: [{{alert: {{labels: {{a: b}}}}}}]\n");
        Scenario::parse(&text, Path::new("s.yaml"))
    };
    let scenario = read(
        "run: {id: 01k, incident: 01j, attempt: 3}, locks: [{name: l, for: 3m}, {name: m}], pauses: [{step: 9, for: 20ms}]",
    )
    .unwrap();
    assert_eq!(
        (scenario.run.id.as_str(), scenario.run.incident.as_str(), scenario.run.attempt),
        ("01k", "01j", 3)
    );
    assert_eq!(scenario.run.index_of(&scenario.run.id), Some(0));
    assert_eq!(scenario.run.index_of(&suture_core::RunId::new("run-2")), Some(1));
    assert_eq!(scenario.locks.len(), 2);
    assert_eq!(scenario.pauses[0].held_for, HumanDuration::from_millis(20));
    for typo in ["run: {ident: x}", "locks: [{nmae: l}]", "pauses: [{step: 9}]", "later: [{affter: 5m}]"] {
        let error = read(typo).unwrap_err();
        assert!(error.line == 2 && error.column > 0, "{typo}: {error}");
    }
    let error = read("later: [{after: 5m, do: []}]").unwrap_err();
    assert!(error.line == 2 && error.message.contains("later[0].do"), "{error}");
}
