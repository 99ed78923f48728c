//! What there is when the day begins.

use std::time::Duration;

use serde_json::json;
use suture_core::{AlertRelabeling, Matchers, Timestamp, VirtualClock};
use suture_simulator::alertmanager::{InhibitRule, Route};
use suture_simulator::prometheus::AlertingRule;
use suture_simulator::{Fixture, SimulatedAlertmanager, SimulatedCluster, SimulatedPrometheus};

use super::objects::healthy;
use super::path::{EVALUATED_EVERY, GROUP_INTERVAL};
use crate::heal::ALERTNAME;
use crate::plan::Setup;
use crate::reach::Monitoring;

/// The alert of a namespace that is down, which inhibits those of its objects.
pub(crate) const DOWN: &str = "NamespaceDown";

/// The cluster, with all objects well.
#[expect(clippy::unwrap_used, reason = "constants")]
pub(super) fn cluster(setup: &Setup, start: Timestamp, clock: &VirtualClock) -> SimulatedCluster {
    let objects = (0..setup.objects).map(healthy).collect();
    let fixture = Fixture { now: start, objects, ..Fixture::default() };
    SimulatedCluster::new(fixture, std::sync::Arc::new(clock.clone())).unwrap()
}

/// Prometheus and the Alertmanagers.
pub(super) fn monitoring(setup: &Setup) -> Monitoring {
    let rule = |alertname: &str, hold, keep_firing_for| AlertingRule {
        alertname: alertname.to_owned(),
        hold,
        keep_firing_for,
        interval: EVALUATED_EVERY,
    };
    let rules =
        vec![rule(ALERTNAME, setup.hold, setup.keep_firing_for), rule(DOWN, Duration::ZERO, Duration::ZERO)];
    let alertmanager = SimulatedAlertmanager::new(route(setup), inhibit_rules(setup));
    Monitoring {
        prometheus: SimulatedPrometheus::new(rules, relabeling(setup)),
        alertmanagers: vec![alertmanager; setup.alertmanagers],
        is_prometheus_away: false,
        is_alertmanager_away: vec![false; setup.alertmanagers],
        is_api_away: false,
    }
}

#[expect(clippy::unwrap_used, reason = "constants")]
fn relabeling(setup: &Setup) -> AlertRelabeling {
    let mut relabeling = AlertRelabeling::default();
    if setup.relabels {
        relabeling.external_labels.insert("cluster".to_owned(), "home".to_owned());
        let rule = json!({"action": "labeldrop", "regex": "replica"});
        relabeling.rules.push(serde_json::from_value(rule).unwrap());
    }
    relabeling
}

fn route(setup: &Setup) -> Route {
    let mut group_by = vec!["alertname".to_owned()];
    group_by.extend(setup.grouped_by_namespace.then(|| "namespace".to_owned()));
    Route {
        for_people: "Suture".to_owned(),
        group_by,
        group_wait: Duration::from_secs(30),
        group_interval: GROUP_INTERVAL,
        repeat_interval: setup.repeat_interval,
        resolve_timeout: GROUP_INTERVAL,
        max_alerts: setup.max_alerts,
    }
}

#[expect(clippy::unwrap_used, reason = "constants")]
fn inhibit_rules(setup: &Setup) -> Vec<InhibitRule> {
    let named = |name: &str| Matchers::parse_all(&[format!("alertname=\"{name}\"")]).unwrap();
    let rule =
        InhibitRule { source: named(DOWN), target: named(ALERTNAME), equal: vec!["namespace".to_owned()] };
    setup.inhibits.then_some(rule).into_iter().collect()
}
