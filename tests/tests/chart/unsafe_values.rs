//! Values that would be unsafe, or would not work, end the render and say what to set.

use serde_json::{Value, json};

use crate::{objects, render, values};

fn refused(more: Value) -> String {
    match render("suture", "suture", &values(more.clone())) {
        Err(error) => error,
        Ok(_) => panic!("this was rendered: {more}"),
    }
}

/// A policy with a grant, of which `more` says the rest.
fn granted(more: Value) -> Value {
    let mut grant = json!({"groups": [""], "resources": ["secrets"], "verbs": ["get"]});
    crate::lay_over(&mut grant, more);
    json!({"policies": [{"name": "p", "source": {"file": "/policies/p.wasm"}, "grants": [grant]}]})
}

fn from_registry(oci: Value) -> Value {
    json!({"policies": [{"name": "p", "source": {"oci": oci}}]})
}

const DIGEST: &str = "sha256:53205ec4a1f053205ec4a1f053205ec4a1f053205ec4a1f053205ec4a1f05320";

#[test]
fn what_is_unsafe_is_refused_and_rendered_where_it_is_accepted() {
    let by_nobody = json!({"policies": [{"name": "p", "source": {"file": "/p.wasm"}, "confirm": "none", "mode": "enforce"}]});
    let by_nobody_at_length = json!({"policies": [{"name": "p", "source": {"file": "/p.wasm"}, "confirm": {"by": "none"}, "mode": "enforce"}]});
    for (risk, more, remedy) in [
        ("openWebhook", json!({"tokens": {"webhook": {"enabled": false}}}), "tokens.webhook.enabled: true"),
        ("unconfirmedChanges", by_nobody, "Leave `confirm` out"),
        ("unconfirmedChanges", by_nobody_at_length, "Leave `confirm` out"),
        ("secretsEverywhere", granted(json!({"namespaces": ["*"]})), "Name the namespaces"),
        ("secretsEverywhere", granted(json!({"namespaces": ["media", "home-*"]})), "Name the namespaces"),
        (
            "secretsEverywhere",
            granted(json!({"namespaceSelector": {"matchLabels": {"a": "b"}}})),
            "Name the namespaces",
        ),
        ("everyGroup", granted(json!({"groups": ["*"], "namespaces": ["media"]})), "Name the groups"),
        ("unpinnedPolicy", from_registry(json!("ghcr.io/team/volsync:1")), "@sha256:"),
        ("unpinnedPolicy", from_registry(json!({"reference": "ghcr.io/team/volsync:1"})), "source.oci.key"),
        ("ephemeralJournal", json!({"persistence": {"enabled": false}}), "persistence.enabled: true"),
    ] {
        let error = refused(more.clone());
        assert!(error.contains(remedy), "{more}: {error}");
        assert!(error.contains(&format!("acceptedRisks: [{risk}]")), "{more}: {error}");
        let mut accepted = more;
        crate::lay_over(&mut accepted, json!({"acceptedRisks": [risk]}));
        objects(accepted);
    }
}

#[test]
fn what_is_safe_is_not_refused() {
    for more in [
        granted(json!({"namespaces": ["media"]})),
        granted(json!({"resources": ["pods"], "namespaces": ["*"]})),
        granted(json!({"groups": ["example.com"], "namespaces": ["*"]})),
        from_registry(json!(format!("ghcr.io/team/volsync:1@{DIGEST}"))),
        from_registry(json!({"reference": "ghcr.io/team/volsync:1", "key": "cosign.pub"})),
        json!({"tokens": {"admin": {"enabled": false}}, "drain": {"enabled": false}, "test": {"enabled": false},
            "config": {"people": [{"name": "alice", "tokenHash": DIGEST, "roles": ["viewer"]}]}}),
        json!({"tokens": {"webhook": {"enabled": false}}, "config": {"webhook":
            {"basicAuth": {"username": "alertmanager", "passwordFile": "tokens/password"}}}}),
    ] {
        objects(more);
    }
}

