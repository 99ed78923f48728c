use serde_json::json;
use suture_core::grant::PodGrant;

use super::*;

fn grant() -> PodGrant {
    serde_json::from_value(json!({"images": ["ghcr.io/backube/volsync:*"], "serviceAccounts": ["unlock"],
        "secrets": ["restic-*"], "claims": ["cache"], "tolerations": ["backup"], "nodeLabels": ["zone"]}))
    .unwrap()
}

fn checked(grant: &PodGrant, change: impl Fn(&mut Value)) -> Result<(), String> {
    let mut spec = json!({"automountServiceAccountToken": false, "restartPolicy": "Never",
        "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{"name": "restic", "image": "ghcr.io/backube/volsync:0.13",
            "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
            "envFrom": [{"secretRef": {"name": "restic-plex"}}]}]});
    change(&mut spec);
    check(&json!({"spec": spec}), &Rules::of(&[grant]))
}

type Change = fn(&mut Value);

#[test]
fn a_pod_that_uses_what_is_listed_is_allowed() {
    let fine: [Change; 9] = [
        |_| {},
        |s| s["serviceAccountName"] = json!("unlock"),
        |s| {
            s["serviceAccountName"] = json!("unlock");
            s["serviceAccount"] = json!("unlock");
        },
        |s| {
            s["volumes"] = json!([{"name": "a", "emptyDir": {}}, {"name": "b", "configMap": {"name": "c"}},
            {"name": "d", "secret": {"secretName": "restic-x"}}, {"name": "e", "persistentVolumeClaim": {"claimName": "cache"}}])
        },
        |s| s["tolerations"] = json!([{"key": "backup", "operator": "Exists"}]),
        |s| s["nodeSelector"] = json!({"zone": "a"}),
        |s| s["hostPID"] = json!(false),
        |s| s["volumes"] = json!([{"name": "h", "emptyDir": {}, "hostPath": null}]),
        |s| s["containers"][0]["securityContext"]["capabilities"]["add"] = json!(["NET_BIND_SERVICE"]),
    ];
    for change in fine {
        assert_eq!(checked(&grant(), change), Ok(()));
    }
}

