//! Policies in Python: made a component with CPython inside by `componentize-py`.

use std::fs;
use std::path::PathBuf;

use crate::assets::{self, Contract, PythonSdk};
use crate::environment::{self, require, run};
use crate::error::BuildError;
use crate::process::command;
use crate::progress::Progress;
use crate::project::{Project, PyProject};

const PYTHON: &str = "A policy in Python is built with Python 3.11 or newer, with `venv`; get it from your \
    system (on Debian: `apt-get install python3 python3-venv`), then build again.";
const PACKAGES: &str = "The build's own package, componentize-py, comes from PyPI, once: it has to be reached \
    for that (a proxy or a mirror is pip's to configure), and it stays in ~/.cache/suture after it.";
const COMPONENT: &str = "A module's top level is run once while it is built: it can't call the host there. All \
    imports must stand at the top of a file, and only the policy's own files, `suture_policy`, and packages in \
    its `vendor` folder can be imported.";

/// The module that is the component: it hands the policy's module to the SDK.
const COMPONENT_MODULE: &str = "suture_component";

/// Build a policy; the component.
pub(crate) fn build(project: &Project, progress: &dyn Progress) -> Result<Vec<u8>, BuildError> {
    let module = module(project)?;
    require("python3", (3, 11), PYTHON)?;
    let environment = environment::ready("python", |dir| {
        progress.step("fetching what Python is built with (40 MB, once)");
        let mut venv = command("python3", dir);
        venv.args(["-m", "venv", "venv"]);
        run(venv, "python3", PYTHON, progress)?;
        let mut pip = command(dir.join("venv/bin/python"), dir);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"])
            .args(["--only-binary", ":all:", "--requirement", "requirements.txt"]);
        run(pip, "pip", PACKAGES, progress).map(drop)
    })?;
    let work = tempfile::tempdir().map_err(|source| BuildError::Io { path: std::env::temp_dir(), source })?;
    let io = |source| BuildError::Io { path: work.path().to_owned(), source };
    let folder = |name: &str| work.path().join(name);
    assets::write(&assets::files::<Contract>(""), &folder("wit")).map_err(io)?;
    // Named, it keeps the packages of this machine out of the component.
    fs::create_dir_all(folder("empty/lib/python3/site-packages")).map_err(io)?;
    fs::create_dir(folder("component")).map_err(io)?;
    let code = format!("from suture_policy.component import world\n\nWitWorld = world({module:?})\n");
    fs::write(folder("component").join(format!("{COMPONENT_MODULE}.py")), code).map_err(io)?;
    progress.step(&format!("making a component of {}", project.name));
    let component = folder("policy.wasm");
    let mut componentize = command(environment.join("venv/bin/componentize-py"), work.path());
    componentize
        .args(["--quiet", "--wit-path", "wit", "--world", "policy", "componentize", COMPONENT_MODULE])
        .args(["--stub-wasi", "--python-path", "component", "--python-path"])
        .arg(&project.dir);
    let vendor = project.dir.join("vendor");
    if vendor.is_dir() {
        componentize.arg("--python-path").arg(&vendor);
    }
    if !vendor.join("suture_policy").is_dir() {
        assets::write(&assets::files::<PythonSdk>(""), &folder("sdk")).map_err(io)?;
        componentize.args(["--python-path", "sdk"]);
    }
    componentize
        .arg("--output")
        .arg(&component)
        .env("VIRTUAL_ENV", folder("empty"))
        .env("PYTHONHASHSEED", "0")
        .env("RUST_BACKTRACE", "0")
        .env_remove("RUST_LIB_BACKTRACE")
        .env_remove("PYTHONPATH");
    run(componentize, "componentize-py", COMPONENT, progress).map_err(|error| match error {
        BuildError::Program { program, output, help } => match said(&output) {
            Some(what) => BuildError::Policy { what: what.to_owned(), help },
            None => BuildError::Program { program, output, help },
        },
        other => other,
    })?;
    fs::read(&component).map_err(|source| BuildError::Io { path: component, source })
}

/// The module that makes the policy.
fn module(project: &Project) -> Result<String, BuildError> {
    if project.file.is_some() {
        return Ok(project.name.clone());
    }
    let path: PathBuf = project.dir.join("pyproject.toml");
    let described = PyProject::read(&project.dir)?;
    let module = described.as_ref().and_then(PyProject::module);
    module.map(str::to_owned).ok_or_else(|| BuildError::Description {
        path,
        what: "it has no `[tool.suture]` with `module`, the module that makes the policy".to_owned(),
    })
}

/// What the SDK says is wrong with the policy, with its file and line; none where something else went
/// wrong, and all that was written may matter.
fn said(output: &str) -> Option<&str> {
    let (_, rest) = output.rsplit_once("\nsuture_policy.component.BuildError: ")?;
    let end = rest.find("\n\n").unwrap_or(rest.len());
    Some(rest[..end].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_failing_import_the_policys_own_line_is_said_and_not_where_the_build_stood() {
        let output = "Traceback (most recent call last):\n  File \"/venv/bin/componentize-py\", line 8, in <module>\n\
                      AssertionError: Traceback (most recent call last):\n  File \"/2/suture_policy/component.py\", line 47\n\
                      suture_policy.component.BuildError: ValueError: oops (policy.py:3 in <module>)\n\n\n\
                      Caused by:\n    BuildError: ValueError: oops (policy.py:3 in <module>)\n";
        assert_eq!(said(output), Some("ValueError: oops (policy.py:3 in <module>)"));
        assert_eq!(said("error: no such option"), None);
    }
}
