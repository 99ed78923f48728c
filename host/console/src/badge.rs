//! Where something stands, as one word in its colour. The word says it alone, too.

use maud::{Markup, html};
use suture_core::Mode;
use suture_journal::{IncidentRecord, IncidentState, RunRecord, RunState};

use crate::text;

/// What a colour says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Good,
    Bad,
    Warn,
    Busy,
    Quiet,
}

impl Tone {
    pub fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Warn => "warn",
            Self::Busy => "busy",
            Self::Quiet => "quiet",
        }
    }
}

/// One word.
pub fn badge(tone: Tone, word: &str) -> Markup {
    html! { span class={ "badge " (tone.class()) } { (text::short(&spaced(word), 40)) } }
}

/// Where an incident stands.
pub fn of_incident(incident: &IncidentRecord) -> Markup {
    let tone = if incident.closed_at.is_some() && of_state(incident.state) != Tone::Good {
        Tone::Quiet
    } else {
        of_state(incident.state)
    };
    html! {
        (badge(tone, incident.state.as_str()))
        @if incident.closed_at.is_some() && of_state(incident.state) != Tone::Good { " " span.note { "over" } }
    }
}

/// What a state says to people.
pub fn of_state(state: IncidentState) -> Tone {
    match state {
        IncidentState::Resolved | IncidentState::Unnecessary | IncidentState::Planned => Tone::Good,
        IncidentState::Escalated | IncidentState::Failed => Tone::Bad,
        IncidentState::Held
        | IncidentState::AwaitingApproval
        | IncidentState::Silenced
        | IncidentState::Retrying => Tone::Warn,
        IncidentState::Received
        | IncidentState::Queued
        | IncidentState::Running
        | IncidentState::Waiting
        | IncidentState::Verifying => Tone::Busy,
        IncidentState::Cancelled | IncidentState::Unconfirmed => Tone::Quiet,
    }
}

/// Where a run stands, or what it came to.
pub fn of_run(run: &RunRecord) -> Markup {
    match (run.state, run.outcome.as_deref()) {
        (RunState::Ended, Some(outcome)) => of_outcome(outcome),
        (state, _) => badge(Tone::Busy, state.as_str()),
    }
}

/// What a run came to.
pub fn of_outcome(outcome: &str) -> Markup {
    let tone = match outcome {
        "remediated" | "unnecessary" | "planned" => Tone::Good,
        "escalate" | "failed" => Tone::Bad,
        "retry" | "interrupted" | "unapproved" => Tone::Warn,
        _ => Tone::Quiet,
    };
    badge(tone, outcome)
}

/// Whether changes are made.
pub fn of_mode(mode: Mode) -> Markup {
    badge(if mode == Mode::Enforce { Tone::Busy } else { Tone::Quiet }, mode.as_str())
}

/// `awaitingApproval` as people write it.
pub fn spaced(word: &str) -> String {
    let mut spaced = String::with_capacity(word.len() + 2);
    for letter in word.chars() {
        if letter.is_ascii_uppercase() {
            spaced.push(' ');
        }
        spaced.push(letter.to_ascii_lowercase());
    }
    spaced
}
