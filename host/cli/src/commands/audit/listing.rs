//! `suture audit list`.

use serde_json::{Value, json};
use suture_core::Timestamp;
use suture_core::age;
use suture_core::clock::kubernetes_time;
use suture_journal::{Act, ActOutcome, AuditFilter, AuditRow, Filter};

use crate::args::AuditListArgs;
use crate::error::{CliError, Exit};
use crate::output::{BAD, DIM, GOOD, Output, WARN};
use crate::records::Records;
use crate::table::{Cell, Table};
use crate::{CommandResult, ids};

pub async fn list(args: &AuditListArgs, output: &Output) -> CommandResult {
    let records = Records::open(&args.source)?;
    let asked = args.which.filter();
    let mut filter = AuditFilter { limit: Some(args.limit.min(Filter::MAX_LIMIT)), ..asked.clone() };
    let mut found = records.audit(&filter).await?;
    while found.page.items.len() < args.limit
        && let Some(next) = found.page.next.take()
    {
        if filter.after.as_ref() == Some(&next) {
            return Err(CliError::internal("the host says that a page follows itself"));
        }
        let left = (args.limit - found.page.items.len()).min(Filter::MAX_LIMIT);
        filter = AuditFilter { after: Some(next), limit: Some(left), ..filter };
        let more = records.audit(&filter).await?;
        found.page.items.extend(more.page.items);
        found.page.damaged.extend(more.page.damaged);
        found.page.next = more.page.next;
    }
    found.page.damaged.iter().for_each(|damage| output.warn(damage));
    if output.is_json() {
        output.json(&json!({"items": found.page.items, "next": found.page.next}));
    } else if found.page.items.is_empty() {
        let what = if asked == AuditFilter::default() { "yet" } else { "that fit" };
        output.note(format!("no rows {what}"));
    } else {
        let rows = found.page.items.iter().map(|row| cells(row, found.now, output.is_wide())).collect();
        Table::new(headings(output.is_wide())).print(rows, output);
        if found.page.next.is_some() {
            output.note(format!("{DIM}there are more; raise --limit to see them{DIM:#}"));
        }
    }
    Ok(Exit::Done)
}

fn headings(is_wide: bool) -> Vec<&'static str> {
    let mut headings = vec!["ROW", "AGE", "WHO", "WHAT", "ABOUT", "OUTCOME"];
    if is_wide {
        headings.extend(["AT", "BY", "PEER", "HASH"]);
    }
    headings.push("REASON");
    headings
}

fn cells(row: &Value, now: Timestamp, is_wide: bool) -> Vec<Cell> {
    let read = row.as_object().map(AuditRow::of);
    let Some(Ok(AuditRow { sequence, at, act, hash, .. })) = read else {
        // Somebody changed it, or a newer version wrote it: as much as can be told.
        let text = |field: &str| Cell::from(row.get(field).map(Value::to_string).as_deref());
        let mut cells = Vec::from(["sequence", "at", "who", "what"].map(text));
        cells.extend((cells.len()..headings(is_wide).len() - 1).map(|_| Cell::from("?")));
        cells
            .push(Cell::from("it can't be read; `suture audit verify` says whether it is as it was written"));
        return cells;
    };
    let mut cells = vec![
        Cell::from(sequence.to_string()),
        age::since(at, now).into(),
        act.who.as_str().into(),
        act.what.as_str().into(),
        about(&act).as_deref().into(),
        outcome(act.outcome),
    ];
    if is_wide {
        cells.push(kubernetes_time(at).into());
        cells.push(act.by.as_str().into());
        cells.push(act.peer.map(|peer| peer.to_string()).as_deref().into());
        cells.push(hash.to_string().into());
    }
    cells.push(Cell::from(reason(&act)));
    cells
}

/// What an act is about: as much of it as tells it from others.
fn about(act: &Act) -> Option<String> {
    let Act { policy, incident, run, object, .. } = act;
    let of = |kind: &str, id: &Option<String>| id.as_deref().map(|id| format!("{kind} {}", ids::alone(id)));
    let parts = [policy.clone(), object.clone(), of("run", run).or_else(|| of("incident", incident))];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

fn outcome(outcome: ActOutcome) -> Cell {
    let style = match outcome {
        ActOutcome::Done => GOOD,
        ActOutcome::Refused => WARN,
        ActOutcome::Failed | ActOutcome::Unknown => BAD,
    };
    Cell::styled(outcome.as_str(), style)
}

/// Why they wanted it, and why it was not done.
fn reason(act: &Act) -> String {
    let forced = act.forced.then(|| "forced".to_owned());
    let checkpoint = act.checkpoint.map(|last| format!("up to row {}", last.sequence));
    let unwritten = (act.unwritten > 0).then(|| format!("{} more before it have no row", act.unwritten));
    let parts = [forced, act.reason.clone(), checkpoint, act.message.clone(), unwritten];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use suture_journal::Credential;

    use super::*;

    #[test]
    fn what_an_act_is_about_is_told_shortly_and_why_it_was_not_done() {
        let act = Act {
            policy: Some("volsync".into()),
            run: Some("01kaz0000000000000aaaaaaaa".into()),
            incident: Some("01kaz0000000000000bbbbbbbb".into()),
            object: Some("media/plex".into()),
            reason: Some("it is ours".into()),
            message: Some("the run is over".into()),
            unwritten: 7,
            ..Act::new("alice", Credential::Token, "cancel")
        };
        assert_eq!(about(&act).as_deref(), Some("volsync media/plex run aaaaaaaa"));
        assert_eq!(reason(&act), "it is ours; the run is over; 7 more before it have no row");
        assert_eq!(about(&Act::new("alice", Credential::Token, "pause")), None);
    }
}
