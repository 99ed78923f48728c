//! The sequences that are played to Alertmanager. Groups wait for a second, are looked at every three, and
//! told of again after five; nothing happens near those moments.

use suture_core::Labels;
use suture_recorded::{Event, Inhibition, Millis, Post, Route, Timed};

use super::Script;

/// Long after the end of every sequence.
const FAR: Millis = 600_000;

/// All of them, with their names.
pub fn all() -> Vec<(&'static str, Script)> {
    let script = |name, shows, ends, events| (name, Script { shows, route: route(), ends, events });
    let with = |name, shows, ends, route, events| (name, Script { shows, route, ends, events });
    vec![
        script(
            "grouped-and-repeated",
            "a group waits, a new alert comes with the others at the next look, and all are told again after \
             repeat_interval, at a look",
            17_500,
            vec![fires(200, "x"), fires(2000, "y")],
        ),
        script(
            "resolved",
            "a resolved alert is told once, beside those that fire, and the group is told no more when all are resolved",
            15_500,
            vec![fires(200, "x"), fires(300, "y"), ends(2500, "x", 200), ends(5500, "y", 300)],
        ),
        script(
            "breaks-again",
            "an alert that is resolved and breaks again between two looks is no news, and keeps no trace",
            11_500,
            vec![fires(200, "x"), ends(2000, "x", 200), fires(3000, "x"), ends(6000, "x", 3000)],
        ),
        script(
            "breaks-again-later",
            "an alert that breaks again after it was told as resolved starts a group anew",
            13_500,
            vec![fires(200, "x"), ends(2000, "x", 200), fires(5600, "x")],
        ),
        script(
            "never-heard",
            "what is resolved before it was told of is never told",
            7500,
            vec![fires(200, "x"), ends(700, "x", 200)],
        ),
        script(
            "silenced",
            "what is silenced is not told, and is told at the first look after the silence was ended or has run out",
            16_500,
            vec![
                silence(0, "x", FAR),
                silence(100, "y", 9000),
                fires(200, "x"),
                fires(2000, "y"),
                unsilence(5500, "x"),
            ],
        ),
        script(
            "silenced-in-part",
            "of a group only what is not silenced is told; what resolves under a silence is never told as resolved",
            17_500,
            vec![
                labelled(200, "x", "g"),
                labelled(300, "y", "g"),
                silence(2000, "x", FAR),
                labelled_ends(5500, "x", "g", 200),
                labelled_ends(8500, "y", "g", 300),
            ],
        ),
        with(
            "inhibited",
            "an alert is not told while another inhibits it on the same node, and is at the first look after that",
            14_500,
            Route { group_by: vec!["severity".to_owned()], inhibit: inhibition(), ..route() },
            vec![
                on(200, "critical", "a", None),
                on(400, "warning", "a", None),
                on(500, "warning", "b", None),
                on(6000, "critical", "a", Some(6000)),
            ],
        ),
        script(
            "times-out",
            "an alert that is posted without an end is resolved after resolve_timeout, unless it is posted again",
            14_500,
            vec![endless(200, "x"), endless(400, "y"), endless(3500, "y"), endless(6500, "y")],
        ),
        script(
            "end-ahead",
            "an alert that is posted with an end a little ahead, as Prometheus does, is resolved when nobody posts it \
             again",
            12_500,
            vec![until(200, "x", 3000), until(2200, "x", 5000), until(4200, "x", 7500)],
        ),
        script(
            "earlier-end",
            "a post with an earlier end that is still ahead does not shorten what was posted before, and one without \
             an end takes nothing from it",
            14_500,
            vec![until(200, "x", 9000), until(2200, "x", 5000), endless(3200, "x")],
        ),
        script(
            "old-alert",
            "an alert that holds for longer than group_wait already is told at once",
            5500,
            vec![starting(500, "x", -60_000)],
        ),
        script(
            "restarted",
            "after a restart alerts are unknown until they are posted again; what was told is known, and a silence \
             holds",
            13_500,
            vec![
                fires(200, "x"),
                fires(300, "y"),
                silence(2000, "y", FAR),
                timed(2500, Event::Stop {}),
                timed(2600, Event::Start {}),
                starting(5500, "x", 200),
                starting(5600, "y", 300),
                ends(7500, "x", 200),
            ],
        ),
        script(
            "resolved-after-restart",
            "what is resolved while it was unknown is told as resolved once it is posted so",
            11_500,
            vec![
                fires(200, "x"),
                timed(2500, Event::Stop {}),
                timed(2600, Event::Start {}),
                ends(5500, "x", 200),
            ],
        ),
        with(
            "many",
            "max_alerts cuts the end of a list that is ordered by job, instance, and the number of labels",
            5500,
            Route { max_alerts: 5, ..route() },
            vec![
                more(200, &[("name", "z")]),
                more(250, &[("aaa", "1"), ("name", "b")]),
                more(300, &[("instance", "2"), ("name", "a")]),
                more(350, &[("job", "j"), ("name", "y")]),
                more(400, &[("instance", "1"), ("name", "c")]),
                more(450, &[("name", "q"), ("zzz", "1")]),
            ],
        ),
    ]
}

