//! `suture compile`: the compiler of a host, in a process of its own.

use suture_core::Bytes;

use crate::CommandResult;
use crate::args::CompileArgs;

pub fn run(args: &CompileArgs) -> CommandResult {
    suture_runtime::compile_and_exit(Bytes(args.memory), args.cpu_seconds)
}
