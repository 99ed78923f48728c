//! `suture status`, `suture pause` and `suture resume`: a running host as a whole.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use suture_core::display;
use suture_server::{HostStatus, PolicyStanding};

use crate::CommandResult;
use crate::args::{PauseArgs, ResumeArgs, StatusArgs};
use crate::error::{CliError, Exit};
use crate::output::{BAD, DIM, GOOD, HEADING, Output, WARN};
use crate::server::Server;
use crate::table::{Cell, Table};

pub fn status(args: &StatusArgs, output: &Output) -> CommandResult {
    crate::executor()?.block_on(async {
        let server = Server::of(&args.server)?;
        let told: Value = server.get("/api/v1/status", &[]).await?;
        let status: HostStatus = serde_json::from_value(told.clone()).map_err(|error| {
            CliError::internal(format!("the answer is not that of a host of this version: {error}"))
        })?;
        match output.is_json() {
            true => output.json(&told),
            false => show(&status, server.url(), output),
        }
        Ok(if status.not_ready.is_some() { Exit::Failed } else { Exit::Done })
    })
}

fn show(status: &HostStatus, url: &str, output: &Output) {
    output.line(format!("{HEADING}suture {}{HEADING:#} at {url}", status.version));
    let line = |name: &str, value: String| output.line(format!("  {DIM}{name:<9}{DIM:#} {value}"));
    line(
        "ready",
        match &status.not_ready {
            None => format!("{GOOD}yes{GOOD:#}"),
            Some(why) => format!("{BAD}no{BAD:#}: {}", display::one_line(why)),
        },
    );
    if status.paused {
        line("paused", format!("{WARN}yes{WARN:#}: no run starts until `suture resume`"));
    }
    line("incidents", counted(&status.incidents));
    line(
        "inbox",
        match status.inbox.notifications {
            0 => "empty".to_owned(),
            count => format!("{count} notifications ({})", size(status.inbox.bytes)),
        },
    );
    let max = status.journal.max.map(|max| format!(" of {}", size(max)));
    line("journal", format!("{}{}", size(status.journal.used), max.unwrap_or_default()));
    if status.policies.is_empty() {
        return;
    }
    output.line("");
    let mut table = Table::new(vec!["POLICY", "VERSION", "MODE", "STATUS", "INCIDENTS"]);
    let row = |policy: &PolicyStanding| {
        vec![
            Cell::from(policy.name.as_str()),
            policy.version.as_deref().into(),
            policy.mode.as_str().into(),
            standing(policy),
            counted(&policy.incidents).into(),
        ]
    };
    table.print(status.policies.iter().map(row).collect(), output);
    for policy in &status.policies {
        for why in policy.held_back.iter().chain(&policy.error) {
            output.note(format!("\n{WARN}{}{WARN:#}: {}", policy.name, display::one_line(why)));
        }
    }
}

/// Bytes, as people say them.
fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match UNITS.iter().find(|(_, factor)| bytes >= *factor) {
        Some((unit, factor)) => format!("{}.{} {unit}", bytes / factor, bytes % factor * 10 / factor),
        None => format!("{bytes} bytes"),
    }
}

/// `3 open: 1 escalated, 2 verifying`
fn counted(incidents: &BTreeMap<String, usize>) -> String {
    let all: usize = incidents.values().sum();
    if all == 0 {
        return "none open".to_owned();
    }
    let each: Vec<_> = incidents.iter().map(|(state, number)| format!("{number} {state}")).collect();
    format!("{all} open: {}", each.join(", "))
}

fn standing(policy: &PolicyStanding) -> Cell {
    let PolicyStanding { version, paused, storm, held_back, error, .. } = policy;
    match (version, held_back, storm, paused, error) {
        (None, ..) => Cell::styled("not loaded", BAD),
        (_, Some(_), ..) => Cell::styled("held back", BAD),
        (_, _, true, ..) => Cell::styled("storm", BAD),
        (_, _, _, true, _) => Cell::styled("paused", WARN),
        (.., Some(_)) => Cell::styled("not the newest", WARN),
        (.., None) => Cell::styled("works", GOOD),
    }
}

pub fn pause(args: &PauseArgs, output: &Output) -> CommandResult {
    let PauseArgs { policy, reason, time, server } = args;
    let mut body = json!({});
    for (name, value) in [("policy", policy), ("reason", reason), ("for", &time.map(|time| time.to_string()))]
    {
        if let Some(value) = value {
            body[name] = json!(value);
        }
    }
    let whole = policy.as_deref().map_or_else(|| "the host".to_owned(), |policy| format!("policy {policy}"));
    crate::executor()?.block_on(async {
        let answer: Value = Server::of(server)?.post("/api/v1/pause", &body).await?;
        match output.is_json() {
            true => output.json(&answer),
            false => {
                let until =
                    time.map_or_else(|| "until `suture resume`".to_owned(), |time| format!("for {time}"));
                output.line(format!(
                    "{WARN}{whole} is paused {until}:{WARN:#} alerts wait, runs at work go on"
                ));
            }
        }
        Ok(Exit::Done)
    })
}

pub fn resume(args: &ResumeArgs, output: &Output) -> CommandResult {
    let whole =
        args.policy.as_deref().map_or_else(|| "the host".to_owned(), |policy| format!("policy {policy}"));
    let body = args.policy.as_deref().map_or_else(|| json!({}), |policy| json!({"policy": policy}));
    crate::executor()?.block_on(async {
        let answer: Value = Server::of(&args.server)?.post("/api/v1/resume", &body).await?;
        match output.is_json() {
            true => output.json(&answer),
            false => output.line(format!("{GOOD}{whole} starts runs again{GOOD:#}")),
        }
        Ok(Exit::Done)
    })
}
