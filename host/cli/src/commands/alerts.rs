//! `suture alerts`: what was posted, and becomes nothing.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use suture_core::{Timestamp, display};

use crate::CommandResult;
use crate::args::AlertsArgs;
use crate::error::{CliError, Exit};
use crate::output::{DIM, GOOD, HEADING, Output, WARN};
use crate::server::Server;

#[derive(Deserialize)]
struct Unmatched {
    items: Vec<Item>,
    others: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    alertname: String,
    reason: String,
    policy: Option<String>,
    count: u64,
    last_at: Timestamp,
    labels: BTreeMap<String, String>,
}

pub fn run(args: &AlertsArgs, output: &Output) -> CommandResult {
    crate::executor()?.block_on(unmatched(args, output))
}

async fn unmatched(args: &AlertsArgs, output: &Output) -> CommandResult {
    let server = Server::of(&args.server)?;
    let answer: Value = server.get("/api/v1/alerts/unmatched", &[]).await?;
    if output.is_json() {
        output.json(&answer);
        return Ok(Exit::Done);
    }
    let Unmatched { items, others } = serde_json::from_value(answer).map_err(|error| {
        CliError::internal(format!("the answer is not that of a host of this version: {error}"))
    })?;
    if items.is_empty() {
        output.line(format!("{GOOD}all alerts that were posted are for a policy{GOOD:#}"));
        return Ok(Exit::Done);
    }
    output.line(format!("{HEADING}{:<36}  {:>6}  {:<20}  WHY{HEADING:#}", "ALERT", "POSTED", "LAST"));
    for item in &items {
        let policy = item.policy.as_deref().unwrap_or_default();
        let why = match item.reason.as_str() {
            "notLoaded" => format!("policy `{policy}` is not loaded; it waits for that"),
            "notKept" => format!("policy `{policy}` is not loaded, and too many wait for that"),
            "invalidKey" => {
                format!("policy `{policy}` needs a label as its key that it lacks, or that holds no name")
            }
            _ => "no policy is for it".to_owned(),
        };
        let (name, count) = (display::one_line(&item.alertname), item.count);
        let last = item.last_at.strftime("%Y-%m-%dT%H:%M:%SZ");
        output.line(format!("{name:<36}  {count:>6}  {last:<20}  {WARN}{why}{WARN:#}"));
        output.line(format!("  {DIM}{{{}}}{DIM:#}", display::labels(&item.labels)));
    }
    if others > 0 {
        output.line(format!("and {others} alerts of other names"));
    }
    Ok(Exit::Done)
}
