//! `suture serve`: receive alerts, and repair; or stand by for the host that does.

use std::time::Duration;

use suture_server::{ServeError, Standby};
use tokio::signal::unix::{SignalKind, signal};

use crate::CommandResult;
use crate::args::ServeArgs;
use crate::error::{CliError, Exit};
use crate::output::Output;
use crate::simulated;

/// How long runs may go on after SIGTERM. Kubernetes kills after thirty seconds.
const GRACE: Duration = Duration::from_secs(25);

pub fn run(args: &ServeArgs, output: &Output) -> CommandResult {
    // The form that people chose for results is the form of the log, too.
    crate::log::start(output.is_json());
    crate::executor()?.block_on(serve(args, output))
}

async fn serve(args: &ServeArgs, output: &Output) -> CommandResult {
    let internal = |error: std::io::Error| CliError::internal(format!("signals can't be received: {error}"));
    // Before the start: a SIGTERM meanwhile must not be lost.
    let mut terminate = signal(SignalKind::terminate()).map_err(internal)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(internal)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(internal)?;
    let failed = |error: ServeError| match error {
        ServeError::Config(_) if !args.config.exists() => CliError::usage(error.to_string())
            .help("name the configuration with --config FILE; README.md has one to begin with"),
        ServeError::Config(_) => CliError::usage(error.to_string())
            .help(format!("`suture check --config {}` shows all that is wrong", args.config.display())),
        ServeError::Start(what) => CliError::usage(what).at(args.config.display()),
    };
    let standby = Standby::start(&args.config, simulated::options()).await.map_err(failed)?;
    for warning in standby.warnings() {
        match output.is_json() {
            true => {
                tracing::warn!(file = %warning.file.display(), line = warning.line, "{}", warning.message)
            }
            false => output.warn(warning),
        }
    }
    note(
        output,
        &format!("suture listens: webhook on {}, admin on {}", standby.webhook_addr(), standby.admin_addr()),
    );
    let server = tokio::select! {
        server = standby.lead(|standing| note(output, standing)) => server.map_err(failed)?,
        // Nothing is begun yet that would have to end.
        _ = terminate.recv() => return Ok(Exit::Done),
        _ = interrupt.recv() => return Ok(Exit::Done),
    };
    let lost = loop {
        tokio::select! {
            lost = server.lost() => break Some(lost),
            _ = terminate.recv() => break None,
            _ = interrupt.recv() => break None,
            // A key or a docker config that was exchanged is no change that is watched for.
            _ = hangup.recv() => server.reload(),
        }
    };
    let grace = match &lost {
        Some(lost) => {
            note(output, &format!("stopping: {lost}; runs are interrupted, and nothing more is done"));
            Duration::ZERO
        }
        None => {
            note(output, &format!("stopping: runs may go on for {} seconds", GRACE.as_secs()));
            GRACE
        }
    };
    // A second signal ends it at once: nothing is lost, the next start picks it up.
    tokio::select! {
        () = server.stop(grace) => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    match lost {
        None => Ok(Exit::Done),
        Some(lost) => Err(CliError { exit: Exit::Failed, ..CliError::internal(lost.to_string()) }
            .help("start it again, as Kubernetes does: it stands by until the lease is free, and goes on with its runs")),
    }
}

/// Tell whoever watches. Beside lines of JSON it is one of them.
fn note(output: &Output, text: &str) {
    match output.is_json() {
        true => tracing::info!("{text}"),
        false => output.note(text),
    }
}
