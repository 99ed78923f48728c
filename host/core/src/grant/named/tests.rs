use serde_json::json;

use super::*;

fn grant(rest: &str) -> Grant {
    let text = format!("{{groups: [''], resources: [x], verbs: [patch], namespaces: [a]{rest}}}");
    serde_saphyr::from_str(&text).unwrap()
}

fn spelled(kind: (&str, &str), before: Option<&Value>, after: &Value) -> Vec<String> {
    let kind = Kind::new(kind.0, kind.1);
    let template = match kind.kind.as_str() {
        "Pod" => Some(""),
        "Deployment" => Some("/spec/template"),
        "CronJob" => Some("/spec/jobTemplate/spec/template"),
        _ => None,
    };
    named_fields(&kind, template, before, Some(after)).iter().map(|field| pointer(&field.spelled)).collect()
}

const INGRESS: (&str, &str) = ("networking.k8s.io/v1", "Ingress");

#[test]
fn an_entry_that_spells_the_field_or_leads_further_names_it_and_a_parent_or_a_star_does_not() {
    let of = |host: &str| json!({"spec": {"rules": [{"host": host}]}});
    let kind = Kind::new(INGRESS.0, INGRESS.1);
    let (before, after) = (of("a"), of("b"));
    let fields = named_fields(&kind, None, Some(&before), Some(&after));
    let [field] = fields.as_slice() else { panic!("{fields:?}") };
    for (entry, names) in [
        ("/spec/rules", true),
        ("/spec/rules/0/host", true),
        ("/spec/rules/*/host", true),
        ("/spec/rules/*/http", false),
        ("/spec", false),
        ("/spec/*", false),
        ("/*/rules", false),
        ("/*/*", false),
    ] {
        let granted = grant(&format!(", fields: [{entry}]"));
        assert_eq!(field.is_allowed_by(&granted), names, "{entry}");
    }
    assert!(!field.is_allowed_by(&grant("")), "without `fields` all are covered, and none is named");
    assert!(!field.is_allowed_by(&grant(", where: object.metadata.name == 'a'")));
    assert!(field.to_string().contains("`fields: [/spec/rules]`"), "{field}");
}

#[test]
fn of_what_is_made_where_must_say_what_it_may_be() {
    let made = json!({"spec": {"rules": []}});
    for kind in [
        INGRESS,
        ("networking.k8s.io/v1", "NetworkPolicy"),
        ("gateway.networking.k8s.io/v1", "HTTPRoute"),
        ("policy/v1", "PodDisruptionBudget"),
        ("v1", "ResourceQuota"),
    ] {
        let kind = Kind::new(kind.0, kind.1);
        let fields = named_fields(&kind, None, None, Some(&made));
        let [field] = fields.as_slice() else { panic!("{kind}: {fields:?}") };
        assert!(!field.is_allowed_by(&grant(", fields: [/spec/rules]")), "{kind}");
        assert!(!field.is_allowed_by(&grant(", where: incident.key == 'a'")), "{kind}");
        assert!(field.is_allowed_by(&grant(", where: object.spec.rules.size() == 0")), "{kind}");
        assert!(field.to_string().contains("`where`"), "{field}");
    }
    assert!(spelled(("v1", "Service"), None, &json!({"spec": {"selector": {"a": "b"}}})).is_empty());
}

#[test]
fn each_row_is_about_what_is_changed_added_and_taken_away() {
    let plain = json!({"metadata": {"name": "a"}, "spec": {}});
    for (kind, at) in [
        (INGRESS, "/spec/tls"),
        (("traefik.io/v1alpha1", "IngressRoute"), "/spec/routes"),
        (("v1", "Service"), "/spec/selector"),
        (("v1", "Service"), "/spec/publishNotReadyAddresses"),
        (("networking.k8s.io/v1", "NetworkPolicy"), "/spec/egress"),
        (("cilium.io/v2", "CiliumNetworkPolicy"), "/specs"),
        (("v1", "Node"), "/spec/unschedulable"),
        (("v1", "Node"), "/metadata/labels/role"),
        (("autoscaling/v2", "HorizontalPodAutoscaler"), "/spec/metrics"),
        (("autoscaling/v2", "HorizontalPodAutoscaler"), "/spec/behavior"),
        (("batch/v1", "CronJob"), "/spec/schedule"),
        (("batch/v1", "CronJob"), "/spec/suspend"),
        (("batch/v1", "CronJob"), "/spec/jobTemplate/spec/activeDeadlineSeconds"),
        (("batch/v1", "CronJob"), "/spec/jobTemplate/spec/ttlSecondsAfterFinished"),
        (("batch/v1", "Job"), "/spec/suspend"),
        (("apps/v1", "Deployment"), "/spec/paused"),
        (("apps/v1", "StatefulSet"), "/spec/updateStrategy"),
        (("v1", "Pod"), "/spec/schedulingGates"),
        (("policy/v1", "PodDisruptionBudget"), "/spec/maxUnavailable"),
        (("v1", "LimitRange"), "/spec/limits"),
        (("v1", "PersistentVolumeClaim"), "/spec/storageClassName"),
        (("snapshot.storage.k8s.io/v1", "VolumeSnapshotContent"), "/spec/deletionPolicy"),
        (("example.com/v1", "Thing"), "/metadata/finalizers"),
    ] {
        let with = |value: Value| {
            let mut object = plain.clone();
            let mut place = &mut object;
            for name in at.split('/').skip(1) {
                place = &mut place[name];
            }
            *place = value;
            object
        };
        let (one, other) = (with(json!(["x"])), with(json!(["y"])));
        for (before, after) in [(&plain, &one), (&one, &other), (&one, &plain)] {
            assert_eq!(spelled(kind, Some(before), after), [at], "{kind:?}");
        }
        assert!(spelled(kind, Some(&one), &one).is_empty(), "{kind:?}");
    }
}

