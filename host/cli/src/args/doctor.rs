//! What `suture doctor` takes.

use clap::Args;
use suture_core::HumanDuration;

use super::ServerArgs;

/// `suture doctor`.
#[derive(Debug, Args)]
#[command(after_help = "\
A running host looks at the path from an alert to its repair: whether a loaded rule makes the
alert of each policy, whether its metrics have series, whether its labels are what the policy
wants, whether Alertmanager's routes lead here; its rights, its clock, its journal. Exit code 1
where something fails.

--drill sends an alert `SutureDrill` through Alertmanager and waits for it at the webhook; nothing
is ever done about it. A route must lead it here: matchers: ['alertname=~\"…|SutureDrill\"'], or
whatever labels you give it.

Examples:
  suture doctor
  suture doctor --drill
  suture doctor --drill --label team=storage --wait 5m
  suture doctor --output json")]
pub struct DoctorArgs {
    /// Send an alert through Alertmanager, and wait for it.
    #[arg(long)]
    pub drill: bool,
    /// A label that the drill's alert has, too, for routes that want one.
    #[arg(long, value_name = "NAME=VALUE", requires = "drill")]
    pub label: Vec<String>,
    /// How long the drill may take: `group_wait` of the route at least.
    #[arg(long, value_name = "TIME", default_value = "2m", requires = "drill")]
    pub wait: HumanDuration,
    /// The host.
    #[command(flatten)]
    pub server: ServerArgs,
}
