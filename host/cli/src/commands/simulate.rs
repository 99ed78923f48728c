//! `suture simulate`: a simulated cluster that outlives the hosts that act on it.

mod changes;

use suture_cluster::socket::{Listener, Offer, SocketError};
use suture_core::clock::kubernetes_time;
use suture_simulator::SimulatedCluster;
use tokio::signal::unix::{SignalKind, signal};

use crate::CommandResult;
use crate::args::SimulateArgs;
use crate::error::{CliError, Exit};
use crate::output::{DIM, HEADING, Output, WARN};
use crate::simulated;
use changes::Changes;

pub fn run(args: &SimulateArgs, output: &Output) -> CommandResult {
    crate::executor()?.block_on(simulate(args, output))
}

async fn simulate(args: &SimulateArgs, output: &Output) -> CommandResult {
    let internal = |error: std::io::Error| CliError::internal(format!("signals can't be received: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(internal)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(internal)?;
    let (cluster, clock) = simulated::cluster(&args.scenario, args.speed).map_err(CliError::usage)?;
    let taken = |error: SocketError| CliError::usage(error.message).at(error.path.display());
    let listener = Listener::bind(&args.socket).await.map_err(taken)?;
    let changes = Changes::from_now(&cluster);
    output.note(format!(
        "{HEADING}a simulated cluster{HEADING:#} with {} objects, at {}\n  its time: {}, {} times as fast as real\n  {DIM}in a host's \
         configuration: cluster: {{simulated: {{socket: {}}}}}{DIM:#}",
        cluster.objects().len(),
        args.socket.display(),
        kubernetes_time(clock.now()),
        args.speed,
        std::path::absolute(&args.socket).unwrap_or_else(|_| args.socket.clone()).display(),
    ));
    let offer = Offer::new(cluster.clone(), clock, args.speed);
    tokio::select! {
        () = offer.serve(listener) => {}
        () = tell(&cluster, changes, output) => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    output.note("the simulated cluster is gone");
    Ok(Exit::Done)
}

/// Print every change that takes place, and what goes wrong in the cluster itself.
async fn tell(cluster: &SimulatedCluster, mut changes: Changes, output: &Output) {
    let (mut version, mut complained) = (changes.version(), 0);
    loop {
        version = cluster.changed_since(version).await;
        for change in changes.since(cluster) {
            if output.is_json() {
                output.json(&change.json());
            } else {
                output.line(change);
            }
        }
        let complaints = cluster.complaints();
        for complaint in complaints.iter().skip(complained) {
            output.note(format!("{WARN}the scenario:{WARN:#} {complaint}"));
        }
        complained = complaints.len();
    }
}
