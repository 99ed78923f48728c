//! `suture replay`: a recorded run once more, offline.

use serde_json::json;
use suture_journal::{Playback, Recorded, play_back};
use suture_scenario::timeline::compared;

use crate::CommandResult;
use crate::args::ReplayArgs;
use crate::error::{CliError, Exit};
use crate::module;
use crate::output::{DIM, HEADING, Output};
use crate::records::{Records, Whole};

pub fn run(args: &ReplayArgs, output: &Output) -> CommandResult {
    crate::executor()?.block_on(replay(args, output))
}

async fn replay(args: &ReplayArgs, output: &Output) -> CommandResult {
    let records = Records::open(&args.source)?;
    let Whole { run, header, entries } = records.whole(&args.id).await?;
    let module = module::of(&run, &args.module, args.source.config.as_deref(), records.storage()).await?;
    let recorded = Recorded { header: &header, digest: &run.digest, entries: &entries };
    let playback = play_back(recorded, &*module.program)
        .await
        .map_err(|why| CliError::usage(format!("run {} can't be replayed: {why}", run.id)))?;
    let exit = if playback.is_same() { Exit::Done } else { Exit::Failed };
    if output.is_json() {
        output.json(&json!({"run": run, "module": module.program.digest(), "same": playback.is_same(),
            "differsFrom": differs_from(&playback), "sameEffects": playback.same(), "playback": playback}));
        return Ok(exit);
    }
    let manifest = module.program.manifest();
    let which = if playback.same_module { "its own module" } else { "another module" };
    output.line(format!("{HEADING}run {} again, with {which}{HEADING:#}", run.id));
    output.line(format!("  recorded {DIM}{}{DIM:#}", run.digest));
    output.line(format!(
        "  asked    {DIM}{}{DIM:#} {} {} from {}\n",
        module.program.digest(),
        manifest.name,
        manifest.version,
        module.file.display()
    ));
    output.line(compared(&playback, run.started_at, output.look()).trim_end());
    Ok(exit)
}

/// The step from which on it differs: as the record counts, where it is on record.
fn differs_from(playback: &Playback) -> Option<u32> {
    let first = playback.first_difference()?;
    first.recorded.as_ref().or(first.asked.as_ref()).map(|call| call.step)
}
