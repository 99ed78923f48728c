//! `suture drain`: before a host is taken away for good, its runs end and undo.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use suture_core::{Clock, RealClock, display};
use suture_engine::{DrainStatus, Left};

use crate::CommandResult;
use crate::args::DrainArgs;
use crate::error::{CliError, Exit};
use crate::output::{BAD, GOOD, Output, WARN};
use crate::server::Server;

const PATH: &str = "/api/v1/drain";
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(500);

#[derive(Deserialize, Serialize)]
struct Answer {
    drain: Option<DrainStatus>,
}

pub fn run(args: &DrainArgs, output: &Output) -> CommandResult {
    crate::executor()?.block_on(drain(args, output))
}

async fn drain(args: &DrainArgs, output: &Output) -> CommandResult {
    let server = Server::of(&args.server)?;
    let order = json!({"reason": args.reason, "wait": args.wait});
    // Who may drain and may not look would be told of a refusal, and the host would be drained.
    let _: Answer = server.get(PATH, &[]).await?;
    let mut answer: Answer = server.post(PATH, &order).await?;
    let clock: &dyn Clock = &RealClock;
    let patience = clock.after(args.wait.get().saturating_add(args.timeout.get()));
    let mut told = None;
    loop {
        let Some(status) = &answer.drain else {
            let what = "somebody has resumed the host, and it is drained no more";
            return Err(CliError { exit: Exit::Failed, ..CliError::usage(what) }.at(server.url()));
        };
        if status.done || clock.now() >= patience {
            return Ok(tell(status, output));
        }
        if told != Some(status.at_work) && !output.is_json() {
            output.note(format!("{} at work", runs(status.at_work)));
            told = Some(status.at_work);
        }
        clock.sleep(PAUSE).await;
        answer = server.get(PATH, &[]).await?;
    }
}

/// What came of it.
fn tell(status: &DrainStatus, output: &Output) -> Exit {
    let is_clean = status.done && status.left.is_empty();
    let exit = if is_clean { Exit::Done } else { Exit::Failed };
    if output.is_json() {
        output.json(&json!(status));
        return exit;
    }
    if !status.done {
        output.line(format!("{BAD}{} still at work{BAD:#}", runs(status.at_work)));
        for run in &status.runs {
            output.line(format!("  run {} of policy {}, incident {}", run.id, run.policy, run.incident));
        }
    }
    for Left { policy, key, incident, run, what } in &status.left {
        output.line(format!(
            "{WARN}left{WARN:#}  policy {policy}, {{{}}}, incident {incident}: {}; see `suture runs show {run}`",
            display::labels(key),
            display::one_line(what)
        ));
    }
    if is_clean {
        output.line(format!(
            "{GOOD}nothing is at work, and nothing is left{GOOD:#}; nothing begins until somebody resumes"
        ));
    }
    exit
}

fn runs(count: usize) -> String {
    if count == 1 { "one run is".to_owned() } else { format!("{count} runs are") }
}
