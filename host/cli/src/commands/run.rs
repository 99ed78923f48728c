//! `suture run`: one policy, one alert, one timeline.

mod live;
mod printer;
mod save;

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use suture_core::{Mode, Program};
use suture_scenario::format::{Event, Then};
use suture_scenario::runner::{Watcher, ended_well, run_watched};
use suture_scenario::{Report, Scenario, Verdict};
use suture_server::Config;
use suture_server::config::{Loaded, PolicyEntry};

use crate::args::RunArgs;
use crate::error::{CliError, Exit};
use crate::output::{BAD, DIM, Output};
use crate::{CommandResult, alerts, policy};
use printer::Printer;

pub fn run(args: &RunArgs, output: &Output) -> CommandResult {
    match args.scenario.as_deref().filter(|_| !args.live) {
        Some(scenario) => simulated(args, scenario, output),
        None => crate::executor()?.block_on(live::run(args, output)),
    }
}

fn simulated(args: &RunArgs, scenario: &Path, output: &Output) -> CommandResult {
    let mut scenario = one_scenario(scenario)?;
    let program = policy::program(&args.file)?;
    let alerts = alerts::parse(&alerts::text(&args.alert)?, scenario.fixture.now)
        .map_err(|error| error.at(args.alert.display()))?;
    scenario.when = alerts
        .into_iter()
        .map(|alert| Event { after: std::time::Duration::ZERO, alert: alert.into() })
        .collect();
    scenario.then = Then::default();
    if let Some(config) = &args.config {
        apply_config(&mut scenario, config, &program)?;
    }
    if let Some(file) = &args.settings {
        scenario.settings = settings(file)?;
    }
    if args.observe {
        scenario.mode = Mode::Observe;
    }
    let printer = Arc::new(Printer::new(*output));
    let watcher: Option<Arc<dyn Watcher>> = (!output.is_json()).then(|| printer.clone() as Arc<dyn Watcher>);
    let report = run_watched(&scenario, program, watcher);
    if output.is_json() {
        output.json(&report.json());
    } else {
        printer.finish(&report.runs);
    }
    conclude(&report, output)
}

fn conclude(report: &Report, output: &Output) -> CommandResult {
    for note in &report.notes {
        output.note(format!("{DIM}note: {note}{DIM:#}"));
    }
    match &report.verdict {
        Verdict::Invalid { message, .. } => return Err(CliError::usage(message.clone())),
        Verdict::Failed(differences) => {
            for difference in differences {
                output.note(format!("{BAD}{}{BAD:#}", difference.message));
            }
            return Ok(Exit::Failed);
        }
        Verdict::Passed => {}
    }
    if report.runs.is_empty() {
        output.note("nothing was run");
        return Ok(Exit::Failed);
    }
    let well =
        report.runs.iter().all(|run| run.ending.as_ref().is_some_and(ended_well) && run.doubts.is_empty());
    Ok(if well { Exit::Done } else { Exit::Failed })
}

fn one_scenario(file: &Path) -> Result<Scenario, CliError> {
    let mut all = Scenario::load(file)?;
    match (all.pop(), all.len()) {
        (Some(scenario), 0) => Ok(scenario),
        (_, more) => {
            Err(CliError::usage(format!("{} scenarios, and one is wanted", more + 1)).at(file.display()))
        }
    }
}

/// The settings in a file.
pub fn settings(file: &Path) -> Result<Value, CliError> {
    let text = alerts::text(file)?;
    let value: Value = serde_saphyr::from_str(&text)
        .map_err(|error| CliError::usage(error.to_string()).at(file.display()))?;
    if value.is_object() {
        Ok(value)
    } else {
        Err(CliError::usage("the settings are not an object").at(file.display()))
    }
}

/// What a host would run the policy with.
fn apply_config(scenario: &mut Scenario, file: &Path, program: &Arc<dyn Program>) -> Result<(), CliError> {
    let loaded = load_config(file)?;
    let entry = entry_of(&loaded, file, &program.manifest().name)?;
    if let Some(settings) = &entry.settings {
        scenario.settings = settings.value.clone();
    }
    scenario.grants = Some(entry.grants.iter().map(|grant| grant.value.clone()).collect());
    scenario.limits = entry.limits.clone();
    scenario.mode = entry.mode;
    Ok(())
}

fn load_config(file: &Path) -> Result<Loaded, CliError> {
    Config::load(file).map_err(|errors| {
        let all: Vec<_> = errors.iter().map(ToString::to_string).collect();
        CliError::usage(all.join("\n"))
    })
}

/// What a configuration says of a policy.
fn entry_of<'a>(loaded: &'a Loaded, file: &Path, name: &str) -> Result<&'a PolicyEntry, CliError> {
    let mut entries = loaded.config.policies.iter().map(|entry| &entry.value);
    entries.find(|entry| entry.name.value == name).ok_or_else(|| {
        CliError::usage(format!("the configuration has no policy `{name}`")).at(file.display())
    })
}
