//! `suture test`: scenarios against a component.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;
use suture_core::Program;
use suture_scenario::{Report, Scenario, Timeline, Verdict};

use crate::CommandResult;
use crate::args::TestArgs;
use crate::error::{CliError, Exit};
use crate::output::{BAD, DIM, GOOD, Output};
use crate::policy::{self, Component};

/// The most scenario files that one call reads.
const MAX_FILES: usize = 10_000;

pub fn run(args: &TestArgs, output: &Output) -> CommandResult {
    let files = scenario_files(&args.paths)?;
    let mut broken = 0;
    let mut scenarios = Vec::new();
    for file in &files {
        match Scenario::load(file) {
            Ok(all) => scenarios.extend(all),
            Err(error) => {
                broken += 1;
                output.error(&error.into());
            }
        }
    }
    if let Some(filter) = &args.filter {
        let fits = |scenario: &Scenario| {
            scenario.name.contains(filter.as_str())
                || scenario.file.to_string_lossy().contains(filter.as_str())
        };
        scenarios.retain(fits);
        if scenarios.is_empty() && broken == 0 {
            return Err(CliError::usage(format!("no scenario has `{filter}` in its name or file")));
        }
    }
    let mut programs = Programs::new(args.policy.as_deref(), output);
    let mut reports = Vec::new();
    for scenario in &scenarios {
        let program = programs.of(&scenario.file)?;
        let report = suture_scenario::run(scenario, program);
        show(&report, args.timeline, output);
        reports.push(report);
    }
    Ok(conclude(&reports, broken, output))
}

fn show(report: &Report, timeline: bool, output: &Output) {
    let line = report.line();
    let (word, rest) = line.split_at(line.len().min(4));
    let tone = if report.passed() { GOOD } else { BAD };
    output.line(format!("{tone}{word}{tone:#}{rest}"));
    if report.passed() {
        for run in report.runs.iter().filter(|_| timeline) {
            output.line(format!("\n  run for {}", run.title()));
            output.line(Timeline::render(&run.entries, output.look()));
        }
        for doubt in report.runs.iter().flat_map(|run| &run.doubts) {
            output.warn(format!("in doubt: {doubt}"));
        }
    } else {
        output.line(report.explanation(output.look()));
    }
}

fn conclude(reports: &[Report], broken: usize, output: &Output) -> Exit {
    let count =
        |wanted: fn(&Verdict) -> bool| reports.iter().filter(|report| wanted(&report.verdict)).count();
    let passed = count(|verdict| *verdict == Verdict::Passed);
    let failed = count(|verdict| matches!(verdict, Verdict::Failed(_)));
    let invalid = broken + count(|verdict| matches!(verdict, Verdict::Invalid { .. }));
    if output.is_json() {
        let scenarios: Vec<_> = reports.iter().map(Report::json).collect();
        output.json(&json!({"passed": passed, "failed": failed, "invalid": invalid, "scenarios": scenarios}));
    }
    let mut words = vec![format!("{GOOD}{passed} passed{GOOD:#}")];
    for (count, word) in [(failed, "failed"), (invalid, "could not be run")] {
        if count > 0 {
            words.insert(0, format!("{BAD}{count} {word}{BAD:#}"));
        }
    }
    output.line(format!("\n{}", words.join(", ")));
    match (invalid, failed) {
        (0, 0) => Exit::Done,
        (0, _) => Exit::Failed,
        _ => Exit::Usage,
    }
}

/// The components that scenarios run against: one for all, or that of each one's folder.
struct Programs<'a> {
    given: Option<&'a Path>,
    output: &'a Output,
    loaded: BTreeMap<PathBuf, Arc<dyn Program>>,
}

impl<'a> Programs<'a> {
    fn new(given: Option<&'a Path>, output: &'a Output) -> Self {
        Self { given, output, loaded: BTreeMap::new() }
    }

    fn of(&mut self, scenario: &Path) -> Result<Arc<dyn Program>, CliError> {
        let component = match self.given {
            Some(file) => Component::at(file),
            None => policy::component_of(scenario)?,
        };
        if let Some(program) = self.loaded.get(&component.file) {
            return Ok(program.clone());
        }
        if let Some(newer) = component.newer_source() {
            self.output.warn(format!(
                "{} is older than {}; run `suture build {}`",
                component.file.display(),
                newer.display(),
                component.folder.as_deref().unwrap_or(Path::new(".")).display()
            ));
        }
        let program = policy::program(&component.file)?;
        let manifest = program.manifest();
        self.output.note(format!(
            "{DIM}policy {} {} from {}{DIM:#}",
            manifest.name,
            manifest.version,
            component.file.display()
        ));
        self.loaded.insert(component.file, program.clone());
        Ok(program)
    }
}

/// The scenario files among paths: files as they are, folders searched for `*.yaml`.
fn scenario_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, CliError> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let before = files.len();
            // A policy's folder holds other YAML beside its scenarios.
            let scenarios = path.join("scenarios");
            let is_policy = path.join("Cargo.toml").exists() && scenarios.is_dir();
            search(if is_policy { &scenarios } else { path }, 0, &mut files)?;
            if files.len() == before {
                return Err(
                    CliError::usage("there is no scenario (*.yaml) in this folder").at(path.display())
                );
            }
        } else if path.exists() {
            files.push(path.clone());
        } else {
            return Err(CliError::usage("there is no such file or folder").at(path.display()));
        }
    }
    Ok(files)
}

fn search(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), CliError> {
    let unreadable = |error: std::io::Error| CliError::usage(error.to_string()).at(folder.display());
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .map_err(unreadable)?;
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
        if path.is_dir() {
            // `target` holds what builds leave behind; a link could lead in circles.
            if depth < 8 && name != "target" && !name.starts_with('.') && !path.is_symlink() {
                search(&path, depth + 1, files)?;
            }
        } else if is_yaml {
            if files.len() >= MAX_FILES {
                return Err(CliError::usage(format!("more than {MAX_FILES} files")).at(folder.display()));
            }
            files.push(path);
        }
    }
    Ok(())
}
