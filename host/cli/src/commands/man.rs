//! `suture man`: pages for `man`.

use std::io::Write;

use clap::CommandFactory;

use crate::CommandResult;
use crate::args::{Cli, ManArgs};
use crate::error::{CliError, Exit};
use crate::output::{GOOD, Output};

pub fn run(args: &ManArgs, output: &Output) -> CommandResult {
    let command = Cli::command();
    let Some(folder) = &args.out else {
        let mut page = Vec::new();
        let written = clap_mangen::Man::new(command).render(&mut page);
        let shown = written.and_then(|()| std::io::stdout().write_all(&page));
        shown.map_err(|error| CliError::internal(error.to_string()))?;
        return Ok(Exit::Done);
    };
    let failed =
        |error: std::io::Error| CliError::usage(format!("it can't be written: {error}")).at(folder.display());
    std::fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(command, folder).map_err(failed)?;
    output.note(format!("{GOOD}written{GOOD:#} to {}", folder.display()));
    Ok(Exit::Done)
}
