//! Cases of Alertmanager's own tests (`notify/dedup_stage_test.go`, `alert/alert_test.go`,
//! `dispatch/dispatch_test.go`), and what its documentation says of silences.

use std::time::Duration;

use suture_core::clock::later;
use suture_core::{AlertStatus, KnownAlert, Labels, Matchers, Timestamp};

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn at(minutes: u32) -> Timestamp {
    later(Timestamp::from_second(1_000_000_000).unwrap(), minutes * MINUTE)
}

fn alertmanager() -> SimulatedAlertmanager {
    let route = Route {
        for_people: "Suture".to_owned(),
        group_by: vec!["alertname".to_owned()],
        group_wait: MINUTE / 2,
        group_interval: 5 * MINUTE,
        repeat_interval: 60 * MINUTE,
        resolve_timeout: 5 * MINUTE,
        max_alerts: 0,
    };
    let matchers = |text: &str| Matchers::parse_all(&[text]).unwrap();
    let rule = InhibitRule {
        source: matchers("alertname=\"Down\""),
        target: matchers("alertname=\"A\""),
        equal: Vec::new(),
    };
    SimulatedAlertmanager::new(route, vec![rule])
}

fn alert(name: &str, from: u32, until: u32) -> Posted {
    let labels =
        Labels::from([("alertname".to_owned(), "A".to_owned()), ("name".to_owned(), name.to_owned())]);
    Posted { labels, starts_at: at(from), ends_at: Some(at(until)) }
}

/// What is delivered at a time: name and status of each alert.
fn notifications(
    alertmanager: &mut SimulatedAlertmanager,
    now: Timestamp,
) -> Vec<Vec<(String, AlertStatus)>> {
    let flushed = alertmanager.flush(now);
    flushed.iter().for_each(|flushed| alertmanager.delivered(flushed));
    let alerts = |flushed: &Flushed| {
        flushed.notification.alerts.iter().map(|alert| (alert.labels["name"].clone(), alert.status)).collect()
    };
    flushed.iter().map(alerts).collect()
}

fn firing(name: &str) -> (String, AlertStatus) {
    (name.to_owned(), AlertStatus::Firing)
}

fn resolved(name: &str) -> (String, AlertStatus) {
    (name.to_owned(), AlertStatus::Resolved)
}

#[test]
fn a_group_waits_is_told_of_once_and_again_after_its_repeat_interval() {
    let mut alertmanager = alertmanager();
    alertmanager.receive(alert("x", 0, 500), at(0));
    assert!(notifications(&mut alertmanager, at(0)).is_empty(), "group_wait");
    assert_eq!(notifications(&mut alertmanager, at(1)), [[firing("x")]]);
    assert!(notifications(&mut alertmanager, at(6)).is_empty(), "nothing is new");
    assert!(notifications(&mut alertmanager, at(60)).is_empty());
    assert_eq!(notifications(&mut alertmanager, at(66)), [[firing("x")]], "repeat_interval");
}

#[test]
fn a_new_alert_is_told_of_with_the_others_of_its_group_and_a_cleared_one_once() {
    let mut alertmanager = alertmanager();
    alertmanager.receive(alert("x", 0, 500), at(0));
    notifications(&mut alertmanager, at(1));
    alertmanager.receive(alert("y", 2, 500), at(2));
    assert_eq!(notifications(&mut alertmanager, at(6)), [[firing("x"), firing("y")]]);
    alertmanager.receive(alert("x", 0, 8), at(8));
    assert_eq!(notifications(&mut alertmanager, at(11)), [[resolved("x"), firing("y")]]);
    assert!(notifications(&mut alertmanager, at(16)).is_empty());
}

