//! The `suture` command: [`args`] says what can be typed, [`commands`] does it, one
//! file a subcommand.

mod alerts;
pub mod args;
mod commands;
pub mod error;
pub mod output;
mod policy;
mod records;
mod simulated;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use crate::args::Cli;
use crate::error::{CliError, Exit};
use crate::output::Output;

/// Read the command line, do what it says, and tell the shell how it went.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let is_help = matches!(
                error.kind(),
                ErrorKind::DisplayHelp
                    | ErrorKind::DisplayVersion
                    | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
            );
            // Nothing is left to be done where even this can't be printed.
            let _ = error.print();
            return if is_help && !error.use_stderr() { Exit::Done.into() } else { Exit::Usage.into() };
        }
    };
    let output = Output::new(cli.output);
    match commands::run(cli.command, &output) {
        Ok(exit) => exit.into(),
        Err(error) => {
            output.error(&error);
            error.exit.into()
        }
    }
}

/// What a subcommand comes to.
pub type CommandResult = Result<Exit, CliError>;
