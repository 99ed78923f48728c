//! Incidents, a page at a time.

use maud::{Markup, html};
use suture_core::Timestamp;
use suture_engine::ShownIncident;
use suture_journal::{Filter, IncidentState, ListedIncident, Page as Slice};

use crate::layout::{Page, Section};
use crate::{age, badge, link, text};

/// The most characters of a summary in a list.
const SUMMARY: usize = 140;

/// What the page of incidents shows.
#[derive(Debug)]
pub struct Incidents<'a> {
    /// Those on this page.
    pub page: &'a Slice<ShownIncident>,
    /// Which were asked for.
    pub filter: &'a Filter,
    /// The policies that there are.
    pub policies: &'a [String],
    /// What time it is to the host.
    pub now: Timestamp,
}

/// The page of incidents.
pub fn incidents(shown: &Incidents<'_>) -> Page {
    let Incidents { page, filter, policies, now } = *shown;
    let content = html! {
        h1 { "Incidents" }
        (filters(filter, policies))
        @if page.items.is_empty() {
            p.empty {
                @if page.next.is_some() { "None of those that were looked at fits; there are older ones." }
                @else if is_narrowed(filter) { "None fits. " a href="/incidents" { "Show all" } }
                @else { "No alert has come yet. " code { "suture doctor" } " looks whether one would arrive." }
            }
        } @else {
            (table(&page.items, now))
        }
        @for damaged in &page.damaged { p.alarm { "A row can't be read: " (text::short(damaged, 300)) } }
        nav.pages aria-label="Pages" {
            @if filter.after.is_some() { a href=(path(filter, None)) { "Newest" } }
            @if let Some(next) = &page.next { a href=(path(filter, Some(next))) rel="next" { "Older" } }
        }
    };
    // Whoever reads an older page is not moved on.
    let events = filter.after.is_none().then(String::new);
    Page { title: "Incidents".to_owned(), section: Some(Section::Incidents), events, content }
}

/// Incidents as a table.
pub fn table(items: &[ShownIncident], now: Timestamp) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Incidents" {
            table.list {
                thead { tr {
                    th scope="col" { "About" }
                    th scope="col" { "State" }
                    th scope="col" { "Policy" }
                    th scope="col" { "Age" }
                    th scope="col" { "Summary" }
                } }
                tbody { @for item in items { (row(item, now)) } }
            }
        }
    }
}

fn row(shown: &ShownIncident, now: Timestamp) -> Markup {
    let ListedIncident { incident, subject, .. } = &shown.listed;
    // What keeps it from going on says more than what was last done about it.
    let held_up = shown.waiting_for.as_ref().filter(|waiting| waiting.reason.is_obstacle());
    let summary = held_up.map_or(incident.summary.as_str(), |waiting| &waiting.message);
    html! {
        tr {
            th scope="row" {
                a href=(link::to_incident(&incident.id)) { (link::about(subject)) }
                @if let Some(name) = incident.alert.labels.get("alertname") { div.note { (text::short(name, 60)) } }
            }
            td { (badge::of_incident(incident)) }
            td { (text::short(&incident.policy, 40)) }
            td { (age::took(incident.opened_at, now)) }
            td.summary { (text::short(summary, SUMMARY)) }
        }
    }
}

fn filters(filter: &Filter, policies: &[String]) -> Markup {
    let state = filter.state.as_deref().unwrap_or_default();
    let policy = filter.policy.as_deref().unwrap_or_default();
    html! {
        form.filters method="get" action="/incidents" role="search" aria-label="Filter incidents" {
            label { "State"
                select name="state" {
                    option value="" { "any" }
                    @for one in IncidentState::ALL {
                        option value=(one.as_str()) selected[one.as_str() == state] { (badge::spaced(one.as_str())) }
                    }
                }
            }
            label { "Policy"
                select name="policy" {
                    option value="" { "any" }
                    @for one in policies { option value=(one) selected[one == policy] { (text::short(one, 60)) } }
                }
            }
            label { "Namespace"
                input name="namespace" value=(filter.namespace.as_deref().unwrap_or_default()) size="14"
                    autocomplete="off" spellcheck="false";
            }
            label { "Open"
                select name="open" {
                    option value="" { "any" }
                    option value="true" selected[filter.open == Some(true)] { "open" }
                    option value="false" selected[filter.open == Some(false)] { "over" }
                }
            }
            button type="submit" { "Filter" }
            @if is_narrowed(filter) { a href="/incidents" { "Clear" } }
        }
    }
}

fn is_narrowed(filter: &Filter) -> bool {
    *filter != Filter { after: filter.after.clone(), limit: filter.limit, ..Filter::default() }
}

/// The path of the same list, from a place on.
fn path(filter: &Filter, after: Option<&str>) -> String {
    let open = filter.open.map(|open| open.to_string());
    let since = filter.since.map(|since| since.to_string());
    let parameters = [
        ("state", filter.state.as_deref()),
        ("policy", filter.policy.as_deref()),
        ("namespace", filter.namespace.as_deref()),
        ("outcome", filter.outcome.as_deref()),
        ("open", open.as_deref()),
        ("since", since.as_deref()),
        ("after", after),
    ];
    let given: Vec<String> = parameters
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", link::escaped(value?))))
        .collect();
    if given.is_empty() { "/incidents".to_owned() } else { format!("/incidents?{}", given.join("&")) }
}