fn route() -> Route {
    Route {
        group_by: vec!["group".to_owned()],
        group_wait: 1000,
        group_interval: 3000,
        repeat_interval: 5000,
        resolve_timeout: 5000,
        max_alerts: 0,
        inhibit: Vec::new(),
    }
}

fn inhibition() -> Vec<Inhibition> {
    let severity = |value: &str| labels(&[("severity", value)]);
    vec![Inhibition {
        source: severity("critical"),
        target: severity("warning"),
        equal: vec!["node".to_owned()],
    }]
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn alert(more: &[(&str, &str)]) -> Labels {
    let mut labels = labels(more);
    labels.insert("alertname".to_owned(), "A".to_owned());
    labels
}

fn timed(at: Millis, event: Event) -> Timed {
    Timed { at, event }
}

fn post(at: Millis, labels: Labels, starts: Millis, ends: Option<Millis>) -> Timed {
    timed(at, Event::Post(Post { labels, starts, ends }))
}

/// It fires from then on.
fn fires(at: Millis, name: &str) -> Timed {
    post(at, alert(&[("name", name)]), at, Some(FAR))
}

/// It fires, and has since another time.
fn starting(at: Millis, name: &str, starts: Millis) -> Timed {
    post(at, alert(&[("name", name)]), starts, Some(FAR))
}

/// It is over.
fn ends(at: Millis, name: &str, started: Millis) -> Timed {
    post(at, alert(&[("name", name)]), started, Some(at))
}

/// It fires until then.
fn until(at: Millis, name: &str, ends: Millis) -> Timed {
    post(at, alert(&[("name", name)]), 200, Some(ends))
}

/// It fires, and nobody says until when.
fn endless(at: Millis, name: &str) -> Timed {
    post(at, alert(&[("name", name)]), 200, None)
}

fn more(at: Millis, pairs: &[(&str, &str)]) -> Timed {
    post(at, alert(pairs), at, Some(FAR))
}

fn labelled(at: Millis, name: &str, group: &str) -> Timed {
    more(at, &[("name", name), ("group", group)])
}

fn labelled_ends(at: Millis, name: &str, group: &str, started: Millis) -> Timed {
    post(at, alert(&[("name", name), ("group", group)]), started, Some(at))
}

fn on(at: Millis, severity: &str, node: &str, ends: Option<Millis>) -> Timed {
    post(at, alert(&[("severity", severity), ("node", node)]), 200, Some(ends.unwrap_or(FAR)))
}

fn silence(at: Millis, name: &str, until: Millis) -> Timed {
    timed(at, Event::Silence { labels: labels(&[("name", name)]), until })
}

fn unsilence(at: Millis, name: &str) -> Timed {
    timed(at, Event::Unsilence { labels: labels(&[("name", name)]) })
}
