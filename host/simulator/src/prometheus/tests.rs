//! What `rules/alerting_test.go` of Prometheus holds it to, and what its documentation says.

use std::collections::BTreeSet;

use suture_core::AlertRelabeling;

use super::*;

const INTERVAL: Duration = Duration::from_secs(30);

struct PrometheusHarness {
    prometheus: SimulatedPrometheus,
    now: Timestamp,
}

impl PrometheusHarness {
    fn new(hold: u64, keep_firing_for: u64) -> Self {
        let rule = AlertingRule {
            alertname: "A".to_owned(),
            hold: Duration::from_secs(hold),
            keep_firing_for: Duration::from_secs(keep_firing_for),
            interval: INTERVAL,
        };
        let now = Timestamp::from_second(1_000_000_000).unwrap();
        Self { prometheus: SimulatedPrometheus::new(vec![rule], AlertRelabeling::default()), now }
    }

    /// Evaluate for so many seconds; whether the expression holds.
    fn pass(&mut self, seconds: u64, holds: bool) -> Vec<Posted> {
        let holds = if holds { BTreeSet::from([labels()]) } else { BTreeSet::new() };
        let mut posted = Vec::new();
        for _ in 0..seconds / INTERVAL.as_secs() {
            self.now = later(self.now, INTERVAL);
            self.prometheus.evaluate(self.now, &holds);
            posted.extend(self.prometheus.to_post(self.now));
        }
        posted
    }

    /// Whether the alert is listed, fires, and is only kept firing.
    fn listed(&self) -> Option<(bool, bool)> {
        let alerts = self.prometheus.alerts();
        alerts.first().map(|alert| (alert.firing, alert.kept_firing_since.is_some()))
    }
}

fn labels() -> Labels {
    Labels::from([("alertname".to_owned(), "A".to_owned()), ("name".to_owned(), "x".to_owned())])
}

#[test]
fn an_alert_is_pending_for_its_for_and_then_posted_every_minute_with_an_end_four_minutes_ahead() {
    let mut harness = PrometheusHarness::new(300, 0);
    assert!(harness.pass(300, true).is_empty());
    assert_eq!(harness.listed(), Some((false, false)));
    let posted = harness.pass(300, true);
    assert_eq!(harness.listed(), Some((true, false)));
    // Later than a minute ago, at each second evaluation but one.
    assert_eq!(posted.len(), 4);
    assert!(posted.iter().all(|alert| alert.starts_at == posted[0].starts_at));
    let last = later(posted[3].starts_at, 9 * INTERVAL);
    assert_eq!(posted[3].ends_at, Some(later(last, Duration::from_secs(240))));
}

#[test]
fn an_alert_whose_expression_ceases_to_hold_is_gone_while_pending_and_posted_as_over_for_a_quarter_of_an_hour()
 {
    let mut harness = PrometheusHarness::new(300, 0);
    harness.pass(240, true);
    harness.pass(30, false);
    assert_eq!(harness.listed(), None);
    harness.pass(600, true);
    let posted = harness.pass(3600, false);
    assert_eq!(harness.listed(), None);
    let ends: BTreeSet<Timestamp> = posted.iter().map(|alert| alert.ends_at.unwrap()).collect();
    assert_eq!(ends.len(), 1, "always the same end");
    assert!((10..=15).contains(&posted.len()), "{}", posted.len());
}

#[test]
fn what_is_kept_firing_is_posted_as_firing_and_breaks_again_without_a_new_start() {
    let mut harness = PrometheusHarness::new(0, 600);
    let began = harness.pass(60, true)[0].starts_at;
    let posted = harness.pass(300, false);
    assert_eq!(harness.listed(), Some((false, true)));
    assert!(posted.iter().all(|alert| alert.starts_at == began));
    assert!(posted.last().unwrap().ends_at > Some(harness.now));
    harness.pass(60, true);
    assert_eq!(harness.listed(), Some((true, false)));
    assert!(harness.prometheus.is_firing(&labels()));
    harness.pass(660, false);
    assert_eq!(harness.listed(), None);
}

#[test]
fn after_a_restart_nothing_is_listed_and_what_was_pending_waits_anew_where_its_for_is_short() {
    for (hold, held, fires_after) in [(300, 360, 90), (900, 960, 90), (300, 120, 330), (3600, 1800, 1920)] {
        let mut harness = PrometheusHarness::new(hold, 0);
        harness.pass(held, true);
        assert_eq!(harness.listed(), Some((held > hold, false)));
        harness.prometheus.restart();
        assert_eq!(harness.listed(), None);
        harness.pass(30, true);
        assert_eq!(harness.listed(), Some((false, false)), "pending, for {hold} s");
        harness.pass(fires_after - 60, true);
        assert_eq!(harness.listed(), Some((false, false)), "pending, for {hold} s");
        harness.pass(30, true);
        assert_eq!(harness.listed(), Some((true, false)), "for {hold} s");
    }
}
