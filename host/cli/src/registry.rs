//! Registries, for the commands that speak with them.

use std::sync::Arc;
use std::time::Duration;

use indicatif::ProgressBar;
use suture_core::RealClock;
use suture_registry::{Client, ClientOptions, OciError};

use crate::args::RegistryArgs;
use crate::error::{CliError, Exit};
use crate::output::Output;

/// How long a push or a pull may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// A client.
///
/// # Errors
/// Where TLS can't be set up on this machine.
pub fn client(args: &RegistryArgs) -> Result<Client, CliError> {
    let options = ClientOptions {
        credentials: args.docker_config.clone(),
        plain_http: args.plain_http,
        timeout: PATIENCE,
        clock: Arc::new(RealClock),
    };
    Client::new(options).map_err(error)
}

/// What is said of what went wrong. That may pass by itself, or somebody must change something.
pub fn error(error: OciError) -> CliError {
    let exit = if error.may_pass() { Exit::Internal } else { Exit::Usage };
    CliError { exit, ..CliError::usage(error.to_string()) }
}

/// Something that takes a while: a line that moves, on a terminal.
pub struct Waiting(Option<ProgressBar>);

impl Waiting {
    pub fn new(output: &Output, what: String) -> Self {
        let bar = output.is_read_by_people().then(|| {
            let bar = ProgressBar::new_spinner().with_message(what);
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self(bar)
    }

    pub fn done(self) {
        if let Some(bar) = self.0 {
            bar.finish_and_clear();
        }
    }
}
