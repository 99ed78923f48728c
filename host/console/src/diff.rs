//! What a run changes, field by field.

use maud::{Markup, html};
use serde_json::Value;
use suture_journal::Plan;
use suture_journal::plan::{FieldDiff, PlannedChange};

use crate::text;

/// The most changes that a page shows.
const CHANGES: usize = 50;
/// The most fields of a change that stand unfolded.
const FIELDS: usize = 30;

/// A plan, or what was done.
pub fn plan(plan: &Plan) -> Markup {
    html! {
        @if plan.changes.is_empty() { p.empty { "Nothing is changed." } }
        @for change in plan.changes.iter().take(CHANGES) { (change_of(change)) }
        @if plan.changes.len() > CHANGES { p.note { "and " (plan.changes.len() - CHANGES) " more changes" } }
        @if let Some(wait) = &plan.reaches_to {
            p.alarm { "The plan reaches to here: " (text::long(wait, 300)) ". What comes after it depends on changes that were not made." }
        }
        @if !plan.changes.is_empty() { p.note { "Digest " code { (plan.digest) } } }
    }
}

fn change_of(change: &PlannedChange) -> Markup {
    let done = if change.performed { "done" } else { "planned" };
    html! {
        div.changed {
            h3 {
                span.verb.change { (change.verb) } " " (text::short(&change.object, 200)) " "
                span.note { (done) @if let Some(step) = change.undo_of { ", undo of step " (step) } " · step " (change.step) }
            }
            @if change.before_unknown { p.warn { "The record does not say what it was before." } }
            @if !change.fields.is_empty() {
                (fields(change.fields.iter().take(FIELDS)))
                @if change.fields.len() > FIELDS {
                    details.rest {
                        summary { (change.fields.len() - FIELDS) " more fields" }
                        (fields(change.fields.iter().skip(FIELDS)))
                    }
                }
            }
            @if change.more_fields > 0 { p.note { "and " (change.more_fields) " more fields, which are not shown" } }
            @if let Some(undo) = &change.undo { p.note { "Undone afterwards: " (text::long(undo, 300)) } }
            @if let Some(gitops) = &change.gitops {
                p.warn { (text::short(gitops, 200)) " sets it back to what stands in Git." }
            }
        }
    }
}

fn fields<'a>(fields: impl Iterator<Item = &'a FieldDiff>) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Fields" {
            table.diff {
                thead { tr { th scope="col" { "Field" } th scope="col" { "Before" } th scope="col" { "After" } } }
                tbody {
                    @for field in fields {
                        tr {
                            th scope="row" {
                                (text::short(&field.path, 200))
                                @if !field.owners.is_empty() {
                                    div.note { "owned by " (text::short(&field.owners.join(", "), 120)) }
                                }
                            }
                            td.before { (value(field.before.as_ref())) }
                            td.after { (value(field.after.as_ref())) }
                        }
                    }
                }
            }
        }
    }
}

fn value(value: Option<&Value>) -> Markup {
    html! {
        @match value {
            None => { span.note { "–" } }
            Some(value) => { code { (text::long(&value.to_string(), 300)) } }
        }
    }
}
