//! One incident: how it stands, why, and what comes next.

use maud::{Markup, html};
use suture_core::age::since;
use suture_core::{Alert, Labels, Timestamp};
use suture_engine::ShownIncident;
use suture_journal::{IncidentRecord, ListedIncident, RunRecord};

use crate::layout::{Page, Section, Viewer};
use crate::{age, badge, form, link, text, verdict};

/// Days within which an earlier incident says something about this one.
const DAYS: i64 = 30;
/// The most characters of a label's value that stand unfolded.
const VALUE: usize = 160;

/// What the page of an incident shows.
#[derive(Debug)]
pub struct Incident<'a> {
    /// The incident.
    pub shown: &'a ShownIncident,
    /// Its last runs, newest first.
    pub runs: &'a [RunRecord],
    /// Earlier incidents of the same key, newest first.
    pub earlier: &'a [IncidentRecord],
    /// What time it is to the host.
    pub now: Timestamp,
}

/// The page of an incident.
pub fn incident(shown: &Incident<'_>, viewer: &Viewer<'_>) -> Page {
    let Incident { shown: listed, runs, earlier, now } = *shown;
    let ListedIncident { incident, subject, .. } = &listed.listed;
    let about = link::about(subject);
    let content = html! {
        p.crumbs { a href="/incidents" { "Incidents" } }
        h1 { (about) " " (badge::of_incident(incident)) }
        p.verdict { (text::long(&verdict::of(listed, now), 400)) }
        @if !incident.summary.is_empty() { p.summary { (text::long(&incident.summary, 600)) } }
        (next(listed, now))
        (actions(incident, viewer))
        @if !incident.evidence.is_empty() {
            section { h2 { "Evidence" } (text::block(&incident.evidence, 4000)) }
        }
        (alert(&incident.alert, now))
        (attempts(incident, runs, now))
        (before(incident, earlier, now))
        section {
            h2 { "In a terminal" }
            pre tabindex="0" { "suture incidents show " (incident.id) }
        }
    };
    let events =
        incident.closed_at.is_none().then(|| format!("incident={}", link::escaped(incident.id.as_str())));
    Page { title: about, section: Some(Section::Incidents), events, content }
}

fn next(shown: &ShownIncident, now: Timestamp) -> Markup {
    let ShownIncident { listed: ListedIncident { incident, .. }, waiting_for } = shown;
    html! {
        section {
            h2 { "What happens next" }
            @if let Some(waiting) = waiting_for {
                p { (text::long(&waiting.message, 400)) }
                @if let Some(since) = waiting.since { p.note { "since " (age::ago(since, now)) } }
                @if let Some(until) = waiting.until.or(incident.due) { p { "At the latest " (age::until(until, now)) "." } }
            } @else if incident.closed_at.is_some() {
                p { "Nothing: it is over. Where its alert fires again, that is another incident." }
            } @else if let Some(due) = incident.due {
                p { "The host looks again " (age::until(due, now)) "." }
            } @else if incident.state.is_active() {
                p { "The host goes on by itself." }
            } @else {
                p { "The host does nothing more before the alert clears, or fires anew; “Try again” does not wait for that." }
            }
        }
    }
}

fn actions(incident: &IncidentRecord, viewer: &Viewer<'_>) -> Markup {
    if incident.closed_at.is_some() || viewer.csrf.is_none() || !viewer.may_operate {
        return html! {};
    }
    let to = |what: &str| format!("{}/{what}", link::to_incident(&incident.id));
    html! {
        section.actions aria-label="What can be done" {
            @if incident.state.rests() { (form::button(viewer, &to("retry"), "Try again", &html! {})) }
            (form::careful(viewer, &to("cancel"), "Leave it alone",
                "Its run ends, and what that must undo is undone. Nothing begins again until its alert has cleared once."))
            @if !incident.state.is_active() {
                (form::careful(viewer, &to("close"), "Close it",
                    "It is over, whatever its alert does. Where that fires on and is posted again, it is another incident."))
            }
        }
    }
}

