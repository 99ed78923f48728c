//! What a run did, drawn to time: the same words as in the terminal, each call to unfold.

use maud::{Markup, html};
use serde::Serialize;
use suture_core::effect::MutationType;
use suture_core::{Effect, Ending, Reason, Reply, Timestamp};
use suture_journal::call::Event;
use suture_journal::wording::{Tone, Words, of_level};
use suture_journal::{Answer, Call, Calls, Entry};

use crate::text;

/// The most characters of a request or an answer that a page shows.
const BODY: usize = 3000;
/// The width of the picture of time, in its own units.
const WIDTH: i64 = 1000;

/// The time that the picture shows.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// When the run began.
    pub from: Timestamp,
    /// When it ended, or now.
    pub to: Timestamp,
}

impl Span {
    fn millis(self) -> i64 {
        (self.to.as_millisecond() - self.from.as_millisecond()).max(1)
    }

    fn place(self, at: Timestamp) -> i64 {
        (at.as_millisecond() - self.from.as_millisecond()).clamp(0, self.millis()) * WIDTH / self.millis()
    }

    /// A bar from one time to another, wide enough to be seen.
    fn bar(self, from: Timestamp, to: Timestamp, least: i64, class: &str) -> Markup {
        let start = self.place(from).min(WIDTH - least);
        let width = (self.place(to) - start).max(least);
        html! { rect x=(start) y="0" width=(width) height="10" rx="3" class={ "bar " (class) } {} }
    }
}

/// The timeline of a record, or of a part of it.
pub fn timeline(entries: &[Entry], span: Span) -> Markup {
    let mut calls = Calls::default();
    let mut ending = None;
    let mut rows = Vec::new();
    for entry in entries {
        match calls.note(entry.clone()) {
            Some(Event::Call(call)) => {
                if call.undo_of.is_some() && ending.is_some() && !rows.iter().any(|(undoing, _)| *undoing) {
                    rows.push((true, heading(call.at, span, "Taking back what must not outlive the run")));
                }
                if let Some(row) = answered(&call, span) {
                    rows.push((false, row));
                }
            }
            Some(Event::Kept { step, at, change, reason }) => {
                let words = html! { "step " (change) ": " (text::short(&reason, 300)) };
                rows.push((false, plain(at, span, Some(step), "settle", &words)));
            }
            Some(Event::Ended { ending: how, at, cut_off }) => {
                if let Some(call) = cut_off {
                    rows.push((false, row(&call, span, call.answered_at, &said(&Words::cut_off(&call)))));
                }
                ending = Some((how, at));
            }
            None => {}
        }
    }
    if let Some(call) = calls.pending() {
        rows.push((false, row(call, span, span.to, &said(&Words::in_flight(call)))));
    }
    html! {
        ol.timeline {
            @for (_, row) in rows { (row) }
            @if let Some((ending, at)) = &ending { (closing(ending, *at, span)) }
        }
    }
}

/// All calls on one line, to time.
pub fn overview(entries: &[Entry], span: Span) -> Markup {
    let calls = Call::all(entries);
    html! {
        svg.overview viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            rect x="0" y="0" width="1000" height="10" rx="3" class="bar ground" {}
            @for call in &calls {
                @if !is_note(call.effect()) {
                    (span.bar(call.at, if call.answer.is_none() { span.to } else { call.answered_at }, 5, class(call)))
                }
            }
        }
    }
}

fn is_note(effect: &Effect) -> bool {
    matches!(effect, Effect::Now | Effect::Step { .. } | Effect::Log { .. })
}

fn answered(call: &Call, span: Span) -> Option<Markup> {
    match call.effect() {
        // Asking the time is no event, unless it failed.
        Effect::Now if call.error().is_none() => None,
        Effect::Step { title } => Some(heading(call.at, span, title)),
        Effect::Log { level, message } => {
            let (verb, tone) = of_level(*level);
            let words = html! { span class=(tone_class(tone)) { (text::long(message, 400)) } };
            Some(plain(call.at, span, None, verb, &words))
        }
        _ => Some(row(call, span, call.answered_at, &said(&Words::of(call)))),
    }
}

fn heading(at: Timestamp, span: Span, title: &str) -> Markup {
    html! { li.heading { span.at { (clock(at, span)) } h3 { (text::short(title, 300)) } } }
}

fn plain(at: Timestamp, span: Span, step: Option<u32>, verb: &str, words: &Markup) -> Markup {
    html! {
        li.entry {
            span.at { (clock(at, span)) }
            span.step { @if let Some(step) = step { (step) } }
            span.verb { (verb) }
            span.words { (words) }
        }
    }
}

