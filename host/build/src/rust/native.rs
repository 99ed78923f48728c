//! A policy as a program of this machine, which counts what of it was run.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::cargo::{built, command};
use super::coverage::{Coverage, Tools};
use super::package::Package;
use crate::error::BuildError;
use crate::progress::Progress;
use crate::project::{Language, Project};

/// What the SDK calls the policy's `main`.
const MAIN: &str = "__suture_main";
/// How many files the processes of one program write at most: each adds to one of them.
const POOL: usize = 4;

/// A policy that was compiled natively, with counters.
pub struct Instrumented {
    /// The program: `policies/mock` speaks with it.
    pub program: PathBuf,
    dir: PathBuf,
    tools: Tools,
    profiles: tempfile::TempDir,
}

impl Instrumented {
    /// Compile a policy in Rust. Blocks: seconds, minutes the first time.
    ///
    /// # Errors
    /// Where it is in another language, can't be compiled, or LLVM's tools are missing.
    pub fn build(project: &Project, progress: &dyn Progress) -> Result<Self, BuildError> {
        match project.language {
            Language::Rust => {}
            Language::JavaScript => {
                return Err(BuildError::NoCoverage { language: "TypeScript and JavaScript" });
            }
            Language::Python => return Err(BuildError::NoCoverage { language: "Python" }),
        }
        let package = Package::find(&project.dir)?;
        let tools = Tools::find(&package.dir)?;
        let target = package.target_directory.join("native");
        let harness = target.join("harness").join(&package.name);
        write_harness(&package, &harness)
            .map_err(|source| BuildError::Io { path: harness.clone(), source })?;
        progress.step(&format!("compiling {} {} natively, with counters", package.name, package.version));
        let mut cargo = command("cargo", &package.dir);
        cargo
            .args([
                "build",
                "--message-format",
                "json-render-diagnostics",
                "--color",
                "never",
                "--manifest-path",
            ])
            .arg(harness.join("Cargo.toml"))
            .arg("--target-dir")
            .arg(target.join("target"))
            .env("CARGO_ENCODED_RUSTFLAGS", "-Cinstrument-coverage")
            // Build scripts and macros count as well, and would leave that among the sources.
            .env("LLVM_PROFILE_FILE", target.join("build-%p-%m.profraw"));
        let is_program = |path: &Path| path.file_stem() == Some(OsStr::new(&name(&package)));
        let program =
            built(cargo, &harness.join("Cargo.toml"), is_program, progress).map_err(|error| match error {
                BuildError::Cargo { output, .. } if output.contains(MAIN) => {
                    BuildError::OldSdk { dir: package.dir.clone() }
                }
                other => other,
            })?;
        let profiles =
            tempfile::tempdir().map_err(|source| BuildError::Io { path: std::env::temp_dir(), source })?;
        Ok(Self { program, dir: package.dir, tools, profiles })
    }

    /// What the program needs in its environment in order to count.
    pub fn environment(&self) -> Vec<(String, String)> {
        let file = self.profiles.path().join(format!("%{POOL}m.profraw"));
        vec![("LLVM_PROFILE_FILE".to_owned(), file.display().to_string())]
    }

    /// What was run of the policy's own sources, by all processes that have ended.
    ///
    /// # Errors
    /// Where there were none, or LLVM's tools fail.
    pub fn coverage(&self) -> Result<Coverage, BuildError> {
        self.tools.read(&self.program, self.profiles.path(), &self.dir)
    }
}

fn name(package: &Package) -> String {
    format!("{}-native", package.name)
}

/// A package of one line: it is not part of the policy's own, which is left as it is.
fn write_harness(package: &Package, harness: &Path) -> std::io::Result<()> {
    fs::create_dir_all(harness.join("src"))?;
    let text = |text: &str| toml::Value::from(text).to_string();
    let manifest = format!(
        "[package]\nname = {}\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
         policy = {{ package = {}, path = {} }}\n\n[workspace]\n",
        text(&name(package)),
        text(&package.name),
        text(&package.dir.display().to_string()),
    );
    fs::write(harness.join("Cargo.toml"), manifest)?;
    let main = format!("fn main() -> std::process::ExitCode {{\n    policy::{MAIN}()\n}}\n");
    fs::write(harness.join("src/main.rs"), main)?;
    // The versions that the policy is built with.
    let lock = package.workspace_root.join("Cargo.lock");
    if lock.is_file() {
        fs::copy(lock, harness.join("Cargo.lock"))?;
    }
    Ok(())
}
