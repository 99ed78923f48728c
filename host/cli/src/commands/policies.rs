//! `suture policies`: what a running host has in force, and what waits; and what it is to have.

mod add;
mod entry;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use suture_core::clock::kubernetes_time;
use suture_core::display;
use suture_engine::backtest::{Difference, RunDifference};
use suture_engine::{BackTested, CandidateStatus, PolicyStatus};
use suture_journal::PauseRecord;

use crate::CommandResult;
use crate::args::{PoliciesAcceptArgs, PoliciesCommand};
use crate::error::{CliError, Exit};
use crate::output::{BAD, DIM, GOOD, HEADING, Output, WARN};
use crate::server::{Server, policy_path};
use crate::table::{Cell, Table};

/// The fewest digits that a digest may be cut to.
const LEAST_DIGITS: usize = 12;

#[derive(Deserialize, Serialize)]
struct List {
    items: Vec<PolicyStatus>,
    #[serde(default)]
    paused: bool,
    #[serde(default)]
    pauses: Vec<PauseRecord>,
}

pub fn run(command: PoliciesCommand, output: &Output) -> CommandResult {
    crate::executor()?.block_on(async {
        match command {
            PoliciesCommand::Add(args) => add::run(&args, output).await,
            PoliciesCommand::List(args) => list(&Server::of(&args.server)?, output).await,
            PoliciesCommand::Show(args) => show(&Server::of(&args.server)?, &args.name, output).await,
            PoliciesCommand::Accept(args) => accept(&args, output).await,
        }
    })
}

async fn list(server: &Server, output: &Output) -> CommandResult {
    let list: List = server.get("/api/v1/policies", &[]).await?;
    if output.is_json() {
        output.json(&json!(list));
        return Ok(Exit::Done);
    }
    let mut table = Table::new(vec!["POLICY", "VERSION", "MODE", "DIGEST", "STATUS"]);
    let row = |policy: &PolicyStatus| {
        vec![
            Cell::from(policy.name.as_str()),
            policy.version.as_deref().into(),
            policy.mode.as_str().into(),
            Cell::styled(policy.digest.as_deref().map_or("-", short), DIM),
            standing(policy),
        ]
    };
    table.print(list.items.iter().map(row).collect(), output);
    for policy in &list.items {
        why(policy, output);
    }
    Ok(Exit::Done)
}

/// Why a policy does not work as it should, below its table.
pub fn why(policy: &PolicyStatus, output: &Output) {
    if let Some(pause) = &policy.pause {
        output.note(format!("\n{WARN}{}{WARN:#}: {}", policy.name, paused(pause)));
    }
    if let Some(why) = &policy.error {
        output.note(format!("\n{WARN}{}{WARN:#}: {}", policy.name, display::one_line(why)));
    }
}

/// Who has paused something, and until when: a sentence.
pub fn paused(pause: &PauseRecord) -> String {
    let PauseRecord { who, reason, since, until, drain, .. } = pause;
    let reason = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
    let until = match until {
        Some(until) => format!("until {}", kubernetes_time(*until)),
        None => "until somebody resumes".to_owned(),
    };
    let what = if drain.is_some() { "drained" } else { "paused" };
    let text = format!("{what} by {who}{reason} since {}, {until}", kubernetes_time(*since));
    display::one_line(&text).into_owned()
}

/// The first digits of a digest.
fn short(digest: &str) -> &str {
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    hex.get(..LEAST_DIGITS).unwrap_or(hex)
}

/// Whether it works, in a word or two; the sentence why not stands below the table.
pub fn standing(policy: &PolicyStatus) -> Cell {
    let PolicyStatus { digest, held_back, held_namespaces, storm, pause, error, candidate, .. } = policy;
    if digest.is_none() {
        return Cell::styled("not loaded", BAD);
    }
    if held_back.is_some() {
        return Cell::styled("held back", BAD);
    }
    if *storm {
        return Cell::styled("storm", BAD);
    }
    if pause.is_some() {
        return Cell::styled("paused", WARN);
    }
    match held_namespaces.keys().collect::<Vec<_>>()[..] {
        [] => {}
        [namespace] => return Cell::styled(&format!("held back in {namespace}"), BAD),
        [_, ..] => return Cell::styled(&format!("held back in {} namespaces", held_namespaces.len()), BAD),
    }
    match (candidate, error) {
        (Some(candidate), _) => {
            Cell::styled(&format!("{} waits to be accepted", short(&candidate.digest)), WARN)
        }
        (None, Some(_)) => Cell::styled("not the newest", WARN),
        (None, None) => Cell::styled("works", GOOD),
    }
}

