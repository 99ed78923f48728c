//! Pages of what is hostile, huge, or not there at all.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can not go on panics")]

use std::sync::Arc;

use serde_json::json;
use suture_core::effect::{Delete, Level, Target};
use suture_core::object::Kind;
use suture_core::{
    Alert, AlertStatus, Digest, Effect, Ending, Error, IncidentId, Labels, Mode, Mutation, Outcome, Prepared,
    Reason, Reply, RunId, Step, Timestamp,
};
use suture_engine::ShownIncident;
use suture_engine::waiting::{Reason as Waits, WaitingFor};
use suture_journal::{
    Answer, ApprovalRecord, ApprovalStage, Body, Entry, Filter, Given, IncidentRecord, IncidentState,
    ListedIncident, ListedRun, Page as Slice, RunRecord, RunState,
};

use suture_console::{Health, Incident, Incidents, Now, Run, Trends, Viewer, document};

/// What every hostile text has: markup, a closed attribute, a sign that turns text around.
const HOSTILE: &str = "<script>alert(1)</script>\"><img src=x onerror=alert(2)>\u{202e}' & {{7*7}}";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    time("2026-11-22T04:10:00Z")
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn record(number: usize, state: IncidentState) -> IncidentRecord {
    let key = labels(&[("namespace", "media"), ("name", "plex")]);
    let mut all = key.clone();
    all.insert("alertname".to_owned(), "VolSyncVolumeOutOfSync".to_owned());
    let alert = Alert {
        status: AlertStatus::Firing,
        labels: all,
        annotations: Labels::new(),
        starts_at: time("2026-11-22T03:00:00Z"),
        ends_at: None,
        generator_url: "https://prometheus.example/graph?g0.expr=up".to_owned(),
        fingerprint: String::new(),
    };
    IncidentRecord {
        id: IncidentId::new(format!("01kb{number:022}")),
        policy: "volsync".to_owned(),
        key,
        fingerprint: "f".to_owned(),
        starts_at: alert.starts_at,
        state,
        since: Some(time("2026-11-22T04:00:00Z")),
        held_in: None,
        opened_at: time("2026-11-22T03:58:00Z"),
        closed_at: None,
        runs: vec![RunId::new("01kbrun")],
        alert: Arc::new(alert),
        attempts: 1,
        due: None,
        summary: "the lock's holder is alive".to_owned(),
        by_hand: false,
        started_by: None,
        forced: false,
        said_resolved: false,
        cancelled: None,
        approval: None,
        retried_by: Vec::new(),
        paged: true,
        evidence: String::new(),
    }
}

fn shown(record: IncidentRecord) -> ShownIncident {
    ShownIncident { listed: ListedIncident::new(record, None), waiting_for: None }
}

fn run_record() -> RunRecord {
    RunRecord {
        id: RunId::new("01kbrun"),
        incident: IncidentId::new("01kbincident"),
        policy: "volsync".to_owned(),
        digest: format!("sha256:{}", "a".repeat(64)),
        mode: Mode::Enforce,
        attempt: 1,
        state: RunState::Ended,
        outcome: Some("escalate".to_owned()),
        summary: Some("a person must look".to_owned()),
        started_at: time("2026-11-22T04:00:00Z"),
        ended_at: Some(time("2026-11-22T04:02:00Z")),
    }
}

fn olga() -> Viewer<'static> {
    Viewer { name: "olga", csrf: Some("t0ken"), may_operate: true, may_approve: false }
}

fn html_of_incident(record: IncidentRecord) -> String {
    let shown = shown(record);
    let page = suture_console::incident(
        &Incident { shown: &shown, runs: &[run_record()], earlier: &[], now: now() },
        &olga(),
    );
    document(&page, Some(&olga()))
}

fn html_of_run(entries: &[Entry], record: RunRecord) -> String {
    let listed = ListedRun::new(record, None);
    let shown = Run {
        run: &listed,
        entries,
        after: 0,
        next: None,
        approval: None,
        plan: None,
        doubts: &[],
        now: now(),
    };
    document(&suture_console::run(&shown, &olga()), Some(&olga()))
}

/// That no text from outside became markup, and none turns around what follows.
fn assert_harmless(html: &str) {
    for bad in ["<script>alert", "<img", "onerror=alert(2)>", "\u{202e}", "javascript:"] {
        assert!(!html.contains(bad), "{bad} in {html}");
    }
}

