//! What can be typed.

mod alerts;
mod approve;
mod audit;
mod author;
mod compile;
mod console;
mod doctor;
mod drain;
mod generate;
mod incidents;
mod lists;
mod operate;
mod policies;
mod registry;
mod runs;
mod server;
mod sweep;
mod test;
mod tls;
mod token;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use alerts::AlertsArgs;
pub use approve::{ApproveArgs, PlanArgs, RejectArgs};
pub use audit::{AuditArgs, AuditCommand, AuditExportArgs, AuditListArgs, AuditVerifyArgs, AuditWhich};
pub use author::{BuildArgs, DevArgs, NewArgs};
pub use compile::CompileArgs;
pub use console::ConsoleArgs;
pub use doctor::DoctorArgs;
pub use drain::DrainArgs;
pub use generate::{CompletionsArgs, Format as SchemaFormat, ManArgs, SchemaArgs};
pub use incidents::{IncidentArgs, IncidentsArgs, IncidentsCommand, IncidentsListArgs, IncidentsShowArgs};
pub use lists::ListArgs;
pub use operate::{PauseArgs, ResumeArgs, StatusArgs};
pub use policies::{
    PoliciesAcceptArgs, PoliciesAddArgs, PoliciesArgs, PoliciesCommand, PoliciesListArgs, PoliciesShowArgs,
};
pub use registry::{PullArgs, PushArgs, RegistryArgs};
pub use runs::{
    ModuleArgs, ReplayArgs, RunArgsOfHost, RunsArgs, RunsCommand, RunsExportArgs, RunsListArgs, RunsShowArgs,
    RunsStartArgs, SourceArgs,
};
pub use server::ServerArgs;
pub use sweep::SweepArgs;
pub use test::{TestArgs, TestFormat};
pub use tls::TlsArgs;
pub use token::{TokenArgs, TokenCommand, TokenNewArgs};

use crate::output::Format;

/// Suture turns a Kubernetes alert into a finished repair.
///
/// An alert arrives from Alertmanager; a policy, a WebAssembly component that can do
/// nothing but call the host, decides what to do; the host does it under the operator's
/// grants, writes down every step, and checks that the alert went away.
#[derive(Debug, Parser)]
#[command(
    name = "suture",
    version,
    arg_required_else_help = true,
    after_help = "\
Examples:
  suture demo                                   see it work, without any cluster
  suture new queue-stuck --lang python          a policy of your own
  suture build policies/volsync                 a policy's folder to a component
  suture test policies/volsync                  its scenarios, on a simulated cluster
  suture serve --config suture.yaml             receive alerts, and repair

Exit codes: 0 done or passed; 1 an expectation failed, or a run did not end well;
2 the command line, a file or a configuration is wrong, or the host refuses what is asked;
3 an internal error, or a host that does not answer or can't do it now. Where a command says
more of them, its own --help has it."
)]
pub struct Cli {
    /// The form of results: a table or text for people, with more columns (wide); JSON or YAML
    /// (alone on stdout).
    #[arg(
        long,
        short,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORM",
        hide_possible_values = true
    )]
    pub output: Format,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Receive alerts, and repair.
    Serve(ServeArgs),
    /// Check a configuration offline: the file, what it names, modules, settings, grants.
    Check(CheckArgs),
    /// Make a small policy that works, in Rust, TypeScript or Python, to be changed.
    New(NewArgs),
    /// Build a policy to a component.
    Build(BuildArgs),
    /// Build a policy and play its scenarios at each change, again and again.
    Dev(DevArgs),
    /// Show what a component is: manifest, imports, sizes, digest.
    Inspect(InspectArgs),
    /// Push a component to a registry.
    Push(PushArgs),
    /// Pull a component from a registry, and verify it.
    Pull(PullArgs),
    /// Run scenarios against a policy, on a simulated cluster and a virtual clock.
    Test(TestArgs),
    /// Run a policy once, for one alert, and show its timeline.
    Run(RunArgs),
    /// Open the web console of a running host.
    Console(ConsoleArgs),
    /// Show how a running host is: what is paused, held back, open.
    Status(StatusArgs),
    /// Start no more runs, of all policies or of one.
    Pause(PauseArgs),
    /// Start runs again.
    Resume(ResumeArgs),
    /// List and show incidents; have one handled once more, or close it.
    Incidents(IncidentsArgs),
    /// Approve the plan of a run that waits for that.
    Approve(ApproveArgs),
    /// Reject the plan of a run that waits for approval.
    Reject(RejectArgs),
    /// Show a running host's policies; accept a newer module; add one to a configuration.
    Policies(PoliciesArgs),
    /// Handle what fires in Prometheus, whether it was posted or not.
    Sweep(SweepArgs),
    /// Look at the path from an alert to its repair, and say what to do where it is broken.
    Doctor(DoctorArgs),
    /// Show alerts that were posted to a running host and that no policy handles.
    Alerts(AlertsArgs),
    /// End what a running host has at work, undo what must be undone, and say what is left.
    Drain(DrainArgs),
    /// List what people did to a host; verify that the trail of it is whole; export it.
    Audit(AuditArgs),
    /// Make tokens for people who use the API.
    Token(TokenArgs),
    /// List, show, start, cancel and follow runs; make a scenario of one.
    Runs(RunsArgs),
    /// Run a recorded run again, offline, and show what another version would have done.
    Replay(ReplayArgs),
    /// Print the narrowest grants that a policy requests, as configuration.
    Grants(GrantsArgs),
    /// Print the least Kubernetes RBAC that a configuration's grants need, as YAML.
    Rbac(RbacArgs),
    /// Offer a simulated cluster at a Unix socket, for hosts that are started and killed.
    Simulate(SimulateArgs),
    /// Print the JSON schema of a file that people write, for editors.
    Schema(SchemaArgs),
    /// Print what a shell needs to complete this command.
    Completions(CompletionsArgs),
    /// Write pages for `man`.
    Man(ManArgs),
    /// See it work: a host, a simulated cluster, three broken backups, real webhooks.
    Demo(DemoArgs),
    /// Compile a component from stdin to stdout, within limits. For this program itself.
    #[command(hide = true)]
    Compile(CompileArgs),
}

