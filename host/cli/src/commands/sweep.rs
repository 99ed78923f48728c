//! `suture sweep`: what fires is handled, posted or not.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use suture_core::display;

use crate::CommandResult;
use crate::args::SweepArgs;
use crate::error::{CliError, Exit};
use crate::output::{DIM, GOOD, Output, WARN};
use crate::server::{Server, policy_path};

#[derive(Deserialize)]
struct Swept {
    firing: usize,
    accepted: usize,
    alerts: Vec<Found>,
}

#[derive(Deserialize)]
struct Found {
    labels: BTreeMap<String, String>,
    result: String,
}

pub fn run(args: &SweepArgs, output: &Output) -> CommandResult {
    crate::executor()?.block_on(sweep(args, output))
}

async fn sweep(args: &SweepArgs, output: &Output) -> CommandResult {
    let server = Server::of(&args.server)?;
    let path = format!("{}/sweep", policy_path(&args.policy));
    let answer: Value = server.post(&path, &json!({"dryRun": args.dry_run})).await?;
    if output.is_json() {
        output.json(&answer);
        return Ok(Exit::Done);
    }
    let Swept { firing, accepted, alerts } = serde_json::from_value(answer).map_err(|error| {
        CliError::internal(format!("the answer is not that of a host of this version: {error}"))
    })?;
    for Found { labels, result } in &alerts {
        let words = match result.as_str() {
            "accepted" if args.dry_run => format!("{GOOD}would be accepted{GOOD:#}"),
            "accepted" => format!("{GOOD}accepted{GOOD:#}"),
            "suppressed" => format!("{WARN}silenced or inhibited{WARN:#}"),
            _ => format!("{DIM}is handled already{DIM:#}"),
        };
        output.line(format!("{words}  {{{}}}", display::labels(labels)));
    }
    let would = if args.dry_run { "would be accepted" } else { "accepted" };
    let fire = if firing == 1 { "alert fires" } else { "alerts fire" };
    output.line(format!(
        "{firing} {fire}, {} of them for policy `{}`, {accepted} {would}",
        alerts.len(),
        args.policy
    ));
    Ok(Exit::Done)
}
