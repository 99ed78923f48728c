//! The model of Prometheus lists and posts after each evaluation what the real one did.

#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside of test functions")]

use std::collections::BTreeSet;
use std::time::Duration;

use suture_core::effect::ActiveAlert;
use suture_core::{AlertRelabeling, Labels, Timestamp};
use suture_recorded::{Evaluation, Listed, Millis, PrometheusTrace, Rule, Sent, Standing, traces_of};
use suture_simulator::SimulatedPrometheus;
use suture_simulator::alertmanager::Posted;
use suture_simulator::prometheus::{AlertingRule, Flags};

/// By how much `activeAt` may differ: after a restart the real one reckons from when it had evaluated.
const TICK: Millis = 300;

/// What older versions did otherwise.
const OTHERWISE: [(&str, &str); 2] = [
    (
        "prometheus-2.42.0/restart-firing-short-for",
        "with a `for` below the grace period what had fired was pending anew, too",
    ),
    ("prometheus-2.42.0/no-for", "without a `for` what had fired was active only since the restart"),
];

/// Where in its second a trace begins; the real one keeps whole seconds over a restart.
fn start(trace: &PrometheusTrace) -> Timestamp {
    Timestamp::from_millisecond(1_000_000_000_000 + trace.start_of_second).unwrap()
}

fn configured(rule: &Rule) -> SimulatedPrometheus {
    let alerting = AlertingRule {
        alertname: "A".to_owned(),
        hold: Duration::from_millis(rule.hold),
        keep_firing_for: Duration::from_millis(rule.keep_firing_for),
        interval: Duration::from_millis(rule.interval),
    };
    let flags = Flags {
        resend_delay: Duration::from_millis(rule.resend_delay),
        for_grace_period: Duration::from_millis(rule.for_grace_period),
    };
    SimulatedPrometheus::new(vec![alerting], AlertRelabeling::default()).with_flags(flags)
}

fn series(name: &str) -> Labels {
    Labels::from([("alertname".to_owned(), "A".to_owned()), ("name".to_owned(), name.to_owned())])
}

/// What the model makes of one evaluation.
fn evaluated(model: &mut SimulatedPrometheus, evaluation: &Evaluation, start: Timestamp) -> Evaluation {
    let now = Timestamp::from_millisecond(start.as_millisecond() + evaluation.at).unwrap();
    let since = |time: Timestamp| time.as_millisecond() - start.as_millisecond();
    if evaluation.restarted {
        model.restart();
    }
    model.evaluate(now, &evaluation.holds.iter().map(|name| series(name)).collect::<BTreeSet<Labels>>());
    let sent = |posted: Posted| Sent {
        name: posted.labels["name"].clone(),
        starts: since(posted.starts_at),
        ends: since(posted.ends_at.unwrap()),
    };
    let listed = |alert: ActiveAlert| Listed {
        name: alert.labels["name"].clone(),
        standing: match (alert.firing, alert.kept_firing_since) {
            (_, Some(at)) => Standing::Kept(since(at)),
            (true, None) => Standing::Firing,
            (false, None) => Standing::Pending,
        },
        active: since(alert.active_at),
    };
    let posted = model.to_post(now).into_iter().filter(|_| !evaluation.alone);
    let mut evaluated = Evaluation {
        sent: posted.map(sent).collect(),
        listed: Some(model.alerts().into_iter().map(listed).collect()),
        ..evaluation.clone()
    };
    evaluated.sent.sort();
    evaluated.listed.iter_mut().for_each(|listed| listed.sort());
    evaluated
}

fn is_same(model: &Evaluation, real: &Evaluation) -> bool {
    let is_alike = |(one, other): (&Listed, &Listed)| {
        one.name == other.name && one.standing == other.standing && (one.active - other.active).abs() <= TICK
    };
    let is_listed_alike = match (&model.listed, &real.listed) {
        (Some(model), Some(real)) => model.len() == real.len() && model.iter().zip(real).all(is_alike),
        // It was not asked.
        (_, None) => true,
        (None, Some(_)) => false,
    };
    is_listed_alike && model.sent == real.sent
}

#[test]
fn what_prometheus_listed_and_posted_its_model_does_after_the_same_evaluations() {
    let traces = traces_of::<PrometheusTrace>("prometheus").unwrap();
    assert!(!traces.is_empty());
    let mut differing = Vec::new();
    for (name, trace) in traces {
        let (mut model, start) = (configured(&trace.rule), start(&trace));
        let played = trace.evaluations.iter().map(|real| (evaluated(&mut model, real, start), real));
        let first = played.into_iter().find(|(model, real)| !is_same(model, real));
        let is_known = OTHERWISE.iter().any(|(known, _)| *known == name);
        if first.is_some() != is_known {
            let lines = first.map(|(model, real)| format!("at {}\nmodel {model:?}\nreal  {real:?}", real.at));
            differing.push(format!("{name}: {} {}", trace.shows, lines.unwrap_or_default()));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}