fn entry(step: u32, second: i64, body: Body) -> Entry {
    let at = time("2026-11-22T04:00:00Z")
        .checked_add(Timestamp::UNIX_EPOCH.duration_until(Timestamp::from_second(second).unwrap()));
    Entry { step, at: at.unwrap(), body }
}

fn call(effect: Effect, answer: Answer) -> Body {
    Body::Call { effect, answer, undo_of: None }
}

fn target(name: &str) -> Target {
    Target {
        kind: Kind::new("v1", "Pod"),
        namespace: Some("media".into()),
        name: name.into(),
        uid: None,
        subresource: None,
    }
}

#[test]
fn labels_annotations_and_summaries_are_text_whatever_they_hold() {
    let mut record = record(1, IncidentState::Escalated);
    record.summary = HOSTILE.to_owned();
    record.evidence = HOSTILE.to_owned();
    record.policy = HOSTILE.to_owned();
    record.key = labels(&[(HOSTILE, HOSTILE)]);
    let mut alert = (*record.alert).clone();
    alert.labels = labels(&[(HOSTILE, HOSTILE), ("alertname", HOSTILE)]);
    alert.annotations = labels(&[("summary", HOSTILE)]);
    alert.generator_url = "javascript:alert(3)".to_owned();
    record.alert = Arc::new(alert);
    let html = html_of_incident(record.clone());
    assert_harmless(&html);
    assert!(html.contains("&lt;script&gt;") && html.contains(r"\u{202e}"), "{html}");
    let item = shown(record);
    let page = Slice { items: vec![item], next: None, damaged: vec![HOSTILE.to_owned()] };
    let filter = Filter { namespace: Some(HOSTILE.to_owned()), ..Filter::default() };
    let policies = [HOSTILE.to_owned()];
    let shown = Incidents { page: &page, filter: &filter, policies: &policies, now: now() };
    let html = document(&suture_console::incidents(&shown), Some(&Viewer { name: HOSTILE, ..olga() }));
    // A field of a form gives back what was typed.
    assert_harmless(&html.replace('\u{202e}', ""));
}

#[test]
fn a_value_of_ten_thousand_characters_is_cut_with_the_rest_folded_away() {
    let mut record = record(1, IncidentState::Escalated);
    let long = "x".repeat(10_000);
    let mut alert = (*record.alert).clone();
    alert.labels.insert("long".to_owned(), long.clone());
    record.alert = Arc::new(alert);
    record.summary = long;
    let html = html_of_incident(record);
    assert!(html.contains("the rest: 9840 characters"), "{html}");
    assert!(html.len() < 60_000, "{}", html.len());
    assert!(!html.contains(&"x".repeat(10_000)));
}

#[test]
fn a_list_of_a_full_page_stays_small_though_all_in_it_is_long() {
    let items = (0..50).map(|number| {
        let mut record = record(number, IncidentState::Queued);
        record.summary = "<".repeat(5_000);
        record.policy = "p".repeat(2_000);
        record.key = labels(&[("namespace", &"n".repeat(1_000)), ("name", &"o".repeat(9_000))]);
        let waits =
            WaitingFor { reason: Waits::Budget, message: "&".repeat(4_000), since: None, until: None };
        ShownIncident { waiting_for: Some(waits), ..shown(record) }
    });
    let page = Slice { items: items.collect(), next: Some("4711".to_owned()), damaged: Vec::new() };
    let filter =
        Filter { state: Some("queued".to_owned()), policy: Some("a&b".to_owned()), ..Filter::default() };
    let shown = Incidents { page: &page, filter: &filter, policies: &[], now: now() };
    let html = document(&suture_console::incidents(&shown), Some(&olga()));
    assert!(html.len() < 150_000, "{}", html.len());
    assert!(html.contains("/incidents?state=queued&amp;policy=a%26b&amp;after=4711"), "{html}");
}

fn nothing() -> Health<'static> {
    Health {
        not_ready: None,
        upstreams: &[],
        unreconciled: None,
        inbox: 0,
        journal_error: None,
        journal: (4096, None),
        damage: &[],
    }
}

fn html_of_now(escalated: &[ShownIncident], has_history: bool, viewer: &Viewer<'_>) -> String {
    let shown = Now {
        approvals: &[],
        escalated,
        at_work: &[],
        waiting: &[],
        policies: &[],
        pauses: &[],
        has_history,
        health: nothing(),
        policy: None,
        namespace: None,
        now: now(),
    };
    document(&suture_console::now(&shown, viewer), Some(viewer))
}

