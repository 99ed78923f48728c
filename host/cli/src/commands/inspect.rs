//! `suture inspect`: what a component is.

mod markdown;

use serde_json::{Value, json};
use suture_core::{Manifest, Program};

use crate::CommandResult;
use crate::args::InspectArgs;
use crate::error::{CliError, Exit};
use crate::output::{DIM, HEADING, Output};
use crate::policy;

pub fn run(args: &InspectArgs, output: &Output) -> CommandResult {
    let bytes = policy::read(&args.file)?;
    // First, for its bounds: reading all of a component's types costs much where it has very many.
    let module = policy::load(&args.file)?;
    let found = suture_build::inspect(&bytes)
        .map_err(|error| CliError::usage(error.to_string()).at(args.file.display()))?;
    if output.is_json() {
        output.json(&json!({
            "file": args.file, "digest": found.digest, "bytes": found.size, "coreModules": found.core_modules,
            "imports": found.imports, "exports": found.exports, "manifest": module.manifest(),
        }));
        return Ok(Exit::Done);
    }
    if args.markdown {
        output.document(markdown::section(module.manifest()).trim_end());
        return Ok(Exit::Done);
    }
    print(module.manifest(), output);
    let heading = |text: &str| output.line(format!("\n{HEADING}{text}{HEADING:#}"));
    heading("Imports");
    for import in &found.imports {
        output.line(format!("  {import}"));
    }
    heading("Exports");
    for export in &found.exports {
        output.line(format!("  {export}"));
    }
    heading("File");
    output.line(format!("  {}", args.file.display()));
    let core: u64 = found.core_modules.iter().sum();
    output.line(format!("  {} bytes, {core} of them core modules", found.size));
    output.line(format!("  {}", found.digest));
    Ok(Exit::Done)
}

fn print(manifest: &Manifest, output: &Output) {
    let heading = |text: &str| output.line(format!("\n{HEADING}{text}{HEADING:#}"));
    output.line(format!("{HEADING}{} {}{HEADING:#}", manifest.name, manifest.version));
    output.line(format!("  {}", manifest.description));
    output.line(format!("  {DIM}built for the contract{DIM:#} {}", manifest.contract));
    heading("Alerts that it is for");
    output.line(format!(
        "  {}",
        if manifest.matchers.is_empty() { "all".to_owned() } else { manifest.matchers.to_string() }
    ));
    let each = if manifest.key.is_empty() { "alert".to_owned() } else { manifest.key.join(", ") };
    output.line(format!("  {DIM}one incident for each{DIM:#} {each}"));
    heading("Permissions that it requests");
    for permission in &manifest.permissions {
        let what = markdown::what(permission);
        let when = permission.condition().map(|when| format!(" {DIM}with{DIM:#} {when}")).unwrap_or_default();
        output.line(format!("  {what}{when}"));
        output.line(format!("    {DIM}{}{DIM:#}", permission.reason));
    }
    heading("Settings");
    let properties = manifest.settings_schema.source().get("properties").and_then(Value::as_object);
    let Some(properties) = properties.filter(|properties| !properties.is_empty()) else {
        output.line("  none");
        return;
    };
    for (name, property) in properties {
        let default = match property.get("default") {
            Some(default) => format!("= {default}"),
            None => "(no default)".to_owned(),
        };
        output.line(format!("  {name} {default}"));
        if let Some(description) = property.get("description").and_then(Value::as_str) {
            output.line(format!("    {DIM}{description}{DIM:#}"));
        }
    }
}
