//! Deciding by an Approval in the cluster.

use std::time::Duration;

use serde_json::json;
use suture_cluster::live::approval::{ApprovalError, Approvals, NewApproval};
use suture_cluster::live::{LiveConfig, connect};
use suture_core::{Clock, Digest, RealClock};

use super::Wanted;
use crate::CommandResult;
use crate::args::PlanArgs;
use crate::error::{CliError, Exit};
use crate::output::{DIM, GOOD, Output};

/// How often the host's answer is looked for, and how many times.
const EVERY: Duration = Duration::from_secs(1);
const LOOKS: u32 = 60;

pub(super) async fn decide(
    args: &PlanArgs,
    run: &str,
    digest: Digest,
    wanted: Wanted,
    output: &Output,
) -> CommandResult {
    let namespace = &args.namespace;
    let (kubeconfig, context) = (args.kubeconfig.clone(), args.context.clone());
    let config = LiveConfig { kubeconfig, context, ..LiveConfig::default() };
    let connection = connect(&config).await.map_err(|error| CliError::usage(error.to_string()))?;
    let approvals = Approvals::new(connection.client, namespace);
    let (rejects, rest) = match wanted {
        Wanted::Approve { rest } => (false, rest),
        Wanted::Reject => (true, false),
    };
    let message = args.message.as_deref().unwrap_or_default();
    let new = NewApproval { run, digest: &digest.to_string(), rejects, rest, message };
    let said = |error: ApprovalError| CliError::usage(error.to_string());
    let made = approvals.make(&new).await.map_err(said)?;
    output.note(format!("{DIM}approval {namespace}/{}, made by {}{DIM:#}", made.name, made.decided_by));
    let clock: &dyn Clock = &RealClock;
    for _ in 0..LOOKS {
        if let Some(answer) = approvals.answer(&made.name).await.map_err(said)? {
            let counts = answer.counts;
            if output.is_json() {
                output.json(&json!({"approval": made.name, "decidedBy": made.decided_by, "counts": counts,
                    "message": answer.message}));
            } else if counts {
                output.line(format!("{GOOD}it counts:{GOOD:#} {}", answer.message));
            } else {
                return Err(CliError::usage(format!("it does not count: {}", answer.message)));
            }
            return Ok(if counts { Exit::Done } else { Exit::Usage });
        }
        clock.sleep(EVERY).await;
    }
    Err(CliError::usage(format!(
        "the host has not looked at the Approval yet: does its configuration have `cluster: {{live: {{approvals: true}}}}`? \
         Look again with: kubectl get approvals -n {namespace} {}",
        made.name
    )))
}
