use serde_json::{Value, json};
use suture_core::{RelabelRule, Timestamp};

use super::*;

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn alert(pairs: &[(&str, &str)], firing: bool) -> ActiveAlert {
    let active_at = Timestamp::UNIX_EPOCH;
    ActiveAlert {
        labels: labels(pairs),
        annotations: Labels::new(),
        firing,
        active_at,
        kept_firing_since: None,
    }
}

fn external(pairs: &[(&str, &str)]) -> AlertRelabeling {
    labels(pairs).into()
}

fn rules(rules: Value) -> Vec<RelabelRule> {
    serde_json::from_value(rules).unwrap()
}

/// How an alert stands among others.
fn standing(listed: &[ActiveAlert], relabeling: AlertRelabeling, posted: &[(&str, &str)]) -> Standing {
    Listed::new(listed.to_vec(), relabeling, None).standing(&labels(posted))
}

fn fires(listed: &[ActiveAlert], relabeling: AlertRelabeling, posted: &[(&str, &str)]) -> bool {
    matches!(standing(listed, relabeling, posted), Standing::Firing { .. })
}

#[test]
fn only_the_exact_label_set_that_fires_confirms() {
    let sent = [("alertname", "A"), ("ns", "media")];
    assert!(fires(&[alert(&sent, true)], AlertRelabeling::default(), &sent));
    for other in [
        alert(&[("alertname", "A"), ("ns", "media")], false),
        alert(&[("alertname", "A"), ("ns", "home")], true),
        alert(&[("alertname", "A")], true),
        alert(&[("alertname", "A"), ("ns", "media"), ("more", "x")], true),
    ] {
        assert!(!fires(&[other], AlertRelabeling::default(), &sent));
    }
}

#[test]
fn labels_that_prometheus_adds_on_the_way_do_not_hinder() {
    let listed =
        [alert(&[("alertname", "A")], true), alert(&[("alertname", "B"), ("cluster", "work")], true)];
    let home = || external(&[("cluster", "home"), ("replica", "0")]);
    for (posted, confirmed) in [
        (&[("alertname", "A"), ("cluster", "home")][..], true),
        (&[("alertname", "A"), ("cluster", "home"), ("replica", "0")], true),
        (&[("alertname", "A")], true),
        (&[("alertname", "A"), ("cluster", "work")], false),
        (&[("alertname", "A"), ("ns", "media")], false),
        (&[("alertname", "B"), ("cluster", "work"), ("replica", "0")], true),
        (&[("alertname", "B"), ("cluster", "home")], false),
        (&[("alertname", "B")], false),
    ] {
        assert_eq!(fires(&listed, home(), posted), confirmed, "{posted:?}");
    }
}

#[test]
fn labels_that_are_changed_on_the_way_do_not_hinder() {
    let own = [("alertname", "A"), ("instance", "10.42.0.186:8443"), ("ns", "media")];
    let dropped = AlertRelabeling {
        rules: rules(json!([{"regex": "instance|prometheus_replica", "action": "labeldrop"}])),
        ..external(&[("prometheus", "monitoring/k8s"), ("prometheus_replica", "prometheus-k8s-0")])
    };
    let sent = [("alertname", "A"), ("ns", "media"), ("prometheus", "monitoring/k8s")];
    assert!(fires(&[alert(&own, true)], dropped.clone(), &sent));
    assert!(!fires(&[alert(&own, true)], dropped.clone(), &[("alertname", "A"), ("ns", "home")]));
    assert!(!fires(&[alert(&[("alertname", "A"), ("ns", "media"), ("x", "y")], true)], dropped, &sent));

    let rewritten = AlertRelabeling {
        rules: rules(
            json!([{"source_labels": ["dc"], "regex": "(.+)[0-9]+", "target_label": "dc", "replacement": "$1"}]),
        ),
        ..external(&[("dc", "europe1")])
    };
    let listed = [alert(&own[..2], true)];
    for (dc, confirmed) in [("europe", true), ("europe1", false), ("asia", false)] {
        let posted = [own[0], own[1], ("dc", dc)];
        assert_eq!(fires(&listed, rewritten.clone(), &posted), confirmed, "{dc}");
    }
}

