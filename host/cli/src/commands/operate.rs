//! `suture status`, `suture pause` and `suture resume`: a running host as a whole.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use suture_core::{Timestamp, age, display};
use suture_engine::Unreconciled;
use suture_journal::PauseRecord;
use suture_server::{HostStatus, PolicyStanding, Upstream, WaitingLine};

use super::policies;
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
            false => {
                // An older host does not say it.
                let config: Value = server.get("/api/v1/config", &[]).await.unwrap_or_default();
                show(&status, &config, server.url(), output);
            }
        }
        Ok(if status.not_ready.is_some() { Exit::Failed } else { Exit::Done })
    })
}

/// What stands in the configuration and does not count.
fn not_in_force(config: &Value, output: &Output) {
    let lines = |field: &str| config[field].as_array().into_iter().flatten().filter_map(Value::as_str);
    for error in lines("errors") {
        output.line(format!("  {DIM}config{DIM:#}    {BAD}refused{BAD:#}: {}", display::one_line(error)));
    }
    for change in lines("afterRestart") {
        let change = display::one_line(change);
        output.line(format!("  {DIM}config{DIM:#}    {WARN}after a restart{WARN:#}: {change}"));
    }
}

fn show(status: &HostStatus, config: &Value, url: &str, output: &Output) {
    output.line(format!("{HEADING}suture {}{HEADING:#} at {url}", status.version));
    let line = |name: &str, value: String| output.line(format!("  {DIM}{name:<9}{DIM:#} {value}"));
    line(
        "ready",
        match &status.not_ready {
            None => format!("{GOOD}yes{GOOD:#}"),
            Some(why) => format!("{BAD}no{BAD:#}: {}", display::one_line(why)),
        },
    );
    not_in_force(config, output);
    if status.stopping {
        line("stopping", format!("{WARN}yes{WARN:#}"));
    }
    for pause in &status.pauses {
        let whole = pause
            .policy
            .as_deref()
            .map_or_else(|| "the host".to_owned(), |policy| format!("policy {policy}"));
        line("paused", format!("{WARN}{whole}{WARN:#} is {}", policies::paused(pause)));
    }
    line("runs", format!("{} at work", status.at_work));
    line("incidents", counted(&status.incidents));
    line(
        "inbox",
        match status.inbox.notifications {
            0 => "empty".to_owned(),
            count => format!("{count} notifications ({})", size(status.inbox.bytes)),
        },
    );
    let max = status.journal.max_bytes.map(|max| format!(" of {}", size(max)));
    let used = format!("{}{}", size(status.journal.used_bytes), max.unwrap_or_default());
    line(
        "journal",
        match &status.journal.error {
            Some(error) => format!("{used}; {BAD}{}{BAD:#}", display::one_line(error)),
            None if status.journal.is_full => format!("{used}; {BAD}full: nothing new is taken{BAD:#}"),
            None => used,
        },
    );
    for upstream in &status.upstreams {
        line("asks", asked(upstream, status.time));
    }
    if let Some(Unreconciled { since, message, .. }) = &status.unreconciled {
        let (since, why) = (age::since(*since, status.time), display::one_line(message));
        line(
            "missed",
            format!("{WARN}what Alertmanager has for this host is not known for {since}{WARN:#}: {why}"),
        );
    }
    for damage in &status.journal.damage {
        line("damage", format!("{BAD}{}{BAD:#}", display::one_line(damage)));
    }
    waiting(status, output);
    if status.policies.is_empty() {
        return;
    }
    output.line("");
    let mut table = Table::new(vec!["POLICY", "VERSION", "MODE", "STATUS", "INCIDENTS"]);
    let row = |PolicyStanding { status, incidents }: &PolicyStanding| {
        vec![
            Cell::from(status.name.as_str()),
            status.version.as_deref().into(),
            status.mode.as_str().into(),
            policies::standing(status),
            counted(incidents).into(),
        ]
    };
    table.print(status.policies.iter().map(row).collect(), output);
    status.policies.iter().for_each(|policy| policies::why(&policy.status, output));
}

