//! `suture runs follow`: a timeline while it is made.

use std::time::Duration;

use serde_json::json;
use suture_core::{Clock, RealClock};
use suture_journal::{ListedRun, RunState};
use suture_scenario::Timeline;

use super::heading;
use crate::CommandResult;
use crate::error::Exit;
use crate::output::Output;
use crate::records::Records;

/// How often the host is asked for more.
const EVERY: Duration = Duration::from_secs(1);

/// Show what a run does until it ends.
pub async fn run(records: &Records, id: &str, output: &Output) -> CommandResult {
    let mut listed = records.run(id).await?;
    if !output.is_json() {
        heading(&listed, output);
    }
    let id = listed.run.id.clone();
    let mut timeline = Timeline::new(output.look());
    // The last step that was shown, and how many of its entries: a reply comes after its intent.
    let (mut step, mut shown) = (0, 0);
    let clock: &dyn Clock = &RealClock;
    loop {
        // Asked before the record is: what ended before that is all there.
        let is_over = listed.run.state == RunState::Ended;
        let mut after = Some(u32::saturating_sub(step, 1));
        while let Some(from) = after {
            let part = records.part(&id, from).await?;
            let mut skip = shown;
            for entry in &part.entries {
                if entry.step == step && skip > 0 {
                    skip -= 1;
                    continue;
                }
                (shown, step) = if entry.step == step { (shown + 1, step) } else { (1, entry.step) };
                skip = 0;
                match output.is_json() {
                    true => output.item(&json!(entry)),
                    false => timeline.entry(entry).into_iter().for_each(|line| output.line(line)),
                }
            }
            after = part.next;
        }
        if is_over {
            break;
        }
        clock.sleep(EVERY).await;
        listed = records.run(id.as_str()).await?;
    }
    if !output.is_json() {
        output.line(timeline.finish().trim_end());
    }
    Ok(exit(&listed))
}

/// Whether a run ended well.
fn exit(listed: &ListedRun) -> Exit {
    match listed.run.outcome.as_deref() {
        Some("remediated" | "unnecessary" | "planned") => Exit::Done,
        _ => Exit::Failed,
    }
}
