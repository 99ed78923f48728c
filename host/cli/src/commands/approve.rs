//! `suture approve` and `suture reject`: an answer to a run that asks.

mod in_cluster;

use std::io::{BufRead, IsTerminal, Write};

use serde_json::{Value, json};
use suture_core::Digest;
use suture_server::RunDiff;

use super::runs::diff;
use crate::CommandResult;
use crate::args::{ApproveArgs, PlanArgs, RejectArgs};
use crate::error::{CliError, Exit};
use crate::ids;
use crate::output::{DIM, GOOD, Output, WARN};
use crate::server::{Server, id_path};

/// What somebody wants of a plan.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Approve {
        /// Also what the run does after these changes.
        rest: bool,
    },
    Reject,
}

impl Wanted {
    fn verb(self) -> &'static str {
        match self {
            Self::Approve { .. } => "approve",
            Self::Reject => "reject",
        }
    }
}

pub fn approve(args: &ApproveArgs, output: &Output) -> CommandResult {
    answer(&args.plan, Wanted::Approve { rest: args.rest }, output)
}

pub fn reject(args: &RejectArgs, output: &Output) -> CommandResult {
    answer(&args.plan, Wanted::Reject, output)
}

fn answer(args: &PlanArgs, wanted: Wanted, output: &Output) -> CommandResult {
    crate::executor()?.block_on(async {
        let server = Server::of(&args.server)?;
        let path = id_path("runs", &args.id);
        let shown: RunDiff = server.get(&format!("{path}/diff"), &[]).await?;
        if !output.is_json() {
            diff::show(&shown.plan, output);
        }
        // What was shown is what is meant, whatever the host plans by the time that it hears of it.
        let digest = args.digest.unwrap_or(shown.plan.digest);
        if !is_meant(args, wanted)? {
            output.note("nothing is decided");
            return Ok(Exit::Done);
        }
        if args.in_cluster {
            return in_cluster::decide(args, shown.run.run.id.as_str(), digest, wanted, output).await;
        }
        let answer: Value =
            server.post(&format!("{path}/{}", wanted.verb()), &body(args, digest, wanted)).await?;
        if output.is_json() {
            output.json(&answer);
            return Ok(Exit::Done);
        }
        let count = |name: &str| answer.get(name).and_then(Value::as_u64).unwrap_or_default();
        let (given, needed) = (count("given"), count("needed"));
        let incident = answer.get("incident").and_then(Value::as_str).unwrap_or_default();
        output.line(match wanted {
            Wanted::Reject => {
                format!("{GOOD}rejected:{GOOD:#} its incident is left alone until its alert has cleared")
            }
            Wanted::Approve { .. } if given < needed => {
                format!("{WARN}{given} of {needed} people have approved it{WARN:#}")
            }
            Wanted::Approve { .. } => {
                format!("{GOOD}approved:{GOOD:#} the policy runs anew, and does this and nothing else")
            }
        });
        output.note(format!("{DIM}next: suture incidents show {}{DIM:#}", ids::alone(incident)));
        Ok(Exit::Done)
    })
}

fn body(args: &PlanArgs, digest: Digest, wanted: Wanted) -> Value {
    match wanted {
        Wanted::Approve { rest } => json!({"digest": digest, "message": args.message, "rest": rest}),
        Wanted::Reject => json!({"digest": digest, "message": args.message}),
    }
}

/// Whether somebody has said that they mean this plan: by its digest, by `--yes`, or when asked.
fn is_meant(args: &PlanArgs, wanted: Wanted) -> Result<bool, CliError> {
    if args.yes || args.digest.is_some() {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() {
        let message = "nobody is there to be asked: say which plan is meant with `--digest`, as `suture runs diff` tells it, \
                       or `--yes` for whichever it is now";
        return Err(CliError::usage(message));
    }
    let mut asked = std::io::stderr();
    let written = write!(asked, "\n{} this plan? [y/N] ", wanted.verb()).and_then(|()| asked.flush());
    written.map_err(|error| CliError::usage(format!("nobody can be asked: {error}")))?;
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    read.map_err(|error| CliError::usage(format!("the answer can't be read: {error}")))?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}
