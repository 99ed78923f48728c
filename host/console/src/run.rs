//! One run: what came of it, what it did, and what it changed.

use maud::{Markup, html};
use suture_core::{Mode, Timestamp};
use suture_journal::{ApprovalRecord, ApprovalStage, Entry, ListedRun, Plan, RunState};

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
    /// What it changes; none where that can't be read.
    pub plan: Option<&'a Plan>,
    /// What people are asked to approve of it; none where they are not.
    pub approval: Option<&'a ApprovalRecord>,
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
        (approve(shown, viewer))
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

/// What people are asked: who has said what, and a yes or a no.
fn approve(shown: &Run<'_>, viewer: &Viewer<'_>) -> Markup {
    let Some(approval) = shown.approval.filter(|approval| approval.stage == ApprovalStage::Asked) else {
        return html! {};
    };
    let path = link::to_run(&shown.run.run.id);
    let digest = html! { input type="hidden" name="digest" value=(approval.digest); };
    let why = html! { label { "Why" input name="message" maxlength="500" size="30" autocomplete="off"; } };
    html! {
        section.approval aria-labelledby="approval" {
            h2 id="approval" { "Waits for approval" }
            p {
                (approval.given.len()) " of " (approval.needed) " people have approved it. Its time is over "
                (age::until(approval.expires_at, shown.now)) "; then it is escalated."
            }
            @if !approval.differs.is_empty() {
                p { "It is another plan than the one that people were asked for before:" }
                ul { @for differs in &approval.differs { li { (text::long(differs, 300)) } } }
            }
            ol { @for change in &approval.changes { li { (text::long(&change.summary, 300)) } } }
            @if !approval.given.is_empty() {
                ul {
                    @for given in &approval.given {
                        li {
                            (text::short(&given.who, 80)) " approved it " (age::ago(given.at, shown.now))
                            @if given.rest { ", with the rest of the run" }
                            @if !given.message.is_empty() { ": " (text::long(&given.message, 300)) }
                        }
                    }
                }
            }
            (form::decision(viewer, &format!("{path}/approve"), "Approve", &html! {
                (digest)
                (why)
                label.check { input type="checkbox" name="rest" value="yes"; "also the rest of the run, within its grants" }
            }))
            (form::decision(viewer, &format!("{path}/reject"), "Reject", &html! { (digest) (why) }))
            p.dim { "In a terminal: " code { "suture approve " (shown.run.run.id) } }
        }
    }
}
