//! What is going on: what needs a person first, then what is at work, then what waits.

use maud::{Markup, html};
use suture_core::Timestamp;
use suture_engine::{PolicyStatus, ShownIncident, Unreconciled, Waiting};
use suture_journal::PauseRecord;

use crate::layout::{Page, Section, Viewer};
use crate::{age, badge, form, incidents, link, text, verdict};

/// The most incidents that a part shows.
pub const MOST: usize = 20;

/// What the first page shows.
#[derive(Debug)]
pub struct Now<'a> {
    /// Plans that wait for somebody to approve them.
    pub approvals: &'a [ShownIncident],
    /// Incidents that a person must look at.
    pub escalated: &'a [ShownIncident],
    /// Incidents at work.
    pub at_work: &'a [ShownIncident],
    /// What waits, and for what.
    pub waiting: &'a [Waiting],
    /// All policies.
    pub policies: &'a [PolicyStatus],
    /// What is paused.
    pub pauses: &'a [PauseRecord],
    /// Whether any incident was ever.
    pub has_history: bool,
    /// The path from an alert to its repair.
    pub health: Health<'a>,
    /// The policy and the namespace that are asked for.
    pub policy: Option<&'a str>,
    /// See [`policy`](Self::policy).
    pub namespace: Option<&'a str>,
    /// What time it is to the host.
    pub now: Timestamp,
}

/// How the path from an alert to its repair is.
#[derive(Debug)]
pub struct Health<'a> {
    /// Why the host takes no alerts; none where it does.
    pub not_ready: Option<&'a str>,
    /// Prometheus and the Alertmanagers.
    pub upstreams: &'a [Upstream],
    /// Why it is not known what Alertmanager has for this host.
    pub unreconciled: Option<&'a Unreconciled>,
    /// Notifications that are not looked at yet.
    pub inbox: usize,
    /// Why the journal can't be written.
    pub journal_error: Option<&'a str>,
    /// Bytes of the journal, and how many there may be.
    pub journal: (u64, Option<u64>),
    /// What of the journal was seen to be damaged.
    pub damage: &'a [String],
}

/// A server that the host asks.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Its URL.
    pub url: String,
    /// When it answered last.
    pub answered_at: Option<Timestamp>,
    /// Since when it does not, and why.
    pub failing: Option<(Timestamp, String)>,
}

/// The first page.
pub fn now(shown: &Now<'_>, viewer: &Viewer<'_>) -> Page {
    let content = html! {
        h1 { "Now" }
        p.verdict { (sentence(shown)) }
        (filters(shown))
        (approvals(shown))
        (people(shown))
        (at_work(shown))
        (held_back(shown, viewer))
        (health(&shown.health, shown.now))
        @if !shown.has_history { (first_steps(shown)) }
    };
    Page { title: "Now".to_owned(), section: Some(Section::Now), events: Some(String::new()), content }
}

fn sentence(shown: &Now<'_>) -> String {
    let many = |count: usize, one: &str, more: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        count if count >= MOST => Some(format!("{MOST} or more {more}")),
        count => Some(format!("{count} {more}")),
    };
    let parts: Vec<String> = [
        shown.health.not_ready.map(|_| "the host takes no alerts".to_owned()),
        many(shown.approvals.len(), "plan waits for approval", "plans wait for approval"),
        many(shown.escalated.len(), "incident needs a person", "incidents need a person"),
        many(shown.at_work.len(), "is at work", "are at work"),
    ]
    .into_iter()
    .flatten()
    .collect();
    match parts.as_slice() {
        [] => "All is quiet: nothing needs a person, and nothing is at work.".to_owned(),
        parts => {
            let mut sentence = parts.join("; ");
            if let Some(first) = sentence.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            sentence + "."
        }
    }
}

