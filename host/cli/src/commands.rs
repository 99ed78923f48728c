//! The subcommands, one file each.

mod alerts;
mod approve;
mod audit;
mod build;
mod check;
mod compile;
mod completions;
pub(crate) mod console;
mod demo;
mod dev;
mod doctor;
mod drain;
mod grants;
mod incidents;
mod inspect;
mod listing;
mod man;
mod new;
mod operate;
mod policies;
mod pull;
mod push;
mod rbac;
mod replay;
mod run;
mod runs;
mod schema;
mod serve;
mod simulate;
mod sweep;
mod test;
mod token;

use crate::CommandResult;
use crate::args::Command;
use crate::output::Output;

/// Do what the command line says.
pub fn run(command: Command, output: &Output) -> CommandResult {
    match command {
        Command::Serve(args) => serve::run(&args, output),
        Command::Check(args) => check::run(&args, output),
        Command::New(args) => new::run(&args, output),
        Command::Build(args) => build::run(&args, output),
        Command::Dev(args) => dev::run(&args, output),
        Command::Inspect(args) => inspect::run(&args, output),
        Command::Push(args) => push::run(&args, output),
        Command::Pull(args) => pull::run(&args, output),
        Command::Test(args) => test::run(&args, output),
        Command::Run(args) => run::run(&args, output),
        Command::Console(args) => console::run(&args, output),
        Command::Status(args) => operate::status(&args, output),
        Command::Pause(args) => operate::pause(&args, output),
        Command::Resume(args) => operate::resume(&args, output),
        Command::Incidents(args) => incidents::run(args.command, output),
        Command::Approve(args) => approve::approve(&args, output),
        Command::Reject(args) => approve::reject(&args, output),
        Command::Policies(args) => policies::run(args.command, output),
        Command::Doctor(args) => doctor::run(&args, output),
        Command::Alerts(args) => alerts::run(&args, output),
        Command::Sweep(args) => sweep::run(&args, output),
        Command::Drain(args) => drain::run(&args, output),
        Command::Audit(args) => audit::run(args.command, output),
        Command::Token(args) => token::run(&args.command, output),
        Command::Runs(args) => runs::run(args.command, output),
        Command::Replay(args) => replay::run(&args, output),
        Command::Grants(args) => grants::run(&args, output),
        Command::Rbac(args) => rbac::run(&args, output),
        Command::Simulate(args) => simulate::run(&args, output),
        Command::Schema(args) => schema::run(&args, output),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args, output),
        Command::Demo(args) => demo::run(&args, output),
        Command::Compile(args) => compile::run(&args),
    }
}
