//! The configuration that the chart renders: the host takes it, and only what needs a restart restarts it.

use serde_json::{Value, json};

use crate::{configuration, objects, one, render, suture, values};

/// The errors and warnings of `suture check`, but for what is elsewhere.
fn complaints(objects: &[Value], name: &str) -> Vec<String> {
    let folder = configuration(objects, name);
    let report = suture(folder.path(), &["check", "--secrets-elsewhere"])["report"].clone();
    assert!(report["errors"].is_array(), "{report:#}");
    let said =
        |list: &str| report[list].as_array().unwrap().iter().map(ToString::to_string).collect::<Vec<_>>();
    let elsewhere = ["/etc/suture/tokens", "/etc/suture/tls", "no `policies`"];
    let all = said("errors").into_iter().chain(said("warnings"));
    all.filter(|one| !elsewhere.iter().any(|words| one.contains(words))).collect()
}

const UPSTREAM: &str = "http://prometheus.monitoring.svc:9090";

#[test]
fn the_host_takes_what_is_rendered() {
    let upstream =
        json!({"prometheus": {"url": UPSTREAM}, "alertmanager": {"url": "http://a.monitoring.svc:9093"}});
    let tls = json!({"certFile": "/etc/suture/tls/tls.crt", "keyFile": "/etc/suture/tls/tls.key"});
    for more in [
        json!({"config": upstream}),
        json!({"config": upstream, "listenAddress": "::"}),
        json!({"config": upstream, "fullnameOverride": "mender"}),
        json!({"config": {"prometheus": {"url": UPSTREAM}, "alertmanager": {"url": "http://a"}, "clusterName": "home",
            "storage": {"maxSize": "512Mi"}, "budgets": {"concurrentRuns": 2}, "webhook": {"maxBody": "1Mi", "tls": tls},
            "admin": {"tls": tls, "hosts": ["suture.example.com"]}, "cluster": {"live": {"lease": {"name": "one"}}}},
            "client": {"caFile": "/tls/ca.crt"}}),
    ] {
        let name = more["fullnameOverride"].as_str().unwrap_or("suture").to_owned();
        assert_eq!(complaints(&objects(more.clone()), &name), Vec::<String>::new(), "{more:#}");
    }
}

/// `suture.yaml` as a document.
fn document(objects: &[Value], name: &str) -> Value {
    serde_saphyr::from_str(one(objects, "ConfigMap", name)["data"]["suture.yaml"].as_str().unwrap()).unwrap()
}

#[test]
fn the_names_of_the_service_are_names_of_the_api() {
    let rendered =
        render("two", "tools", &values(json!({"config": {"admin": {"hosts": ["suture.example.com"]}}})))
            .unwrap();
    let expected = [
        "two-suture",
        "two-suture.tools",
        "two-suture.tools.svc",
        "two-suture.tools.svc.cluster.local",
        "suture.example.com",
    ];
    assert_eq!(document(&rendered, "two-suture")["admin"]["hosts"], json!(expected));
    // One that is called `suture` the host knows by itself.
    assert_eq!(document(&objects(json!({})), "suture")["admin"].get("hosts"), None);
}

#[test]
fn a_change_of_policies_or_people_changes_the_configuration_and_not_the_pod() {
    let of = |more: Value| {
        let rendered = objects(more);
        let template = one(&rendered, "Deployment", "suture")["spec"]["template"].clone();
        (template, document(&rendered, "suture"))
    };
    let policy = |mode: &str| json!([{"name": "p", "source": {"file": "/p.wasm"}, "mode": mode}]);
    let (pod, before) = of(json!({"policies": policy("observe")}));
    let hash = format!("sha256:{}", "0".repeat(64));
    for more in [
        json!({"policies": policy("enforce")}),
        json!({"policies": policy("observe"), "config": {"people": [{"name": "a", "tokenHash": hash, "roles": ["viewer"]}]}}),
    ] {
        let (same, after) = of(more);
        assert_eq!(pod, same);
        assert_ne!(before, after);
    }
    let (other, _) =
        of(json!({"policies": policy("observe"), "config": {"prometheus": {"url": "http://other:9090"}}}));
    assert_ne!(pod, other);
}

#[test]
fn configuration_and_tokens_are_one_volume_whose_files_the_kubelet_exchanges() {
    let rendered = objects(json!({"configSources": [{"secret": {"name": "suture-tls"}}],
        "tokens": {"admin": {"existingSecret": "mine", "key": "all.powerful"}, "metrics": {"enabled": false}}}));
    let pod = &one(&rendered, "Deployment", "suture")["spec"]["template"]["spec"];
    for mount in pod["containers"][0]["volumeMounts"].as_array().unwrap() {
        assert_eq!(mount.get("subPath"), None, "what is mounted so never changes");
    }
    let projected = &pod["volumes"][0]["projected"];
    assert_eq!(
        projected["sources"],
        json!([
            {"configMap": {"name": "suture"}},
            {"secret": {"name": "mine", "items": [{"key": "all.powerful", "path": "tokens/admin"}]}},
            {"secret": {"name": "suture-tokens", "items": [{"key": "webhook", "path": "tokens/webhook"}]}},
            {"secret": {"name": "suture-tls"}},
        ])
    );
    let document = document(&rendered, "suture");
    assert_eq!(document["admin"]["tokenFile"], "/etc/suture/tokens/admin");
    assert_eq!(document["admin"].get("metricsTokenFile"), None);
    // Only what is missing is made.
    let secret = one(&rendered, "Secret", "suture-tokens");
    let keys: Vec<_> = secret["data"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["webhook"]);
}
