//! `suture build`: a policy to a component.

use serde_json::json;

use crate::CommandResult;
use crate::args::BuildArgs;
use crate::error::{CliError, Exit};
use crate::output::{DIM, GOOD, Output};
use crate::policy;
use crate::progress::Steps;

pub fn run(args: &BuildArgs, output: &Output) -> CommandResult {
    let progress = Steps::new(*output);
    let built = suture_build::build(&args.path, args.out.as_deref(), &progress)
        .map_err(|error| CliError::usage(error.to_string()));
    // A component that no host would load is found now, not at three in the morning.
    let loaded = built.and_then(|built| {
        suture_build::Progress::step(&progress, "compiling it to machine code");
        policy::load(&built.path).map(|_| built)
    });
    progress.clear();
    let built = loaded?;
    if output.is_json() {
        output.json(&json!({"path": built.path, "name": built.name, "digest": built.digest,
            "bytes": built.bytes, "coreBytes": built.core_bytes}));
        return Ok(Exit::Done);
    }
    let path = policy::shortest(&built.path);
    output.line(format!("{GOOD}built{GOOD:#} {} ({} KiB)", path.display(), built.bytes.div_ceil(1024)));
    output.line(format!("  {DIM}{}{DIM:#}", built.digest));
    output.note(format!(
        "{DIM}next: suture inspect {0}, suture test {1}{DIM:#}",
        path.display(),
        args.path.display()
    ));
    Ok(Exit::Done)
}
