use suture_core::Grant;

use super::*;

fn right(verbs: &[&str], name: &str) -> Grant {
    serde_json::from_value(json!({"groups": [""], "resources": ["configmaps"], "verbs": verbs,
        "namespaces": ["media"], "names": [name]}))
    .unwrap()
}

impl ClusterHarness {
    fn as_somebody(&self, rights: Vec<Grant>, effect: &Effect) -> Result<Reply, Error> {
        let limited = self.cluster.limited_to(rights);
        self.run(async {
            let prepared = limited.prepare(&step(1), effect).await?;
            limited.perform(&prepared).await
        })
        .map_err(error)
    }
}

#[test]
fn whoever_may_not_look_learns_nothing_of_what_is_there() {
    let harness = ClusterHarness::media("");
    for name in ["notes", "gone"] {
        let target = target(&format!("v1 ConfigMap media/{name}"));
        assert_eq!(reason(harness.as_somebody(vec![], &Effect::Get { target })), "Forbidden");
        let patch = mutate(Mutation::Patch(merge(&format!("v1 ConfigMap media/{name}"), json!({}))));
        assert_eq!(reason(harness.as_somebody(vec![], &patch)), "Forbidden");
        assert_eq!(reason(harness.as_somebody(vec![right(&["patch"], "*")], &patch)), "Forbidden");
    }
}

#[test]
fn making_by_an_apply_takes_the_right_to_make() {
    let harness = ClusterHarness::media("");
    let apply = |name: &str| {
        let target = target(&format!("v1 ConfigMap media/{name}"));
        mutate(Mutation::Apply(suture_core::effect::Apply { target, object: json!({}), force: false }))
    };
    let patcher = || vec![right(&["get", "patch"], "*")];
    harness.as_somebody(patcher(), &apply("notes")).unwrap();
    assert_eq!(reason(harness.as_somebody(patcher(), &apply("new"))), "Forbidden");
    // No name in the rule: authorization does not see the name of what is made.
    let maker = |name| vec![right(&["get", "patch"], "*"), right(&["create"], name)];
    assert_eq!(reason(harness.as_somebody(maker("new"), &apply("new"))), "Forbidden");
    harness.as_somebody(maker("*"), &apply("new")).unwrap();
}