#[test]
fn a_host_without_history_teaches_what_to_do() {
    let html = html_of_now(&[], false, &olga());
    for words in ["All is quiet", "suture policies add", "suture doctor --drill", "Pause the host", "t0ken"] {
        assert!(html.contains(words), "{words}: {html}");
    }
    assert!(!html_of_now(&[], true, &olga()).contains("No incident yet"));
}

#[test]
fn what_needs_a_person_comes_first_and_who_may_do_nothing_is_offered_nothing() {
    let escalated = [shown(record(1, IncidentState::Escalated))];
    let html = html_of_now(&escalated, true, &Viewer::default());
    let place = |words: &str| html.find(words).unwrap_or_else(|| panic!("{words}: {html}"));
    assert!(html.contains("1 incident needs a person."));
    assert!(place("Needs a person") < place("At work") && place("At work") < place("Held back"));
    assert!(!html.contains("<form class=\"act\"") && html.contains("read-only"));
    let html = html_of_now(&escalated, true, &Viewer { may_operate: false, ..olga() });
    assert!(!html.contains("action=\"/pause\"") && html.contains("action=\"/signout\""));
}

#[test]
fn each_state_says_its_verdict_in_a_sentence() {
    for state in IncidentState::ALL {
        for closed_at in [None, Some(now())] {
            let html = html_of_incident(IncidentRecord { closed_at, ..record(1, state) });
            let verdict = html.split("class=\"verdict\">").nth(1).unwrap().split("</p>").next().unwrap();
            assert!(verdict.ends_with('.') && verdict.len() > 10, "{state:?}: {verdict}");
        }
    }
}

#[test]
fn earlier_incidents_of_the_key_are_counted() {
    let incident = shown(record(3, IncidentState::Escalated));
    let before = |number, closed: &str, opened: &str| IncidentRecord {
        closed_at: Some(time(closed)),
        opened_at: time(opened),
        ..record(number, IncidentState::Resolved)
    };
    let earlier = [
        before(2, "2026-11-20T03:58:00Z", "2026-11-20T03:00:00Z"),
        before(1, "2026-11-10T03:58:00Z", "2026-11-10T03:00:00Z"),
    ];
    let shown = Incident { shown: &incident, runs: &[], earlier: &earlier, now: now() };
    let html = document(&suture_console::incident(&shown, &olga()), None);
    assert!(html.contains("The third time in 30 days; after the one before it was quiet for 2d."), "{html}");
}

#[test]
fn a_run_shows_each_call_with_request_and_answer_and_its_texts_are_only_text() {
    let delete = Effect::Mutate { mutation: Mutation::Delete(Delete::of(target("plex"))), undo: None };
    let prepared = |number| Prepared::new(Step { run: RunId::new("r"), number }, delete.clone());
    let intent =
        |number| Body::Intent { prepared: prepared(number), asked: None, undo_of: None, before: None };
    let object = Arc::new(json!({"kind": "Pod", "note": HOSTILE}));
    let entries = [
        entry(1, 0, call(Effect::Step { title: HOSTILE.to_owned() }, Answer::Ok(Reply::Noted))),
        entry(
            2,
            1,
            call(Effect::Log { level: Level::Warn, message: HOSTILE.to_owned() }, Answer::Ok(Reply::Noted)),
        ),
        entry(3, 2, call(Effect::Get { target: target(HOSTILE) }, Answer::Ok(Reply::Object(object)))),
        entry(
            4,
            3,
            call(
                Effect::Get { target: target("gone") },
                Answer::Error(Error::new(Reason::NOT_FOUND, HOSTILE)),
            ),
        ),
        entry(5, 10, intent(5)),
        entry(5, 60, Body::Reply { answer: Answer::Ok(Reply::Settled) }),
        entry(6, 70, intent(6)),
        entry(
            6,
            120,
            Body::Ended { ending: Ending::Concluded(Outcome::Escalate { summary: HOSTILE.to_owned() }) },
        ),
    ];
    let html = html_of_run(&entries, run_record());
    assert_harmless(&html);
    for words in [
        "id=\"step-3\"",
        "+00:10",
        "does not exist",
        "cut off after 50s",
        "Request</p>",
        "suture runs export",
    ] {
        assert!(html.contains(words), "{words}: {html}");
    }
    // Drawn to time: the fifth call began at a twelfth of the run, and took five.
    assert!(html.contains("x=\"83\" y=\"0\" width=\"417\""), "{html}");
}