async fn show(server: &Server, name: &str, output: &Output) -> CommandResult {
    let shown: Value = server.get(&policy_path(name), &[]).await?;
    if output.is_json() {
        output.json(&shown);
        return Ok(Exit::Done);
    }
    let policy: PolicyStatus = serde_json::from_value(shown.clone()).map_err(|error| {
        CliError::internal(format!("the answer is not that of a host of this version: {error}"))
    })?;
    output.line(format!(
        "{HEADING}{}{HEADING:#} {}",
        policy.name,
        policy.version.as_deref().unwrap_or("(not loaded)")
    ));
    output.line(format!("  mode      {}", policy.mode.as_str()));
    output.line(format!("  digest    {}", policy.digest.as_deref().unwrap_or("-")));
    output.line(format!("  source    {}", policy.source));
    output.line(format!("  loaded    {}", policy.loaded_at));
    if !policy.not_granted.is_empty() {
        output.line(format!(
            "  denied    {WARN}requested, and not granted: {}{WARN:#}",
            policy.not_granted.join(", ")
        ));
    }
    for sentence in &policy.unusable_grants {
        output.line(format!("  unusable  {WARN}{}{WARN:#}", display::one_line(sentence)));
    }
    if policy.storm {
        output
            .line(format!("  {BAD}storm     too much broke at once: no run starts until it is over{BAD:#}"));
    }
    if let Some(pause) = &policy.pause {
        output.line(format!("  {WARN}paused    {}{WARN:#}", paused(pause)));
    }
    if let Some(error) = &policy.error {
        output.line(format!("  {BAD}error     {}{BAD:#}", display::lines(error)));
    }
    // Each as it could stand in the configuration.
    let inline = |value: &Value| display::one_line(&value.to_string()).into_owned();
    for (heading, field) in [("Grants", "grants"), ("Settings", "settings")] {
        output.line(format!("\n{HEADING}{heading}{HEADING:#}"));
        let lines: Vec<String> = match &shown[field] {
            Value::Array(all) => all.iter().map(|one| format!("- {}", inline(one))).collect(),
            Value::Object(all) => {
                all.iter().map(|(name, value)| format!("{name}: {}", inline(value))).collect()
            }
            _ => Vec::new(),
        };
        let none = lines.is_empty().then(|| "none".to_owned());
        lines.into_iter().chain(none).for_each(|line| output.line(format!("  {line}")));
    }
    if let Some(candidate) = &policy.candidate {
        waiting(&policy.name, candidate, output);
    }
    Ok(Exit::Done)
}

/// A newer module that waits, and why.
fn waiting(name: &str, candidate: &CandidateStatus, output: &Output) {
    output.line(format!("\n{WARN}{HEADING}a newer module waits{HEADING:#}{WARN:#} {}", candidate.version));
    output.line(format!("  digest    {}", candidate.digest));
    output.line(format!("  source    {}", candidate.source));
    output.line(format!("  since     {}", candidate.since));
    match &candidate.backtest {
        None => output.line(format!("  {}", display::lines(&candidate.why))),
        Some(tested) => differences(tested, output),
    }
    output.line(format!("\nto put it to work: suture policies accept {name}@{}", candidate.digest));
}

fn differences(tested: &BackTested, output: &Output) {
    output.line(format!("  back-test {}", tested.summary()));
    for difference in &tested.differences {
        let RunDifference { run, effects, more, .. } = difference;
        output.line(format!("\n  {HEADING}run {run}{HEADING:#}: {}", difference.summary()));
        for (mark, line) in effects.iter().flat_map(Difference::lines) {
            output.line(format!("    {BAD}{mark}{BAD:#} {}", display::one_line(&line)));
        }
        if *more > 0 {
            output.line(format!("    {DIM}and {more} more{DIM:#}"));
        }
    }
    if tested.more > 0 {
        output.line(format!("\n  {DIM}and {} more runs{DIM:#}", tested.more));
    }
    for skipped in &tested.skipped {
        output.line(format!(
            "  {DIM}run {} can't be compared: {}{DIM:#}",
            skipped.run,
            display::one_line(&skipped.why)
        ));
    }
}

async fn accept(args: &PoliciesAcceptArgs, output: &Output) -> CommandResult {
    let wrong = || {
        CliError::usage(format!("`{}` is not NAME@DIGEST", args.module))
            .help("`suture policies show NAME` prints the command for the module that waits")
    };
    let (name, given) = args.module.split_once('@').ok_or_else(wrong)?;
    let digits = given.strip_prefix("sha256:").unwrap_or(given).to_ascii_lowercase();
    if digits.len() < LEAST_DIGITS || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(CliError::usage(format!("`{given}` is no digest of {LEAST_DIGITS} digits or more")));
    }
    let server = Server::of(&args.server)?;
    let policy: PolicyStatus = server.get(&policy_path(name), &[]).await?;
    let Some(candidate) = &policy.candidate else {
        return Err(CliError::usage(format!("no module of policy `{name}` waits to be accepted")));
    };
    if !candidate.digest.trim_start_matches("sha256:").starts_with(&digits) {
        let what = format!("the module that waits is {}, and not {given}", candidate.digest);
        return Err(CliError::usage(what).help(format!("look at it with `suture policies show {name}`")));
    }
    let after: Value =
        server.post(&format!("{}/accept", policy_path(name)), &json!({"digest": candidate.digest})).await?;
    if output.is_json() {
        output.json(&after);
    } else {
        output.line(format!("{GOOD}{name} works with {} now{GOOD:#}", candidate.digest));
    }
    Ok(Exit::Done)
}
