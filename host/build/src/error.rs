//! Why there is no component.

use std::io;
use std::path::PathBuf;

use crate::{PACKAGE, TARGET};

/// Debian's compiler with the sources of its library, and a linker.
const DEBIAN: &str =
    "apt-get install -y --no-install-recommends rustc-web cargo-web rust-web-src lld-22 (as root)";

const RUST: &str = "A policy in Rust is built with cargo; get it with rustup (https://rustup.rs), or on Debian \
    with `apt-get install -y --no-install-recommends rustc-web cargo-web rust-web-src lld-22`, then build again.";

/// Why there is no component.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// There is nothing that could be built.
    #[error(
        "`{}` is no policy: a policy is a folder with a Cargo.toml (Rust), a package.json (TypeScript, JavaScript) or \
         a pyproject.toml (Python), or a single .js, .ts or .py file; `suture new NAME` makes one",
        path.display()
    )]
    NoProject {
        /// What was to be built.
        path: PathBuf,
    },
    /// The file that describes the project can't be understood.
    #[error("`{}`: {what}", path.display())]
    Description {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The folder is a workspace and no package of its own.
    #[error("`{}` is a workspace without a package of its own; build one of its members: {members}", dir.display())]
    Workspace {
        /// The folder.
        dir: PathBuf,
        /// Its members' folders.
        members: String,
    },
    /// The package has no library that can become a module.
    #[error(
        "the package `{name}` does not build a `cdylib`, which becomes the component; write in `{}`:\n\n\
         [lib]\ncrate-type = [\"cdylib\", \"rlib\"]\n",
        manifest.display()
    )]
    NoCdylib {
        /// The package.
        name: String,
        /// Its Cargo.toml.
        manifest: PathBuf,
    },
    /// A program that is needed could not be started.
    #[error("`{program}` could not be started ({source}). {help}")]
    NoProgram {
        /// The program.
        program: String,
        /// What the system says.
        source: io::Error,
        /// What to do about it.
        help: &'static str,
    },
    /// A program that is needed is too old.
    #[error("`{program}` is {found}, and it must be {}.{} or newer. {help}", oldest.0, oldest.1)]
    TooOld {
        /// The program.
        program: &'static str,
        /// What it says of itself.
        found: String,
        /// The first two numbers of the oldest version that will do.
        oldest: (u32, u32),
        /// What to do about it.
        help: &'static str,
    },
    /// A program that the build runs says that something is wrong.
    #[error("`{program}` failed:\n\n{output}\n\n{help}")]
    Program {
        /// The program.
        program: &'static str,
        /// What it wrote, to its end.
        output: String,
        /// What may be behind it, and what to do.
        help: &'static str,
    },
    /// The policy's code can't be loaded.
    #[error("the policy can't be loaded: {what}\n\n{help}")]
    Policy {
        /// What is wrong with it, and where.
        what: String,
        /// What may be behind it, and what to do.
        help: &'static str,
    },
    /// The compiler has no library for the target, and it could not be had.
    #[error(
        "the compiler for `{}` has no standard library for {TARGET}, and it could not be had:\n\n{}\n\n\
         Do one of these, then build again:\n\
         - with rustup:  cd {} && rustup target add {TARGET}\n\
         - with Debian:  {DEBIAN}",
        dir.display(), tried.join("\n"), dir.display()
    )]
    NoTarget {
        /// The policy's folder.
        dir: PathBuf,
        /// What was tried, and what came of it.
        tried: Vec<String>,
    },
    /// What was run can't be counted in this language.
    #[error(
        "coverage is not available for policies in {language}: nothing counts there what was run; it is for Rust"
    )]
    NoCoverage {
        /// The language.
        language: &'static str,
    },
    /// LLVM's programs are missing.
    #[error(
        "LLVM's tools are missing, which read what the policy's counters have counted; get those of the compiler \
         (once, over the network):\n\n  cd {} && rustup component add llvm-tools",
        dir.display()
    )]
    NoLlvmTools {
        /// The policy's folder: its toolchain counts.
        dir: PathBuf,
    },
    /// The policy's SDK can't make a program of it.
    #[error(
        "the SDK that `{}` is built with is older than this program, and can't run the policy natively; put the one that \
         `suture new` makes in its place (`vendor/suture-policy`)",
        dir.display()
    )]
    OldSdk {
        /// The policy's folder.
        dir: PathBuf,
    },
    /// What was run could not be read.
    #[error("what was run can't be told: {what}")]
    Coverage {
        /// Why.
        what: String,
    },
    /// Cargo failed.
    #[error("`cargo {command}` failed:\n\n{output}")]
    Cargo {
        /// Its first arguments.
        command: String,
        /// What it wrote, to its end.
        output: String,
    },
    /// Cargo wrote something that is not understood.
    #[error("`cargo {command}` wrote what could not be understood: {what}")]
    CargoOutput {
        /// Its first arguments.
        command: String,
        /// What could not be understood.
        what: String,
    },
    /// The policy asks for something that no policy gets.
    #[error(
        "the policy imports {}, and a policy may import only `{PACKAGE}*`: look for a dependency that wants \
         a system (files, network, clock, threads, JavaScript), or an `extern` function that is not there",
        .0.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    )]
    ForeignImports(Vec<String>),
    /// It lacks the world's exports.
    #[error(
        "the library is no policy: it does not export {}; with the SDK, `policy!` does that in Rust, and `policy(…)` in \
         TypeScript and Python",
        .0.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ")
    )]
    NotAPolicy(Vec<String>),
    /// The module can't become a component.
    #[error("the compiled module can't be made a component: {0}")]
    Encode(String),
    /// A file could not be read or written.
    #[error("`{}`: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl BuildError {
    /// Cargo could not be started.
    pub(crate) fn no_cargo(source: io::Error) -> Self {
        Self::NoProgram { program: "cargo".to_owned(), source, help: RUST }
    }
}
