//! `suture demo`: see it work.

use crate::CommandResult;
use crate::args::DemoArgs;
use crate::error::CliError;
use crate::output::Output;

pub fn run(_: &DemoArgs, _: &Output) -> CommandResult {
    Err(CliError::internal("x"))
}
