//! `suture run`: one policy, one alert, one timeline.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;
use suture_core::{Labels, Mode, Program, Timestamp};
use suture_journal::Entry;
use suture_scenario::format::{Event, Then};
use suture_scenario::runner::{Watcher, ended_well, run_watched};
use suture_scenario::{Report, Scenario, Timeline, Verdict};

use crate::args::RunArgs;
use crate::error::{CliError, Exit};
use crate::output::{BAD, DIM, HEADING, Output};
use crate::{CommandResult, alerts, policy};

pub fn run(args: &RunArgs, output: &Output) -> CommandResult {
    let Some(scenario) = args.scenario.as_deref().filter(|_| !args.live) else {
        return Err(CliError::usage("the live cluster is not in this version yet")
            .help("run against a simulated one: `--scenario FILE`"));
    };
    let mut scenario = one_scenario(scenario)?;
    let program = policy::program(&args.file)?;
    let alerts = alerts::parse(&alerts::text(&args.alert)?, scenario.fixture.now)
        .map_err(|error| error.at(args.alert.display()))?;
    scenario.when =
        alerts.into_iter().map(|alert| Event { after: std::time::Duration::ZERO, alert }).collect();
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
    let printer = Arc::new(Printer { output: *output, timelines: Mutex::default() });
    let watcher: Option<Arc<dyn Watcher>> = (!output.is_json()).then(|| printer.clone() as Arc<dyn Watcher>);
    let report = run_watched(&scenario, program, watcher);
    if output.is_json() {
        output.json(&report.json());
    } else {
        printer.finish(&report);
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

fn settings(file: &Path) -> Result<Value, CliError> {
    let text = alerts::text(file)?;
    let value: Value = serde_saphyr::from_str(&text)
        .map_err(|error| CliError::usage(error.to_string()).at(file.display()))?;
    if value.is_object() {
        Ok(value)
    } else {
        Err(CliError::usage("the settings are not an object").at(file.display()))
    }
}

/// Prints each run's timeline as it is written.
struct Printer {
    output: Output,
    timelines: Mutex<Timelines>,
}

#[derive(Default)]
struct Timelines {
    all: BTreeMap<usize, (String, Timeline)>,
    last: Option<usize>,
}

impl Printer {
    fn finish(&self, report: &Report) {
        let mut timelines = self.timelines.lock();
        for (index, (_, timeline)) in &mut timelines.all {
            self.output.line(timeline.finish());
            for doubt in report.runs.get(*index).into_iter().flat_map(|run| &run.doubts) {
                self.output.line(timeline.doubt(doubt));
            }
        }
    }
}

impl Watcher for Printer {
    fn began(&self, run: usize, key: &Labels, at: Timestamp) {
        let labels: Vec<_> = key.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let title = format!("{HEADING}run for {}{HEADING:#}", labels.join(" "));
        let timeline = Timeline::starting_at(at, self.output.look());
        self.timelines.lock().all.insert(run, (title, timeline));
    }

    fn entry(&self, run: usize, entry: &Entry) {
        let mut timelines = self.timelines.lock();
        let is_other = timelines.last != Some(run);
        let Some((title, timeline)) = timelines.all.get_mut(&run) else { return };
        let Some(line) = timeline.entry(entry) else { return };
        if is_other {
            self.output.line(title.as_str());
        }
        self.output.line(line);
        timelines.last = Some(run);
    }
}

/// What a host would run the policy with.
fn apply_config(scenario: &mut Scenario, file: &Path, program: &Arc<dyn Program>) -> Result<(), CliError> {
    let loaded = suture_server::Config::load(file).map_err(|errors| {
        let all: Vec<_> = errors.iter().map(ToString::to_string).collect();
        CliError::usage(all.join("\n"))
    })?;
    let name = &program.manifest().name;
    let Some(entry) =
        loaded.config.policies.iter().map(|entry| &entry.value).find(|entry| entry.name.value == *name)
    else {
        return Err(CliError::usage(format!("the configuration has no policy `{name}`")).at(file.display()));
    };
    if let Some(settings) = &entry.settings {
        scenario.settings = settings.value.clone();
    }
    scenario.grants = Some(entry.grants.iter().map(|grant| grant.value.clone()).collect());
    scenario.limits = entry.limits.clone();
    scenario.mode = entry.mode;
    Ok(())
}