#[test]
fn a_null_says_nothing() {
    let of = |spec: Value| json!({"spec": spec});
    let (none, null) = (of(json!({})), of(json!({"rules": null, "tls": [{"hosts": null}]})));
    assert_eq!(spelled(INGRESS, Some(&none), &null), ["/spec/tls"]);
    assert_eq!(spelled(INGRESS, Some(&of(json!({"tls": [{}]}))), &null), Vec::<String>::new());
}

#[test]
fn a_field_that_goes_with_all_that_it_stands_in_is_not_passed_over() {
    let there = json!({"spec": {"rules": [{"host": "a"}]}});
    for after in [json!({}), json!({"spec": null}), json!({"spec": {}}), json!({"spec": []})] {
        let kind = Kind::new(INGRESS.0, INGRESS.1);
        let fields = named_fields(&kind, None, Some(&there), Some(&after));
        assert!(!fields.is_empty(), "{after}");
        assert!(!fields[0].is_allowed_by(&grant(", fields: [/spec]")), "{after}");
    }
}

#[test]
fn ordinary_repairs_need_no_name() {
    let of = |spec: Value| json!({"metadata": {"name": "a"}, "spec": spec});
    for (kind, before, after) in [
        (("apps/v1", "Deployment"), json!({"replicas": 1}), json!({"replicas": 2})),
        (
            ("v1", "PersistentVolumeClaim"),
            json!({"resources": {}}),
            json!({"resources": {"requests": {"storage": "2Gi"}}}),
        ),
        (
            ("batch/v1", "CronJob"),
            json!({"jobTemplate": {"spec": {"template": {"spec": {"containers": [{"resources": {}}]}}}}}),
            json!({"jobTemplate": {"spec": {"template": {"spec": {"containers": [{"resources": {"limits": {"memory": "1Gi"}}}]}}}}}),
        ),
        (("batch/v1", "CronJob"), json!({"failedJobsHistoryLimit": 1}), json!({"failedJobsHistoryLimit": 2})),
        (("volsync.backube/v1alpha1", "ReplicationSource"), json!({}), json!({"trigger": {"manual": "x"}})),
    ] {
        assert!(spelled(kind, Some(&of(before)), &of(after)).is_empty(), "{kind:?}");
    }
}

#[test]
fn marks_by_which_others_own_keep_or_delete_are_spelled_key_by_key() {
    let with = |map: &str, key: &str, value: &str| json!({"metadata": {map: {"own": "a", key: value}}});
    let without = |map: &str| json!({"metadata": {map: {"own": "b"}}});
    for kind in [("v1", "ConfigMap"), ("v1", "Service"), ("example.com/v1", "Thing"), ("v1", "Node")] {
        for (map, key) in [
            ("annotations", "helm.sh/resource-policy"),
            ("annotations", "kustomize.toolkit.fluxcd.io/prune"),
            ("annotations", "argocd.argoproj.io/sync-options"),
            ("annotations", "kubectl.kubernetes.io/last-applied-configuration"),
            ("labels", "app.kubernetes.io/managed-by"),
            ("annotations", "without.a.slash"),
        ] {
            let (one, other, none) = (with(map, key, "x"), with(map, key, "y"), without(map));
            let at = pointer(&["metadata".to_owned(), map.to_owned(), key.to_owned()]);
            for (before, after) in
                [(&one, &none), (&one, &other), (&none, &one), (&one, &json!({"metadata": {}}))]
            {
                let named = spelled(kind, Some(before), after);
                assert!(named.contains(&at), "{kind:?} {before} {after}: {named:?}");
            }
        }
        for key in [
            "suture.dev/seen",
            "volsync.suture.dev/incident",
            "kubernetes.io/change-cause",
            "checksum/config",
        ] {
            assert!(
                spelled(kind, Some(&without("annotations")), &with("annotations", key, "x")).is_empty(),
                "{key}"
            );
        }
    }
    let kind = Kind::new("v1", "ConfigMap");
    let (before, after) = (with("labels", "team.example/x", "1"), without("labels"));
    let fields = named_fields(&kind, None, Some(&before), Some(&after));
    assert!(!fields[0].is_allowed_by(&grant(", fields: [/metadata/labels]")));
    assert!(!fields[0].is_allowed_by(&grant(", fields: [/metadata/labels/*]")));
    assert!(fields[0].is_allowed_by(&grant(", fields: [/metadata/labels/team.example~1x]")));
}

