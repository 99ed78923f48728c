use super::*;
use crate::fixture::FixtureError;

fn refused(more: &str) -> FixtureError {
    let fixture: Fixture = serde_saphyr::from_str(&format!("{MEDIA}{more}")).unwrap();
    let clock = Arc::new(VirtualClock::new(fixture.now, fixture.now));
    SimulatedCluster::new(fixture, clock).unwrap_err()
}

fn unreadable(more: &str) -> String {
    serde_saphyr::from_str::<Fixture>(&format!("{MEDIA}{more}")).unwrap_err().to_string()
}

#[test]
fn what_is_wrong_with_an_object_is_told_with_its_place() {
    for (object, says) in [
        ("{apiVersion: v1, kind: ConfigMap, metadata: {namespace: media}}", "metadata.name"),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}", "has a namespace"),
        ("{apiVersion: v1, kind: Node, metadata: {name: x, namespace: media}}", "has no namespace"),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {name: X, namespace: media}}", "metadata.name"),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {name: notes, namespace: media}}", "twice"),
        (
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: media, labels: {a: 1}}}",
            "labels",
        ),
        (
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: media, deletionTimestamp: '2026-11-22T04:00:00Z'}}",
            "finalizers",
        ),
        (
            "{apiVersion: v1, kind: Pod, metadata: {name: x, namespace: media, ownerReferences: [{apiVersion: batch/v1, kind: Job, name: nobody}]}}",
            "uid",
        ),
    ] {
        let error = refused(&format!("- {object}\n"));
        assert!(error.place.starts_with("objects[3]"), "{object}: {error}");
        assert!(error.message.contains(says), "{object}: {error}");
    }
}

#[test]
fn a_kind_has_a_namespace_or_it_has_none() {
    let error = refused(
        "- {apiVersion: zoo.io/v1, kind: Cat, metadata: {name: a, namespace: media}}\n\
         - {apiVersion: zoo.io/v1, kind: Cat, metadata: {name: b}}\n",
    );
    assert!(error.to_string().contains("zoo.io/v1 Cat"), "{error}");
}

#[test]
fn a_log_that_nobody_can_read_is_a_mistake() {
    let error = refused("logs:\n- {pod: media/gone, container: c, text: x}\n");
    assert!(error.place == "logs[0]" && error.message.contains("media/gone"), "{error}");
}

#[test]
fn what_is_wrong_with_a_reaction_is_told_with_its_place() {
    let job = "when: {verb: create, kind: Job}";
    for (reaction, place, says) in [
        (
            "when: {verb: create, kind: Jobb}\n  do: [{delete: {target: v1 Pod media/x}}]",
            "when.kind",
            "`Jobb`",
        ),
        (
            "when: {verb: create, kind: Job, apiVersion: batch/v2}\n  do: [{delete: {target: v1 Pod media/x}}]",
            "when.apiVersion",
            "batch/v1",
        ),
        (
            "when: {verb: patch, kind: Job, subresource: scale}\n  do: [{delete: {target: v1 Pod media/x}}]",
            "when.subresource",
            "status",
        ),
        (&format!("{job}\n  do: []"), "do", "nothing"),
        (&format!("{job}\n  do: [{{delete: {{target: zoo.io/v1 Cat media/x}}}}]"), "do[0]", "Cat"),
        (&format!("{job}\n  do: [{{delete: {{target: v1 Pod x}}}}]"), "do[0]", "namespace"),
        (
            &format!("{job}\n  do: [{{patch: {{target: batch/v1 Job media/x, body: {{status: {{}}}}}}}}]"),
            "do[0]",
            "subresource: status",
        ),
        (
            &format!("{job}\n  do: [{{patch: {{target: v1 Pod media/x, subresource: scale, body: {{}}}}}}]"),
            "do[0]",
            "scale",
        ),
        (
            &format!("{job}\n  do: [{{patch: {{target: v1 Pod media/x, type: json, body: {{}}}}}}]"),
            "do[0]",
            "list of operations",
        ),
        (
            &format!(
                "{job}\n  do: [{{create: {{object: {{apiVersion: v1, kind: Pod, metadata: {{namespace: a}}}}}}}}]"
            ),
            "do[0]",
            "metadata.name",
        ),
        (
            &format!(
                "{job}\n  do: [{{create: {{object: {{apiVersion: v1, kind: Pod, metadata: {{name: a}}}}}}}}]"
            ),
            "do[0]",
            "namespace",
        ),
    ] {
        let error = refused(&format!("reactions:\n- {reaction}\n"));
        assert_eq!(error.place, format!("reactions[0].{place}"), "{error}");
        assert!(error.message.contains(says), "{reaction}: {error}");
    }
}

