//! All policies.

use maud::{Markup, html};
use suture_core::Timestamp;
use suture_engine::PolicyStatus;

use crate::layout::{Page, Section};
use crate::{age, badge, link, text};

/// What the page of policies shows.
#[derive(Debug)]
pub struct Policies<'a> {
    /// Each policy, and how many of its incidents are open.
    pub policies: &'a [(PolicyStatus, usize)],
    /// What time it is to the host.
    pub now: Timestamp,
}

/// The page of policies.
pub fn policies(shown: &Policies<'_>) -> Page {
    let content = html! {
        h1 { "Policies" }
        @if shown.policies.is_empty() {
            p.empty { "None is configured. " code { "suture policies add FILE --namespace NAMESPACE" } " adds one." }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Policies" {
                table.list {
                    thead { tr {
                        th scope="col" { "Policy" } th scope="col" { "Status" } th scope="col" { "Mode" }
                        th scope="col" { "Version" } th scope="col" { "Open" } th scope="col" { "Loaded" }
                    } }
                    tbody { @for (policy, open) in shown.policies { (row(policy, *open, shown.now)) } }
                }
            }
        }
    };
    Page {
        title: "Policies".to_owned(),
        section: Some(Section::Policies),
        events: Some(String::new()),
        content,
    }
}

fn row(policy: &PolicyStatus, open: usize, now: Timestamp) -> Markup {
    html! {
        tr {
            th scope="row" { (link::policy(&policy.name)) }
            td { (standing(policy)) }
            td { (badge::of_mode(policy.mode)) }
            td { (text::short(policy.version.as_deref().unwrap_or("–"), 24)) }
            td.number {
                @if open == 0 { "0" }
                @else { a href={ "/incidents?open=true&policy=" (link::escaped(&policy.name)) } { (open) } }
            }
            td { (age::ago(policy.loaded_at, now)) }
        }
    }
}

/// Whether it works, and if not, what keeps it.
pub fn standing(policy: &PolicyStatus) -> Markup {
    let (tone, word) = if policy.pause.is_some() {
        (badge::Tone::Warn, "paused")
    } else if policy.storm {
        (badge::Tone::Bad, "storm")
    } else if policy.held_back.is_some() || !policy.held_namespaces.is_empty() {
        (badge::Tone::Bad, "held back")
    } else if policy.error.is_some() {
        (badge::Tone::Bad, "trouble")
    } else if policy.candidate.is_some() {
        (badge::Tone::Warn, "newer waits")
    } else {
        (badge::Tone::Good, "works")
    };
    badge::badge(tone, word)
}
