//! The scenarios that are played together.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use suture_scenario::{Report, Scenario};

use super::files;
use super::programs::Programs;
use crate::error::CliError;
use crate::output::Output;

/// Scenarios, in the order of their files.
pub struct Suite {
    /// Those that can be played.
    pub scenarios: Vec<Scenario>,
    /// How many files could not be read; each was said.
    pub broken: usize,
}

impl Suite {
    /// Read the scenarios among paths, as far as their name or file contains a text.
    ///
    /// # Errors
    /// Where a path is not there, or nothing is left to be played.
    pub fn load(paths: &[PathBuf], filter: Option<&str>, output: &Output) -> Result<Self, CliError> {
        let (mut scenarios, mut broken) = (Vec::new(), 0);
        for file in files::find(paths)? {
            match Scenario::load(&file) {
                Ok(all) => scenarios.extend(all),
                Err(error) => {
                    broken += 1;
                    output.error(&error.into());
                }
            }
        }
        if let Some(filter) = filter {
            let fits = |scenario: &Scenario| {
                scenario.name.contains(filter) || scenario.file.to_string_lossy().contains(filter)
            };
            scenarios.retain(fits);
            if scenarios.is_empty() && broken == 0 {
                return Err(CliError::usage(format!("no scenario has `{filter}` in its name or file")));
            }
        }
        Ok(Self { scenarios, broken })
    }

    /// Play all of them, on all cores. Each report is shown in the scenarios' order, as soon as it is its turn.
    ///
    /// # Errors
    /// Where a policy can't be loaded.
    pub fn play(
        &self,
        programs: &mut Programs<'_>,
        mut show: impl FnMut(&Report),
    ) -> Result<Vec<Report>, CliError> {
        let mut subjects = Vec::new();
        for scenario in &self.scenarios {
            subjects.push((scenario, programs.of(&scenario.file)?));
        }
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(subjects.len());
        let next = AtomicUsize::new(0);
        let mut reports = Vec::new();
        std::thread::scope(|scope| {
            let (sender, receiver) = mpsc::channel();
            for _ in 0..threads {
                let (sender, subjects, next) = (sender.clone(), &subjects, &next);
                scope.spawn(move || {
                    while let Some((number, (scenario, program))) = {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        subjects.get(number).map(|subject| (number, subject))
                    } {
                        // Nobody listens where the main thread has panicked.
                        let _ = sender.send((number, suture_scenario::run(scenario, program.clone())));
                    }
                });
            }
            drop(sender);
            let mut early = BTreeMap::new();
            for (number, report) in receiver {
                early.insert(number, report);
                while let Some(report) = early.remove(&reports.len()) {
                    show(&report);
                    reports.push(report);
                }
            }
        });
        Ok(reports)
    }
}
