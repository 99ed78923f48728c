//! What `suture console` takes.

use clap::Args;

use super::ServerArgs;

/// `suture console`.
#[derive(Debug, Args)]
#[command(after_help = "\
The link signs in who runs this, with the roles that the host knows them by: once, within a minute,
for twelve hours. Whoever gets it first is signed in, so it is for your own browser, and no chat.
On a terminal the browser is opened.

Examples:
  suture console
  suture console --no-open              only print the link
  suture console --server https://suture.example.com:8081 --token-file token")]
pub struct ConsoleArgs {
    /// Open no browser.
    #[arg(long)]
    pub no_open: bool,
    /// The host.
    #[command(flatten)]
    pub server: ServerArgs,
}
