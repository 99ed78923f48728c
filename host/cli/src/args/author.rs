//! What those who write policies type: `suture new`, `suture build`, `suture dev`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use suture_build::Template;

/// `suture new`.
#[derive(Debug, Args)]
#[command(after_help = "\
What is made builds, passes its tests and runs as it is, in a folder of its own; the SDK stands
in its `vendor` folder, so nothing but the language's own tools is needed. It is a policy for
failed Jobs: change it to what you want repaired.

Examples:
  suture new queue-stuck
  suture new queue-stuck --lang typescript
  suture new queue-stuck --lang python --dir ~/policies/queue-stuck")]
pub struct NewArgs {
    /// The policy's name: a-z, 0-9 and `-`.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The language.
    #[arg(long, value_enum, value_name = "LANGUAGE", default_value_t = LanguageArg::Rust)]
    pub lang: LanguageArg,
    /// The folder to make [default: one called NAME, here].
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// A language that policies are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LanguageArg {
    /// A crate.
    Rust,
    /// Types that an editor knows.
    #[value(alias = "ts")]
    Typescript,
    /// A package.
    #[value(alias = "py")]
    Python,
}

impl From<LanguageArg> for Template {
    fn from(language: LanguageArg) -> Self {
        match language {
            LanguageArg::Rust => Self::Rust,
            LanguageArg::Typescript => Self::TypeScript,
            LanguageArg::Python => Self::Python,
        }
    }
}

/// `suture build`.
#[derive(Debug, Args)]
#[command(after_help = "\
A folder with a Cargo.toml is built with cargo; one with a package.json by esbuild and
componentize-qjs, one with a pyproject.toml by componentize-py, which are fetched once, at the
versions that this program pins. A single .js, .ts or .py file is a policy, too.

The component imports nothing but the interfaces of `suture:policy`; anything else is
refused by name. Building a Rust policy twice gives the same digest.

Examples:
  suture build policies/volsync
  suture build repair.js
  suture build --out /tmp/volsync.wasm policies/volsync")]
pub struct BuildArgs {
    /// The policy: its folder, or a single .js, .ts or .py file.
    #[arg(value_name = "PATH", default_value = ".")]
    pub path: PathBuf,
    /// Where to write the component [default: target/policies/NAME.wasm; beside a single file].
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `suture dev`.
#[derive(Debug, Args)]
#[command(after_help = "\
Whenever a source, a setting of the build or a scenario is saved, what changed is built, the
scenarios are played, and the result is shown. Ctrl-C ends it.

Examples:
  suture dev
  suture dev policies/volsync --filter lock
  suture dev repair.js --scenarios my-scenarios/")]
pub struct DevArgs {
    /// The policy: its folder, or a single .js, .ts or .py file.
    #[arg(value_name = "PATH", default_value = ".")]
    pub path: PathBuf,
    /// Scenario files, or folders of them [default: the folder `scenarios` beside the sources].
    #[arg(long, value_name = "PATH")]
    pub scenarios: Vec<PathBuf>,
    /// Only scenarios whose name or file contains this text.
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
}
