//! Each option of the chart, and where it lands.

use serde_json::{Value, json};

use crate::{objects, one, render, values};

/// What stands at a place of an object, for values.
fn at(more: Value, kind: &str, name: &str, pointer: &str) -> Value {
    let rendered = objects(more);
    one(&rendered, kind, name).pointer(pointer).cloned().unwrap_or(Value::Null)
}

#[test]
fn options_of_the_pod_land_in_it() {
    let template = "/spec/template";
    for (more, place, expected) in [
        (json!({"imagePullSecrets": [{"name": "x"}]}), "/spec/imagePullSecrets", json!([{"name": "x"}])),
        (json!({"priorityClassName": "high"}), "/spec/priorityClassName", json!("high")),
        (json!({"runtimeClassName": "gvisor"}), "/spec/runtimeClassName", json!("gvisor")),
        (json!({"schedulerName": "other"}), "/spec/schedulerName", json!("other")),
        (json!({"nodeSelector": {"a": "b"}}), "/spec/nodeSelector", json!({"a": "b"})),
        (json!({"tolerations": [{"key": "a"}]}), "/spec/tolerations", json!([{"key": "a"}])),
        (json!({"affinity": {"nodeAffinity": {}}}), "/spec/affinity", json!({"nodeAffinity": {}})),
        (json!({"dnsPolicy": "None"}), "/spec/dnsPolicy", json!("None")),
        (json!({"dnsConfig": {"nameservers": ["::1"]}}), "/spec/dnsConfig/nameservers/0", json!("::1")),
        (json!({"hostAliases": [{"ip": "::1"}]}), "/spec/hostAliases", json!([{"ip": "::1"}])),
        (json!({"terminationGracePeriodSeconds": 90}), "/spec/terminationGracePeriodSeconds", json!(90)),
        (
            json!({"serviceAccount": {"create": false, "name": "mine"}}),
            "/spec/serviceAccountName",
            json!("mine"),
        ),
        (json!({"podSecurityContext": {"runAsUser": 7}}), "/spec/securityContext/runAsUser", json!(7)),
        (json!({"podLabels": {"a": "b"}}), "/metadata/labels/a", json!("b")),
        (json!({"commonLabels": {"a": "b"}}), "/metadata/labels/a", json!("b")),
        (json!({"podAnnotations": {"a": "b"}}), "/metadata/annotations/a", json!("b")),
        (json!({"extraInitContainers": [{"name": "x"}]}), "/spec/initContainers", json!([{"name": "x"}])),
        (json!({"extraContainers": [{"name": "x"}]}), "/spec/containers/1", json!({"name": "x"})),
        (json!({"extraVolumes": [{"name": "x"}]}), "/spec/volumes/2", json!({"name": "x"})),
        (
            json!({"persistence": {"existingClaim": "x"}}),
            "/spec/volumes/1/persistentVolumeClaim/claimName",
            json!("x"),
        ),
    ] {
        assert_eq!(at(more, "Deployment", "suture", &format!("{template}{place}")), expected, "{place}");
    }
}

