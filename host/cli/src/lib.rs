//! The `suture` command: [`args`] says what can be typed, [`commands`] does it, one
//! file a subcommand.

mod alerts;
pub mod args;
mod commands;
mod demo;
mod edit;
pub mod error;
mod exported;
mod http;
mod ids;
mod log;
mod module;
pub mod output;
mod place;
mod policy;
mod progress;
mod records;
mod registry;
mod server;
mod simulated;
mod table;

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
    // A panic has said what it has to say; the exit code is ours to choose.
    let result = std::panic::catch_unwind(|| {
        let exit = commands::run(cli.command, &output)?;
        output::all_written().map(|()| exit)
    });
    match result {
        Ok(Ok(exit)) => exit.into(),
        Ok(Err(error)) => {
            output.error(&error);
            error.exit.into()
        }
        Err(_) => Exit::Internal.into(),
    }
}

/// What a subcommand comes to.
pub type CommandResult = Result<Exit, CliError>;

/// The runtime for what waits for the network, on all cores.
fn executor() -> Result<tokio::runtime::Runtime, CliError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // tokio looks at timers and sockets every 61 polls; a policy that spins for its
        // CPU budget is polled a millisecond at a time, and nobody must wait for it.
        .event_interval(1)
        .build()
        .map_err(|error| CliError::internal(format!("threads can't be started: {error}")))
}
