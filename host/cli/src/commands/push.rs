//! `suture push`: a component to a registry.

use std::collections::BTreeMap;

use serde_json::json;
use suture_core::Program;
use suture_registry::About;

use crate::CommandResult;
use crate::args::PushArgs;
use crate::error::{CliError, Exit};
use crate::output::{DIM, GOOD, Output};
use crate::{policy, registry};

pub fn run(args: &PushArgs, output: &Output) -> CommandResult {
    let bytes = policy::read(&args.file)?;
    let found = suture_build::inspect(&bytes)
        .map_err(|error| CliError::usage(error.to_string()).at(args.file.display()))?;
    // What no host would load is not for others to find out.
    let module = policy::load(&args.file)?;
    let manifest = module.manifest();
    let annotations = BTreeMap::from([
        ("org.opencontainers.image.title".to_owned(), manifest.name.clone()),
        ("org.opencontainers.image.version".to_owned(), manifest.version.clone()),
        ("org.opencontainers.image.description".to_owned(), manifest.description.clone()),
    ]);
    let about = About { annotations, exports: found.exports, imports: found.imports };
    let client = registry::client(&args.registry)?;
    let pushing = registry::Waiting::new(output, format!("pushing {} to {}", manifest.name, args.reference));
    let pushed = crate::executor()?.block_on(client.push(&args.reference, bytes, about));
    pushing.done();
    let digest = pushed.map_err(registry::error)?;
    let pinned = args.reference.at(digest);
    if output.is_json() {
        output.json(&json!({"reference": args.reference, "manifest": digest, "pinned": pinned, "digest": found.digest}));
        return Ok(Exit::Done);
    }
    output.line(format!("{GOOD}pushed{GOOD:#} {pinned}"));
    output.line(format!("  {DIM}module {}{DIM:#}", found.digest));
    Ok(Exit::Done)
}