fn row(call: &Call, span: Span, to: Timestamp, words: &Markup) -> Markup {
    let verb = call.effect().verb();
    let is_change = MutationType::ALL.iter().any(|one| one.as_str() == verb);
    html! {
        li.entry {
            details id={ "step-" (call.step) @if call.undo_of.is_some() { "-undo" } } {
                summary {
                    span.at { (clock(call.at, span)) }
                    span.step { (call.step) }
                    span.verb.change[is_change] { (verb) }
                    span.words { (words) }
                    svg.bars viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
                        rect x="0" y="4" width="1000" height="2" class="bar ground" {}
                        (span.bar(call.at, to, 24, class(call)))
                    }
                }
                (body(call))
            }
        }
    }
}

fn body(call: &Call) -> Markup {
    html! {
        div.body {
            dl.facts {
                div { dt { "Took" } dd { (suture_journal::wording::shown(call.took())) } }
                @if call.tries.len() > 1 { div { dt { "Tries" } dd { (call.tries.len()) } } }
                @if let Some(step) = call.undo_of { div { dt { "Undo of" } dd { "step " (step) } } }
                @if call.is_dry_run() { div { dt { "Dry run" } dd { "not performed" } } }
            }
            p.part { "Request" }
            (json(call.effect()))
            @match &call.answer {
                Some(Answer::Ok(Reply::Logs(lines))) => { p.part { "Answer" } (text::block(lines, BODY)) }
                Some(Answer::Ok(Reply::Settled | Reply::Held | Reply::Slept | Reply::Noted)) => {}
                Some(Answer::Ok(reply)) => { p.part { "Answer" } (json(reply)) }
                Some(Answer::Error(error)) => { p.part { "Error" } p.bad { (text::long(&error.to_string(), 600)) } }
                None => { p.warn { "There is no answer." } }
            }
        }
    }
}

fn json(value: &impl Serialize) -> Markup {
    text::block(&serde_json::to_string_pretty(value).unwrap_or_default(), BODY)
}

fn closing(ending: &Ending, at: Timestamp, span: Span) -> Markup {
    let (name, summary) = (ending.name(), ending.summary());
    let summary = summary.strip_prefix(&format!("{name}: ")).unwrap_or(&summary);
    html! {
        li.heading.closing {
            span.at { (clock(at, span)) }
            h3 { (crate::badge::of_outcome(name)) " " (text::long(summary, 400)) }
        }
    }
}

fn said(words: &Words) -> Markup {
    html! {
        @for (index, (tone, piece)) in words.pieces.iter().enumerate() {
            @if index > 0 { " " }
            @match tone {
                Tone::Plain => (text::short(piece, 300)),
                tone => { span class=(tone_class(*tone)) { (text::short(piece, 300)) } }
            }
        }
    }
}

fn tone_class(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain | Tone::Heading => "plain",
        Tone::Dim => "dim",
        Tone::Change => "change",
        Tone::Undo => "undo",
        Tone::Good => "good",
        Tone::Warn => "warn",
        Tone::Bad => "bad",
    }
}

/// The colour of a bar.
fn class(call: &Call) -> &'static str {
    match (call.effect(), &call.answer) {
        // Often what the policy wanted to know.
        (Effect::Get { .. }, Some(Answer::Error(error))) if error.reason == Reason::NOT_FOUND => "read",
        (_, Some(Answer::Error(_))) => "bad",
        (_, None) => "warn",
        (_, Some(Answer::Ok(_))) if call.undo_of.is_some() => "undo",
        (Effect::Mutate { .. } | Effect::Settle { .. }, Some(Answer::Ok(_))) => "change",
        (Effect::Wait { .. } | Effect::Sleep { .. } | Effect::Exclusive { .. }, Some(Answer::Ok(_))) => {
            "wait"
        }
        (_, Some(Answer::Ok(_))) => "read",
    }
}

/// `+00:04`, `+1:02:03`, `+2d 01:02`.
fn clock(at: Timestamp, span: Span) -> String {
    let seconds = ((at.as_millisecond() - span.from.as_millisecond()) / 1000).max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours) {
        (0, 0) => format!("+{minutes:02}:{:02}", seconds % 60),
        (0, _) => format!("+{hours}:{minutes:02}:{:02}", seconds % 60),
        _ => format!("+{days}d {hours:02}:{minutes:02}"),
    }
}
