//! A restic repository in a folder, seen from outside the cluster.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::bail;
use suture_envtest::program;

use super::container::{Container, Plan};
use crate::process::eventually;

/// How long a restic may take to lock the repository.
const LOCKED_WITHIN: Duration = Duration::from_secs(30);

/// A repository.
pub struct Repository {
    folder: PathBuf,
    password: String,
}

impl Repository {
    /// The repository in a folder, there or not.
    pub fn at(folder: &Path, password: &str) -> Self {
        Self { folder: folder.to_owned(), password: password.to_owned() }
    }

    /// Run restic on it, without a lock of its own.
    ///
    /// # Errors
    /// What restic says.
    pub fn restic(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let done = Command::new(program("restic")?)
            .args(["--no-cache", "--no-lock"])
            .args(arguments)
            .env("RESTIC_REPOSITORY", &self.folder)
            .env("RESTIC_PASSWORD", &self.password)
            .output()?;
        if !done.status.success() {
            bail!("restic {}: {}", arguments.join(" "), String::from_utf8_lossy(&done.stderr));
        }
        Ok(String::from_utf8(done.stdout)?)
    }

    /// The locks on it.
    ///
    /// # Errors
    /// What restic says.
    pub fn locks(&self) -> anyhow::Result<Vec<String>> {
        Ok(self.restic(&["list", "locks"])?.lines().map(str::to_owned).collect())
    }

    /// The ids of the snapshots in it.
    ///
    /// # Errors
    /// What restic says.
    pub fn snapshots(&self) -> anyhow::Result<Vec<String>> {
        Ok(self.restic(&["list", "snapshots"])?.lines().map(str::to_owned).collect())
    }

    /// Leave a lock behind as a process leaves it that is killed while it holds one, long
    /// ago, on a machine that is no more. What writes it is restic itself, built with Go's
    /// own `faketime` tag: its clock stands at 2009.
    ///
    /// # Errors
    /// Where no lock appears; with what restic says.
    pub async fn leave_lock(&self, kind: Lock, host: &str, scratch: &Path) -> anyhow::Result<()> {
        let log = scratch.join("lock.log");
        let plan = Plan {
            hostname: host.to_owned(),
            mounts: vec![
                (program("restic-2009")?, "/image/bin/restic".to_owned()),
                (self.folder.clone(), "/repository".to_owned()),
            ],
            environment: vec![
                ("RESTIC_REPOSITORY".to_owned(), "/repository".to_owned()),
                ("RESTIC_PASSWORD".to_owned(), self.password.clone()),
            ],
            command: kind.holder(),
            log: log.clone(),
            root: scratch.join("lock-holder"),
            is_read_only: false,
        };
        let before = self.locks()?.len();
        let holder = Container::start(&plan)?;
        if !eventually(LOCKED_WITHIN, async || self.locks().is_ok_and(|locks| locks.len() > before)).await {
            bail!("no lock appears: {}", std::fs::read_to_string(log).unwrap_or_default());
        }
        drop(holder);
        if self.locks()?.len() == before {
            bail!("the lock went with its holder");
        }
        Ok(())
    }
}

/// What a lock keeps out.
#[derive(Clone, Copy, Debug)]
pub enum Lock {
    /// Everybody.
    Exclusive,
    /// Only who wants it exclusively: a backup runs, but the `forget` after it does not.
    Shared,
}

impl Lock {
    /// A command that holds such a lock for as long as it lives: restic asks for a new
    /// password when it has locked the repository, and nobody ever writes one into that
    /// pipe.
    pub fn holder(self) -> Vec<String> {
        let change = match self {
            Self::Exclusive => "passwd",
            Self::Shared => "add",
        };
        let script = format!("mkfifo /pipe; exec restic --no-cache key {change} --new-password-file /pipe");
        ["sh", "-c", &script].map(str::to_owned).to_vec()
    }
}