fn alert(alert: &Alert, now: Timestamp) -> Markup {
    html! {
        section {
            h2 { "Alert" }
            p {
                @if let Some(name) = alert.labels.get("alertname") { strong { (text::short(name, 120)) } " " }
                "fires since " (age::exact(alert.starts_at)) " (" (age::ago(alert.starts_at, now)) ")"
                @if let Some(graph) = link::of_web(&alert.generator_url) {
                    " · " a href=(graph) rel="noreferrer noopener" { "its graph" }
                }
            }
            (labels("Labels", &alert.labels))
            (labels("Annotations", &alert.annotations))
        }
    }
}

/// The most labels that stand unfolded.
const LABELS: usize = 24;

fn labels(title: &str, labels: &Labels) -> Markup {
    let rows = |skip: usize, take: usize| {
        html! {
            dl.labels {
                @for (name, value) in labels.iter().skip(skip).take(take) {
                    div { dt { (text::short(name, 80)) } dd { (text::long(value, VALUE)) } }
                }
            }
        }
    };
    html! {
        @if !labels.is_empty() {
            h3 { (title) }
            (rows(0, LABELS))
            @if labels.len() > LABELS {
                details.rest { summary { (labels.len() - LABELS) " more" } (rows(LABELS, 200)) }
            }
        }
    }
}

fn attempts(incident: &IncidentRecord, runs: &[RunRecord], now: Timestamp) -> Markup {
    html! {
        section {
            h2 { "Attempts" }
            @if runs.is_empty() { p { "None yet: nothing was done." } }
            @else {
                div.scroll tabindex="0" role="region" aria-label="Attempts" {
                    table.list {
                        thead { tr {
                            th scope="col" { "Run" } th scope="col" { "Came to" } th scope="col" { "Mode" }
                            th scope="col" { "Began" } th scope="col" { "Took" } th scope="col" { "Summary" }
                        } }
                        tbody { @for run in runs { tr {
                            th scope="row" { a href=(link::to_run(&run.id)) { "Attempt " (run.attempt) } }
                            td { (badge::of_run(run)) }
                            td { (badge::of_mode(run.mode)) }
                            td { (age::ago(run.started_at, now)) }
                            td { (age::took(run.started_at, run.ended_at.unwrap_or(now))) }
                            td.summary { (text::short(run.summary.as_deref().unwrap_or_default(), 240)) }
                        } } }
                    }
                }
                @if incident.runs.len() > runs.len() { p.note { "and " (incident.runs.len() - runs.len()) " before" } }
            }
        }
    }
}

fn before(incident: &IncidentRecord, earlier: &[IncidentRecord], now: Timestamp) -> Markup {
    html! {
        section {
            h2 { "Earlier, of the same key" }
            @if earlier.is_empty() { p { "This is the first that is on record." } }
            @else {
                p { (history(incident, earlier)) }
                ul.plain {
                    @for one in earlier.iter().take(10) {
                        li {
                            a href=(link::to_incident(&one.id)) { (age::ago(one.opened_at, now)) } " "
                            (badge::of_incident(one)) " " (text::short(&one.summary, 200))
                        }
                    }
                }
                @if earlier.len() > 10 { p.note { "and " (earlier.len() - 10) " before" } }
            }
        }
    }
}

/// `The third time in 30 days; the repair before held for 2d.`
fn history(incident: &IncidentRecord, earlier: &[IncidentRecord]) -> String {
    let within =
        |one: &&IncidentRecord| one.opened_at.duration_until(incident.opened_at).as_hours() < DAYS * 24;
    let count = earlier.iter().filter(within).count() + 1;
    let which = match count {
        1 => format!("The first time in {DAYS} days"),
        2 => format!("The second time in {DAYS} days"),
        3 => format!("The third time in {DAYS} days"),
        more => format!("{more} times in {DAYS} days, this one included"),
    };
    match earlier.first().and_then(|last| last.closed_at) {
        Some(closed) if closed <= incident.opened_at => {
            format!("{which}; after the one before it was quiet for {}.", since(closed, incident.opened_at))
        }
        Some(_) | None => format!("{which}."),
    }
}
