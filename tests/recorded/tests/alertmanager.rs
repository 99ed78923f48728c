//! The model of Alertmanager tells what the real one notified, of the same input.

#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside of test functions")]

use std::time::Duration;

use suture_core::{AlertStatus, Labels, Matchers, Timestamp};
use suture_recorded::{AlertmanagerTrace, Event, Millis, Notified, NotifiedAlert, Timed, traces_of};
use suture_simulator::SimulatedAlertmanager;
use suture_simulator::alertmanager::{Flushed, InhibitRule, Posted, Route, Silence};

/// By how much the times of the two may differ: the real one was recorded on a busy machine.
const TICK: Millis = 400;

/// What older versions did otherwise.
const OTHERWISE: [(&str, &str); 1] = [(
    "alertmanager-0.25.0/breaks-again-later",
    "an empty group stayed for half a minute, and kept its looks",
)];

fn start() -> Timestamp {
    Timestamp::from_second(1_000_000_000).unwrap()
}

fn at(millis: Millis) -> Timestamp {
    Timestamp::from_millisecond(start().as_millisecond() + millis).unwrap()
}

fn since_start(time: Timestamp) -> Millis {
    time.as_millisecond() - start().as_millisecond()
}

fn configured(route: &suture_recorded::Route) -> SimulatedAlertmanager {
    let matchers = |labels: &Labels| {
        let texts: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        Matchers::parse_all(&texts).unwrap()
    };
    let inhibit_rules = route.inhibit.iter().map(|rule| InhibitRule {
        source: matchers(&rule.source),
        target: matchers(&rule.target),
        equal: rule.equal.clone(),
    });
    let of_receiver = Route {
        for_people: "Suture".to_owned(),
        group_by: route.group_by.clone(),
        group_wait: Duration::from_millis(route.group_wait),
        group_interval: Duration::from_millis(route.group_interval),
        repeat_interval: Duration::from_millis(route.repeat_interval),
        resolve_timeout: Duration::from_millis(route.resolve_timeout),
        max_alerts: route.max_alerts,
    };
    SimulatedAlertmanager::new(of_receiver, inhibit_rules.collect())
}

struct Played {
    alertmanager: SimulatedAlertmanager,
    notified: Vec<(Millis, Notified)>,
}

impl Played {
    fn pass_until(&mut self, time: Timestamp) {
        while let Some(next) = self.alertmanager.next_flush().filter(|next| *next <= time) {
            for flushed in self.alertmanager.flush(next) {
                self.alertmanager.delivered(&flushed);
                self.notified.push((since_start(next), notified(&flushed)));
            }
        }
    }

    fn give(&mut self, Timed { at: millis, event }: &Timed) {
        let now = at(*millis);
        self.pass_until(now);
        match event {
            Event::Post(alert) => {
                let ends_at = alert.ends.map(at);
                let posted = Posted { labels: alert.labels.clone(), starts_at: at(alert.starts), ends_at };
                self.alertmanager.receive(posted, now);
            }
            Event::Silence { labels, until } => {
                let silence = Silence { labels: labels.clone(), from: now, until: at(*until) };
                self.alertmanager.silence(silence);
            }
            Event::Unsilence { labels } => self.alertmanager.unsilence(labels, now),
            Event::Stop {} => self.alertmanager.restart(),
            Event::Start {} | Event::Notified(_) => {}
        }
    }
}

fn notified(flushed: &Flushed) -> Notified {
    let alert = |alert: &suture_core::Alert| NotifiedAlert {
        labels: alert.labels.clone(),
        starts: since_start(alert.starts_at),
        resolved: match alert.status {
            AlertStatus::Resolved => alert.ends_at.map(since_start),
            AlertStatus::Firing => None,
        },
    };
    let notification = &flushed.notification;
    Notified {
        alerts: notification.alerts.iter().map(alert).collect(),
        truncated: notification.truncated_alerts,
    }
}

fn is_about(one: Option<Millis>, other: Option<Millis>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => (one - other).abs() <= TICK,
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// Whether both say the same, at about the same times.
fn is_same((at, notified): &(Millis, Notified), (real_at, real): &(Millis, Notified)) -> bool {
    let is_alike = |(one, other): (&NotifiedAlert, &NotifiedAlert)| {
        one.labels == other.labels && one.starts == other.starts && is_about(one.resolved, other.resolved)
    };
    is_about(Some(*at), Some(*real_at))
        && notified.truncated == real.truncated
        && notified.alerts.len() == real.alerts.len()
        && notified.alerts.iter().zip(&real.alerts).all(is_alike)
}

/// What one reads where they differ.
fn shown(all: &[(Millis, Notified)]) -> String {
    let of = |labels: &Labels| labels.values().cloned().collect::<Vec<_>>().join("/");
    let alert = |alert: &NotifiedAlert| match alert.resolved {
        Some(at) => format!("{} resolved at {at}", of(&alert.labels)),
        None => format!("{} firing", of(&alert.labels)),
    };
    let line = |(at, notified): &(Millis, Notified)| {
        let alerts: Vec<_> = notified.alerts.iter().map(alert).collect();
        format!("  {at:>6} {} (truncated {})\n", alerts.join(", "), notified.truncated)
    };
    all.iter().map(line).collect()
}

#[test]
fn what_alertmanager_told_its_model_tells_in_the_same_order_at_the_same_times() {
    let traces = traces_of::<AlertmanagerTrace>("alertmanager").unwrap();
    assert!(!traces.is_empty());
    let mut differing = Vec::new();
    for (name, trace) in traces {
        let mut played = Played { alertmanager: configured(&trace.route), notified: Vec::new() };
        trace.events.iter().for_each(|event| played.give(event));
        played.pass_until(at(trace.ended));
        let notified = |Timed { at, event }| match event {
            Event::Notified(notified) => Some((at, notified)),
            Event::Post(_)
            | Event::Silence { .. }
            | Event::Unsilence { .. }
            | Event::Stop {}
            | Event::Start {} => None,
        };
        let real: Vec<(Millis, Notified)> = trace.events.into_iter().filter_map(notified).collect();
        let is_alike = played.notified.len() == real.len()
            && played.notified.iter().zip(&real).all(|(model, real)| is_same(model, real));
        let is_known = OTHERWISE.iter().any(|(known, _)| *known == name);
        if is_alike == is_known {
            let (model, real) = (shown(&played.notified), shown(&real));
            differing.push(format!("{name}: {}\nmodel\n{model}real\n{real}", trace.shows));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}
