//! `suture serve` as a process: it can be killed, stopped, and woken up again.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::process::{eventually, eventually_every, free_port, loopback};

/// When a host hangs, on any machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// A host.
pub struct Host {
    child: Child,
    /// Where alerts are posted.
    pub webhook: SocketAddr,
    /// Where its API, its metrics and its health are.
    pub admin: SocketAddr,
    log: PathBuf,
    /// How much hosts before it wrote into the same log, in bytes.
    said_before: u64,
}

/// The `suture` program of this build: cargo builds it for tests; for a program beside it, who
/// runs that has.
///
/// # Errors
/// Where it can't be built, or isn't there.
pub fn program() -> anyhow::Result<PathBuf> {
    static BUILT: OnceLock<Result<(), String>> = OnceLock::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let build = || {
        // What cargo says to tests of their package: the build script of `ring` looks at it, and it and all
        // above it would be built anew.
        let of_test = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        let mut command = std::process::Command::new(env!("CARGO"));
        for name in
            std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).filter(|name| of_test(name))
        {
            command.env_remove(name);
        }
        let built = command
            // Of the whole workspace, as the tests: with other features it would be built anew.
            .args(["build", "--quiet", "--workspace", "--bin", "suture"])
            .current_dir(&root)
            .output()
            .map_err(|error| error.to_string())?;
        if built.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&built.stderr).into_owned()) }
    };
    let own = std::env::current_exe()?;
    let folder = own.parent().context("this program stands nowhere")?;
    // Tests stand in `deps` of the folder that programs stand in.
    let (folder, is_test) = match folder.parent() {
        Some(above) if folder.ends_with("deps") => (above, true),
        _ => (folder, false),
    };
    if is_test {
        BUILT.get_or_init(build).clone().map_err(anyhow::Error::msg)?;
    }
    let program = folder.join("suture");
    anyhow::ensure!(program.is_file(), "`{}` is not there; `cargo build` makes it", program.display());
    Ok(program)
}

impl Host {
    /// Start a host in a folder of its own. `config` is what stands in its configuration
    /// beside the addresses and the storage.
    ///
    /// # Errors
    /// Where it can't be started.
    pub fn start(folder: &Path, config: &str) -> anyhow::Result<Self> {
        Self::start_at(folder, config, loopback(free_port()?), loopback(free_port()?))
    }

    /// Start a host that chooses its addresses itself: many may be started at the same
    /// time. They are known once it [listens](Self::listens).
    ///
    /// # Errors
    /// Where it can't be started.
    pub fn start_anywhere(folder: &Path, config: &str) -> anyhow::Result<Self> {
        Self::start_at(folder, config, loopback(0), loopback(0))
    }

    /// Wait until it says where it listens.
    ///
    /// # Errors
    /// Where it ends before, or never does; with its last words.
    pub async fn listens(&mut self) -> anyhow::Result<()> {
        let mut is_over = false;
        let says = async || {
            is_over = self.child.try_wait().is_ok_and(|status| status.is_some());
            if let Some((webhook, admin)) = addresses(&self.log()) {
                (self.webhook, self.admin) = (webhook, admin);
                return true;
            }
            is_over
        };
        let said = eventually_every(Duration::from_millis(10), PATIENCE, says).await;
        anyhow::ensure!(said && !is_over, "it does not listen:\n{}", self.log());
        Ok(())
    }

    /// `kill -9`; it is gone afterwards.
    ///
    /// # Errors
    /// Where that can't be done.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    fn start_at(folder: &Path, config: &str, webhook: SocketAddr, admin: SocketAddr) -> anyhow::Result<Self> {
        let addresses =
            format!("listen: {webhook}\nadmin: {{listen: {admin}}}\nstorage: {{path: state}}\n{config}");
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("suture.yaml"), addresses)?;
        let log = folder.join("suture.log");
        let output = std::fs::OpenOptions::new().create(true).append(true).open(&log)?;
        let said_before = output.metadata()?.len();
        let child = Command::new(program()?)
            .args(["serve", "--config"])
            .arg(folder.join("suture.yaml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(output)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self { child, webhook, admin, log, said_before })
    }

    /// What it answers under a path of its admin address; none where it does not answer.
    pub async fn get(&self, path: &str) -> Option<(u16, String)> {
        let answer = client().get(format!("http://{}{path}", self.admin)).send().await.ok()?;
        Some((answer.status().as_u16(), answer.text().await.ok()?))
    }

    /// The JSON under a path of its API; null where there is none.
    pub async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await.unwrap_or_default();
        serde_json::from_str(&answer.1).unwrap_or_default()
    }

    /// Post to its webhook: the status of the answer.
    ///
    /// # Errors
    /// Where it does not answer.
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<u16> {
        let url = format!("http://{}{path}", self.webhook);
        Ok(client().post(url).json(body).send().await?.status().as_u16())
    }

    /// Post to its API: the status of the answer, and its text.
    ///
    /// # Errors
    /// Where it does not answer.
    pub async fn post_admin(&self, path: &str, body: &Value) -> anyhow::Result<(u16, String)> {
        let answer = client().post(format!("http://{}{path}", self.admin)).json(body).send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    /// Wait until `/readyz` answers so.
    ///
    /// # Errors
    /// Where it never does; with the last words of the host.
    pub async fn until(&self, status: u16, text: &str) -> anyhow::Result<()> {
        let mut last = None;
        let answers = async || {
            last = self.get("/readyz").await;
            last.as_ref().is_some_and(|(is, body)| *is == status && body.contains(text))
        };
        let there = eventually(PATIENCE, answers).await;
        anyhow::ensure!(there, "never {status} {text}: {last:?}\n{}", self.log());
        Ok(())
    }

    /// The most memory that it has had so far, in bytes.
    ///
    /// # Errors
    /// Where it is gone.
    pub fn peak_memory(&self) -> anyhow::Result<u64> {
        crate::process::peak_memory(self.child.id().context("the host is gone")?)
    }

    /// The number of its process; none where it is gone.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Send it a signal.
    ///
    /// # Errors
    /// Where it is gone.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let id = self.child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
        Ok(kill_process(id.context("the host is gone")?, signal)?)
    }

    /// Wait until it ends.
    ///
    /// # Errors
    /// Where it does not end; with its last words.
    pub async fn ended(&mut self) -> anyhow::Result<ExitStatus> {
        let mut ended = None;
        let has_ended = async || {
            ended = self.child.try_wait().ok().flatten();
            ended.is_some()
        };
        eventually(PATIENCE, has_ended).await;
        ended.with_context(|| format!("it does not end:\n{}", self.log()))
    }

    /// What it has said.
    pub fn log(&self) -> String {
        let all = std::fs::read(&self.log).unwrap_or_default();
        let before = usize::try_from(self.said_before).unwrap_or_default();
        String::from_utf8_lossy(all.get(before..).unwrap_or_default()).into_owned()
    }
}

/// Where a host says that it listens.
fn addresses(log: &str) -> Option<(SocketAddr, SocketAddr)> {
    let line = log.split_once("suture listens: webhook on ")?.1;
    let (addresses, _) = line.split_once('\n')?;
    let (webhook, admin) = addresses.split_once(", admin on ")?;
    Some((webhook.parse().ok()?, admin.parse().ok()?))
}

/// A client that gives up soon: a process that is stopped never answers. It keeps no
/// connections: each test has a runtime of its own.
fn client() -> &'static reqwest::Client {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    CLIENT.get_or_init(|| {
        suture_cluster::install_crypto();
        let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).pool_max_idle_per_host(0);
        client.build().unwrap_or_default()
    })
}
