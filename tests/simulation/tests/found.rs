//! Days that went wrong once, cut down to what it took; and days in which one thing is tried.

use std::time::Duration;

use suture_simulation::{Cause, Configuration, Event, Happening, Plan, Setup, play};

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
        max_alerts: 0,
        inhibits: false,
        relabels: true,
        storm: 25,
        approvals: None,
    }
}

fn goes_well(setup: Setup, events: impl IntoIterator<Item = (u64, Happening)>) {
    let events = events.into_iter().map(|(at, what)| Event { at: minutes(at), what }).collect();
    let plan = Plan { seed: 0, setup, events };
    let fault = play(&plan).err();
    assert!(fault.is_none(), "{plan}{}", fault.map(|fault| fault.to_string()).unwrap_or_default());
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

#[test]
fn an_undo_waits_for_an_api_server_that_is_away_and_outlives_the_host() {
    let away = [(60, Happening::Break(0, Cause::Locked)), (68, Happening::ApiAway(minutes(20)))];
    goes_well(setup(), away.clone());
    goes_well(setup(), away.clone().into_iter().chain([(76, Happening::Stopped(minutes(1)))]));
    goes_well(setup(), away.into_iter().chain([(76, Happening::Killed(minutes(1)))]));
}

#[test]
fn a_late_word_that_an_escalation_is_over_does_not_take_back_the_next() {
    goes_well(
        setup(),
        [
            (60, Happening::Break(0, Cause::Failing)),
            (620, Happening::AlertmanagerAway(0, Duration::from_secs(137))),
            (621, Happening::Retry),
        ],
    );
}

#[test]
fn an_alert_that_breaks_again_while_it_is_kept_firing_is_heard() {
    goes_well(
        Setup { keep_firing_for: minutes(10), ..setup() },
        [(60, Happening::Break(0, Cause::Locked)), (80, Happening::Break(0, Cause::Failing))],
    );
}

#[test]
fn an_alert_that_alertmanager_thinks_is_known_is_heard() {
    goes_well(
        Setup { hold: minutes(1), ..setup() },
        [
            (35, Happening::Break(0, Cause::Failing)),
            (920, Happening::AnswersLost(minutes(20))),
            (922, Happening::PrometheusAway(Duration::from_secs(328))),
        ],
    );
}

#[test]
fn what_breaks_while_its_namespace_is_down_is_left_alone_until_that_is_over_also_where_a_pair_forgets() {
    let broken = [(60, Happening::Down(0, minutes(120))), (70, Happening::Break(0, Cause::Locked))];
    let inhibits = Setup { inhibits: true, ..setup() };
    goes_well(inhibits.clone(), broken.clone());
    let pair = Setup { alertmanagers: 2, ..inhibits };
    let forgets = [(100, Happening::AlertmanagerAway(1, minutes(5)))];
    goes_well(pair, broken.into_iter().chain(forgets));
}

#[test]
fn alerts_that_max_alerts_cuts_off_are_heard() {
    goes_well(
        Setup { objects: 3, max_alerts: 1, ..setup() },
        [0, 1, 2].map(|object| (60, Happening::Break(object, Cause::Locked))),
    );
}

#[test]
fn a_configuration_that_changes_while_things_are_at_work_leaves_nothing_behind() {
    for configuration in [
        Configuration::Observing,
        Configuration::Ungranted,
        Configuration::OneAttempt,
        Configuration::ShortHold,
        Configuration::NoPolicy,
        Configuration::Unfit,
        Configuration::Unreadable,
    ] {
        // Before the run, while it is at work, and while the host dies on top of it.
        let reload = |at| (at, Happening::Reload(configuration, minutes(90)));
        let broken = [(60, Happening::Break(0, Cause::Locked)), (60, Happening::Break(1, Cause::Stubborn))];
        goes_well(setup(), [reload(50)].into_iter().chain(broken.clone()));
        goes_well(setup(), broken.clone().into_iter().chain([reload(67)]));
        let killed = [reload(67), (68, Happening::Killed(minutes(1)))];
        goes_well(setup(), broken.into_iter().chain(killed));
    }
}

#[test]
fn what_people_are_to_approve_is_done_once_they_have_and_nothing_else() {
    let approving = Setup { approvals: Some(minutes(4)), ..setup() };
    goes_well(
        approving,
        [
            (60, Happening::Break(0, Cause::Fixable)),
            (62, Happening::Break(1, Cause::Locked)),
            (70, Happening::Killed(Duration::from_secs(60))),
            (300, Happening::Break(0, Cause::Slow)),
            (304, Happening::Swap),
            (420, Happening::Reload(Configuration::ShortHold, minutes(30))),
        ],
    );
}
