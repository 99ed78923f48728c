//! Finding and loading components.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use suture_build::Project;
use suture_core::Program;
use suture_runtime::{Compiler, ModuleCache, PolicyModule, Runtime};

use crate::error::CliError;

/// A component on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// The component.
    pub file: PathBuf,
    /// What it was built from, where that is known.
    pub project: Option<Project>,
}

impl Component {
    /// A component that was named.
    pub fn at(file: &Path) -> Self {
        Self { file: file.to_owned(), project: None }
    }

    /// A source that changed after the component was built.
    pub fn newer_source(&self) -> Option<PathBuf> {
        let project = self.project.as_ref()?;
        let built = modified(&self.file)?;
        project.sources().into_iter().find(|source| modified(source).is_some_and(|changed| changed > built))
    }
}

fn modified(file: &Path) -> Option<SystemTime> {
    file.metadata().ok()?.modified().ok()
}

/// The component of the policy folder that a scenario stands in, as `suture build`
/// leaves it.
///
/// # Errors
/// Where there is no such folder, or nothing was built.
pub fn component_of(scenario: &Path) -> Result<Component, CliError> {
    let Some(project) = Project::around(scenario) else {
        return Err(CliError::usage(
            "these scenarios stand in no policy's folder, so it is not clear what to test",
        )
        .at(scenario.display())
        .help("name the component: `suture test --policy FILE …`"));
    };
    let file = project.component();
    if !file.exists() {
        return Err(CliError::usage(format!("policy `{}` is not built yet", project.name))
            .at(file.display())
            .help(format!("run `suture build {}`", shortest(&project.dir).display())));
    }
    Ok(Component { file: shortest(&file), project: Some(project) })
}

/// Relative to the current folder, where that is shorter to read.
pub fn shortest(path: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    match path.strip_prefix(&here) {
        Ok(relative) if relative.as_os_str().is_empty() => PathBuf::from("."),
        Ok(relative) => relative.to_owned(),
        Err(_) => path.to_owned(),
    }
}

/// The bytes of a component.
///
/// # Errors
/// Where the file can't be read.
pub fn read(file: &Path) -> Result<Vec<u8>, CliError> {
    let read = std::fs::metadata(file).and_then(|metadata| match metadata.is_file() {
        true => suture_core::file::read(file, MAX_BYTES),
        false => Err(std::io::Error::other("it is no regular file")),
    });
    read.map_err(|error| {
        CliError::usage(format!("the component can't be read: {error}"))
            .at(file.display())
            .help("`suture build DIR` makes one from a policy's folder")
    })
}

/// The largest file that is read as a component.
const MAX_BYTES: u64 = 128 << 20;

/// Load a component.
///
/// # Errors
/// Where the file can't be read, or is no policy.
pub fn load(file: &Path) -> Result<Arc<PolicyModule>, CliError> {
    crate::executor()?.block_on(load_there(file))
}

/// The same, where there is an executor already.
///
/// # Errors
/// As [`load`].
pub async fn load_there(file: &Path) -> Result<Arc<PolicyModule>, CliError> {
    load_bytes(&read(file)?).await.map_err(|error| error.at(file.display()))
}

/// Load what is in memory.
///
/// # Errors
/// Where it is no policy.
pub async fn load_bytes(bytes: &[u8]) -> Result<Arc<PolicyModule>, CliError> {
    let runtime =
        Runtime::new(Compiler::this_program()).map_err(|error| CliError::internal(error.to_string()))?;
    let module = runtime.load(bytes, cache().as_ref()).await;
    module
        .map(Arc::new)
        .map_err(|error| CliError::usage(format!("this is no policy that can be run: {error}")))
}

/// Where compiled code is kept between commands: a policy in Python takes half a minute to compile. Without
/// it, where there is no such folder or it can't be trusted, all is compiled each time.
fn cache() -> Option<ModuleCache> {
    Some(ModuleCache::open(suture_build::cache_dir().ok()?.join("modules")).ok()?.without_failures())
}

/// The same, as what the engine runs.
///
/// # Errors
/// As [`load`].
pub fn program(file: &Path) -> Result<Arc<dyn Program>, CliError> {
    Ok(load(file)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(toml: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("Cargo.toml"), toml).unwrap();
        std::fs::create_dir(folder.path().join("scenarios")).unwrap();
        folder
    }

    #[test]
    fn scenarios_are_run_against_the_component_of_the_folder_they_stand_in() {
        let folder =
            folder("[package]\nname = \"fix\"\n[lib]\ncrate-type = [\"cdylib\", \"rlib\"]\n[workspace]\n");
        let scenario = folder.path().join("scenarios/a.yaml");
        let error = component_of(&scenario).unwrap_err();
        assert!(error.what.contains("`fix` is not built yet"), "{error}");
        assert!(error.help.unwrap().contains("suture build"));

        let built = folder.path().join("target/policies");
        std::fs::create_dir_all(&built).unwrap();
        std::fs::write(built.join("fix.wasm"), "").unwrap();
        let component = component_of(&scenario).unwrap();
        assert!(component.file.ends_with("target/policies/fix.wasm"));
        assert_eq!(component.newer_source(), None);
    }

    #[test]
    fn scenarios_elsewhere_need_a_component_that_is_named() {
        let folder = folder("[package]\nname = \"fix\"\n");
        let error = component_of(&folder.path().join("scenarios/a.yaml")).unwrap_err();
        assert!(error.help.unwrap().contains("--policy"));
    }
}
