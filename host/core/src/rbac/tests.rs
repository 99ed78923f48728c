//! Grants, and the RBAC that they need.

use serde_json::{Value, json};

use super::*;
use crate::{Grant, Permission};

fn grants(grants: Value) -> Vec<Grant> {
    serde_json::from_value(grants).unwrap()
}

fn permission(groups: &[&str], resources: &[&str], verbs: &[&str]) -> Permission {
    serde_json::from_value(
        json!({"groups": groups, "resources": resources, "verbs": verbs, "reason": "to mend"}),
    )
    .unwrap()
}

fn needs(grants: &[Grant], requested: &[Permission]) -> Needs {
    Needs::of([Requester { policy: "fix", grants, requested: Some(requested) }])
}

/// What a policy alone needs, as text.
fn rights(grants: &[Grant], requested: &[Permission]) -> Vec<String> {
    let of_policy = |purpose: &Purpose| matches!(purpose, Purpose::Policy(_));
    needs(grants, requested).rights(of_policy).iter().map(ToString::to_string).collect()
}

fn installation() -> Installation {
    Installation {
        namespace: "tools".into(),
        service_account: "mender".into(),
        lease: Some("suture".into()),
        approvals: false,
    }
}

/// `ROLE: GROUPS RESOURCES VERBS [NAMES]` of every rule but those for Events.
fn rules(needs: &Needs) -> Vec<String> {
    let mut rules = all_rules(needs);
    rules.retain(|rule| !rule.contains("events.k8s.io"));
    rules
}

/// The same, with those for Events.
fn all_rules(needs: &Needs) -> Vec<String> {
    let mut rules = Vec::new();
    for role in needs.roles(&installation()).roles {
        let place = role.namespace.clone().unwrap_or("cluster".into());
        for Rule { groups, resources, verbs, names, .. } in role.rules {
            let names = if names.is_empty() { String::new() } else { format!(" {names:?}") };
            rules.push(format!(
                "{place}: {} {} {}{names}",
                groups.join(","),
                resources.join(","),
                verbs.join(",")
            ));
        }
    }
    rules
}

#[test]
fn only_what_is_both_requested_and_granted_is_needed() {
    let grants = grants(json!([{"groups": ["", "batch"], "resources": ["pods", "pods/log", "jobs"],
        "verbs": ["get", "list", "create"], "namespaces": ["media"]}]));
    let requested = [
        permission(&[""], &["pods", "secrets"], &["get", "delete"]),
        permission(&["apps"], &["jobs"], &["get"]),
    ];
    assert_eq!(rights(&grants, &requested), ["get pods in namespace `media`"]);
    assert!(rights(&grants, &[]).is_empty());
    assert!(rights(&[], &requested).is_empty());
}

#[test]
fn a_policy_whose_manifest_is_not_known_needs_all_that_is_granted() {
    let grants = grants(json!([{"groups": [""], "resources": ["pods"], "verbs": ["get", "list"],
        "namespaces": ["media"]}]));
    let needs = Needs::of([Requester { policy: "fix", grants: &grants, requested: None }]);
    assert_eq!(rules(&needs), ["media:  pods get,list"]);
}

#[test]
fn namespaces_become_roles_and_patterns_a_cluster_role() {
    let of = |namespaces: Value| {
        let grants = grants(json!([{"groups": [""], "resources": ["pods"], "verbs": ["get"],
            "namespaces": namespaces}]));
        rules(&needs(&grants, &[permission(&[""], &["pods"], &["get"])]))
    };
    assert_eq!(of(json!(["media", "home"])), ["home:  pods get", "media:  pods get"]);
    assert_eq!(of(json!(["media", "home-*"])), ["cluster:  pods get"]);
    assert_eq!(of(json!(["*"])), ["cluster:  pods get"]);
}

#[test]
fn what_has_no_namespaces_is_a_cluster_role_whatever_the_grant_names() {
    let requested = [permission(
        &["storage.k8s.io", "snapshot.storage.k8s.io"],
        &["csinodes", "volumesnapshotcontents"],
        &["get"],
    )];
    for namespaces in [json!([]), json!(["media"])] {
        let grants = grants(json!([{"groups": ["snapshot.storage.k8s.io"], "verbs": ["get"],
            "resources": ["volumesnapshotcontents"], "namespaces": namespaces}]));
        let needs = needs(&grants, &requested);
        assert_eq!(rules(&needs), ["cluster: snapshot.storage.k8s.io volumesnapshotcontents get"]);
        assert_eq!(needs.doubts().count(), 0);
    }
}

