//! The programs that policies in TypeScript and Python are built with: fetched once, into a folder of
//! their own, at the versions that a lock file pins.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};
use suture_core::digest::hex;

use crate::assets::{self, Environments};
use crate::error::BuildError;
use crate::process::{self, command};
use crate::progress::Progress;

/// Written last: the folder is whole.
const COMPLETE: &str = "complete";

/// Where this user's copies stand of what can be had again: `$XDG_CACHE_HOME/suture`, or else
/// `~/.cache/suture`.
///
/// # Errors
/// Where the user has no home.
pub fn cache_dir() -> io::Result<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = cache.or_else(|| Some(std::env::home_dir()?.join(".cache")));
    let none = || io::Error::other("there is no home folder; say where copies may stand: XDG_CACHE_HOME");
    Ok(cache.ok_or_else(none)?.join("suture"))
}

/// The environment of a language, installed where it is missing. Builds that want it at the same time wait
/// for the one that installs it; one that was cut off is begun anew.
pub(crate) fn ready(
    language: &str,
    install: impl FnOnce(&Path) -> Result<(), BuildError>,
) -> Result<PathBuf, BuildError> {
    let files = assets::files::<Environments>(language);
    let mut hash = Sha256::new();
    for (name, bytes) in &files {
        hash.update(name.as_bytes());
        hash.update(bytes);
    }
    let name = format!("{language}-{}", &hex(&hash.finalize())[..12]);
    let root = cache_dir().map_err(|source| BuildError::Io { path: "~/.cache/suture".into(), source })?;
    let root = root.join("environments");
    let dir = root.join(&name);
    let io = |source| BuildError::Io { path: dir.clone(), source };
    if dir.join(COMPLETE).exists() {
        return Ok(dir);
    }
    fs::create_dir_all(&root).map_err(io)?;
    let lock = File::create(root.join(format!("{name}.lock"))).map_err(io)?;
    lock.lock().map_err(io)?;
    if dir.join(COMPLETE).exists() {
        return Ok(dir);
    }
    match fs::remove_dir_all(&dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
        _ => {}
    }
    assets::write(&files, &dir).map_err(io)?;
    install(&dir)?;
    fs::write(dir.join(COMPLETE), "").map_err(io)?;
    Ok(dir)
}

/// Run one of the programs that a language is built with to its end.
///
/// # Errors
/// Where it could not be started, or says that something went wrong.
pub(crate) fn run(
    program: Command,
    name: &'static str,
    help: &'static str,
    progress: &dyn Progress,
) -> Result<String, BuildError> {
    match process::run(program, progress) {
        Ok(finished) if finished.success => Ok(finished.output),
        Ok(finished) => Err(BuildError::Program { program: name, output: finished.output, help }),
        Err(source) => Err(BuildError::NoProgram { program: name.to_owned(), source, help }),
    }
}

/// Check that a program is there, and new enough: the first two numbers that `--version` prints.
pub(crate) fn require(
    program: &'static str,
    oldest: (u32, u32),
    help: &'static str,
) -> Result<(), BuildError> {
    let mut asked = command(program, Path::new("/"));
    asked.arg("--version");
    let output = asked.output().map_err(|source| BuildError::NoProgram {
        program: program.to_owned(),
        source,
        help,
    })?;
    let text = String::from_utf8_lossy(&output.stdout);
    let text = text.trim();
    match version(text) {
        Some(found) if found >= oldest => Ok(()),
        _ => Err(BuildError::TooOld { program, found: text.to_owned(), oldest, help }),
    }
}

/// The first two numbers of `v20.20.2` or `Python 3.11.7`.
fn version(text: &str) -> Option<(u32, u32)> {
    let start = text.find(|character: char| character.is_ascii_digit())?;
    let mut numbers = text[start..].split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_the_programs_print_them() {
        assert_eq!(version("v20.20.2"), Some((20, 20)));
        assert_eq!(version("Python 3.11.7"), Some((3, 11)));
        assert_eq!(version("no version"), None);
    }

    #[test]
    fn a_program_that_is_missing_is_said_with_how_to_get_it() {
        let error = require("suture-no-such-program", (1, 0), "install it").unwrap_err().to_string();
        assert!(error.contains("suture-no-such-program") && error.contains("install it"), "{error}");
    }
}
