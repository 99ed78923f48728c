//! The sequences that are played to Prometheus, which evaluates its rule each second.

use suture_recorded::Rule;

use super::{Event, Script};

/// All of them, with their names.
pub fn all() -> Vec<(&'static str, Script)> {
    use Event::{Away, Back, Fine, Holds, Start, Stop};
    let script = |name, shows, rule, ends, events| (name, Script { shows, rule, ends, events });
    vec![
        script(
            "pending-firing-gone",
            "an alert is pending for its `for`, is posted again and again while it fires, and as resolved with one end \
             after that",
            rule(3, 0),
            22_000,
            vec![(2500, Holds("x")), (4500, Holds("y")), (6500, Fine("y")), (14_500, Fine("x"))],
        ),
        script(
            "kept-firing",
            "an alert is kept firing, breaks again without a new start, is kept anew, and is gone",
            rule(2, 4),
            24_000,
            vec![(2500, Holds("x")), (7500, Fine("x")), (9500, Holds("x")), (12_500, Fine("x"))],
        ),
        script(
            "scrape-gap",
            "a gap in the scrapes resolves an alert, which is pending again after it",
            rule(2, 0),
            18_000,
            vec![(2500, Holds("x")), (8500, Away), (10_500, Back)],
        ),
        script(
            "scrape-gap-kept",
            "`keep_firing_for` bridges a gap in the scrapes",
            rule(2, 5),
            18_000,
            vec![(2500, Holds("x")), (8500, Away), (10_500, Back)],
        ),
        script(
            "no-for",
            "an alert without `for` fires at once, and again after a restart",
            rule(0, 0),
            18_000,
            vec![(2500, Holds("x")), (6500, Stop), (6600, Start)],
        ),
        script(
            "restart-firing",
            "an alert that fired before a restart fires again after two evaluations",
            rule(4, 0),
            22_000,
            vec![(1500, Holds("x")), (9500, Stop), (9600, Start)],
        ),
        script(
            "restart-firing-short-for",
            "an alert that fired before a restart, with a `for` below the grace period",
            Rule { for_grace_period: 6000, ..rule(4, 0) },
            22_000,
            vec![(1500, Holds("x")), (9500, Stop), (9600, Start)],
        ),
        script(
            "restart-pending-long",
            "an alert that was pending at a restart, and had long to wait: the time away does not count",
            rule(12, 0),
            27_000,
            vec![(1500, Holds("x")), (6500, Stop), (9000, Start)],
        ),
        script(
            "restart-pending-nearly",
            "an alert that was pending at a restart and had almost waited enough: it waits for the grace period",
            Rule { for_grace_period: 4000, ..rule(7, 0) },
            24_000,
            vec![(1500, Holds("x")), (7500, Stop), (8000, Start)],
        ),
        script(
            "restart-pending-short-for",
            "an alert that was pending at a restart, with a `for` below the grace period, waits anew",
            Rule { for_grace_period: 10_000, ..rule(6, 0) },
            24_000,
            vec![(1500, Holds("x")), (5500, Stop), (5600, Start)],
        ),
        script(
            "restart-kept",
            "an alert that was only kept firing at a restart is gone after it",
            rule(2, 10),
            20_000,
            vec![(1500, Holds("x")), (6500, Fine("x")), (9500, Stop), (9600, Start)],
        ),
        script(
            "restart-after-resolved",
            "after a restart nobody says any more that an alert was resolved",
            rule(2, 0),
            20_000,
            vec![(1500, Holds("x")), (6500, Fine("x")), (9500, Stop), (9600, Start)],
        ),
    ]
}

/// With `for` and `keep_firing_for` in seconds.
fn rule(hold: u64, keep_firing_for: u64) -> Rule {
    Rule {
        hold: 1000 * hold,
        keep_firing_for: 1000 * keep_firing_for,
        interval: 1000,
        resend_delay: 2000,
        for_grace_period: 2000,
    }
}
