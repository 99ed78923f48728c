//! What `suture token` takes.

use clap::{Args, Subcommand, ValueEnum};
use suture_server::config::{Person, Role};

/// `suture token`.
#[derive(Debug, Args)]
pub struct TokenArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: TokenCommand,
}

/// The subcommands of `suture token`.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token for somebody, and the entry of `people` that knows it.
    #[command(after_help = "\
The token is printed to stdout, once: it is stored nowhere, and the configuration holds its
SHA-256 alone. The entry is printed to stderr. Roles do not contain one another, but admin
contains all:

  viewer    see all that the API shows, and the metrics
  operator  start and cancel runs, try incidents anew; pause, resume; sweep
  approver  nothing yet: reserved for who will approve single changes
  admin     all of it; accept modules; start runs without confirmation (force)

Examples:
  suture token new alice --role viewer --role operator
  suture token new grafana --role viewer > token")]
    New(TokenNewArgs),
}

/// `suture token new`.
#[derive(Debug, Args)]
pub struct TokenNewArgs {
    /// What the log and the journal are to call them.
    #[arg(value_name = "NAME", value_parser = name)]
    pub name: String,
    /// What they may do; may be given several times.
    #[arg(long = "role", value_enum, required = true, value_name = "ROLE")]
    pub roles: Vec<RoleName>,
}

fn name(text: &str) -> Result<String, String> {
    Person::check_name(text).map(|()| text.to_owned())
}

/// A role, as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum RoleName {
    /// See.
    Viewer,
    /// Start, cancel, try anew, pause, sweep.
    Operator,
    /// Reserved; nothing yet.
    Approver,
    /// Everything.
    Admin,
}

impl RoleName {
    /// The role of that name.
    pub fn role(self) -> Role {
        match self {
            Self::Viewer => Role::Viewer,
            Self::Operator => Role::Operator,
            Self::Approver => Role::Approver,
            Self::Admin => Role::Admin,
        }
    }
}
