//! `suture run --live`: one policy, one alert, a real cluster.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use suture_cluster::live::{LiveCluster, LiveConfig, connect};
use suture_cluster::{PrometheusClient, WithPrometheus};
use suture_core::{
    Alert, Clock, Ending, Glob, Grant, Halt, Incident, IncidentId, Labels, Limits, Manifest, Mode, Program,
    RealClock, RunId,
};
use suture_engine::{Cluster, Confirm, Locks, RunSpec, Session, execute, key};
use suture_journal::{Cancel, Entry, MemoryLog, Observer};
use suture_scenario::report::PlayedRun;
use suture_scenario::runner::{Watcher, ended_well};
use suture_server::config::{ClusterConfig, Loaded};

use super::printer::Printer;
use super::save::Destination;
use crate::args::RunArgs;
use crate::error::{CliError, Exit};
use crate::output::{DIM, HEADING, Output, WARN};
use crate::{CommandResult, alerts, policy};

/// What the policy runs with.
pub struct Setup {
    pub mode: Mode,
    settings: Value,
    pub grants: Arc<[Grant]>,
    pub limits: Limits,
    reached: LiveConfig,
    prometheus: Option<PrometheusClient>,
    confirm: Confirm,
}

/// Where it runs.
struct Place {
    cluster: Arc<dyn Cluster>,
    clock: Arc<dyn Clock>,
    locks: Arc<Locks>,
    cancel: Cancel,
}

pub async fn run(args: &RunArgs, output: &Output) -> CommandResult {
    let program: Arc<dyn Program> = policy::load_there(&args.file).await?;
    let clock: Arc<dyn Clock> = Arc::new(RealClock);
    let alerts = alerts::parse(&alerts::text(&args.alert)?, clock.now())
        .map_err(|error| error.at(args.alert.display()))?;
    let destination = Destination::of(args, alerts.len())?;
    let setup = setup(args, program.manifest())?;
    let wrong = |error: &dyn std::fmt::Display| CliError::usage(error.to_string());
    let connection = connect(&setup.reached).await.map_err(|error| wrong(&error))?;
    say_where(&connection.url, &setup, args.config.as_deref(), output);
    if args.force {
        output.warn("forced: nothing confirms that the alert fires");
    }
    let live = LiveCluster::new(connection, &setup.reached, clock.clone());
    let cluster: Arc<dyn Cluster> = match &setup.prometheus {
        None => Arc::new(live),
        Some(client) => Arc::new(WithPrometheus::new(live, client.clone())),
    };
    let place = Place { cluster, clock, locks: Arc::default(), cancel: Cancel::new() };
    let interrupted = stop_when_interrupted(place.cancel.clone(), *output);
    let printer = Arc::new(Printer::new(*output));
    let mut runs: Vec<PlayedRun> = Vec::new();
    for alert in alerts {
        let Some(key) = wanted(program.manifest(), &alert, &runs, output)? else { continue };
        let watcher: Option<Arc<dyn Watcher>> =
            (!output.is_json()).then(|| printer.clone() as Arc<dyn Watcher>);
        let run = one(&program, &setup, &place, alert, key, runs.len(), watcher).await?;
        runs.push(run);
        if place.cancel.halted().is_some() {
            break;
        }
    }
    interrupted.abort();
    if !output.is_json() {
        printer.finish(&runs);
    }
    let saved = match destination.zip(runs.first()) {
        Some((destination, run)) => Some(destination.save(run, &setup, &program, output).await?),
        None => None,
    };
    if output.is_json() {
        let runs: Vec<_> = runs.iter().map(PlayedRun::json).collect();
        let saved = saved.as_ref().map(|saved| &saved.json);
        output.json(&json!({"mode": setup.mode, "runs": runs, "saved": saved}));
    }
    if runs.is_empty() {
        output.note("nothing was run");
    }
    let well = |run: &PlayedRun| run.ending.as_ref().is_some_and(ended_well) && run.doubts.is_empty();
    let all_well = !runs.is_empty() && runs.iter().all(well) && saved.is_none_or(|saved| saved.passes);
    Ok(if all_well { Exit::Done } else { Exit::Failed })
}

/// From the configuration, what it says of the policy. Without one the policy only
/// plans, with all that it requests: nothing leaves it but the timeline.
fn setup(args: &RunArgs, manifest: &Manifest) -> Result<Setup, CliError> {
    let mut setup = match &args.config {
        Some(file) => configured(file, manifest)?,
        None => Setup {
            mode: Mode::Observe,
            settings: json!({}),
            grants: everything_requested(manifest),
            limits: Limits::default(),
            reached: LiveConfig::default(),
            prometheus: None,
            confirm: Confirm::None,
        },
    };
    if let Some(file) = &args.settings {
        setup.settings = super::settings(file)?;
    }
    setup.settings = manifest
        .settings_schema
        .fill(setup.settings)
        .map_err(|error| CliError::usage(format!("the settings of policy `{}`: {error}", manifest.name)))?;
    // Whatever the configuration says for the alerts of a host: a person may want to look.
    setup.mode = if args.enforce { Mode::Enforce } else { Mode::Observe };
    // What only plans changes nothing.
    if args.force || setup.mode == Mode::Observe {
        setup.confirm = Confirm::None;
    }
    if setup.confirm.is_required() && setup.prometheus.is_none() {
        let what = format!(
            "policy `{}` confirms alerts with Prometheus, and there is no `prometheus.url`",
            manifest.name
        );
        return Err(CliError::usage(what).help("set it, or use --force"));
    }
    Ok(setup)
}

