//! The components that scenarios run against.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use suture_core::Program;

use crate::error::CliError;
use crate::output::{DIM, Output};
use crate::policy::{self, Component};

/// One component for all scenarios, or that of each one's folder.
pub struct Programs<'a> {
    given: Option<Given<'a>>,
    output: &'a Output,
    loaded: BTreeMap<PathBuf, Arc<dyn Program>>,
}

/// What was named for all scenarios.
enum Given<'a> {
    File(&'a Path),
    Program(Arc<dyn Program>),
}

impl<'a> Programs<'a> {
    pub fn new(given: Option<&'a Path>, output: &'a Output) -> Self {
        Self { given: given.map(Given::File), output, loaded: BTreeMap::new() }
    }

    /// One that is loaded already, for all.
    pub fn loaded(program: Arc<dyn Program>, output: &'a Output) -> Self {
        Self { given: Some(Given::Program(program)), output, loaded: BTreeMap::new() }
    }

    pub fn of(&mut self, scenario: &Path) -> Result<Arc<dyn Program>, CliError> {
        let component = match &self.given {
            Some(Given::Program(program)) => return Ok(program.clone()),
            Some(Given::File(file)) => Component::at(file),
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
                component.project.as_ref().map_or(Path::new("."), |project| &project.dir).display()
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
