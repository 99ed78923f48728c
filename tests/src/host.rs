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

use crate::process::{eventually, free_port, loopback};

const PATIENCE: Duration = Duration::from_secs(60);

/// A host.
pub struct Host {
    child: Child,
    /// Where alerts are posted.
    pub webhook: SocketAddr,
    /// Where its API, its metrics and its health are.
    pub admin: SocketAddr,
    log: PathBuf,
}

/// The `suture` program, built by the cargo that runs the tests.
///
/// # Errors
/// Where it can't be built.
pub fn program() -> anyhow::Result<PathBuf> {
    static BUILT: OnceLock<Result<(), String>> = OnceLock::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let build = || {
        let built = std::process::Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "suture-cli"])
            .current_dir(&root)
            .output()
            .map_err(|error| error.to_string())?;
        if built.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&built.stderr).into_owned()) }
    };
    BUILT.get_or_init(build).clone().map_err(anyhow::Error::msg)?;
    // Tests stand in `deps` of the folder that programs stand in.
    let test = std::env::current_exe()?;
    let folder = test.parent().and_then(Path::parent).context("the test stands nowhere")?;
    Ok(folder.join("suture"))
}

impl Host {
    /// Start a host in a folder of its own. `config` is what stands in its configuration
    /// beside the addresses and the storage.
    ///
    /// # Errors
    /// Where it can't be started.
    pub fn start(folder: &Path, config: &str) -> anyhow::Result<Self> {
        let (webhook, admin) = (loopback(free_port()?), loopback(free_port()?));
        let addresses =
            format!("listen: {webhook}\nadmin: {{listen: {admin}}}\nstorage: {{path: state}}\n{config}");
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("suture.yaml"), addresses)?;
        let log = folder.join("suture.log");
        let output = std::fs::OpenOptions::new().create(true).append(true).open(&log)?;
        let child = Command::new(program()?)
            .args(["serve", "--config"])
            .arg(folder.join("suture.yaml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(output)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self { child, webhook, admin, log })
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
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

/// A client that gives up soon: a process that is stopped never answers.
fn client() -> reqwest::Client {
    suture_cluster::install_crypto();
    reqwest::Client::builder().timeout(Duration::from_secs(5)).build().unwrap_or_default()
}