#[test]
fn a_key_that_does_not_exist_and_an_expression_that_is_none_are_told_with_line_and_column() {
    for (more, says) in [
        ("reactons: []\n", "reactons"),
        ("logs:\n- {pod: media, container: c, text: x}\n", "NAMESPACE/NAME"),
        ("reactions:\n- {when: {verb: create, kind: Job, were: x}, do: []}\n", "were"),
        ("reactions:\n- {when: {verb: update, kind: Job}, do: []}\n", "update"),
        ("reactions:\n- {when: {verb: create, kind: Job, where: 'object.'}, do: []}\n", "line"),
        ("reactions:\n- {when: {verb: create, kind: Job}, after: 4, do: []}\n", "is not a duration"),
        ("reactions:\n- {when: {verb: create, kind: Job}, do: [{explode: {}}]}\n", "explode"),
        (
            "reactions:\n- {when: {verb: create, kind: Job}, do: [{delete: {target: media/x}}]}\n",
            "APIVERSION KIND",
        ),
    ] {
        let error = unreadable(more);
        assert!(error.contains(says) && error.contains("line"), "{error}");
    }
}

#[test]
fn answers_and_faults_are_checked_too() {
    assert!(
        refused("prometheus: [{query: up, result: [{value: much}]}]\n").place.contains("result[0].value")
    );
    assert!(refused("prometheus: [{query: up}, {query: up}]\n").message.contains("twice"));
    assert!(refused("faults: [{verb: got, reason: X}]\n").message.contains("`got`"));
    assert!(refused("faults: [{verb: get, reason: ''}]\n").message.contains("`reason`"));
}

#[test]
fn a_fixture_reads_back_as_it_is_written() {
    let more = "reactions:\n- {when: {verb: create, kind: Job}, after: 4s, do: [{delete: {target: v1 Pod media/NAME}}]}\n";
    let fixture: Fixture = serde_saphyr::from_str(&format!("{MEDIA}{more}")).unwrap();
    let written = serde_json::to_value(&fixture).unwrap();
    let again: Fixture = serde_json::from_value(written.clone()).unwrap();
    assert_eq!(serde_json::to_value(&again).unwrap(), written);
}

#[test]
fn what_comes_later_says_when_and_does_something() {
    let patch = "{patch: {target: v1 ConfigMap media/notes, body: {data: {a: x}}}}";
    for (later, place, says) in [
        (format!("{{do: [{patch}]}}"), "later[0].do", "say when"),
        (format!("{{after: 5m, step: 2, do: [{patch}]}}"), "later[0].step", "not both"),
        (format!("{{step: 0, do: [{patch}]}}"), "later[0].step", "from 1"),
        ("{after: 5m, do: []}".to_owned(), "later[0].do", "nothing"),
        (
            "{after: 5m, do: [{delete: {target: v1 Nonsense media/x}}]}".to_owned(),
            "later[0].do[0]",
            "Nonsense",
        ),
    ] {
        let error = refused(&format!("later:\n- {later}\n"));
        assert!(error.place == place && error.message.contains(says), "{later}: {error}");
    }
    assert!(unreadable("later:\n- {at: 5m, do: []}\n").contains("at"));
}
