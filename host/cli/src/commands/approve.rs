//! `suture approve` and `suture reject`: an answer to a run that asks.

use serde_json::{Value, json};
use suture_server::RunDiff;

use super::runs::diff;
use crate::CommandResult;
use crate::args::{ApproveArgs, PlanArgs, RejectArgs};
use crate::error::Exit;
use crate::ids;
use crate::output::{DIM, GOOD, Output, WARN};
use crate::server::{Server, id_path};

pub fn approve(args: &ApproveArgs, output: &Output) -> CommandResult {
    let body = json!({"message": args.plan.message, "rest": args.rest});
    answer(&args.plan, "approve", body, output)
}

pub fn reject(args: &RejectArgs, output: &Output) -> CommandResult {
    answer(&args.plan, "reject", json!({"message": args.plan.message}), output)
}

fn answer(args: &PlanArgs, what: &str, mut body: Value, output: &Output) -> CommandResult {
    crate::executor()?.block_on(async {
        let server = Server::of(&args.server)?;
        let path = id_path("runs", &args.id);
        let shown: RunDiff = server.get(&format!("{path}/diff"), &[]).await?;
        if !output.is_json() {
            diff::show(&shown.plan, output);
        }
        // What was shown is what is meant, whatever the host plans by the time that it hears of it.
        let digest = args.digest.unwrap_or(shown.plan.digest);
        if let Some(fields) = body.as_object_mut() {
            fields.insert("digest".to_owned(), json!(digest));
        }
        let answer: Value = server.post(&format!("{path}/{what}"), &body).await?;
        if output.is_json() {
            output.json(&answer);
            return Ok(Exit::Done);
        }
        let count = |name: &str| answer.get(name).and_then(Value::as_u64).unwrap_or_default();
        let (given, needed) = (count("given"), count("needed"));
        let incident = answer.get("incident").and_then(Value::as_str).unwrap_or_default();
        output.line(match what {
            "reject" => {
                format!("{GOOD}rejected:{GOOD:#} its incident is left alone until its alert has cleared")
            }
            _ if given < needed => format!("{WARN}{given} of {needed} people have approved it{WARN:#}"),
            _ => format!("{GOOD}approved:{GOOD:#} the policy runs anew, and does this and nothing else"),
        });
        output.note(format!("{DIM}next: suture incidents show {}{DIM:#}", ids::alone(incident)));
        Ok(Exit::Done)
    })
}
