//! `suture dev`: build, test and show at each change.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, SystemTime};

use notify::{EventKind, RecursiveMode, Watcher as _};
use suture_build::Project;
use suture_core::{Clock, RealClock};

use super::test::{Programs, Suite, conclude, show};
use crate::CommandResult;
use crate::args::DevArgs;
use crate::error::{CliError, Exit};
use crate::output::{BAD, DIM, GOOD, HEADING, Output};
use crate::policy;
use crate::progress::Steps;

/// How long nothing is saved before a round begins: an editor writes a file in several steps.
const QUIET: Duration = Duration::from_millis(80);

pub fn run(args: &DevArgs, output: &Output) -> CommandResult {
    let project = Project::at(&args.path).map_err(|error| CliError::usage(error.to_string()))?;
    let scenarios = match args.scenarios.as_slice() {
        [] => vec![project.dir.join("scenarios")],
        named => named.to_vec(),
    };
    let scenarios: Vec<_> = scenarios.iter().map(|path| policy::shortest(path)).collect();
    let changes = Changes::of(&project, &scenarios)?;
    let mut last = Stamp::default();
    loop {
        let stamp = Stamp::of(&project);
        let round = Round { args, project: &project, scenarios: &scenarios, output };
        round.play(stamp != last);
        last = stamp;
        output.note(format!("{DIM}waiting for a change of {}; Ctrl-C ends it{DIM:#}", changes.watched));
        changes.wait()?;
    }
}

/// The sources of a component: when which of them changed last.
#[derive(Default, PartialEq, Eq)]
struct Stamp(Vec<(PathBuf, Option<SystemTime>)>);

impl Stamp {
    fn of(project: &Project) -> Self {
        let changed = |path: &Path| path.metadata().and_then(|file| file.modified()).ok();
        Self(project.sources().into_iter().map(|path| (path.clone(), changed(&path))).collect())
    }
}

/// One time of building and testing.
struct Round<'a> {
    args: &'a DevArgs,
    project: &'a Project,
    scenarios: &'a [PathBuf],
    output: &'a Output,
}

impl Round<'_> {
    /// Whatever goes wrong is shown, and the next change waited for.
    fn play(&self, sources_changed: bool) {
        let began = RealClock.monotonic();
        let result = self.build(sources_changed).and_then(|component| self.test(&component));
        let took = RealClock.monotonic().saturating_sub(began).as_secs_f64();
        if let Err(error) = &result {
            self.output.error(error);
        }
        let (tone, word) = match result {
            Ok(Exit::Done) => (GOOD, "passed"),
            Ok(_) | Err(_) => (BAD, "failed"),
        };
        self.output.note(format!("{tone}{word}{tone:#} {HEADING}after {took:.1} s{HEADING:#}"));
    }

    fn build(&self, sources_changed: bool) -> Result<PathBuf, CliError> {
        let component = self.project.component();
        if !sources_changed && component.exists() {
            return Ok(component);
        }
        let steps = Steps::new(*self.output);
        let built = suture_build::build(&self.args.path, None, &steps);
        steps.clear();
        let built = built.map_err(|error| CliError::usage(error.to_string()))?;
        Ok(policy::shortest(&built.path))
    }

    fn test(&self, component: &Path) -> CommandResult {
        let suite = Suite::load(self.scenarios, self.args.filter.as_deref(), self.output)?;
        let mut programs = Programs::new(Some(component), self.output);
        // What passes is told as a number: what fails must not scroll away.
        let reports = suite.play(&mut programs, |report| {
            if !report.passed() {
                show(report, false, self.output);
            }
        })?;
        Ok(conclude(&reports, suite.broken, self.output))
    }
}

/// Tells when something that a component or its tests are made of is saved.
struct Changes {
    receiver: Receiver<notify::Result<notify::Event>>,
    /// Ends the watch when it is dropped.
    _watcher: notify::RecommendedWatcher,
    /// For people.
    watched: String,
}

impl Changes {
    fn of(project: &Project, scenarios: &[PathBuf]) -> Result<Self, CliError> {
        let unwatchable = |path: &Path, error: notify::Error| {
            CliError::usage(format!("changes can't be seen: {error}")).at(path.display())
        };
        let (sender, receiver) = mpsc::channel();
        let mut watcher =
            notify::recommended_watcher(sender).map_err(|error| unwatchable(&project.dir, error))?;
        let folders = project.folders();
        for folder in &folders {
            let (path, mode) = (folder.as_path(), RecursiveMode::NonRecursive);
            watcher.watch(path, mode).map_err(|error| unwatchable(path, error))?;
        }
        for path in scenarios.iter().filter(|path| path.exists()) {
            watcher.watch(path, RecursiveMode::Recursive).map_err(|error| unwatchable(path, error))?;
        }
        Ok(Self {
            receiver,
            _watcher: watcher,
            watched: policy::shortest(&project.dir).display().to_string(),
        })
    }

    /// Wait for a change, and then until nothing changes for a moment.
    fn wait(&self) -> Result<(), CliError> {
        let gone = || CliError::internal("changes are not seen any more");
        while !is_change(&self.receiver.recv().map_err(|_| gone())?) {}
        loop {
            match self.receiver.recv_timeout(QUIET) {
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => return Err(gone()),
            }
        }
    }
}

/// Whether a file's content may have changed. A build reads them, too.
fn is_change(event: &notify::Result<notify::Event>) -> bool {
    match event {
        Ok(event) => match event.kind {
            EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_) => true,
            EventKind::Access(_) | EventKind::Any | EventKind::Other => false,
        },
        // Events were lost, perhaps: one more round does no harm.
        Err(_) => true,
    }
}
