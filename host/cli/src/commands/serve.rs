//! `suture serve`: receive alerts, and repair.

use std::time::Duration;

use suture_server::{ServeError, Server};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::CommandResult;
use crate::args::ServeArgs;
use crate::error::{CliError, Exit};
use crate::output::Output;
use crate::simulated;

/// How long runs may go on after SIGTERM. Kubernetes kills after thirty seconds.
const GRACE: Duration = Duration::from_secs(25);

pub fn run(args: &ServeArgs, output: &Output) -> CommandResult {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let color = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(color);
    // The form that people chose for results is the form of the log, too.
    if output.is_json() {
        log.json().init()
    } else {
        log.init()
    }
    crate::executor()?.block_on(serve(args, output))
}

async fn serve(args: &ServeArgs, output: &Output) -> CommandResult {
    let internal = |error: std::io::Error| CliError::internal(format!("signals can't be received: {error}"));
    // Before the start: a SIGTERM meanwhile must not be lost.
    let mut terminate = signal(SignalKind::terminate()).map_err(internal)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(internal)?;
    let server = Server::start(&args.config, simulated::options()).await.map_err(|error| match error {
        ServeError::Config(_) => CliError::usage(error.to_string())
            .help(format!("`suture check --config {}` shows all that is wrong", args.config.display())),
        ServeError::Start(what) => CliError::usage(what).at(args.config.display()),
    })?;
    for warning in server.warnings() {
        output.warn(warning);
    }
    output.note(format!(
        "suture listens: webhook on {}, admin on {}",
        server.webhook_addr(),
        server.admin_addr()
    ));
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    output.note(format!("stopping: runs may go on for {} seconds", GRACE.as_secs()));
    // A second signal ends it at once: nothing is lost, the next start picks it up.
    tokio::select! {
        () = server.stop(GRACE) => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(Exit::Done)
}