#[test]
fn options_of_the_container_land_in_it() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let image = |more: Value| json!({"image": more});
    let tls =
        json!({"config": {"admin": {"tls": {"certFile": "a", "keyFile": "b"}}}, "client": {"caFile": "c"}});
    for (more, place, expected) in [
        (json!({}), "/image", json!("registry.example.com/suture:0.1.0")),
        (image(json!({"tag": "1.2"})), "/image", json!("registry.example.com/suture:1.2")),
        (
            image(json!({"tag": "1.2", "digest": digest})),
            "/image",
            json!(format!("registry.example.com/suture@{digest}")),
        ),
        (image(json!({"pullPolicy": "Always"})), "/imagePullPolicy", json!("Always")),
        (json!({"extraArgs": ["--x"]}), "/args/3", json!("--x")),
        (json!({"logFormat": "table"}), "/args/2", json!("--output=table")),
        (json!({"logLevel": "debug"}), "/env/0", json!({"name": "RUST_LOG", "value": "debug"})),
        (json!({"extraEnv": [{"name": "a", "value": "b"}]}), "/env/1", json!({"name": "a", "value": "b"})),
        (json!({"extraEnvFrom": [{"secretRef": {"name": "a"}}]}), "/envFrom/0/secretRef/name", json!("a")),
        (
            json!({"extraVolumeMounts": [{"name": "x", "mountPath": "/x"}]}),
            "/volumeMounts/2/mountPath",
            json!("/x"),
        ),
        (json!({"resources": {"limits": {"memory": "2Gi"}}}), "/resources/limits/memory", json!("2Gi")),
        (json!({"securityContext": {"runAsUser": 7}}), "/securityContext/runAsUser", json!(7)),
        (json!({"startupProbe": {"failureThreshold": 9}}), "/startupProbe/failureThreshold", json!(9)),
        (json!({}), "/startupProbe/httpGet", json!({"path": "/healthz", "port": "admin"})),
        (json!({}), "/livenessProbe/httpGet", json!({"path": "/healthz", "port": "admin"})),
        (json!({}), "/readinessProbe/httpGet", json!({"path": "/readyz", "port": "admin"})),
        (tls, "/readinessProbe/httpGet/scheme", json!("HTTPS")),
    ] {
        let place = format!("/spec/template/spec/containers/0{place}");
        assert_eq!(at(more, "Deployment", "suture", &place), expected, "{place}");
    }
}

