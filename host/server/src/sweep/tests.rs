use std::slice;

use serde_json::{Value, json};

use super::*;

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn firing(pairs: &[(&str, &str)]) -> ActiveAlert {
    let active_at = "2026-11-23T10:00:00Z".parse().unwrap();
    ActiveAlert {
        labels: labels(pairs),
        annotations: Labels::new(),
        firing: true,
        active_at,
        kept_firing_since: None,
    }
}

/// As Alertmanager 0.35 answers.
fn snapshot(labels: &Value, status: &Value) -> Snapshot {
    let group = json!([{"receiver": {"name": "x"}, "labels": {}, "alerts": [{"annotations": {},
        "endsAt": "2026-11-23T10:20:00Z", "fingerprint": "7cd9a8d92b2a1c5e", "receivers": [{"name": "x"}],
        "startsAt": "2026-11-23T10:05:00Z", "updatedAt": "2026-11-23T10:16:00Z", "status": status,
        "labels": labels}]}]);
    Snapshot {
        alerts: KnownAlert::of_groups(serde_json::from_value(group).unwrap()),
        silences: Arc::default(),
    }
}

fn as_posted(
    alert: ActiveAlert,
    relabeling: &AlertRelabeling,
    key: &[String],
    snapshots: &[Snapshot],
) -> (Alert, bool) {
    Kept::of(snapshots, key, &BTreeSet::new()).as_posted(alert, relabeling)
}

fn status(state: &str) -> Value {
    json!({"inhibitedBy": [], "silencedBy": [], "mutedBy": [], "state": state})
}

fn home() -> AlertRelabeling {
    labels(&[("cluster", "home")]).into()
}

#[test]
fn what_alertmanager_has_of_an_alert_is_what_it_would_have_posted() {
    let at_home = json!({"alertname": "A", "cluster": "home"});
    let swept = |status: Value| {
        as_posted(firing(&[("alertname", "A")]), &home(), &[], &[snapshot(&at_home, &status)])
    };
    let (alert, suppressed) = swept(status("active"));
    assert_eq!(alert.labels, labels(&[("alertname", "A"), ("cluster", "home")]));
    assert_eq!((alert.fingerprint.as_str(), suppressed), ("7cd9a8d92b2a1c5e", false));
    assert_eq!(alert.starts_at.to_string(), "2026-11-23T10:05:00Z");
    assert!(swept(status("suppressed")).1);
    assert!(
        swept(json!({"inhibitedBy": [], "silencedBy": [], "mutedBy": ["night"], "state": "suppressed"})).1
    );
}

#[test]
fn an_alert_whose_labels_change_on_the_way_is_found_by_its_name_and_key() {
    // As the Prometheus operator has it: two external labels, one of which is dropped again.
    let operator = AlertRelabeling {
        rules: serde_json::from_value(json!([{"regex": "prometheus_replica", "action": "labeldrop"}]))
            .unwrap(),
        ..labels(&[("prometheus", "monitoring/k8s"), ("prometheus_replica", "prometheus-k8s-0")]).into()
    };
    let own = &[("alertname", "A"), ("ns", "media")];
    let known = json!({"alertname": "A", "ns": "media", "prometheus": "monitoring/k8s"});
    let snapshot = snapshot(&known, &status("suppressed"));
    let key = ["ns".to_owned()];
    for relabeling in [operator, AlertRelabeling::default()] {
        let (alert, suppressed) = as_posted(firing(own), &relabeling, &key, slice::from_ref(&snapshot));
        assert!(suppressed);
        assert_eq!(alert.fingerprint, "7cd9a8d92b2a1c5e", "what is posted is the same incident");
        assert_eq!(serde_json::to_value(&alert.labels).unwrap(), known);
    }
    let (_, suppressed) =
        as_posted(firing(&[("alertname", "A"), ("ns", "home")]), &home(), &key, slice::from_ref(&snapshot));
    assert!(!suppressed, "another key's");
}

#[test]
fn what_alertmanager_does_not_have_is_silenced_where_a_silence_matches_any_form_of_it() {
    let silence = |name: &str, value: &str| Snapshot {
        alerts: Vec::new(),
        silences: serde_json::from_value::<Vec<_>>(json!([{"id": "s", "status": {"state": "active"},
            "matchers": [{"name": name, "value": value, "isRegex": false, "isEqual": true}]}]))
        .unwrap()
        .into(),
    };
    let swept = |snapshot: &Snapshot| {
        let one = slice::from_ref(snapshot);
        as_posted(firing(&[("alertname", "B"), ("empty", "")]), &home(), &[], one)
    };
    let (alert, suppressed) = swept(&silence("alertname", "A"));
    assert_eq!((alert.labels.len(), suppressed), (2, false));
    assert_eq!(alert.starts_at.to_string(), "2026-11-23T10:00:00Z");
    assert!(swept(&silence("alertname", "B")).1 && swept(&silence("cluster", "home")).1);
}

#[test]
fn a_silence_of_one_alertmanager_counts_where_another_has_the_alert() {
    let labels = json!({"alertname": "A", "cluster": "home"});
    let silencing = Snapshot {
        alerts: Vec::new(),
        silences: serde_json::from_value::<Vec<_>>(json!([{"id": "s", "status": {"state": "active"},
            "matchers": [{"name": "alertname", "value": "A", "isRegex": false, "isEqual": true}]}]))
        .unwrap()
        .into(),
    };
    let all = [snapshot(&labels, &status("active")), silencing];
    assert!(as_posted(firing(&[("alertname", "A")]), &home(), &[], &all).1);
    assert!(!as_posted(firing(&[("alertname", "A")]), &home(), &[], &all[..1]).1);
}