#[test]
fn a_pod_may_not_reach_the_host_or_what_is_not_listed() {
    let hostile: [(&str, Change); 58] = [
        ("hostNetwork", |s| s["hostNetwork"] = json!(true)),
        ("hostPID", |s| s["hostPID"] = json!(true)),
        ("hostIPC", |s| s["hostIPC"] = json!("true")),
        ("hostPath", |s| s["volumes"] = json!([{"name": "h", "hostPath": {"path": "/"}}])),
        ("nfs", |s| s["volumes"] = json!([{"name": "h", "nfs": {"server": "10.0.0.1", "path": "/"}}])),
        ("csi", |s| s["volumes"] = json!([{"name": "h", "csi": {"driver": "secrets-store.csi.k8s.io"}}])),
        ("image", |s| s["volumes"] = json!([{"name": "h", "image": {"reference": "evil"}}])),
        ("ephemeral", |s| s["volumes"] = json!([{"name": "h", "ephemeral": {"volumeClaimTemplate": {}}}])),
        ("gitRepo", |s| s["volumes"] = json!([{"name": "h", "gitRepo": {"repository": "x"}}])),
        ("exactly one", |s| s["volumes"] = json!([{"name": "h", "emptyDir": {}, "hostPath": {"path": "/"}}])),
        ("exactly one", |s| s["volumes"] = json!([{"name": "h"}])),
        ("podCertificate", |s| {
            s["volumes"] = json!([{"name": "h", "projected": {"sources": [{"podCertificate": {}}]}}])
        }),
        ("claims", |s| s["volumes"] = json!([{"name": "h", "persistentVolumeClaim": {"claimName": "db"}}])),
        ("privileged", |s| s["containers"][0]["securityContext"]["privileged"] = json!(true)),
        ("privileged", |s| {
            s["initContainers"] = json!([{"name": "i", "image": "ghcr.io/backube/volsync:1",
                "securityContext": {"privileged": true}}])
        }),
        ("allowPrivilegeEscalation", |s| {
            s["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = json!(true)
        }),
        ("drop", |s| {
            s["containers"][0].as_object_mut().unwrap().remove("securityContext");
        }),
        ("capabilities", |s| {
            s["containers"][0]["securityContext"]["capabilities"]["add"] = json!(["SYS_ADMIN"])
        }),
        ("capabilities", |s| s["containers"][0]["securityContext"]["capabilities"]["drop"] = json!([])),
        ("root", |s| s["containers"][0]["securityContext"]["runAsUser"] = json!(0)),
        ("root", |s| s["securityContext"]["runAsUser"] = json!(0)),
        ("root", |s| s["containers"][0]["securityContext"]["runAsNonRoot"] = json!(false)),
        ("runAsNonRoot", |s| s["securityContext"]["runAsNonRoot"] = json!(null)),
        ("seccompProfile", |s| s["securityContext"]["seccompProfile"] = json!({"type": "Unconfined"})),
        ("seccompProfile", |s| s["securityContext"]["seccompProfile"] = json!(null)),
        ("appArmorProfile", |s| s["securityContext"]["appArmorProfile"] = json!({"type": "Unconfined"})),
        ("seLinuxOptions", |s| s["securityContext"]["seLinuxOptions"] = json!({"type": "spc_t"})),
        ("seLinuxOptions", |s| {
            s["containers"][0]["securityContext"]["seLinuxOptions"] = json!({"user": "root"})
        }),
        ("sysctl", |s| s["securityContext"]["sysctls"] = json!([{"name": "kernel.msgmax", "value": "1"}])),
        ("procMount", |s| s["containers"][0]["securityContext"]["procMount"] = json!("Unmasked")),
        ("hostProcess", |s| s["securityContext"]["windowsOptions"] = json!({"hostProcess": true})),
        ("windowsOptions", |s| s["securityContext"]["windowsOptions"] = json!({"gmsaCredentialSpec": "x"})),
        ("os", |s| s["os"] = json!({"name": "windows"})),
        ("images", |s| s["initContainers"] = json!([{"name": "i", "image": "evil"}])),
        ("images", |s| s["containers"][0]["image"] = json!(null)),
        ("ephemeralContainers", |s| s["ephemeralContainers"] = json!([{"name": "e"}])),
        ("serviceAccounts", |s| s["automountServiceAccountToken"] = json!(true)),
        ("serviceAccounts", |s| s["automountServiceAccountToken"] = json!("false")),
        ("serviceAccounts", |s| s["serviceAccountName"] = json!("admin")),
        ("serviceAccounts", |s| {
            s["serviceAccountName"] = json!("");
            s["serviceAccount"] = json!("admin");
        }),
        ("two service accounts", |s| {
            s["serviceAccountName"] = json!("unlock");
            s["serviceAccount"] = json!("admin");
        }),
        ("serviceAccounts", |s| {
            s["volumes"] =
                json!([{"name": "t", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}])
        }),
        ("secrets", |s| s["volumes"] = json!([{"name": "t", "secret": {"secretName": "admin"}}])),
        ("secrets", |s| {
            s["volumes"] = json!([{"name": "t", "projected": {"sources": [{"secret": {"name": "admin"}}]}}])
        }),
        ("secrets", |s| {
            s["containers"][0]["env"] =
                json!([{"name": "X", "valueFrom": {"secretKeyRef": {"name": "admin", "key": "k"}}}])
        }),
        ("secrets", |s| s["imagePullSecrets"] = json!([{"name": "admin"}])),
        ("node", |s| s["nodeName"] = json!("control-plane")),
        ("nodeLabels", |s| s["nodeSelector"] = json!({"kubernetes.io/hostname": "a"})),
        ("nodeLabels", |s| {
            s["affinity"] = json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
                {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["a"]}]}]}}})
        }),
        ("matchFields", |s| {
            s["affinity"] = json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
                {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["a"]}]}]}}})
        }),
        ("nodeLabels", |s| {
            s["affinity"] = json!({"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
                {"topologyKey": "kubernetes.io/hostname", "labelSelector": {}}]}})
        }),
        ("tolerations", |s| s["tolerations"] = json!([{"operator": "Exists"}])),
        ("tolerations", |s| s["tolerations"] = json!([{"key": "node-role.kubernetes.io/control-plane"}])),
        ("priorityClasses", |s| s["priorityClassName"] = json!("system-node-critical")),
        ("priority", |s| s["priority"] = json!(2_000_001_000)),
        ("schedulerName", |s| s["schedulerName"] = json!("mine")),
        ("resourceClaims", |s| s["resourceClaims"] = json!([{"name": "gpu"}])),
        ("newField", |s| s["newField"] = json!(1)),
    ];
    for (word, change) in hostile {
        let error = checked(&grant(), change).expect_err(word);
        assert!(error.contains(word), "{word}: {error}");
    }
}