#[test]
fn an_annotation_of_a_custom_resources_own_group_is_its_controllers_and_needs_no_name() {
    let with = |key: &str| json!({"metadata": {"annotations": {"own": "a", key: "x"}}});
    let none = json!({"metadata": {"annotations": {"own": "a"}}});
    let is_named = |kind: (&str, &str), key: &str| !spelled(kind, Some(&none), &with(key)).is_empty();
    let maintenance = ("volsync.backube/v1alpha1", "KopiaMaintenance");
    assert!(!is_named(maintenance, "volsync.backube/reset-failures"));
    assert!(is_named(maintenance, "argocd.argoproj.io/sync-options"));
    assert!(is_named(("snapshot.storage.k8s.io/v1", "VolumeSnapshot"), "volsync.backube/do-not-delete"));
    assert!(is_named(("networking.k8s.io/v1", "Ingress"), "networking.k8s.io/x"));
    let flux = ("kustomize.toolkit.fluxcd.io/v1", "Kustomization");
    assert!(is_named(flux, "kustomize.toolkit.fluxcd.io/prune"), "one may be another's");
}

#[test]
fn marks_of_a_pod_that_is_there_are_spelled_or_listed_and_new_ones_judged_as_those_of_pods() {
    let key = "cluster-autoscaler.kubernetes.io/safe-to-evict";
    let pod = |value: Option<&str>| match value {
        Some(value) => json!({"metadata": {"annotations": {key: value}}}),
        None => json!({"metadata": {"annotations": {}}}),
    };
    let of = |kind: (&str, &str), at: &str, before: Option<&str>, after: Option<&str>| {
        let place = |pod: Value| {
            at.split('/').skip(1).collect::<Vec<_>>().iter().rev().fold(pod, |pod, name| json!({*name: pod}))
        };
        named_fields(
            &Kind::new(kind.0, kind.1),
            Some(at),
            Some(&place(pod(before))),
            Some(&place(pod(after))),
        )
    };
    for (kind, at) in [(("v1", "Pod"), ""), (("apps/v1", "Deployment"), "/spec/template")] {
        for after in [None, Some("true")] {
            let fields = of(kind, at, Some("false"), after);
            assert_eq!(fields.len(), 1, "{kind:?}");
            assert!(!fields[0].is_allowed_by(&grant("")));
            assert!(fields[0].is_allowed_by(&grant(&format!(", pods: {{annotations: ['{key}']}}"))));
        }
        assert!(of(kind, at, None, Some("false")).is_empty(), "{kind:?}");
    }
}

#[test]
fn a_claim_a_config_map_or_an_ingress_is_not_made_with_marks_that_others_act_by() {
    for kind in [("v1", "ConfigMap"), ("v1", "PersistentVolumeClaim"), INGRESS] {
        let marked = |key: &str| json!({"metadata": {"annotations": {key: "x"}}});
        let at = "/metadata/annotations/reflector.v1.k8s.emberstack.com~1reflects";
        assert_eq!(spelled(kind, None, &marked("reflector.v1.k8s.emberstack.com/reflects")), [at]);
        for harmless in ["app.kubernetes.io/name", "helm.sh/chart", "suture.dev/run", "mine"] {
            assert!(spelled(kind, None, &marked(harmless)).is_empty(), "{harmless}");
        }
    }
    let job = json!({"metadata": {"annotations": {"cronjob.kubernetes.io/instantiate": "manual"}}});
    assert!(spelled(("batch/v1", "Job"), None, &job).is_empty());
}

#[test]
fn a_grant_that_names_nothing_of_what_must_be_named_says_so() {
    let of = |text: &str| serde_saphyr::from_str::<Grant>(text).unwrap().unnamed();
    let all = "groups: [networking.k8s.io], resources: [ingresses], namespaces: [a]";
    let said = of(&format!("{{{all}, verbs: [patch, create]}}"));
    assert!(said.len() == 2 && said[0].contains("`where`") && said[1].contains("`/spec/NAME`"), "{said:?}");
    assert!(of(&format!("{{{all}, verbs: [patch], fields: [/spec/rules]}}")).is_empty());
    assert!(of(&format!("{{{all}, verbs: [create], where: has(object.spec.rules)}}")).is_empty());
    assert!(of(&format!("{{{all}, verbs: [get, delete]}}")).is_empty());
    assert!(of("{groups: [apps], resources: [deployments], verbs: [patch], namespaces: [a]}").is_empty());
}
