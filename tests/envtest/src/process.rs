//! Programs that never outlive the test that started them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context;

/// Set for a program: the folder that goes with it.
pub const REMOVES: &str = "SUTURE_LEASH_REMOVES";

/// Runs a program and ends it when this shell's standard input ends: when the test
/// lets go of it, and also when the test is killed, which no destructor survives.
const LEASH: &str = r#"log=$1; shift; "$@" >>"$log" 2>&1 </dev/null & pid=$!
cat >/dev/null; kill -9 "$pid" 2>/dev/null; wait "$pid" 2>/dev/null
[ -z "$SUTURE_LEASH_REMOVES" ] || rm -rf "$SUTURE_LEASH_REMOVES""#;

/// A running program; it is killed when this is dropped, or when the test process ends.
pub struct Process {
    leash: Child,
    log: PathBuf,
}

impl Process {
    /// Start a program; what it prints is appended to `log`.
    ///
    /// # Errors
    /// Where no shell can be started.
    pub fn start(
        program: &Path,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
        log: &Path,
    ) -> anyhow::Result<Self> {
        Self::with_environment(program, arguments, [("", ""); 0], log)
    }

    /// The same, with variables added to its environment.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn with_environment(
        program: &Path,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
        environment: impl IntoIterator<Item = (impl AsRef<OsStr>, impl AsRef<OsStr>)>,
        log: &Path,
    ) -> anyhow::Result<Self> {
        let leash = Command::new("sh")
            .args(["-c", LEASH, "leash"])
            .args([log.as_os_str(), program.as_os_str()])
            .args(arguments)
            .envs(environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("{} can't be started", program.display()))?;
        Ok(Self { leash, log: log.to_owned() })
    }

    /// The end of what it has printed.
    pub fn last_words(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&text[text.len().saturating_sub(4000)..]).into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.leash.stdin.take());
        let _ = self.leash.wait();
    }
}

/// A free port on loopback. It may be taken again before it is used: then the program
/// fails to start, and the test says so.
///
/// # Errors
/// Where there is none.
pub fn free_port() -> std::io::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Ask again and again until there is something. None where there is nothing within
/// `limit`.
#[expect(clippy::disallowed_methods, reason = "other programs live in real time")]
pub async fn found<T, F: Future<Output = Option<T>>>(
    limit: Duration,
    mut look: impl FnMut() -> F,
) -> Option<T> {
    let started = std::time::Instant::now();
    loop {
        let found = look().await;
        if found.is_some() || started.elapsed() > limit {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Ask again and again until something holds. False where it does not within `limit`.
pub async fn eventually<F: Future<Output = bool>>(limit: Duration, mut holds: impl FnMut() -> F) -> bool {
    let look = || {
        let holds = holds();
        async { holds.await.then_some(()) }
    };
    found(limit, look).await.is_some()
}
