//! What people are asked to approve, and their yes or no.

use maud::{Markup, html};
use suture_core::Timestamp;
use suture_journal::{ApprovalRecord, Given};

use crate::layout::Viewer;
use crate::{age, form, link, text};

/// The question, on the page of the run: the plan itself stands below.
pub fn section(approval: &ApprovalRecord, now: Timestamp, viewer: &Viewer<'_>) -> Markup {
    let missing = approval.needed.saturating_sub(u32::try_from(approval.given.len()).unwrap_or(u32::MAX));
    html! {
        section.approval aria-labelledby="approval" {
            h2 #approval { "Approve?" }
            p {
                "This run waits for " (missing) @if missing == 1 { " person" } @else { " people" }
                " to approve its plan, which stands below. It expires " (age::until(approval.expires_at, now)) "."
            }
            @if !approval.differs.is_empty() {
                p { "It is another plan than the one before:" }
                ul { @for one in approval.differs.iter().take(20) { li { (text::long(one, 300)) } } }
            }
            @if !approval.given.is_empty() {
                ul.plain { @for given in &approval.given { li { (said(given, now)) } } }
            }
            @if viewer.csrf.is_some() && viewer.may_approve { (answers(approval, viewer)) }
            @else {
                p.note { "Who has the role " code { "approver" } " answers here, or: " code { "suture approve " (approval.run) } }
            }
        }
    }
}

fn said(given: &Given, now: Timestamp) -> Markup {
    html! {
        (text::short(&given.who, 64)) " approved it " (age::ago(given.at, now))
        @if given.rest { ", with the rest of the run" }
        @if !given.message.is_empty() { ": " (text::long(&given.message, 200)) }
    }
}

fn answers(approval: &ApprovalRecord, viewer: &Viewer<'_>) -> Markup {
    let path = link::to_run(&approval.run);
    let digest = html! { input type="hidden" name="digest" value=(approval.digest); };
    let yes = html! {
        (digest)
        label { "Why" input name="message" maxlength="300" autocomplete="off"; }
        label.check { input type="checkbox" name="rest" value="true"; " and what the run does after these changes" }
    };
    let no =
        html! { (digest) label { "Why" input name="message" maxlength="300" autocomplete="off" required; } };
    html! {
        div.confirm { (form::decision(viewer, &format!("{path}/approve"), "Approve", &yes)) }
        details.careful {
            summary { "Reject…" }
            div.confirm {
                p { "Its incident is left alone until its alert has cleared once." }
                (form::decision(viewer, &format!("{path}/reject"), "Reject", &no))
            }
        }
    }
}