#[test]
fn a_container_may_not_reach_the_host_either() {
    let hostile: [(&str, Change); 7] = [
        ("port of the host", |c| c["ports"] = json!([{"containerPort": 80, "hostPort": 80}])),
        ("port of the host", |c| c["ports"] = json!([{"containerPort": 80, "hostIP": "127.0.0.1"}])),
        ("mountPropagation", |c| {
            c["volumeMounts"] = json!([{"name": "a", "mountPath": "/a", "mountPropagation": "Bidirectional"}])
        }),
        ("`host`", |c| c["livenessProbe"] = json!({"httpGet": {"host": "169.254.169.254", "port": 80}})),
        ("`host`", |c| c["lifecycle"] = json!({"preStop": {"tcpSocket": {"host": "10.0.0.1", "port": 22}}})),
        ("claims", |c| c["resources"] = json!({"claims": [{"name": "gpu"}]})),
        ("newField", |c| c["newField"] = json!({})),
    ];
    for (word, change) in hostile {
        let error = checked(&grant(), |spec| change(&mut spec["containers"][0])).expect_err(word);
        assert!(error.contains(word), "{word}: {error}");
    }
}

#[test]
fn a_grant_may_widen_to_the_baseline_and_no_further() {
    let baseline = PodGrant { level: suture_core::grant::PodLevel::Baseline, ..grant() };
    let plain: Change = |s| {
        s["securityContext"] = json!(null);
        s["containers"][0]["securityContext"] = json!({"capabilities": {"add": ["CHOWN"]}, "runAsUser": 0});
    };
    assert!(checked(&grant(), plain).is_err());
    assert_eq!(checked(&baseline, plain), Ok(()));
    let hostile: [Change; 4] = [
        |s| s["hostPID"] = json!(true),
        |s| s["containers"][0]["securityContext"]["privileged"] = json!(true),
        |s| s["containers"][0]["securityContext"]["capabilities"] = json!({"add": ["SYS_ADMIN"]}),
        |s| s["securityContext"] = json!({"seccompProfile": {"type": "Unconfined"}}),
    ];
    for change in hostile {
        assert!(checked(&baseline, change).is_err());
    }
}

#[test]
fn an_annotation_or_label_by_which_a_program_acts_must_be_listed() {
    let grant: PodGrant = serde_json::from_value(
        json!({"annotations": ["sidecar.istio.io/inject"], "labels": ["sidecar.istio.io/inject"]}),
    )
    .unwrap();
    let pod = |map: &str, name: &str, value: &str| json!({"metadata": {map: {name: value}}, "spec": {}});
    let with = |name: &str, value: &str| {
        metadata::check_change(None, &pod("annotations", name, value), &Rules::of(&[&grant]))
    };
    let labelled = |name: &str| {
        let labelled = pod("labels", name, "true");
        let there = check_change(Some(&labelled), &labelled, &Rules::of(&[&grant]));
        assert_eq!(there, Ok(()), "what was there before is not the policy's doing");
        check_change(Some(&json!({"spec": {}})), &labelled, &Rules::of(&[&grant]))
    };
    for name in ["azure.workload.identity/use", "linkerd.io/inject", "istio.io/rev", "admission.gke.io/x"] {
        assert!(labelled(name).unwrap_err().contains("pods.labels"), "{name}");
    }
    for name in ["sidecar.istio.io/inject", "app", "app.kubernetes.io/name", "volsync.suture.dev/unlocks"] {
        assert_eq!(labelled(name), Ok(()), "{name}");
    }
    for (name, value) in [
        ("container.apparmor.security.beta.kubernetes.io/x", "unconfined"),
        ("seccomp.security.alpha.kubernetes.io/pod", "unconfined"),
        ("k8s.v1.cni.cncf.io/networks", "host"),
        ("sidecar.istio.io/proxyImage", "evil"),
        ("io.kubernetes.cri-o.Devices", "/dev/sda"),
    ] {
        assert!(with(name, value).is_err(), "{name}");
    }
    for (name, value) in [
        ("container.apparmor.security.beta.kubernetes.io/x", "runtime/default"),
        ("kubectl.kubernetes.io/restartedAt", "2026-11-22T04:10:00Z"),
        ("checksum/config", "x"),
        ("sidecar.istio.io/inject", "false"),
        ("team", "storage"),
    ] {
        assert_eq!(with(name, value), Ok(()), "{name}");
    }
}

