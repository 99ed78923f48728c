//! A real API server takes every object of the chart, as strictly as it can be asked to, and lets its pods into a namespace
//! that admits restricted ones only.

use serde_json::json;
use suture_envtest::ControlPlane;

use crate::{render, repository, values};

/// A namespace that admits restricted pods only, and what stands outside of the chart.
async fn prepare(plane: &ControlPlane, namespace: &str) {
    for name in ["alertmanagerconfigs", "podmonitors", "prometheusrules", "servicemonitors"] {
        let file = repository(&format!("tests/fixtures/monitoring/monitoring.coreos.com_{name}.yaml"));
        plane.apply(&std::fs::read_to_string(file).unwrap()).await.unwrap();
    }
    let restricted = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace,
        "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}});
    plane.apply(&restricted.to_string()).await.unwrap();
    plane.apply("{apiVersion: v1, kind: Namespace, metadata: {name: media}}").await.unwrap();
    // Pods that run as it may come before the controller has made it.
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": namespace}});
    plane.apply(&account.to_string()).await.unwrap();
}

#[tokio::test]
async fn the_api_server_takes_every_object_and_admits_every_pod() {
    let plane = ControlPlane::shared();
    let grants = json!([{"groups": ["volsync.backube"], "resources": ["replicationsources"], "verbs": ["get", "patch"],
        "namespaces": ["media"], "names": ["plex"]},
        {"groups": [""], "resources": ["persistentvolumes"], "verbs": ["delete"]}]);
    let everything = json!({
        "policies": [{"name": "p", "source": {"file": "/policies/volsync.wasm"}, "grants": grants}],
        "commonLabels": {"team": "storage"}, "commonAnnotations": {"team": "storage"},
        "imagePullSecrets": [{"name": "pull"}], "configFiles": {"cosign.pub": "key"},
        "configSources": [{"secret": {"name": "tls", "items": [{"key": "tls.crt", "path": "tls/tls.crt"}]}}],
        "deploymentAnnotations": {"a": "b"}, "podLabels": {"a": "b"}, "podAnnotations": {"a": "b"},
        "priorityClassName": "system-cluster-critical", "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "storage", "operator": "Exists"}], "dnsConfig": {"options": [{"name": "ndots", "value": "1"}]},
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms":
            [{"matchExpressions": [{"key": "a", "operator": "Exists"}]}]}}},
        "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["prometheus"]}], "extraArgs": ["--help"],
        "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy"}], "extraEnvFrom": [{"configMapRef": {"name": "env"}}],
        "extraVolumes": [{"name": "policies", "emptyDir": {}}],
        "extraVolumeMounts": [{"name": "policies", "mountPath": "/more"}],
        "extraObjects": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "env", "namespace": "strict"}}],
        "service": {"type": "LoadBalancer", "ipFamilyPolicy": "SingleStack", "labels": {"a": "b"}, "annotations": {"a": "b"}},
        "networkPolicy": {"egress": {"apiServer": ["10.0.0.1/32"]}},
        "serviceMonitor": {"enabled": true, "scrapeTimeout": "10s", "tlsConfig": {"insecureSkipVerify": true},
            "relabelings": [{"action": "labeldrop", "regex": "x"}], "metricRelabelings": [{"action": "drop", "regex": "x"}]},
        "podMonitor": {"enabled": true, "scrapeTimeout": "10s"},
        "prometheusRule": {"enabled": true, "alertLabels": {"a": "b"}}, "dashboards": {"enabled": true},
        "alertmanagerConfig": {"enabled": true, "alertnames": "VolSyncVolumeOutOfSync"},
        "client": {"caFile": "/ca/ca.crt", "volumes": [{"name": "ca", "secret": {"secretName": "tls"}}],
            "volumeMounts": [{"name": "ca", "mountPath": "/ca"}]},
    });
    let least = json!({"networkPolicy": {"egress": {"enabled": false}, "webhook": {"from": []}, "admin": {"from": []}},
        "tokens": {"metrics": {"enabled": false}}, "serviceAccount": {"name": "other"}});
    for (release, namespace, more) in [("suture", "strict", everything), ("other", "plain", least)] {
        prepare(plane, namespace).await;
        for object in render(release, namespace, &values(more)).unwrap() {
            plane.apply(&object.to_string()).await.unwrap();
            // What controllers make of a template is a pod that the same admission judges.
            let template = &object["spec"]["template"];
            if template["spec"]["containers"].is_array() {
                let name = format!("{}-pod", object["metadata"]["name"].as_str().unwrap());
                let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "spec": template["spec"],
                    "metadata": {"name": name, "namespace": namespace}});
                pod["spec"]["restartPolicy"] = json!("Never");
                // This one is admitted in kube-system alone, by default.
                pod["spec"].as_object_mut().unwrap().remove("priorityClassName");
                plane.apply(&pod.to_string()).await.unwrap();
            }
        }
        // That they were let in means something: others are not.
        let careless = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "careless", "namespace": namespace},
            "spec": {"containers": [{"name": "careless", "image": "careless"}]}});
        let refused = format!("{:#}", plane.apply(&careless.to_string()).await.unwrap_err());
        assert!(refused.contains("restricted"), "{refused}");
    }
}
