use super::*;

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn firing(pairs: &[(&str, &str)]) -> ActiveAlert {
    let active_at = "2026-11-23T10:00:00Z".parse().unwrap();
    ActiveAlert { labels: labels(pairs), annotations: Labels::new(), firing: true, active_at }
}

/// As Alertmanager 0.28 answers.
fn known(state: &str) -> Vec<KnownAlert> {
    serde_json::from_value(
        json!([{"annotations": {}, "endsAt": "2026-11-23T10:20:00Z", "fingerprint": "7cd9a8d92b2a1c5e",
        "receivers": [{"name": "x"}], "startsAt": "2026-11-23T10:05:00Z", "updatedAt": "2026-11-23T10:16:00Z",
        "status": {"inhibitedBy": [], "silencedBy": [], "state": state},
        "labels": {"alertname": "A", "cluster": "home"}}]),
    )
    .unwrap()
}

#[test]
fn what_alertmanager_has_of_an_alert_is_what_it_would_have_posted() {
    let external = labels(&[("cluster", "home")]);
    let (alert, suppressed) = as_posted(firing(&[("alertname", "A")]), &external, &known("active"));
    assert_eq!(alert.labels, labels(&[("alertname", "A"), ("cluster", "home")]));
    assert_eq!((alert.fingerprint.as_str(), suppressed), ("7cd9a8d92b2a1c5e", false));
    assert_eq!(alert.starts_at.to_string(), "2026-11-23T10:05:00Z");
    assert!(as_posted(firing(&[("alertname", "A")]), &external, &known("suppressed")).1);
}

#[test]
fn what_it_does_not_have_began_when_the_rule_first_held() {
    let (alert, suppressed) =
        as_posted(firing(&[("alertname", "B"), ("empty", "")]), &Labels::new(), &known("suppressed"));
    assert_eq!((alert.labels.len(), suppressed), (1, false));
    assert_eq!(alert.starts_at.to_string(), "2026-11-23T10:00:00Z");
}

#[test]
fn a_fingerprint_is_that_of_alertmanager() {
    // FNV-1a of nothing, and of what prometheus/common's own tests have.
    assert_eq!(fingerprint::of(&Labels::new()), "cbf29ce484222325");
    let ours = fingerprint::of(&labels(&[("name", "garland, briggs"), ("fear", "love is not enough")]));
    assert_eq!(ours, format!("{:016x}", 5_799_056_148_416_392_346_u64));
}