#[test]
fn what_clears_before_it_was_told_of_or_while_it_is_silenced_is_never_told() {
    let mut unheard = alertmanager();
    unheard.receive(alert("x", 0, 500), at(0));
    unheard.receive(alert("x", 0, 0), at(0));
    assert!(notifications(&mut unheard, at(1)).is_empty());

    let mut silenced = alertmanager();
    silenced.receive(alert("x", 0, 500), at(0));
    assert_eq!(notifications(&mut silenced, at(1)), [[firing("x")]]);
    let labels = Labels::from([("name".to_owned(), "x".to_owned())]);
    silenced.silence(Silence { labels, from: at(2), until: at(30) });
    silenced.receive(alert("x", 0, 8), at(8));
    for minutes in (10..100).step_by(5) {
        assert!(notifications(&mut silenced, at(minutes)).is_empty());
    }
}

#[test]
fn an_alert_that_nobody_posts_again_is_resolved_when_its_end_has_come() {
    let mut alertmanager = alertmanager();
    alertmanager.receive(alert("x", 0, 4), at(0));
    assert_eq!(notifications(&mut alertmanager, at(1)), [[firing("x")]]);
    assert_eq!(notifications(&mut alertmanager, at(6)), [[resolved("x")]]);
}

#[test]
fn after_a_restart_what_was_told_is_known_and_what_is_old_does_not_wait() {
    let mut alertmanager = alertmanager();
    alertmanager.receive(alert("x", 0, 500), at(0));
    notifications(&mut alertmanager, at(1));
    alertmanager.restart();
    assert_eq!(alertmanager.next_flush(), None);
    alertmanager.receive(alert("x", 0, 500), at(10));
    assert_eq!(alertmanager.next_flush(), Some(at(10)));
    assert!(notifications(&mut alertmanager, at(10)).is_empty(), "it is no news");
    alertmanager.receive(alert("x", 0, 11), at(11));
    assert_eq!(notifications(&mut alertmanager, at(15)), [[resolved("x")]]);
}

#[test]
fn of_two_posts_of_one_alert_the_earlier_start_counts_and_the_later_end_unless_it_is_over() {
    let mut alertmanager = alertmanager();
    alertmanager.receive(alert("x", 0, 10), at(0));
    alertmanager.receive(alert("x", 2, 6), at(2));
    let known = alertmanager.alerts.values().next().unwrap().clone();
    assert_eq!((known.starts_at, known.ends_at), (at(0), at(10)));
    alertmanager.receive(alert("x", 0, 3), at(3));
    let known = alertmanager.alerts.values().next().unwrap();
    assert_eq!(known.ends_at, at(3), "it is said to be over");
}

#[test]
fn what_is_inhibited_is_told_of_when_what_inhibits_it_is_over_and_shown_as_suppressed_until_then() {
    let mut alertmanager = alertmanager();
    let down = Labels::from([("alertname".to_owned(), "Down".to_owned())]);
    alertmanager.receive(Posted { labels: down, starts_at: at(0), ends_at: Some(at(20)) }, at(0));
    alertmanager.receive(alert("x", 0, 500), at(0));
    let is_active = |alertmanager: &SimulatedAlertmanager, now: Timestamp| {
        let groups = serde_json::from_value(alertmanager.grouped(now)).unwrap();
        let listed = KnownAlert::of_groups(groups);
        let alert = listed.iter().find(|alert| alert.labels["alertname"] == "A").unwrap();
        assert!(alert.is_for("suture") && !alert.is_for("people"));
        alert.is_active()
    };
    let told_of_it = |alertmanager: &mut SimulatedAlertmanager, now: Timestamp| {
        let flushed = alertmanager.flush(now);
        flushed.iter().for_each(|flushed| alertmanager.delivered(flushed));
        flushed.iter().any(|flushed| flushed.group["alertname"] == "A")
    };
    assert!(!told_of_it(&mut alertmanager, at(1)) && !is_active(&alertmanager, at(1)));
    assert!(!told_of_it(&mut alertmanager, at(19)) && !is_active(&alertmanager, at(19)));
    assert!(told_of_it(&mut alertmanager, at(24)) && is_active(&alertmanager, at(24)));
}
