//! Scenarios, played with native policy code.

use std::path::{Path, PathBuf};

use suture_core::RealClock;
use suture_policy::Policy;
use suture_scenario::torture::{Campaign, Subject};
use suture_scenario::{Look, Report, Scenario, ScenarioError};

use crate::NativePolicy;

/// A scenario that is ready to be played.
#[derive(Clone, Debug)]
pub struct Simulation(Scenario);

impl Simulation {
    /// The one scenario of a text.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn from_yaml(text: &str) -> Result<Self, ScenarioError> {
        Scenario::parse(text, Path::new("scenario")).map(Self)
    }

    /// The scenarios of a file.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn from_file(file: &Path) -> Result<Vec<Self>, ScenarioError> {
        Ok(Scenario::load(file)?.into_iter().map(Self).collect())
    }

    /// Play it, and compare what happens with what it expects.
    pub fn run<P: Policy + 'static>(&self) -> Report {
        suture_scenario::run(&self.0, NativePolicy::<P>::program())
    }
}

/// [Torture](suture_scenario::torture) a policy with all scenarios in a folder: so many runs
/// in all, each with something going wrong.
///
/// # Panics
/// If one fails, or a scenario can't be read or does not pass as it is: with everything
/// there is to say about the smallest failures.
#[expect(clippy::panic, reason = "it is an assertion for tests")]
pub fn assert_survives_torture<P: Policy + 'static>(folder: impl AsRef<Path>, runs: usize) {
    let mut files = Vec::new();
    collect(folder.as_ref(), &mut files);
    files.sort();
    let mut scenarios = Vec::new();
    for file in &files {
        match Scenario::load(file) {
            Ok(all) => scenarios.extend(all),
            Err(error) => panic!("{error}"),
        }
    }
    let program = NativePolicy::<P>::program();
    let subjects: Vec<_> =
        scenarios.iter().map(|scenario| Subject { scenario, program: program.clone() }).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let campaign = Campaign { runs, time: None, seed: 1, threads, only: Vec::new() };
    let summary = campaign.run(&subjects, &RealClock, &|_| {});
    println!(
        "{} of {} single perturbations and more, {} doubts",
        summary.runs, summary.singles, summary.doubts
    );
    let unfit = summary
        .unfit
        .iter()
        .map(|report| format!("{}\n{}", report.line(), report.explanation(Look::default())));
    let failures = summary.failures.iter().map(|failure| {
        let (name, command) = (&failure.name, failure.command().join(" "));
        format!("{name}\n{}again: {command}", failure.explanation(Look::default()))
    });
    let complaints: Vec<_> = unfit.chain(failures).collect();
    if subjects.is_empty() || !complaints.is_empty() {
        panic!("{} of {} runs failed\n\n{}", summary.failed, summary.runs, complaints.join("\n"));
    }
}

/// Play all scenarios in a folder (from the crate's root, where tests run) and its
/// subfolders.
///
/// # Panics
/// If one does not pass, or can't be read, or there is none: with everything there is to
/// say about each.
#[expect(clippy::panic, reason = "it is an assertion for tests")]
pub fn assert_scenarios<P: Policy + 'static>(folder: impl AsRef<Path>) {
    let folder = folder.as_ref();
    let mut files = Vec::new();
    collect(folder, &mut files);
    files.sort();
    let mut complaints = Vec::new();
    let mut played = 0;
    for file in &files {
        match Simulation::from_file(file) {
            Err(error) => complaints.push(error.to_string()),
            Ok(simulations) => {
                for report in simulations.iter().map(Simulation::run::<P>) {
                    played += 1;
                    println!("{}", report.line());
                    if !report.passed() {
                        complaints.push(format!(
                            "{}\n{}",
                            report.line(),
                            report.explanation(Look::default())
                        ));
                    }
                }
            }
        }
    }
    if played == 0 && complaints.is_empty() {
        panic!("there is no scenario in {}", folder.display());
    }
    if !complaints.is_empty() {
        panic!("{} of {played} scenarios\n\n{}", complaints.len(), complaints.join("\n"));
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            files.push(path);
        }
    }
}