#[test]
fn an_external_label_that_is_written_over_on_the_way_confirms_nothing_by_its_old_value() {
    let overwritten = AlertRelabeling {
        rules: rules(json!([{"source_labels": ["ns"], "target_label": "obj_namespace"}])),
        ..external(&[("obj_namespace", "kube-system")])
    };
    let listed = [alert(&[("alertname", "A"), ("ns", "media")], true)];
    for (namespace, confirmed) in [("media", true), ("kube-system", false)] {
        let posted = [("alertname", "A"), ("ns", "media"), ("obj_namespace", namespace)];
        assert_eq!(fires(&listed, overwritten.clone(), &posted), confirmed, "{namespace}");
    }
}

#[test]
fn labels_that_tell_nothing_are_left_out_on_both_sides() {
    let ignoring = AlertRelabeling { ignored: ["instance".to_owned()].into(), ..AlertRelabeling::default() };
    let listed = [alert(&[("alertname", "A"), ("instance", "a")], true)];
    for posted in [&[("alertname", "A")][..], &[("alertname", "A"), ("instance", "b")]] {
        assert!(fires(&listed, ignoring.clone(), posted));
    }
    assert!(!fires(&listed, ignoring, &[("alertname", "A"), ("ns", "x")]));
}

#[test]
fn by_key_only_the_name_and_the_keys_labels_must_be_alike() {
    let listed = vec![alert(&[("alertname", "A"), ("ns", "media"), ("instance", "a")], true)];
    let by_key = Listed::new(listed, AlertRelabeling::default(), Some(["ns".to_owned()].into()));
    let standing = |posted: &[(&str, &str)]| by_key.standing(&labels(posted));
    assert!(standing(&[("alertname", "A"), ("ns", "media"), ("other", "x")]).is_confirmed());
    assert!(!standing(&[("alertname", "A"), ("ns", "home"), ("instance", "a")]).is_confirmed());
    assert!(!standing(&[("alertname", "B"), ("ns", "media")]).is_confirmed());
}

#[test]
fn pending_kept_firing_and_not_listed_are_told_apart() {
    let posted = [("alertname", "A"), ("ns", "media")];
    let pending = alert(&posted, false);
    let since = Timestamp::from_second(60).unwrap();
    let kept = ActiveAlert { kept_firing_since: Some(since), ..pending.clone() };
    let of = |listed: &[ActiveAlert]| standing(listed, AlertRelabeling::default(), &posted);
    assert_eq!(of(std::slice::from_ref(&pending)), Standing::Pending);
    assert_eq!(of(std::slice::from_ref(&kept)), Standing::KeptFiring(since));
    let since_when = of(std::slice::from_ref(&kept)).to_string();
    assert!(since_when.contains("hold any more since "), "{since_when}");
    let untold = ActiveAlert { kept_firing_since: Some(Timestamp::UNIX_EPOCH), ..kept.clone() };
    let since_when = of(std::slice::from_ref(&untold)).to_string();
    assert!(since_when.contains("hold any more; "), "{since_when}");
    assert!(matches!(of(&[kept, pending, alert(&posted, true)]), Standing::Firing { .. }));
    let absent = |listed: &[ActiveAlert]| of(listed).to_string();
    assert!(absent(&[]).contains("no alert at all") && absent(&[]).contains("prometheus.alertsUrl"));
    assert!(absent(&[alert(&[("alertname", "B")], true)]).contains("called `A`"));
    let nearest = absent(&[
        alert(&[("alertname", "A"), ("ns", "home"), ("instance", "b")], true),
        alert(&[("alertname", "A"), ("ns", "media"), ("instance", "a")], true),
    ]);
    assert!(
        nearest.contains("of 2 with this name differs in `instance` (`a` there, nothing posted)"),
        "{nearest}"
    );
}