fn configured(file: &Path, manifest: &Manifest) -> Result<Setup, CliError> {
    let loaded = super::load_config(file)?;
    let entry = super::entry_of(&loaded, file, &manifest.name)?;
    let wrong = |error: &dyn std::fmt::Display| CliError::usage(error.to_string());
    Ok(Setup {
        mode: entry.mode,
        settings: entry.settings.as_ref().map_or_else(|| json!({}), |settings| settings.value.clone()),
        grants: entry.grants.iter().map(|grant| grant.value.clone()).collect(),
        limits: entry.limits.clone(),
        reached: reached(&loaded),
        confirm: suture_server::confirm(&loaded, entry, Some(&manifest.key))
            .map_err(|error| wrong(&error))?,
        prometheus: suture_server::prometheus(&loaded).map_err(|error| wrong(&error))?,
    })
}

/// The cluster of a configuration; that of the kubeconfig where it has none that lives.
fn reached(loaded: &Loaded) -> LiveConfig {
    match &loaded.config.cluster.value {
        ClusterConfig::Live(live) => live.reached(&loaded.base),
        ClusterConfig::Simulated(_) => LiveConfig::default(),
    }
}

fn everything_requested(manifest: &Manifest) -> Arc<[Grant]> {
    let grant = |permission: &suture_core::Permission| {
        let (groups, resources) = (permission.groups.clone(), permission.resources.clone());
        let grant = Grant::of(groups, resources, permission.verbs.clone(), vec![Glob::any()]);
        Grant { metrics: permission.metrics.clone(), ..grant }
    };
    manifest.permissions.iter().chain(&manifest.unnamed_metrics()).map(grant).collect()
}

fn say_where(url: &str, setup: &Setup, config: Option<&Path>, output: &Output) {
    let what = match (setup.mode, config) {
        (Mode::Enforce, _) => format!("{WARN}changes are performed{WARN:#}"),
        (Mode::Approve, _) => {
            "nothing is changed: the policy's changes need approval, which only a host asks for; `--enforce` would"
                .to_owned()
        }
        (Mode::Observe, Some(_)) => "nothing is changed; `--enforce` would".to_owned(),
        (Mode::Observe, None) => {
            "nothing is changed, and all that the policy requests is allowed; grants, and so changes, need a \
             configuration: `--config FILE`"
                .to_owned()
        }
    };
    output.note(format!("{HEADING}live cluster {url}{HEADING:#}: {what}"));
}

/// The key of an alert that is to be run; none where it is for somebody else.
fn wanted(
    manifest: &Manifest,
    alert: &Alert,
    runs: &[PlayedRun],
    output: &Output,
) -> Result<Option<Labels>, CliError> {
    if !manifest.matchers.matches(&alert.labels) {
        let (name, matchers) = (&manifest.name, &manifest.matchers);
        output
            .note(format!("{DIM}an alert is not for policy `{name}`, whose matchers are {matchers}{DIM:#}"));
        return Ok(None);
    }
    let key = key::key(manifest, &alert.labels).map_err(CliError::usage)?;
    Ok((!runs.iter().any(|run| run.incident.key == key)).then_some(key))
}

async fn one(
    program: &Arc<dyn Program>,
    setup: &Setup,
    place: &Place,
    alert: Alert,
    key: Labels,
    index: usize,
    watcher: Option<Arc<dyn Watcher>>,
) -> Result<PlayedRun, CliError> {
    let log = Arc::new(MemoryLog::default());
    let started = place.clock.now();
    if let Some(watcher) = &watcher {
        watcher.began(index, &key, started);
    }
    let id = ulid::Ulid::from_datetime(started.into()).to_string().to_lowercase();
    let incident = Incident {
        id: IncidentId::new(id.clone()),
        key,
        alert: Arc::new(alert),
        attempt: 1,
        settings: setup.settings.clone(),
    };
    let spec = RunSpec {
        run: RunId::new(id),
        policy: program.manifest().name.clone(),
        program: program.clone(),
        incident: incident.clone(),
        mode: setup.mode,
        limits: setup.limits.clone(),
        grants: setup.grants.clone(),
        confirm: setup.confirm.clone(),
        approved: None,
        past: None,
    };
    let session = Session {
        cluster: place.cluster.clone(),
        clock: place.clock.clone(),
        log: log.clone(),
        locks: place.locks.clone(),
        cancel: place.cancel.clone(),
        observer: watcher.map(|watcher| Arc::new(Watched { watcher, index }) as Arc<dyn Observer>),
        metrics: None,
        places: None,
        silences: None,
    };
    let finished = execute(spec, session).await.map_err(|error| CliError::internal(error.to_string()))?;
    let ending: Option<Ending> = Some(finished.ending);
    let (entries, doubts) = (log.entries(), finished.doubts);
    Ok(PlayedRun { incident, started, ending, doubts, entries, marks: Vec::new() })
}

/// The record is in memory: what must be taken back is taken back by this process. So the
/// first Ctrl-C cancels the run, and only the second ends the process.
fn stop_when_interrupted(cancel: Cancel, output: Output) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            if cancel.halted().is_some() {
                output.warn("ended without taking back what the run had to take back");
                std::process::exit(1);
            }
            output.note("stopping: what must not stay is taken back; once more ends it at once");
            cancel.halt(Halt::Cancelled("by Ctrl-C".to_owned()));
        }
    })
}

/// Passes a run's entries on.
struct Watched {
    watcher: Arc<dyn Watcher>,
    index: usize,
}

impl Observer for Watched {
    fn entry(&self, entry: &Entry) {
        self.watcher.entry(self.index, entry);
    }
}