/// `suture check`.
#[derive(Debug, Args)]
#[command(after_help = "\
What is wrong with the configuration, its modules, settings and grants is an error; and so is a
token, password, key, certificate or kubeconfig that it names and that is missing or can't be
read. Nothing is reached over the network: `suture doctor` does that, of a host that runs.

Examples:
  suture check --config suture.yaml
  suture check --config suture.yaml --secrets-elsewhere    # on a desk, or in CI
  suture check --config suture.yaml --output json")]
pub struct CheckArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = "suture.yaml")]
    pub config: PathBuf,
    /// The files with tokens, passwords, keys and certificates are where the host will run: warn
    /// of those that are missing here.
    #[arg(long)]
    pub secrets_elsewhere: bool,
}

/// `suture serve`.
#[derive(Debug, Args)]
#[command(after_help = "\
The webhook's token stands in the file that `webhook.tokenFile` names. SIGTERM lets
runs finish for a while; what is unfinished then is picked up at the next start. The
configuration and modules are watched; SIGHUP has all of it read again.

Examples:
  suture serve --config suture.yaml
  RUST_LOG=suture=debug suture serve --config suture.yaml")]
pub struct ServeArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = "suture.yaml")]
    pub config: PathBuf,
}

/// `suture grants`.
#[derive(Debug, Args)]
#[command(after_help = "\
Each grant comes with the policy's reason, and with what it puts at risk. What only other
settings need is printed too, commented out.

What Kubernetes and common controllers serve without namespaces is granted without them. Of
another custom resource nobody knows that here: name it with --cluster-scoped.

`suture policies add` writes the same into a configuration.

Examples:
  suture grants volsync.wasm
  suture grants volsync.wasm --namespace media --namespace home
  suture grants volsync.wasm --settings settings.yaml
  suture grants widgets.wasm --cluster-scoped widgetclasses.example.com")]
pub struct GrantsArgs {
    /// The component.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The policy's settings: a YAML or JSON file [default: the manifest's defaults].
    #[arg(long, value_name = "FILE")]
    pub settings: Option<PathBuf>,
    /// A namespace that it may act in, or a pattern; several times for several.
    #[arg(long = "namespace", short, value_name = "NS")]
    pub namespaces: Vec<String>,
    /// A custom resource that has no namespaces, RESOURCE or RESOURCE.GROUP; several times for several.
    #[arg(long, value_name = "RESOURCE")]
    pub cluster_scoped: Vec<String>,
}

/// `suture inspect`.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// The component.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// What its manifest says as a section of Markdown, for a README.
    #[arg(long)]
    pub markdown: bool,
}