#[test]
fn what_can_not_work_is_refused_with_what_to_set() {
    let no_jobs = |mut more: Value| {
        crate::lay_over(&mut more, json!({"drain": {"enabled": false}, "test": {"enabled": false}}));
        more
    };
    let named = |name: &str| json!({"name": name, "source": {"file": "/p.wasm"}});
    let same = json!({"existingSecret": "all", "key": "token"});
    for (more, remedy) in [
        (json!({"image": {"repository": ""}}), "image.repository"),
        (json!({"image": {"digest": "sha256:1"}}), "64 hexadecimal digits"),
        (no_jobs(json!({"tokens": {"admin": {"enabled": false}}})), "tokens.admin.enabled: true"),
        (
            json!({"tokens": {"admin": {"enabled": false}}, "config": {"admin": {"basicAuth":
            {"username": "a", "passwordFile": "b"}}}}),
            "drain.enabled: false",
        ),
        (json!({"tokens": {"admin": same, "webhook": same}}), "Give each its own"),
        (json!({"config": {"admin": {"tls": {"certFile": "a", "keyFile": "b"}}}}), "client.caFile"),
        (json!({"serviceAccount": {"create": false}}), "serviceAccount.name"),
        (json!({"existingConfigMap": "mine"}), "rbac.create: false"),
        (
            json!({"existingConfigMap": "mine", "rbac": {"create": false}, "policies": [named("p")]}),
            "leave those empty",
        ),
        (json!({"policies": [named("p"), named("p")]}), "already"),
        (json!({"policies": [named("p")], "config": {"prometheus": null}}), "config.prometheus.url"),
        (granted(json!({"namespaces": ["NAMESPACE"]})), "no namespace is called `NAMESPACE`"),
        (json!({"configFiles": {"suture.yaml": ""}}), "configFiles"),
        (
            json!({"extraVolumes": [{"name": "x"}], "extraVolumeMounts": [{"name": "x", "mountPath": "/etc/suture/x"}]}),
            "configSources",
        ),
        (json!({"alertmanagerConfig": {"enabled": true}}), "alertmanagerConfig.alertnames"),
        (
            json!({"prometheusRule": {"enabled": true, "rules": {"SutureDwon": {"enabled": false}}}}),
            "there are SutureDown",
        ),
        (
            json!({"prometheusRule": {"enabled": true, "rules": {"SutureDown": {"threshold": 1}}}}),
            "no threshold",
        ),
    ] {
        let error = refused(more.clone());
        assert!(error.contains(remedy), "{more}: {error}");
    }
}

#[test]
fn what_the_schema_does_not_know_is_refused() {
    for more in [
        json!({"replicas": 2}),
        json!({"config": {"listen": "127.0.0.1:1"}}),
        json!({"config": {"admin": {"tokenFile": "x"}}}),
        json!({"config": {"webhook": {"tokenFile": "x"}}}),
        json!({"config": {"storage": {"path": "/x"}}}),
        json!({"config": {"cluster": {"live": {"namespace": "x"}}}}),
        json!({"config": {"cluster": {"simulated": {"scenario": "x"}}}}),
        json!({"config": {"prometheus": {"ulr": "http://x"}}}),
        json!({"config": {"policies": []}}),
        json!({"policies": [{"name": "p", "source": {"file": "/p.wasm"}, "mode": "act"}]}),
        json!({"policies": [{"name": "p"}]}),
        granted(json!({"namespace": ["media"]})),
        granted(json!({"verbs": ["escalate"]})),
        json!({"acceptedRisks": ["everything"]}),
        json!({"drain": {"wait": "soon"}}),
        json!({"terminationGracePeriodSeconds": 5}),
    ] {
        let error = refused(more.clone());
        assert!(error.contains("schema"), "{more}: {error}");
    }
}