fn filters(shown: &Now<'_>) -> Markup {
    let policy = shown.policy.unwrap_or_default();
    html! {
        form.filters method="get" action="/" role="search" aria-label="Filter this page" {
            label { "Policy"
                select name="policy" {
                    option value="" { "all" }
                    @for one in shown.policies {
                        option value=(one.name) selected[one.name == policy] { (text::short(&one.name, 60)) }
                    }
                }
            }
            label { "Namespace"
                input name="namespace" value=(shown.namespace.unwrap_or_default()) size="14" autocomplete="off"
                    spellcheck="false";
            }
            button type="submit" { "Filter" }
            @if shown.policy.is_some() || shown.namespace.is_some() { a href="/" { "Clear" } }
        }
    }
}

/// The place of the approvals: plans that wait for a yes or a no.
fn approvals(shown: &Now<'_>) -> Markup {
    html! {
        @if !shown.approvals.is_empty() {
            section { h2 { "Waits for approval" } (cards(shown.approvals, shown.now)) }
        }
    }
}

fn people(shown: &Now<'_>) -> Markup {
    html! {
        section {
            h2 { "Needs a person" }
            @for damage in shown.health.damage { p.alarm { (text::short(damage, 300)) } }
            @if shown.escalated.is_empty() { p.empty { "Nothing." } }
            @else {
                (cards(shown.escalated, shown.now))
                @if shown.escalated.len() >= MOST {
                    p { a href="/incidents?state=escalated&open=true" { "All that are escalated" } }
                }
            }
        }
    }
}

fn cards(items: &[ShownIncident], now: Timestamp) -> Markup {
    html! {
        ul.cards {
            @for item in items {
                li {
                    h3 {
                        a href=(link::to_incident(&item.listed.incident.id)) { (link::about(&item.listed.subject)) } " "
                        (badge::of_incident(&item.listed.incident))
                    }
                    p { (text::short(&item.listed.incident.summary, 300)) }
                    p.note {
                        (text::short(&verdict::of(item, now), 200)) " Policy " (link::policy(&item.listed.incident.policy))
                        ", opened " (age::ago(item.listed.incident.opened_at, now)) "."
                    }
                }
            }
        }
    }
}

fn at_work(shown: &Now<'_>) -> Markup {
    html! {
        section {
            h2 { "At work" }
            @if shown.at_work.is_empty() { p.empty { "No run is at work." } }
            @else { (incidents::table(shown.at_work, shown.now)) }
        }
    }
}

fn held_back(shown: &Now<'_>, viewer: &Viewer<'_>) -> Markup {
    let obstacles: Vec<&Waiting> =
        shown.waiting.iter().filter(|waiting| waiting.reason.is_obstacle()).collect();
    let troubled: Vec<&PolicyStatus> =
        shown.policies.iter().filter(|policy| policy.error.is_some()).collect();
    html! {
        section {
            h2 { "Held back" }
            @if obstacles.is_empty() && shown.pauses.is_empty() && troubled.is_empty() { p.empty { "Nothing." } }
            @for pause in shown.pauses { (paused(pause, shown.now, viewer)) }
            @for policy in troubled {
                p.alarm { (link::policy(&policy.name)) ": " (text::long(policy.error.as_deref().unwrap_or_default(), 300)) }
            }
            @if !obstacles.is_empty() {
                div.scroll tabindex="0" role="region" aria-label="What waits" {
                    table.list {
                        thead { tr {
                            th scope="col" { "Policy" } th scope="col" { "Waits" } th scope="col" { "For" }
                            th scope="col" { "Oldest" }
                        } }
                        tbody { @for waiting in obstacles { tr {
                            th scope="row" {
                                @if waiting.policy.is_empty() { "all" } @else { (link::policy(&waiting.policy)) }
                            }
                            td.number { (waiting.count) }
                            td.summary { (text::long(&waiting.message, 200)) }
                            td { @if let Some(since) = waiting.since { (age::took(since, shown.now)) } }
                        } } }
                    }
                }
            }
            @if !shown.pauses.iter().any(|pause| pause.policy.is_none()) { (pause(viewer)) }
        }
    }
}

