//! `suture runs diff`: what a run changed, or would change.

use serde_json::Value;
use suture_core::display;
use suture_journal::Plan;
use suture_journal::plan::{FieldDiff, PlannedChange};

use crate::CommandResult;
use crate::args::RunsShowArgs;
use crate::error::Exit;
use crate::output::{BAD, DIM, GOOD, HEADING, Output, WARN};
use crate::records::Records;

pub async fn run(args: &RunsShowArgs, output: &Output) -> CommandResult {
    let records = Records::open(&args.source)?;
    let diff = records.diff(&args.id).await?;
    if output.is_json() {
        output.json(&serde_json::json!(diff));
        return Ok(Exit::Done);
    }
    super::heading(&diff.run, output);
    show(&diff.plan, output);
    if let Some(approval) = &diff.approval {
        approval
            .differs
            .iter()
            .for_each(|differs| output.line(format!("{WARN}{}{WARN:#}", display::one_line(differs))));
        output.line(format!(
            "{} of {} people have approved it; until {}: suture approve {}",
            approval.given.len(),
            approval.needed,
            approval.expires_at,
            diff.run.run.id
        ));
    }
    Ok(Exit::Done)
}

/// A plan, for people.
pub fn show(plan: &Plan, output: &Output) {
    if plan.changes.is_empty() {
        output.line("nothing is changed");
    }
    plan.changes.iter().for_each(|change| show_change(change, output));
    if let Some(wait) = &plan.reaches_to {
        output.line(format!("{WARN}the plan reaches to here:{WARN:#} {}", display::one_line(wait)));
        output.line(format!("  {DIM}what comes after it depends on changes that were not made{DIM:#}"));
    }
    list("what it read", &plan.reads, output);
    list("what it noted", &plan.notes, output);
    output.line(format!("\n{DIM}digest {}{DIM:#}", plan.digest));
}

fn list(title: &str, lines: &[String], output: &Output) {
    if lines.is_empty() {
        return;
    }
    output.line(format!("\n{HEADING}{title}{HEADING:#}"));
    lines.iter().for_each(|line| output.line(format!("  {}", display::one_line(line))));
}

fn show_change(change: &PlannedChange, output: &Output) {
    let done = match (change.performed, change.undo_of) {
        (true, None) => "done".to_owned(),
        (false, None) => "planned".to_owned(),
        (true, Some(step)) => format!("done: undo of step {step}"),
        (false, Some(step)) => format!("planned: undo of step {step}"),
    };
    let object = display::one_line(&change.object);
    output.line(format!(
        "{HEADING}{:>5}  {} {object}{HEADING:#}  {DIM}({done}){DIM:#}",
        change.step, change.verb
    ));
    if change.before_unknown {
        output.line(format!("       {WARN}the record does not say what it was before{WARN:#}"));
    }
    change.fields.iter().for_each(|field| show_field(field, output));
    if change.more_fields > 0 {
        output.line(format!(
            "       {WARN}and {} more fields, which are not shown{WARN:#}",
            change.more_fields
        ));
    }
    if let Some(undo) = &change.undo {
        output.line(format!("       {DIM}undone afterwards:{DIM:#} {}", display::one_line(undo)));
    }
    if let Some(gitops) = &change.gitops {
        output.line(format!(
            "       {WARN}{} sets it back to what stands in Git{WARN:#}",
            display::one_line(gitops)
        ));
    }
}

fn show_field(field: &FieldDiff, output: &Output) {
    let path = display::one_line(&field.path);
    let value = |value: &Value| display::one_line(&value.to_string()).into_owned();
    let owners = match field.owners.is_empty() {
        true => String::new(),
        false => format!("  {DIM}(owned by {}){DIM:#}", display::one_line(&field.owners.join(", "))),
    };
    let line = match (&field.before, &field.after) {
        (None, Some(after)) => format!("{GOOD}+{GOOD:#} {path}: {}", value(after)),
        (Some(before), None) => format!("{BAD}-{BAD:#} {path}: {}", value(before)),
        (Some(before), Some(after)) => {
            format!("{WARN}~{WARN:#} {path}: {} → {}", value(before), value(after))
        }
        (None, None) => format!("{WARN}~{WARN:#} {path}"),
    };
    output.line(format!("       {line}{owners}"));
}
