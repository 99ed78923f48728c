//! One run: what came of it, what it did, and what it changed.

use maud::{Markup, html};
use suture_core::{Mode, Timestamp};
use suture_journal::{ApprovalRecord, Entry, ListedRun, Plan, RunState};

use crate::approval;
use crate::layout::{Page, Section, Viewer};
use crate::timeline::{self, Span};
use crate::{age, badge, diff, form, link, text};

/// What the page of a run shows.
#[derive(Debug)]
pub struct Run<'a> {
    /// The run, and what it is about.
    pub run: &'a ListedRun,
    /// A part of its record.
    pub entries: &'a [Entry],
    /// The step after which this part begins; 0 for the first.
    pub after: u32,
    /// The step after which the next part begins.
    pub next: Option<u32>,
    /// What people are asked to approve of it, while they are.
    pub approval: Option<&'a ApprovalRecord>,
    /// What it changes; none where that can't be read.
    pub plan: Option<&'a Plan>,
    /// What of its changes may have taken place or not.
    pub doubts: &'a [String],
    /// What time it is to the host.
    pub now: Timestamp,
}

/// The page of a run.
pub fn run(shown: &Run<'_>, viewer: &Viewer<'_>) -> Page {
    let ListedRun { run, subject, .. } = shown.run;
    let about = link::about(subject);
    let span = Span { from: run.started_at, to: run.ended_at.unwrap_or(shown.now) };
    let content = html! {
        p.crumbs {
            a href="/incidents" { "Incidents" } " › " a href=(link::to_incident(&run.incident)) { (about) }
        }
        h1 { (about) ", attempt " (run.attempt) " " (badge::of_run(run)) }
        p.verdict { (text::long(&sentence(shown), 600)) }
        (facts(shown))
        @for doubt in shown.doubts { p.alarm { "In doubt: " (text::long(doubt, 400)) } }
        @if let Some(asked) = shown.approval { (approval::section(asked, shown.now, viewer)) }
        @if run.state != RunState::Ended {
            section.actions aria-label="What can be done" {
                (form::careful(viewer, &format!("{}/cancel", link::to_run(&run.id)), "Cancel this run",
                    "What it has begun is finished, and what must not outlive it is undone. Its incident is then left alone until its alert has cleared once."))
            }
        }
        section {
            h2 { "Timeline" }
            (timeline::overview(shown.entries, span))
            (timeline::timeline(shown.entries, span))
            nav.pages aria-label="Parts of the record" {
                @if shown.after > 0 { a href=(link::to_run(&run.id)) { "From the beginning" } }
                @if let Some(next) = shown.next { a href={ (link::to_run(&run.id)) "?after=" (next) } rel="next" { "Later steps" } }
            }
        }
        @if let Some(plan) = shown.plan {
            section {
                h2 { @if run.mode == Mode::Enforce { "What it changed" } @else { "What it would change" } }
                (diff::plan(plan))
            }
        }
        section {
            h2 { "In a terminal" }
            pre tabindex="0" {
                "suture runs show " (run.id) "\nsuture runs diff " (run.id)
                "\nsuture runs export " (run.id) " > incident.yaml    # the run as a scenario"
            }
        }
    };
    let is_live = run.state != RunState::Ended && shown.next.is_none();
    let events = is_live.then(|| format!("run={}", link::escaped(run.id.as_str())));
    Page {
        title: format!("{about}, attempt {}", run.attempt),
        section: Some(Section::Incidents),
        events,
        content,
    }
}

fn sentence(shown: &Run<'_>) -> String {
    let run = &shown.run.run;
    match (run.state, &run.summary) {
        (RunState::Ended, Some(summary)) => summary.clone(),
        (RunState::Ended, None) => "It has ended.".to_owned(),
        (RunState::Running, _) => "It is at work.".to_owned(),
        (RunState::Waiting, _) => "It is at work, and waits for something.".to_owned(),
    }
}

fn facts(shown: &Run<'_>) -> Markup {
    let run = &shown.run.run;
    html! {
        dl.facts {
            div { dt { "Policy" } dd { (link::policy(&run.policy)) } }
            div { dt { "Mode" } dd { (badge::of_mode(run.mode)) } }
            div { dt { "Began" } dd { (age::ago(run.started_at, shown.now)) } }
            div { dt { @if run.ended_at.is_some() { "Took" } @else { "Lasts" } }
                dd { (age::took(run.started_at, run.ended_at.unwrap_or(shown.now))) } }
            div { dt { "Module" } dd { code { (text::short(&run.digest, 19)) } } }
            div { dt { "Run" } dd { code { (run.id) } } }
        }
    }
}