#[test]
fn options_of_other_objects_land_in_them() {
    let on = |name: &str, more: Value| {
        let mut values = json!({name: {"enabled": true}});
        crate::lay_over(&mut values, json!({name: more}));
        values
    };
    let rule = |more: Value| on("prometheusRule", json!({"rules": {"SutureJournalFull": more}}));
    let full = "/spec/groups/0/rules/21";
    for (more, kind, name, place, expected) in [
        (
            json!({"service": {"type": "LoadBalancer"}}),
            "Service",
            "suture",
            "/spec/type",
            json!("LoadBalancer"),
        ),
        (json!({"service": {"adminPort": 80}}), "Service", "suture", "/spec/ports/1/port", json!(80)),
        (
            json!({"service": {"ipFamilyPolicy": "PreferDualStack"}}),
            "Service",
            "suture",
            "/spec/ipFamilyPolicy",
            json!("PreferDualStack"),
        ),
        (
            json!({"persistence": {"size": "9Gi"}}),
            "PersistentVolumeClaim",
            "suture",
            "/spec/resources/requests/storage",
            json!("9Gi"),
        ),
        (
            json!({"persistence": {"storageClassName": "x"}}),
            "PersistentVolumeClaim",
            "suture",
            "/spec/storageClassName",
            json!("x"),
        ),
        (
            json!({}),
            "PersistentVolumeClaim",
            "suture",
            "/metadata/annotations/helm.sh~1resource-policy",
            json!("keep"),
        ),
        (
            json!({"serviceAccount": {"annotations": {"a": "b"}}}),
            "ServiceAccount",
            "suture",
            "/metadata/annotations/a",
            json!("b"),
        ),
        (
            json!({"configFiles": {"cosign.pub": "key"}}),
            "ConfigMap",
            "suture",
            "/data/cosign.pub",
            json!("key"),
        ),
        (
            json!({"networkPolicy": {"webhook": {"from": []}}}),
            "NetworkPolicy",
            "suture-webhook",
            "/spec/ingress",
            json!([]),
        ),
        (
            json!({"networkPolicy": {"egress": {"apiServer": ["10.0.0.1/32"]}}}),
            "NetworkPolicy",
            "suture-egress",
            "/spec/egress/1/to/0/ipBlock/cidr",
            json!("10.0.0.1/32"),
        ),
        (
            on("serviceMonitor", json!({"labels": {"release": "x"}})),
            "ServiceMonitor",
            "suture",
            "/metadata/labels/release",
            json!("x"),
        ),
        (
            on("serviceMonitor", json!({})),
            "ServiceMonitor",
            "suture",
            "/spec/endpoints/0/authorization/credentials/key",
            json!("metrics"),
        ),
        (
            on("podMonitor", json!({"interval": "5s"})),
            "PodMonitor",
            "suture",
            "/spec/podMetricsEndpoints/0/interval",
            json!("5s"),
        ),
        (
            rule(json!({"threshold": 0.9})),
            "PrometheusRule",
            "suture",
            &format!("{full}/expr"),
            json!("max(suture_journal_used_bytes / (suture_journal_max_bytes > 0)) > 0.9"),
        ),
        (
            rule(json!({"severity": "critical"})),
            "PrometheusRule",
            "suture",
            &format!("{full}/labels/severity"),
            json!("critical"),
        ),
        (rule(json!({"for": "9m"})), "PrometheusRule", "suture", &format!("{full}/for"), json!("9m")),
        (
            rule(json!({"enabled": false})),
            "PrometheusRule",
            "suture",
            &format!("{full}/alert"),
            json!("SutureSpansDropped"),
        ),
        (
            on("prometheusRule", json!({"alertLabels": {"team": "a"}})),
            "PrometheusRule",
            "suture",
            &format!("{full}/labels/team"),
            json!("a"),
        ),
        (
            on("prometheusRule", json!({"extraGroups": [{"name": "x"}]})),
            "PrometheusRule",
            "suture",
            "/spec/groups/1/name",
            json!("x"),
        ),
        (
            on("prometheusRule", json!({"runbookUrl": "https://example.com/%ALERT%.html"})),
            "PrometheusRule",
            "suture",
            &format!("{full}/annotations/runbook_url"),
            json!("https://example.com/SutureJournalFull.html"),
        ),
        (
            on("prometheusRule", json!({"runbookUrl": ""})),
            "PrometheusRule",
            "suture",
            &format!("{full}/annotations/runbook_url"),
            Value::Null,
        ),
        (
            on("dashboards", json!({"labels": {"team": "a"}})),
            "ConfigMap",
            "suture-dashboard-operators",
            "/metadata/labels/team",
            json!("a"),
        ),
        (
            on("dashboards", json!({"namespace": "monitoring"})),
            "ConfigMap",
            "suture-dashboard-authors",
            "/metadata/namespace",
            json!("monitoring"),
        ),
        (
            on("alertmanagerConfig", json!({"alertnames": "A|B"})),
            "AlertmanagerConfig",
            "suture",
            "/spec/route/matchers/0/value",
            json!("A|B|SutureDrill"),
        ),
        (
            json!({"drain": {"wait": "1m"}}),
            "Job",
            "suture-drain",
            "/spec/template/spec/containers/0/args/2",
            json!("--wait=1m"),
        ),
        (
            json!({"test": {"args": ["--drill"]}}),
            "Pod",
            "suture-doctor",
            "/spec/containers/0/args",
            json!(["doctor", "--drill"]),
        ),
        (
            json!({"client": {"caFile": "/ca"}}),
            "Pod",
            "suture-doctor",
            "/spec/containers/0/env/2/value",
            json!("/ca"),
        ),
        (
            json!({"extraObjects": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ .Release.Name }}-x"}}]}),
            "ConfigMap",
            "suture-x",
            "/kind",
            json!("ConfigMap"),
        ),
        (
            json!({"extraObjects": ["{apiVersion: v1, kind: ConfigMap, metadata: {name: \"{{ .Release.Name }}-x\"}}"]}),
            "ConfigMap",
            "suture-x",
            "/kind",
            json!("ConfigMap"),
        ),
    ] {
        assert_eq!(at(more, kind, name, place), expected, "{kind} {place}");
    }
}

