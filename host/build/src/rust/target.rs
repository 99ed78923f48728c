//! A compiler that can compile for the target.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::TARGET;
use super::cargo::command;
use crate::error::BuildError;
use crate::process;
use crate::progress::Progress;

/// Debian's compiler; rustup's stands before it in the path where there is one.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
/// The first of Debian's that is known to build its own library for the target.
const DEBIAN_SINCE: (u32, u32) = (1, 96);

/// How to compile for the target.
#[derive(Clone, Debug)]
pub(super) struct Toolchain {
    /// Where its library's sources may be, and how its own builds name them.
    pub(super) sysroot: PathBuf,
    pub(super) commit: Option<String>,
    /// Set where the standard library has to be compiled too.
    pub(super) from_source: Option<FromSource>,
}

/// A compiler with the library's sources, and a linker for what it makes.
#[derive(Clone, Debug)]
pub(super) struct FromSource {
    pub(super) rustc: PathBuf,
    pub(super) linker: PathBuf,
}

/// Find one for a folder; where there is none, try to get one.
pub(super) fn find(dir: &Path, progress: &dyn Progress) -> Result<Toolchain, BuildError> {
    let rustc = OsStr::new("rustc");
    let mut tried = Vec::new();
    match ask(rustc, dir, &["--print", "sysroot"]) {
        Ok(sysroot) => {
            if !has_target(dir)
                && let Err(why) = add_target(dir, progress)
            {
                tried.push(why);
            }
            if has_target(dir) {
                return Ok(Toolchain {
                    sysroot: sysroot.into(),
                    commit: commit(rustc, dir),
                    from_source: None,
                });
            }
        }
        // A broken one must not keep Debian's from being tried.
        Err(why) => tried.push(format!("the compiler could not be asked: {why}")),
    }
    match debian(dir) {
        Ok(toolchain) => {
            progress.step("compiling the standard library with Debian's compiler, too (a minute, once)");
            Ok(toolchain)
        }
        Err(why) => {
            tried.push(format!("Debian's compiler can't stand in: {why}"));
            Err(BuildError::NoTarget { dir: dir.to_owned(), tried })
        }
    }
}

/// Ask rustup for the target: three seconds, and all that an ordinary machine needs.
fn add_target(dir: &Path, progress: &dyn Progress) -> Result<(), String> {
    progress.step(&format!("adding the Rust target {TARGET} with rustup"));
    let mut rustup = command("rustup", dir);
    rustup.args(["target", "add", TARGET]).env_remove("RUST_BACKTRACE");
    match process::run(rustup, progress) {
        Ok(finished) if finished.success => Ok(()),
        Ok(finished) => Err(format!("`rustup target add` failed:\n{}", finished.output)),
        Err(error) => Err(format!("`rustup target add` could not be started ({error})")),
    }
}

/// What a compiler prints, in the policy's folder: a `rust-toolchain.toml` counts there.
fn ask(rustc: &OsStr, dir: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = command(rustc, dir).args(arguments).output().map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

fn has_target(dir: &Path) -> bool {
    let found = ask(OsStr::new("rustc"), dir, &["--print", "target-libdir", "--target", TARGET]);
    found.is_ok_and(|libdir| Path::new(&libdir).is_dir())
}

/// The commit that a compiler was built from: part of how its library names its files.
fn commit(rustc: &OsStr, dir: &Path) -> Option<String> {
    let version = ask(rustc, dir, &["-vV"]).ok()?;
    let commit = version.lines().find_map(|line| line.strip_prefix("commit-hash: "))?;
    (commit != "unknown").then(|| commit.to_owned())
}

fn debian(dir: &Path) -> Result<Toolchain, String> {
    let rustc = OsStr::new(DEBIAN_RUSTC);
    if !Path::new(rustc).is_file() {
        return Err(format!("there is no {DEBIAN_RUSTC}"));
    }
    let version = ask(rustc, dir, &["--version"])?;
    if parse_version(&version).is_none_or(|version| version < DEBIAN_SINCE) {
        return Err(format!("{DEBIAN_RUSTC} is {version}, which is too old"));
    }
    let sysroot = PathBuf::from(ask(rustc, dir, &["--print", "sysroot"])?);
    let library = sysroot.join("lib/rustlib/src/rust/library");
    if !library.join("Cargo.lock").is_file() {
        return Err(format!("the library's sources are not in {} (rust-web-src)", library.display()));
    }
    let mut sysroots = vec![sysroot.clone()];
    sysroots.extend(ask(OsStr::new("rustc"), dir, &["--print", "sysroot"]).map(PathBuf::from));
    let linker = linker(&sysroots).ok_or("there is no rust-lld and no wasm-ld (lld)")?;
    let commit = commit(rustc, dir);
    Ok(Toolchain { sysroot, commit, from_source: Some(FromSource { rustc: rustc.into(), linker }) })
}

/// The first linker for WebAssembly: a compiler's own, or else the system's newest.
fn linker(sysroots: &[PathBuf]) -> Option<PathBuf> {
    let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let mut own = sysroots.iter().map(|sysroot| sysroot.join(format!("lib/rustlib/{host}/bin/rust-lld")));
    own.find(|path| path.is_file()).or_else(|| {
        let folders = process::search_path().filter_map(|folder| folder.read_dir().ok()).flatten();
        let files = folders.filter_map(|file| Some(file.ok()?.path()));
        files.filter_map(|path| Some((linker_version(&path)?, path))).max().map(|(_, path)| path)
    })
}

/// The number at the end of `wasm-ld-22`; none for another program.
fn linker_version(path: &Path) -> Option<u32> {
    match path.file_name()?.to_str()?.strip_prefix("wasm-ld")? {
        "" => Some(0),
        suffix => suffix.strip_prefix('-')?.parse().ok(),
    }
}

/// The first two numbers of `rustc 1.96.0 (…)`.
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split_whitespace().nth(1)?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert_eq!(parse_version("rustc 1.96.0 (abc 2026-01-01) (built from a tarball)"), Some((1, 96)));
        assert!(parse_version("rustc 1.100.1").unwrap() > DEBIAN_SINCE);
        assert!(parse_version("rustc 1.63.0").unwrap() < DEBIAN_SINCE);
        assert_eq!(parse_version("clang"), None);
        let version = |path: &str| linker_version(Path::new(path));
        assert!(version("/usr/bin/wasm-ld-22") > version("/usr/bin/wasm-ld-9"));
        assert!(version("/usr/bin/wasm-ld-9") > version("/usr/bin/wasm-ld"));
        assert_eq!(version("/usr/bin/ld"), None);
    }
}
