//! The last thirty days: how much broke, what came of it, and how long that took.

use maud::{Markup, html};
use suture_core::Timestamp;
use suture_core::age::short;
use suture_core::clock::kubernetes_time;
use suture_journal::{IncidentRecord, IncidentState};

use crate::chart;
use crate::layout::{Page, Section};

/// How many days are shown.
pub const DAYS: usize = 30;
const DAY: i64 = 86_400;

/// What is counted of the last thirty days.
#[derive(Clone, Debug, Default)]
pub struct Trends {
    days: Vec<Day>,
    /// Whether more incidents were opened than are counted.
    pub is_cut: bool,
}

#[derive(Clone, Debug, Default)]
struct Day {
    date: String,
    repaired: usize,
    handed_over: usize,
    other: usize,
    open: usize,
    /// Seconds from the alert to its end, of what was repaired.
    repairs: Vec<i64>,
}

impl Trends {
    /// None yet, up to a time.
    pub fn until(now: Timestamp) -> Self {
        let today = now.as_second().div_euclid(DAY);
        let first = today - i64::try_from(DAYS).unwrap_or(DAY) + 1;
        let day = |day: i64| {
            let at = Timestamp::from_second(day * DAY).unwrap_or(now);
            Day { date: kubernetes_time(at).chars().take(10).collect(), ..Day::default() }
        };
        Self { days: (first..=today).map(day).collect(), is_cut: false }
    }

    /// Count an incident. `false` where it is older than all that is shown.
    pub fn count(&mut self, incident: &IncidentRecord, now: Timestamp) -> bool {
        let age = now.as_second().div_euclid(DAY) - incident.opened_at.as_second().div_euclid(DAY);
        let place = usize::try_from(age).ok().and_then(|age| self.days.len().checked_sub(age + 1));
        let Some(day) = place.and_then(|place| self.days.get_mut(place)) else { return false };
        match (incident.closed_at, incident.state) {
            (_, IncidentState::Escalated | IncidentState::Failed) => day.handed_over += 1,
            (None, _) => day.open += 1,
            (Some(closed), IncidentState::Resolved) if !incident.runs.is_empty() => {
                day.repaired += 1;
                day.repairs.push((closed.as_second() - incident.opened_at.as_second()).max(0));
            }
            (Some(_), _) => day.other += 1,
        }
        true
    }

    fn total(&self, of: impl Fn(&Day) -> usize) -> usize {
        self.days.iter().map(of).sum()
    }
}

impl Day {
    fn count(&self) -> usize {
        self.repaired + self.handed_over + self.other + self.open
    }

    fn median(&self) -> Option<i64> {
        median(self.repairs.clone())
    }
}

fn median(mut all: Vec<i64>) -> Option<i64> {
    all.sort_unstable();
    all.get(all.len() / 2).copied()
}

fn shown(seconds: Option<i64>) -> String {
    let duration =
        seconds.and_then(|seconds| u64::try_from(seconds).ok()).map(std::time::Duration::from_secs);
    duration.map_or_else(|| "–".to_owned(), short)
}

/// The page of trends.
pub fn trends(trends: &Trends) -> Page {
    let all = trends.total(Day::count);
    let repaired = trends.total(|day| day.repaired);
    let most = trends.days.iter().map(Day::count).max().unwrap_or(0);
    let longest = trends.days.iter().filter_map(Day::median).max();
    let median = median(trends.days.iter().flat_map(|day| day.repairs.iter().copied()).collect());
    let content = html! {
        h1 { "Trends" }
        p.verdict {
            @if all == 0 { "No incident in the last " (DAYS) " days." }
            @else {
                (all) " incidents in " (DAYS) " days; " (repaired) " repaired"
                @if median.is_some() { ", half of them within " (shown(median)) }
                "."
            }
        }
        @if trends.is_cut { p.note { "Only the newest incidents are counted: there are too many." } }
        section {
            h2 { "Incidents by day" }
            (legend())
            p.note { "The tallest bar: " (most) }
            (chart::bars("Incidents by day, by what came of them; the table below has the numbers", &bars(trends)))
        }
        section {
            h2 { "Time to repair, the median of each day" }
            p.note { "The tallest bar: " (shown(longest)) }
            (chart::bars("Time to repair by day; the table below has the numbers", &times(trends)))
        }
        section { h2 { "The numbers" } (table(trends)) }
    };
    Page { title: "Trends".to_owned(), section: Some(Section::Trends), events: None, content }
}

const KINDS: [(&str, &str); 4] =
    [("good", "repaired"), ("bad", "handed to a person"), ("read", "otherwise over"), ("wait", "open")];

fn legend() -> Markup {
    html! {
        ul.legend {
            @for (class, name) in KINDS {
                li { svg viewBox="0 0 10 10" width="10" height="10" aria-hidden="true" focusable="false" { rect width="10" height="10" rx="2" class={ "bar " (class) } {} } (name) }
            }
        }
    }
}

fn bars(trends: &Trends) -> Vec<(String, Vec<chart::Part>)> {
    let bar = |day: &Day| {
        let counts = [day.repaired, day.handed_over, day.other, day.open];
        let label = format!("{}: {} incidents, {} repaired", day.date, day.count(), day.repaired);
        (label, counts.into_iter().zip(KINDS.map(|kind| kind.0)).collect())
    };
    trends.days.iter().map(bar).collect()
}

fn times(trends: &Trends) -> Vec<(String, Vec<chart::Part>)> {
    let bar = |day: &Day| {
        let seconds = usize::try_from(day.median().unwrap_or_default()).unwrap_or_default();
        (format!("{}: {}", day.date, shown(day.median())), vec![(seconds, "good")])
    };
    trends.days.iter().map(bar).collect()
}

fn table(trends: &Trends) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="The numbers" {
            table.list {
                thead { tr {
                    th scope="col" { "Day (UTC)" }
                    @for (_, name) in KINDS { th scope="col" { (name) } }
                    th scope="col" { "time to repair" }
                } }
                tbody {
                    @for day in trends.days.iter().rev().filter(|day| day.count() > 0) {
                        tr {
                            th scope="row" { (day.date) }
                            td.number { (day.repaired) } td.number { (day.handed_over) } td.number { (day.other) } td.number { (day.open) }
                            td.number { (shown(day.median())) }
                        }
                    }
                }
            }
        }
    }
}