#[test]
fn what_is_switched_off_is_not_there() {
    let all = |more: Value| -> Vec<String> {
        objects(more)
            .iter()
            .map(|object| format!("{} {}", object["kind"], object["metadata"]["name"]))
            .collect()
    };
    let usual = all(json!({}));
    for (more, gone) in [
        (json!({"networkPolicy": {"enabled": false}}), vec!["NetworkPolicy"]),
        (json!({"networkPolicy": {"egress": {"enabled": false}}}), vec!["suture-egress"]),
        (json!({"rbac": {"create": false}}), vec!["Role"]),
        (json!({"serviceAccount": {"create": false, "name": "mine"}}), vec!["ServiceAccount", "Role"]),
        (json!({"drain": {"enabled": false}}), vec!["Job"]),
        (json!({"test": {"enabled": false}}), vec!["Pod\" \"suture-doctor"]),
        (json!({"persistence": {"existingClaim": "mine"}}), vec!["PersistentVolumeClaim"]),
        (json!({"existingConfigMap": "mine", "rbac": {"create": false}}), vec!["ConfigMap", "Role"]),
        (
            json!({"tokens": {"webhook": {"existingSecret": "a"}, "admin": {"existingSecret": "b"},
            "metrics": {"existingSecret": "c"}}}),
            vec!["Secret"],
        ),
    ] {
        let left = all(more.clone());
        let missing: Vec<_> = usual.iter().filter(|object| !left.contains(object)).collect();
        assert!(!missing.is_empty(), "{more}");
        assert!(
            missing.iter().all(|object| gone
                .iter()
                .any(|gone| object.replace("\" \"", " ").contains(&gone.replace("\" \"", " ")))),
            "{more}: {missing:?}"
        );
    }
    for kind in ["ServiceMonitor", "PodMonitor", "PrometheusRule", "AlertmanagerConfig"] {
        assert!(
            !usual.iter().any(|object| object.contains(kind)),
            "{kind} needs an operator, and is asked for"
        );
    }
}

#[test]
fn ports_selectors_and_policies_fit_together() {
    let rendered = render(
        "two",
        "tools",
        &values(json!({"serviceMonitor": {"enabled": true}, "podMonitor": {"enabled": true}})),
    );
    let rendered = rendered.unwrap();
    let deployment = &one(&rendered, "Deployment", "two-suture")["spec"];
    let labels = &deployment["template"]["metadata"]["labels"];
    assert_eq!(&deployment["selector"]["matchLabels"], labels);
    assert_eq!(&one(&rendered, "Service", "two-suture")["spec"]["selector"], labels);
    assert_eq!(&one(&rendered, "PodMonitor", "two-suture")["spec"]["selector"]["matchLabels"], labels);
    for policy in ["webhook", "admin", "egress"] {
        let policy = one(&rendered, "NetworkPolicy", &format!("two-suture-{policy}"));
        assert_eq!(&policy["spec"]["podSelector"]["matchLabels"], labels);
    }
    let monitor = one(&rendered, "ServiceMonitor", "two-suture")["spec"]["selector"]["matchLabels"].clone();
    let service = &one(&rendered, "Service", "two-suture")["metadata"]["labels"];
    for (key, value) in monitor.as_object().unwrap() {
        assert_eq!(&service[key], value);
    }
    // The jobs reach the host, and no alert reaches them.
    let job = &one(&rendered, "Job", "two-suture-drain")["spec"]["template"]["metadata"]["labels"];
    assert_ne!(job, labels);
    let admitted = &one(&rendered, "NetworkPolicy", "two-suture-admin")["spec"]["ingress"][0]["from"][0];
    assert_eq!(&admitted["podSelector"]["matchLabels"], job);
    let test = &one(&rendered, "Pod", "two-suture-doctor")["metadata"]["labels"];
    for (key, value) in job.as_object().unwrap() {
        assert_eq!(&test[key], value);
    }
    // Each of its objects can be told from those of others.
    for object in &rendered {
        assert_eq!(object["metadata"]["labels"]["app.kubernetes.io/instance"], "two", "{}", object["kind"]);
    }
}