#[test]
fn a_grant_without_namespaces_never_opens_all_of_them() {
    let grants = grants(json!([{"groups": [""], "resources": ["pods", "pods/log"], "verbs": ["get"]}]));
    let needs = needs(&grants, &[permission(&[""], &["pods", "pods/log"], &["get"])]);
    assert!(rules(&needs).is_empty());
    assert!(needs.doubts().all(|doubt| doubt.contains("names no namespaces, so it allows nothing")));
    assert_eq!(needs.doubts().count(), 1);
}

#[test]
fn a_resource_that_nobody_knows_is_where_the_grant_says_and_that_is_doubted() {
    let mice = |namespaces: Value| {
        let grants = grants(json!([{"groups": ["zoo.io"], "resources": ["mice"], "verbs": ["get"],
            "namespaces": namespaces}]));
        needs(&grants, &[permission(&["zoo.io"], &["mice"], &["get"])])
    };
    assert_eq!(rules(&mice(json!(["media"]))), ["media: zoo.io mice get"]);
    assert_eq!(mice(json!(["media"])).doubts().count(), 0);
    let clusterwide = mice(json!([]));
    assert_eq!(rules(&clusterwide), ["cluster: zoo.io mice get"]);
    assert!(clusterwide.doubts().all(|doubt| doubt.contains("mice.zoo.io")));
    assert_eq!(clusterwide.doubts().count(), 1);
}

#[test]
fn exact_names_are_resource_names_except_where_rbac_can_not_look_at_them() {
    let grants = grants(json!([{"groups": [""], "resources": ["configmaps", "pods/eviction"],
        "verbs": ["get", "list", "create"], "namespaces": ["media"], "names": ["a", "b"]}]));
    let requested = [permission(&[""], &["configmaps", "pods/eviction"], &["get", "list", "create"])];
    let all = rules(&needs(&grants, &requested));
    // No list: it would show other names. A create's URL has no name, but a subresource's has.
    assert_eq!(
        all,
        [
            "media:  configmaps create",
            r#"media:  configmaps get ["a", "b"]"#,
            r#"media:  pods/eviction create,get ["a", "b"]"#,
        ]
    );
}

#[test]
fn a_pattern_of_names_is_all_names_and_no_list_unless_it_is_a_star() {
    let grants = grants(json!([{"groups": [""], "resources": ["pods"], "verbs": ["get", "list"],
        "namespaces": ["media"], "names": ["volsync-*"]}]));
    assert_eq!(
        rights(&grants, &[permission(&[""], &["pods"], &["get", "list"])]),
        ["get pods in namespace `media`"]
    );
}

#[test]
fn what_is_changed_is_read_first_and_told_in_an_event() {
    let grants = grants(json!([
        {"groups": ["apps"], "resources": ["deployments/scale"], "verbs": ["patch"], "namespaces": ["media"]},
        {"groups": [""], "resources": ["persistentvolumes"], "verbs": ["delete"]},
    ]));
    let requested = [
        permission(&["apps"], &["deployments/scale"], &["patch"]),
        permission(&[""], &["persistentvolumes"], &["delete"]),
    ];
    assert_eq!(
        all_rules(&needs(&grants, &requested)),
        [
            "cluster:  persistentvolumes delete,get",
            "default: events.k8s.io events create",
            "media: apps deployments get",
            "media: apps deployments/scale patch",
            "media: events.k8s.io events create",
        ]
    );
}

#[test]
fn what_is_only_listed_or_has_no_namespace_to_tell_it_in_needs_no_events() {
    let grants = grants(json!([
        {"groups": [""], "resources": ["pods"], "verbs": ["list"], "namespaces": ["media"]},
        {"groups": [""], "resources": ["nodes"], "verbs": ["get"]},
    ]));
    let requested = [permission(&[""], &["pods", "nodes"], &["get", "list"])];
    assert_eq!(all_rules(&needs(&grants, &requested)), ["cluster:  nodes get", "media:  pods list"]);
}

#[test]
fn a_granted_watch_serves_the_waits_that_a_manifest_requests_as_get() {
    let grants = grants(json!([{"groups": [""], "resources": ["pods"], "verbs": ["get", "watch"],
        "namespaces": ["media"]}]));
    assert_eq!(rules(&needs(&grants, &[permission(&[""], &["pods"], &["get"])])), ["media:  pods get,watch"]);
    assert!(rights(&grants, &[permission(&[""], &["pods"], &["list"])]).is_empty());
}