#[test]
fn amounts_of_a_pod_that_no_policy_could_make_may_change_and_nothing_else_of_it() {
    let pod = |change: Change| {
        let mut spec = json!({"hostPID": true, "serviceAccountName": "admin",
            "containers": [{"name": "a", "image": "other", "resources": {"limits": {"memory": "1Gi"}}}]});
        change(&mut spec);
        json!({"spec": spec})
    };
    let checked = |change: Change| check_change(Some(&pod(|_| {})), &pod(change), &Rules::of(&[]));
    let fine: [Change; 4] = [
        |s| s["containers"][0]["resources"]["limits"]["memory"] = json!("2Gi"),
        |s| s["containers"][0]["resources"] = json!(null),
        |s| s["terminationGracePeriodSeconds"] = json!(5),
        |s| s["resources"] = json!({"requests": {"cpu": "1"}}),
    ];
    for change in fine {
        assert_eq!(checked(change), Ok(()));
    }
    let hostile: [Change; 6] = [
        |s| s["containers"][0]["image"] = json!("evil"),
        |s| s["containers"][0]["command"] = json!(["sh"]),
        |s| s["containers"][0]["resources"]["claims"] = json!([{"name": "gpu"}]),
        |s| s["containers"][0]["name"] = json!("b"),
        |s| s["initContainers"] = json!([{"name": "b", "resources": {}}]),
        |s| s["containers"] = json!([]),
    ];
    for change in hostile {
        assert!(checked(change).is_err());
    }
    assert!(check_change(None, &pod(|_| {}), &Rules::of(&[])).is_err(), "what is new is looked at whole");
}

#[test]
fn what_says_nothing_is_as_if_it_were_not_there() {
    let fine: [Change; 8] = [
        |s| s["os"] = json!({}),
        |s| s["nodeName"] = json!(""),
        |s| s["ephemeralContainers"] = json!([]),
        |s| s["resourceClaims"] = json!([]),
        |s| s["priority"] = json!(0),
        |s| s["serviceAccountName"] = json!("default"),
        |s| s["nodeSelector"] = json!({"kubernetes.io/os": "linux"}),
        |s| s["tolerations"] = json!([{"key": "node.kubernetes.io/not-ready", "operator": "Exists"}]),
    ];
    for change in fine {
        assert_eq!(checked(&grant(), change), Ok(()));
    }
}

#[test]
fn the_claims_that_a_stateful_set_gets_by_name_must_be_listed() {
    let kind = suture_core::object::Kind::new("apps/v1", "StatefulSet");
    let set = |name: &str, retention: &str| {
        json!({"metadata": {"name": "db"}, "spec": {"volumeClaimTemplates": [{"metadata": {"name": name}}],
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": retention}}})
    };
    let grant: PodGrant = serde_json::from_value(json!({"claims": ["data-db-*"]})).unwrap();
    let check = |before: Option<&Value>, after: &Value| {
        check_claim_templates(&kind, before, after, &Rules::of(&[&grant]))
    };
    assert_eq!(check(None, &set("data", "Retain")), Ok(()));
    assert!(check(None, &set("other", "Retain")).unwrap_err().contains("claims"));
    assert!(check(None, &set("data", "Delete")).is_err());
    let there = set("other", "Delete");
    assert_eq!(check(Some(&there), &there), Ok(()), "what was there before is not the policy's doing");
    let of = |claims: &[&str], set: &Value| {
        let grant: PodGrant = serde_json::from_value(json!({"claims": claims})).unwrap();
        check_claim_templates(&kind, None, set, &Rules::of(&[&grant]))
    };
    let mut set = set("data", "Retain");
    assert!(of(&["data-db-0"], &set).unwrap_err().contains("`data-db-1`"), "it can be scaled later");
    set["spec"]["ordinals"] = json!({"start": 3});
    assert!(of(&["data-db-0"], &set).unwrap_err().contains("`data-db-3`"), "its first claim is another");
    assert_eq!(of(&["data-db-*"], &set), Ok(()));
    for field in ["dataSource", "dataSourceRef", "volumeName"] {
        let mut copied = set.clone();
        copied["spec"]["volumeClaimTemplates"][0]["spec"] = json!({field: "x"});
        assert!(of(&["data-db-*"], &copied).unwrap_err().contains(field));
    }
}

#[test]
fn a_pod_without_containers_or_spec_is_no_pod() {
    assert!(check(&json!({}), &Rules::of(&[])).is_err());
    assert!(checked(&grant(), |spec| spec["containers"] = json!([])).is_err());
    assert!(checked(&grant(), |spec| spec["containers"] = json!({})).is_err());
}