/// What is paused, and how that is ended.
pub fn paused(pause: &PauseRecord, now: Timestamp, viewer: &Viewer<'_>) -> Markup {
    let path = pause
        .policy
        .as_deref()
        .map_or_else(|| "/resume".to_owned(), |name| format!("{}/resume", link::to_policy(name)));
    html! {
        div.alarm {
            p {
                @match &pause.policy {
                    Some(policy) => { "Policy " (link::policy(policy)) " is paused" }
                    None => "The host is paused",
                }
                " by " (text::short(&pause.who, 64)) ", since " (age::ago(pause.since, now))
                @if let Some(until) = pause.until { ", until " (age::exact(until)) }
                @if pause.reason.is_empty() { "." } @else { ": " (text::long(&pause.reason, 200)) }
            }
            (form::button(viewer, &path, "Resume", &html! {}))
        }
    }
}

fn pause(viewer: &Viewer<'_>) -> Markup {
    let fields = html! {
        label { "Why" input name="reason" maxlength="300" autocomplete="off"; }
        label { "For"
            select name="for" {
                option value="" { "until somebody resumes" }
                option value="30m" { "30 minutes" }
                option value="2h" { "2 hours" }
                option value="12h" { "12 hours" }
            }
        }
    };
    let button = form::button(viewer, "/pause", "Pause the host", &fields);
    html! {
        @if viewer.csrf.is_some() && viewer.may_operate {
            details.careful {
                summary { "Pause…" }
                div.confirm {
                    p { "No more runs start; alerts are accepted and wait; runs at work go on." }
                    (button)
                }
            }
        }
    }
}

fn health(health: &Health<'_>, now: Timestamp) -> Markup {
    let row = |good: bool, what: &str, state: Markup| {
        html! {
            tr {
                th scope="row" { (text::short(what, 80)) }
                td { (badge::badge(if good { badge::Tone::Good } else { badge::Tone::Bad }, if good { "well" } else { "trouble" })) }
                td.summary { (state) }
            }
        }
    };
    let (used, most) = health.journal;
    html! {
        section {
            h2 { "The path from an alert to its repair" }
            div.scroll tabindex="0" role="region" aria-label="The path" {
                table.list {
                    thead { tr { th scope="col" { "Part" } th scope="col" { "State" } th scope="col" { "Last known" } } }
                    tbody {
                        (row(health.not_ready.is_none(), "Webhook", html! {
                            @match health.not_ready { Some(why) => (text::long(why, 200)), None => "takes alerts" }
                            @if health.inbox > 0 { "; " (health.inbox) " notifications wait to be looked at" }
                        }))
                        @for upstream in health.upstreams {
                            (row(upstream.failing.is_none(), &upstream.url, html! {
                                @if let Some((since, why)) = &upstream.failing {
                                    "no answer for " (age::took(*since, now)) ": " (text::long(why, 200))
                                } @else if let Some(at) = upstream.answered_at { "answered " (age::ago(at, now)) }
                                @else { "not asked yet" }
                            }))
                        }
                        (row(health.journal_error.is_none(), "Journal", html! {
                            @if let Some(error) = health.journal_error { (text::long(error, 200)) "; " }
                            (size(used)) @if let Some(most) = most { " of " (size(most)) }
                        }))
                        @if let Some(Unreconciled { since, message, .. }) = health.unreconciled {
                            (row(false, "Missed alerts", html! {
                                "not known for " (age::took(*since, now)) ": " (text::long(message, 200))
                            }))
                        }
                    }
                }
            }
            p.note { code { "suture doctor" } " looks further: at rules, routes and rights." }
        }
    }
}

/// For who sees the console for the first time.
fn first_steps(shown: &Now<'_>) -> Markup {
    html! {
        section.teach {
            h2 { "No incident yet" }
            ol {
                @if shown.policies.is_empty() {
                    li { "Give the host a policy: " code { "suture policies add FILE --namespace NAMESPACE" } "." }
                }
                li { "Let Alertmanager post to the webhook of this host." }
                li { "Look whether an alert would arrive: " code { "suture doctor --drill" } "." }
                li { "Or start a run by hand: " code { "suture runs start POLICY --alert alert.json --follow" } "." }
            }
        }
    }
}

fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match UNITS.into_iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => format!("{bytes} B"),
    }
}
