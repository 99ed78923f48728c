//! `suture demo`: see it work.

use std::path::PathBuf;

use crate::CommandResult;
use crate::args::DemoArgs;
use crate::error::CliError;
use crate::output::Output;

pub fn run(args: &DemoArgs, output: &Output) -> CommandResult {
    let policy = match &args.policy {
        Some(file) => file.clone(),
        None => default_policy()?,
    };
    crate::executor()?.block_on(crate::demo::run(&policy, args.speed, args.open, output))
}

fn default_policy() -> Result<PathBuf, CliError> {
    let file = PathBuf::from("target/policies/volsync.wasm");
    if file.exists() {
        return Ok(file);
    }
    Err(CliError::usage("the demo needs the volsync policy, which is not built yet")
        .at(file.display())
        .help("run `suture build policies/volsync`, or name a component with --policy FILE"))
}
