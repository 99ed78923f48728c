//! `suture completions`: what a shell completes.

use clap::CommandFactory;

use crate::CommandResult;
use crate::args::{Cli, CompletionsArgs};
use crate::error::Exit;

pub fn run(args: &CompletionsArgs) -> CommandResult {
    clap_complete::generate(args.shell, &mut Cli::command(), "suture", &mut std::io::stdout());
    Ok(Exit::Done)
}
