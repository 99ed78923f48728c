//! `suture new`: a small policy that works, to be changed.

use std::path::{Path, PathBuf};

use serde_json::json;
use suture_build::{ScaffoldError, scaffold};

use crate::CommandResult;
use crate::args::NewArgs;
use crate::error::{CliError, Exit};
use crate::output::{DIM, GOOD, HEADING, Output};

pub fn run(args: &NewArgs, output: &Output) -> CommandResult {
    let dir = args.dir.clone().unwrap_or_else(|| PathBuf::from(&args.name));
    let made = scaffold(&args.name, args.lang.into(), &dir).map_err(|error| match error {
        ScaffoldError::Name { .. } | ScaffoldError::Exists { .. } => CliError::usage(error.to_string()),
        ScaffoldError::Io { .. } => CliError::internal(error.to_string()),
    })?;
    if output.is_json() {
        output.json(&json!({"name": args.name, "dir": made.dir, "files": made.files}));
        return Ok(Exit::Done);
    }
    output.line(format!("{GOOD}made{GOOD:#} {}", made.dir.display()));
    for file in &made.files {
        output.line(format!("  {file}"));
    }
    output.line(format!("  vendor/  {DIM}the SDK{DIM:#}"));
    output.note(format!("\n{HEADING}next{HEADING:#}"));
    for (command, what) in [
        (format!("cd {}", shown(&made.dir)), ""),
        ("suture build".to_owned(), "to a component"),
        ("suture test .".to_owned(), "its scenarios, on a simulated cluster"),
        ("suture dev".to_owned(), "both, at each change"),
    ] {
        output.note(format!("  {command:<28}{DIM}{what}{DIM:#}").trim_end().to_owned());
    }
    Ok(Exit::Done)
}

/// As a shell takes it.
fn shown(dir: &Path) -> String {
    let text = dir.display().to_string();
    if text.contains(' ') { format!("'{text}'") } else { text }
}
