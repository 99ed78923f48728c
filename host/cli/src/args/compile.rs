//! `suture compile`: what a host types itself.

use clap::Args;

/// `suture compile`.
#[derive(Debug, Args)]
pub struct CompileArgs {
    /// The most address space that it takes, in bytes.
    #[arg(long, value_name = "BYTES")]
    pub memory: u64,
    /// The most CPU time that it takes, all threads together.
    #[arg(long, value_name = "SECONDS")]
    pub cpu_seconds: u64,
}
