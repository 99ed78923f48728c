//! Days that went wrong once, cut down to what it took.

use std::time::Duration;

use suture_simulation::{Cause, Event, Happening, Plan, Setup, play};

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

fn setup() -> Setup {
    Setup {
        objects: 2,
        hold: minutes(5),
        keep_firing_for: Duration::ZERO,
        grouped_by_namespace: false,
        repeat_interval: minutes(720),
        alertmanagers: 1,
        relabels: true,
        storm: 25,
    }
}

fn goes_well(setup: Setup, events: impl IntoIterator<Item = (u64, Happening)>) {
    let events = events.into_iter().map(|(at, what)| Event { at: minutes(at), what }).collect();
    let plan = Plan { seed: 0, setup, events };
    if let Err(fault) = play(&plan) {
        panic!("{plan}{fault}");
    }
}

#[test]
fn an_escalation_while_alertmanager_is_away_is_told_when_it_is_back() {
    goes_well(
        setup(),
        [(60, Happening::Break(0, Cause::Hopeless)), (66, Happening::AlertmanagerAway(0, minutes(25)))],
    );
    goes_well(
        setup(),
        [(60, Happening::Break(0, Cause::Stubborn)), (85, Happening::AlertmanagerAway(0, minutes(25)))],
    );
}

#[test]
fn an_escalation_whose_alert_clears_while_it_is_silenced_is_over() {
    goes_well(
        setup(),
        [
            (60, Happening::Break(0, Cause::Hopeless)),
            (120, Happening::Silence(0, minutes(240))),
            (180, Happening::Mend(0)),
        ],
    );
}

#[test]
fn an_escalation_whose_alert_clears_while_alertmanager_is_away_is_over() {
    goes_well(
        setup(),
        [
            (60, Happening::Break(0, Cause::Hopeless)),
            (120, Happening::AlertmanagerAway(0, minutes(40))),
            (121, Happening::Mend(0)),
        ],
    );
}
