//! `suture run --live --save`: what a cluster answered, as a scenario.

use std::io::{ErrorKind, Write};
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use suture_core::{Ending, Program};
use suture_journal::{RunHeader, RunRecord, RunState};
use suture_scenario::report::PlayedRun;
use suture_scenario::{Recording, export};

use super::live::Setup;
use crate::args::RunArgs;
use crate::error::CliError;
use crate::exported;
use crate::output::Output;

/// Where a scenario is to be written.
#[derive(Clone, Copy)]
pub struct Destination<'a> {
    file: &'a Path,
    overwrite: bool,
}

/// A scenario that was written.
pub struct Saved {
    /// Whether it passes with the policy that ran.
    pub passes: bool,
    /// For programs.
    pub json: Value,
}

impl<'a> Destination<'a> {
    /// The one that is asked for. It is looked at before anything runs.
    ///
    /// # Errors
    /// Where the file exists, and is not to be replaced, or where several runs would be saved in it.
    pub fn of(args: &'a RunArgs, alerts: usize) -> Result<Option<Self>, CliError> {
        let Some(file) = args.save.as_deref() else { return Ok(None) };
        if alerts != 1 {
            return Err(CliError::usage(format!("{alerts} alerts, and a scenario is saved of one"))
                .at(args.alert.display())
                .help("give it a file with one of them"));
        }
        let destination = Self { file, overwrite: args.overwrite };
        if !args.overwrite && file.symlink_metadata().is_ok() {
            return Err(destination.exists());
        }
        Ok(Some(destination))
    }

    fn exists(self) -> CliError {
        CliError::usage("the file exists").at(self.file.display()).help("choose another, or add --overwrite")
    }

    /// Write what a run saw and did, and play it once.
    ///
    /// # Errors
    /// Where the run can't become a scenario, or it can't be written.
    pub async fn save(
        self,
        run: &PlayedRun,
        setup: &Setup,
        program: &Arc<dyn Program>,
        output: &Output,
    ) -> Result<Saved, CliError> {
        let (record, header) = recorded(run, setup, program);
        let export = export(&Recording { run: &record, header: &header, entries: &run.entries })
            .map_err(|error| exported::refused(record.id.as_str(), error))?;
        self.write(&export.text)?;
        output.note(format!("saved: {}", self.file.display()));
        exported::say_what_is_masked(&export, output);
        let report = exported::check(&export.text, program.clone(), "this module", output).await?;
        let masked = &export.masked;
        let json = json!({"file": self.file, "passes": report.passed(), "masked": {"secrets": masked.secrets,
            "annotated": masked.annotated, "variables": masked.variables, "texts": masked.texts}});
        Ok(Saved { passes: report.passed(), json })
    }

    fn write(self, text: &str) -> Result<(), CliError> {
        let mut options = std::fs::OpenOptions::new();
        options.write(true);
        let options =
            if self.overwrite { options.create(true).truncate(true) } else { options.create_new(true) };
        let written = options.open(self.file).and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => self.exists(),
            _ => CliError::usage(format!("it can't be written: {error}")).at(self.file.display()),
        })
    }
}

/// The run as a journal would have it.
fn recorded(run: &PlayedRun, setup: &Setup, program: &Arc<dyn Program>) -> (RunRecord, RunHeader) {
    let PlayedRun { incident, started, ending, .. } = run;
    let record = RunRecord {
        id: suture_core::RunId::new(incident.id.as_str()),
        incident: incident.id.clone(),
        policy: program.manifest().name.clone(),
        digest: program.digest().to_owned(),
        mode: setup.mode,
        attempt: incident.attempt,
        state: RunState::Ended,
        outcome: ending.as_ref().map(|ending| ending.name().to_owned()),
        summary: ending.as_ref().map(Ending::summary),
        started_at: *started,
        ended_at: None,
    };
    let header = RunHeader {
        format: RunHeader::FORMAT,
        world: RunHeader::WORLD.to_owned(),
        incident: incident.clone(),
        limits: setup.limits.clone(),
        requested: program.manifest().permissions.clone(),
        grants: setup.grants.clone(),
        approved: None,
        // No scenario says which cluster it was.
        cluster: String::new(),
    };
    (record, header)
}