/// `suture run`.
#[derive(Debug, Args)]
#[command(after_help = "\
The alert is a webhook body as Alertmanager posts it, one alert of it, or just labels:
{\"labels\": {\"alertname\": \"VolSyncVolumeOutOfSync\", …}}. The scenario is the cluster
that it acts on; the alerts and expectations in it are set aside.

With --live it acts on a real cluster. With --config that is the configuration's, and the
policy of the same name has its grants, settings and limits there; without, it is the cluster
of the kubeconfig. Either way the policy only plans: reads, and server-side dry runs of what
it would change. With --enforce it changes things; then the alert must fire in Prometheus, as
the configuration's `confirm` says, unless you --force it. The record is in memory; Ctrl-C
takes back what must not stay, and kill -9 can't. While a host is at work on the same cluster,
rather let it: `suture runs start`.

With --save what the cluster answered becomes a scenario, with what came of it as its
expectations: a test of the policy that needs no cluster any more. Values of Secrets are not in it,
what looks confidential is masked, and what was left out is said. Names, addresses, logs and
settings are in it: read it before you share it.

Examples:
  suture run volsync.wasm --alert alert.json --scenario stale-lock.yaml
  suture run volsync.wasm --alert - --scenario stale-lock.yaml --observe < alert.json
  suture run volsync.wasm --alert alert.json --live
  suture run volsync.wasm --alert alert.json --live --observe --save scenarios/ours.yaml
  suture run volsync.wasm --alert alert.json --live --config suture.yaml --enforce")]
pub struct RunArgs {
    /// The component.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The alert: a JSON file, or `-` for standard input.
    #[arg(long, value_name = "FILE|-")]
    pub alert: PathBuf,
    /// The simulated cluster: a scenario file.
    #[arg(long, value_name = "FILE", required_unless_present = "live")]
    pub scenario: Option<PathBuf>,
    /// Act on a live cluster: the configuration's, or the kubeconfig's.
    #[arg(long, conflicts_with = "scenario")]
    pub live: bool,
    /// Change nothing; show what would be done [with --live: the default].
    #[arg(long)]
    pub observe: bool,
    /// Perform changes on the live cluster, under the grants of the configuration.
    #[arg(long, requires = "live", requires = "config", conflicts_with = "observe")]
    pub enforce: bool,
    /// Perform changes though Prometheus does not say that the alert fires.
    #[arg(long, requires = "live", requires = "config", conflicts_with = "observe")]
    pub force: bool,
    /// The policy's settings: a YAML or JSON file.
    #[arg(long, value_name = "FILE")]
    pub settings: Option<PathBuf>,
    /// Take settings, grants and limits from this configuration.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Write what the live cluster answered as a scenario, for `suture test`. One alert at a time.
    #[arg(long, value_name = "FILE", requires = "live", conflicts_with = "scenario")]
    pub save: Option<PathBuf>,
    /// Let --save replace a file that exists.
    #[arg(long, requires = "save")]
    pub overwrite: bool,
}

/// `suture rbac`.
#[derive(Debug, Args)]
#[command(after_help = "\
A grant becomes the same rule, as far as the policy's manifest requests it: a Role in
each namespace that it names, a ClusterRole where it has a pattern of namespaces or the
resource has none. Exact names become resourceNames. Beside that the host needs to know
its cluster (kube-system's uid), its Lease, and to leave Events. Nothing is reached over
the network; a rule's comment says which policy needs it, and why.

`suture serve` asks the API server for the same rights at its start, and holds a policy
back that lacks one. What a smaller configuration no longer needs stays in the cluster
until it is deleted: look with `kubectl get roles,clusterroles -A -l
app.kubernetes.io/managed-by=suture`.

Examples:
  suture rbac --config suture.yaml
  suture rbac --config suture.yaml | kubectl apply -f -
  suture rbac --config suture.yaml --namespace tools --service-account mender")]
pub struct RbacArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = "suture.yaml")]
    pub config: PathBuf,
    /// The host's own namespace [default: `cluster.live.namespace`, or `suture`].
    #[arg(long, value_name = "NS")]
    pub namespace: Option<String>,
    /// The ServiceAccount that the host runs as [default: suture].
    #[arg(long, value_name = "NAME")]
    pub service_account: Option<String>,
}

/// `suture simulate`.
#[derive(Debug, Args)]
#[command(after_help = "\
The cluster lives in this process, until SIGINT or SIGTERM: its objects, its controllers
(the scenario's `reactions`), its Prometheus, and its time, which begins at `given.now`.
Every change is printed. A host acts on it with this in its configuration:

  cluster: {simulated: {socket: /tmp/cluster.sock}}

Kill that host as you like (kill -9), and start it again: its runs go on where they were.
The alerts under `when` fire from the start; who posts them to the host's webhook is you.

Examples:
  suture simulate --scenario policies/volsync/scenarios/stale-lock.yaml --socket /tmp/cluster.sock
  suture simulate --scenario stale-lock.yaml --socket /tmp/cluster.sock --speed 60")]
pub struct SimulateArgs {
    /// The scenario whose `given` and `reactions` are the cluster.
    #[arg(long, value_name = "FILE")]
    pub scenario: PathBuf,
    /// Where to listen. Only you can connect.
    #[arg(long, value_name = "PATH")]
    pub socket: PathBuf,
    /// How many times as fast as real its time runs: from 1 to 100000.
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = speed)]
    pub speed: f64,
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| "it is no number".to_owned())?;
    if (1.0..=100_000.0).contains(&speed) {
        Ok(speed)
    } else {
        Err("it must lie between 1 and 100000".to_owned())
    }
}

/// `suture demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The volsync policy's component [default: target/policies/volsync.wasm].
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// How many times as fast as real time the simulated cluster runs.
    #[arg(long, value_name = "FACTOR", default_value_t = 40.0)]
    pub speed: f64,
    /// Keep the host running afterwards, and open its web console.
    #[arg(long)]
    pub open: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