#[test]
fn a_run_at_work_says_what_it_waits_for_and_is_kept_up_to_date() {
    let record =
        RunRecord { state: RunState::Running, outcome: None, summary: None, ended_at: None, ..run_record() };
    let sleep = Effect::Sleep { duration_ms: 1000 };
    let prepared = Prepared::new(Step { run: RunId::new("r"), number: 1 }, sleep);
    let entries = [entry(1, 5, Body::Intent { prepared, asked: None, undo_of: None, before: None })];
    let html = html_of_run(&entries, record);
    for words in ["no reply yet", "data-events=\"run=01kbrun\"", "Cancel this run", "It is at work."] {
        assert!(html.contains(words), "{words}: {html}");
    }
    assert!(!html_of_run(&[], run_record()).contains("data-events"), "what is over stays as it is");
}

#[test]
fn trends_count_by_day_and_what_is_older_is_left_out() {
    let mut trends = Trends::until(now());
    let closed = |number, opened: &str, closed: &str| IncidentRecord {
        opened_at: time(opened),
        closed_at: Some(time(closed)),
        ..record(number, IncidentState::Resolved)
    };
    assert!(trends.count(&closed(1, "2026-11-22T01:00:00Z", "2026-11-22T01:10:00Z"), now()));
    assert!(trends.count(&closed(2, "2026-11-21T01:00:00Z", "2026-11-21T02:00:00Z"), now()));
    assert!(trends.count(&record(3, IncidentState::Escalated), now()));
    assert!(!trends.count(&closed(4, "2026-10-20T01:00:00Z", "2026-10-20T02:00:00Z"), now()));
    let html = document(&suture_console::trends(&trends), Some(&olga()));
    for words in
        ["3 incidents in 30 days; 2 repaired, half of them within 60m.", "2026-11-22: 2 incidents", "<svg"]
    {
        assert!(html.contains(words), "{words}: {html}");
    }
    let empty = document(&suture_console::trends(&Trends::until(now())), Some(&olga()));
    assert!(empty.contains("No incident in the last 30 days."));
}

#[test]
fn an_error_says_what_to_do_next() {
    for status in [400, 401, 403, 404, 405, 409, 413, 421, 429, 500, 503] {
        let html = document(&suture_console::failure(status, HOSTILE), None);
        assert_harmless(&html);
        assert!(html.contains("<h1>") && !html.contains("<nav"), "{status}: {html}");
    }
}

#[test]
fn a_plan_that_waits_is_asked_about_with_its_digest_and_only_who_may_answers() {
    let listed = ListedRun::new(run_record(), None);
    let digest = Digest::of(b"plan");
    let given = Given {
        who: "vera".to_owned(),
        at: time("2026-11-22T04:05:00Z"),
        message: HOSTILE.to_owned(),
        rest: false,
    };
    let approval = ApprovalRecord {
        run: RunId::new("01kbrun"),
        digest,
        basis: Digest::of(b"basis"),
        changes: Vec::new(),
        asked_at: time("2026-11-22T04:00:00Z"),
        expires_at: time("2026-11-22T04:40:00Z"),
        needed: 2,
        asked: 2,
        differs: vec![HOSTILE.to_owned()],
        given: vec![given],
        stage: ApprovalStage::Asked,
    };
    let html = |viewer: &Viewer<'_>| {
        let shown = Run {
            run: &listed,
            entries: &[],
            after: 0,
            next: None,
            approval: Some(&approval),
            plan: None,
            doubts: &[],
            now: now(),
        };
        document(&suture_console::run(&shown, viewer), Some(viewer))
    };
    let asked = html(&Viewer { may_approve: true, ..olga() });
    assert_harmless(&asked);
    for words in [
        "waits for 1 person",
        "in 30m",
        "/runs/01kbrun/approve",
        "/runs/01kbrun/reject",
        &format!("value=\"{digest}\""),
    ] {
        assert!(asked.contains(words), "{words}: {asked}");
    }
    let shown = html(&olga());
    assert!(!shown.contains("/approve") && shown.contains("suture approve"), "{shown}");
}