#[test]
fn no_rule_allows_what_another_does() {
    let one = |resource: &str, namespaces: Value, names: Value| {
        json!({"groups": [""], "resources": [resource], "verbs": ["get"], "namespaces": namespaces,
            "names": names})
    };
    let grants = grants(json!([
        one("pods", json!(["media"]), json!(["a"])),
        one("pods", json!(["media"]), json!(["*"])),
        one("pods", json!(["home"]), json!(["a"])),
        one("services", json!(["media"]), json!(["*"])),
        one("services", json!(["m*"]), json!(["*"])),
        {"groups": ["*"], "resources": ["jobs"], "verbs": ["get"], "namespaces": ["media"]},
        {"groups": ["batch"], "resources": ["jobs"], "verbs": ["get"], "namespaces": ["media"]},
    ]));
    let requested = [permission(&["*"], &["pods", "services", "jobs"], &["get"])];
    assert_eq!(
        rules(&needs(&grants, &requested)),
        ["cluster:  services get", r#"home:  pods get ["a"]"#, "media:  pods get", "media: * jobs get"]
    );
}

#[test]
fn rules_that_differ_in_their_resource_alone_are_one_and_say_who_needs_them() {
    let grants = grants(json!([{"groups": [""], "resources": ["pods", "services"], "verbs": ["get"],
        "namespaces": ["media"]}]));
    let pods = [permission(&[""], &["pods", "services"], &["get"])];
    let needs = Needs::of([
        Requester { policy: "one", grants: &grants, requested: Some(&pods) },
        Requester { policy: "two", grants: &grants, requested: Some(&pods) },
    ]);
    let roles = needs.roles(&installation());
    let [role] = &roles.roles[..] else { panic!("{roles:#?}") };
    let [rule, _events] = &role.rules[..] else { panic!("{role:#?}") };
    assert_eq!(rule.resources, ["pods", "services"]);
    assert_eq!(rule.why, ["one: to mend", "two: to mend"]);
}

#[test]
fn the_host_needs_its_lease_and_to_know_its_cluster() {
    let host = Needs::default().with_host(&installation());
    assert_eq!(
        rules(&host),
        [
            r#"cluster:  namespaces get ["kube-system"]"#,
            "tools: coordination.k8s.io leases create",
            r#"tools: coordination.k8s.io leases get,update ["suture"]"#,
        ]
    );
    let alone = Needs::default().with_host(&Installation { lease: None, ..installation() });
    assert_eq!(rules(&alone), [r#"cluster:  namespaces get ["kube-system"]"#]);
}

#[test]
fn the_yaml_is_the_objects_and_a_hostile_reason_stays_a_comment() {
    let grants = grants(json!([{"groups": [""], "resources": ["pods"], "verbs": ["get", "delete"],
        "namespaces": ["media"], "names": ["a", "true"]}]));
    let mut requested = permission(&[""], &["pods"], &["get", "delete"]);
    requested.reason = "to mend\n- apiGroups: [\"*\"]\u{2028}- x\u{202e}".into();
    let roles = needs(&grants, &[requested]).with_host(&installation()).roles(&installation());
    let yaml = roles.yaml();
    assert!(yaml.contains("# fix: to mend - apiGroups"), "{yaml}");
    // For YAML 1.1 a line separator ends a comment.
    assert!(yaml.contains(r"\u{2028}- x\u{202e}"), "{yaml}");
    let read: Vec<Value> = serde_saphyr::from_multiple(&yaml).unwrap();
    assert_eq!(read, roles.objects());
    assert_eq!(read.len(), 6, "a role and its binding in the cluster, in media, in tools");
    for object in &read {
        assert_eq!(object["metadata"]["name"], "tools:mender");
        assert_eq!(object["metadata"]["labels"]["app.kubernetes.io/managed-by"], "suture");
    }
    assert_eq!(
        read[3]["subjects"],
        json!([{"kind": "ServiceAccount", "namespace": "tools", "name": "mender"}])
    );
    assert_eq!(read[3]["roleRef"]["kind"], "Role");
}

#[test]
fn who_makes_pods_needs_to_see_what_would_choose_them_and_who_makes_copies_does_not() {
    let listed = |resource: &str, pods: Value| {
        let grants = grants(json!([{"groups": ["", "batch"], "resources": [resource], "verbs": ["create"],
            "namespaces": ["media"], "pods": pods}]));
        let rights = rights(&grants, &[permission(&["", "batch"], &[resource], &["create"])]);
        rights.into_iter().filter(|right| right.starts_with("list ")).collect::<Vec<_>>()
    };
    let any = json!({"images": ["*"]});
    let of_job = listed("jobs", any.clone());
    assert_eq!(of_job.len(), 3, "{of_job:?}");
    for wanted in [
        "list services in",
        "list networkpolicies.networking.k8s.io in",
        "list poddisruptionbudgets.policy in",
    ] {
        assert!(of_job.iter().any(|right| right.starts_with(wanted)), "{wanted}: {of_job:?}");
    }
    assert_eq!(listed("pods", any.clone()).len(), 7, "what has no controller could be adopted");
    assert!(listed("jobs", json!({"from": ["cronjobs/heal"]})).is_empty());
    assert!(listed("configmaps", any).is_empty());
}