/// How a server stands that the host asks: when it answered last, and why it does not.
fn asked(upstream: &Upstream, now: Timestamp) -> String {
    let Upstream { url, answered_at, failing_since, error, .. } = upstream;
    let url = display::one_line(url);
    let answered = match answered_at {
        Some(at) => format!("answered {} ago", age::since(*at, now)),
        None => "has not answered yet".to_owned(),
    };
    match (failing_since, error) {
        (Some(since), Some(error)) => {
            let (since, error) = (age::since(*since, now), display::one_line(error));
            format!("{url} {answered}; {BAD}away for {since}{BAD:#}: {error}")
        }
        (None, _) | (_, None) => format!("{url} {answered}"),
    }
}

/// What waits for something that keeps it from going on.
fn waiting(status: &HostStatus, output: &Output) {
    if status.waiting.is_empty() {
        return;
    }
    output.line("");
    let mut table = Table::new(vec!["WAITING", "FOR", "POLICY", "OLDEST", "WHY"]);
    let row = |WaitingLine { waiting, .. }: &WaitingLine| {
        vec![
            Cell::from(waiting.count.to_string()),
            waiting.reason.as_str().into(),
            Some(waiting.policy.as_str()).into(),
            waiting.since.map(|since| age::since(since, status.time)).as_deref().into(),
            waiting.message.as_str().into(),
        ]
    };
    table.print(status.waiting.iter().map(row).collect(), output);
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

pub fn pause(args: &PauseArgs, output: &Output) -> CommandResult {
    let PauseArgs { policy, reason, time, until, server } = args;
    let (time, until) = (time.map(|time| time.to_string()), until.map(|until| until.to_string()));
    let mut body = json!({});
    for (name, value) in [("policy", policy), ("reason", reason), ("for", &time), ("until", &until)] {
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
                let until = match (time, until) {
                    (Some(time), _) => format!("for {time}"),
                    (None, Some(until)) => format!("until {until}"),
                    (None, None) => "until `suture resume`".to_owned(),
                };
                output.line(format!(
                    "{WARN}{whole} is paused {until}:{WARN:#} alerts wait, runs at work go on"
                ));
                if let Some(was) = pause_in(answer.get("was")) {
                    output.note(format!("this takes the place of another pause: {}", policies::paused(&was)));
                }
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
            false => {
                let was = pause_in(answer.get("was"));
                let pauses = answer.get("pauses").and_then(Value::as_array).into_iter().flatten();
                let left: Vec<_> = pauses.filter_map(|pause| pause_in(Some(pause))).collect();
                output.line(resumed(&whole, args.policy.as_deref(), was.as_ref(), &left));
            }
        }
        Ok(Exit::Done)
    })
}

fn pause_in(value: Option<&Value>) -> Option<PauseRecord> {
    serde_json::from_value(value?.clone()).ok()
}

/// What came of a resumption: something else may be paused yet.
fn resumed(whole: &str, policy: Option<&str>, was: Option<&PauseRecord>, left: &[PauseRecord]) -> String {
    let host = left.iter().find(|pause| pause.policy.is_none() && policy.is_some());
    let what = match was {
        Some(_) => format!("{whole} is no longer paused"),
        None => format!("{whole} was not paused"),
    };
    if let Some(host) = host {
        return format!("{WARN}{what}; the host is {}{WARN:#}", policies::paused(host));
    }
    let others: Vec<&str> = left.iter().filter_map(|pause| pause.policy.as_deref()).collect();
    match others.as_slice() {
        others if policy.is_some() || others.is_empty() => format!("{GOOD}{what}: it starts runs{GOOD:#}"),
        others => format!("{WARN}{what}; still paused by themselves: {}{WARN:#}", others.join(", ")),
    }
}
