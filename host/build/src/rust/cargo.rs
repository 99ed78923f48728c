//! Cargo and its friends as processes.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use super::TARGET;
use super::package::Package;
use super::target::{FromSource, Toolchain};
use crate::error::BuildError;
use crate::process::{self, pass_on};
use crate::progress::Progress;

/// What would change the outcome, or was meant for another build. An outer `cargo run`
/// or `cargo test` hands some of these down.
const UNWANTED: [&str; 9] = [
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER",
    "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
    "RUSTC",
    "RUSTC_BOOTSTRAP",
    "RUSTDOC",
    "RUSTFLAGS",
];

/// Small, without unwinding (a trap ends the instance anyway), and the same each time.
/// Overflow traps here as it panics in the policy's own tests.
const PROFILE: [(&str, &str); 9] = [
    ("CARGO_INCREMENTAL", "0"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "false"),
    ("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "false"),
    ("CARGO_PROFILE_RELEASE_LTO", "fat"),
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "s"),
    ("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "true"),
    ("CARGO_PROFILE_RELEASE_PANIC", "abort"),
    ("CARGO_PROFILE_RELEASE_STRIP", "symbols"),
];

/// A program of the toolchain, in the policy's folder and a clean environment.
pub(super) fn command(program: impl AsRef<OsStr>, dir: &Path) -> Command {
    let mut command = process::command(program, dir);
    for name in UNWANTED {
        command.env_remove(name);
    }
    // Empty, so that a wrapper from the configuration does not count either.
    command.env("RUSTC_WRAPPER", "").env("RUSTC_WORKSPACE_WRAPPER", "");
    // Under an outer cargo it names that one's toolchain, not the one of this folder.
    if std::env::var_os("CARGO").is_some() {
        command.env_remove("RUSTUP_TOOLCHAIN");
    }
    command
}

/// Compile a package; the path of the core module.
pub(super) fn build(
    package: &Package,
    toolchain: &Toolchain,
    progress: &dyn Progress,
) -> Result<PathBuf, BuildError> {
    // A folder of its own: a build for the host that is under way holds the other's lock.
    let target_dir = package.target_directory.join("guest");
    let mut cargo = command("cargo", &package.dir);
    cargo
        .args(["build", "--release", "--lib", "--target", TARGET])
        .args(["--message-format", "json-render-diagnostics", "--color", "never", "--manifest-path"])
        .arg(&package.manifest)
        .arg("--target-dir")
        .arg(&target_dir)
        .envs(PROFILE)
        .env("CARGO_ENCODED_RUSTFLAGS", rustflags(package, toolchain, &target_dir));
    if let Some(FromSource { rustc, linker }) = &toolchain.from_source {
        cargo
            .args(["-Z", "build-std=std,panic_abort"])
            .env("RUSTC", rustc)
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
    }
    let is_module = |path: &Path| path.extension() == Some(OsStr::new("wasm"));
    built(cargo, &package.manifest, is_module, progress)
}

/// Run `cargo build`; the file that it makes of a package.
pub(super) fn built(
    mut cargo: Command,
    manifest: &Path,
    is_wanted: impl Fn(&Path) -> bool,
    progress: &dyn Progress,
) -> Result<PathBuf, BuildError> {
    let spawned = cargo.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.map_err(BuildError::no_cargo)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (artifact, output) = std::thread::scope(|scope| {
        let output = scope.spawn(|| stderr.map(|pipe| pass_on(pipe, progress)).unwrap_or_default());
        let artifact = stdout.and_then(|pipe| artifact(pipe, manifest, is_wanted));
        (artifact, output.join().unwrap_or_default())
    });
    let status = child.wait().map_err(|source| BuildError::Io { path: "cargo".into(), source })?;
    if !status.success() {
        return Err(BuildError::Cargo { command: "build".to_owned(), output });
    }
    artifact.ok_or_else(|| BuildError::CargoOutput {
        command: "build".to_owned(),
        what: "it does not say where what it has built is".to_owned(),
    })
}

/// A message that cargo writes for programs.
#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    manifest_path: PathBuf,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

/// The file that is wanted among cargo's messages, which are read to their end.
fn artifact(messages: impl Read, manifest: &Path, is_wanted: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    let mut found = None;
    for line in BufReader::new(messages).lines().map_while(Result::ok) {
        let Ok(message) = serde_json::from_str::<Message>(&line) else { continue };
        if message.reason == "compiler-artifact" && message.manifest_path == manifest {
            found = message.filenames.into_iter().find(|path| is_wanted(path)).or(found);
        }
    }
    found
}

/// Names for the folders that find their way into panic messages, whatever they are here.
fn rustflags(package: &Package, toolchain: &Toolchain, target_dir: &Path) -> OsString {
    let mut names = vec![(package.workspace_root.clone(), "/policy".to_owned())];
    if let Some(home) = cargo_home() {
        names.push((home, "/cargo".to_owned()));
    }
    // As the library that comes compiled names its own files.
    let commit = toolchain.commit.as_deref().unwrap_or("unknown");
    names.push((toolchain.sysroot.join("lib/rustlib/src/rust"), format!("/rustc/{commit}")));
    names.push((target_dir.to_owned(), "/target".to_owned()));
    let mut flags = OsString::new();
    for (path, name) in names {
        if !flags.is_empty() {
            flags.push("\u{1f}");
        }
        flags.push("--remap-path-prefix=");
        flags.push(path);
        flags.push(format!("={name}"));
    }
    flags
}

fn cargo_home() -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_is_found_among_cargos_messages() {
        let messages = concat!(
            "{\"reason\":\"compiler-artifact\",\"manifest_path\":\"/other/Cargo.toml\",\"filenames\":[\"/o.wasm\"]}\n",
            "not json\n",
            "{\"reason\":\"compiler-artifact\",\"manifest_path\":\"/p/Cargo.toml\",\"filenames\":[\"/p.rlib\",\"/p.wasm\"]}\n",
            "{\"reason\":\"build-finished\",\"success\":true}\n",
        );
        let find = |manifest: &str| {
            let is_module = |path: &Path| path.extension() == Some(OsStr::new("wasm"));
            artifact(messages.as_bytes(), Path::new(manifest), is_module)
        };
        assert_eq!(find("/p/Cargo.toml"), Some("/p.wasm".into()));
        assert_eq!(find("/q/Cargo.toml"), None);
    }
}
