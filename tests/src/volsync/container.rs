//! A container as a local process.

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::Context;

/// Runs a program and gives its exit code. Ends it when standard input ends: when the
/// test lets go of it, and also when the test is killed, which no destructor survives.
const LEASH: &str = r#"exec 3<&0; "$@" 3<&- </dev/null & pid=$!
{ cat <&3 >/dev/null; kill -9 "$pid"; } 2>/dev/null & cat=$!
wait "$pid"; code=$?; kill "$cat"; exit "$code""#;

/// Sets up a container from within its namespaces: a root folder in memory with the
/// programs of this machine, and what is mounted. It goes with its last process.
const SETUP: &str = r#"set -e
root=$1 host=$2 mode=$3; shift 3
hostname "$host"
mount -t tmpfs none "$root"
for folder in bin sbin lib lib64 usr etc dev; do
  if [ -L "/$folder" ]; then cp -P "/$folder" "$root/$folder"
  elif [ -d "/$folder" ]; then mkdir "$root/$folder"; mount --rbind "/$folder" "$root/$folder"; fi
done
mkdir "$root/proc"; mount -t proc proc "$root/proc"
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mkdir -p "$root$2"; else mkdir -p "$root${2%/*}"; : >"$root$2"; fi
  mount --bind "$1" "$root$2"; shift 2
done
shift; mount -o "remount,$mode" "$root"; exec chroot "$root" "$@""#;

/// What a container consists of.
pub struct Plan {
    /// Its host name: of a pod, the pod's name.
    pub hostname: String,
    /// Files and folders of this machine, and where they are in the container.
    pub mounts: Vec<(PathBuf, String)>,
    /// Its environment, beside `PATH`.
    pub environment: Vec<(String, String)>,
    /// What it runs.
    pub command: Vec<String>,
    /// Where what it prints goes.
    pub log: PathBuf,
    /// An empty folder.
    pub root: PathBuf,
    /// Whether it can write only into what is mounted.
    pub is_read_only: bool,
}

/// A running container, with process ids, mounts and a host name of its own. It is killed
/// when this is dropped, or when the test process ends.
pub struct Container(Child);

impl Container {
    /// Start one.
    ///
    /// # Errors
    /// Where it can't be started.
    pub fn start(plan: &Plan) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&plan.root)?;
        let log = std::fs::File::create(&plan.log).context("the container's log")?;
        let mut command = Command::new("sh");
        command.args([
            "-c",
            LEASH,
            "leash",
            "unshare",
            "--mount",
            "--uts",
            "--pid",
            "--fork",
            "--kill-child",
        ]);
        if !rustix::process::geteuid().is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        command.args(["sh", "-c", SETUP, "setup"]).arg(&plan.root).arg(&plan.hostname);
        command.arg(if plan.is_read_only { "ro" } else { "rw" });
        for (source, target) in &plan.mounts {
            command.arg(source).arg(target);
        }
        let child = command
            .arg("--")
            .args(&plan.command)
            .env_clear()
            .env("PATH", "/image/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .envs(plan.environment.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("a container needs `unshare` (util-linux)")?;
        Ok(Self(child))
    }

    /// Its exit code, if it has ended: 128 and the signal's number, if a signal ended it.
    ///
    /// # Errors
    /// Where the system does not say.
    pub fn ended(&mut self) -> std::io::Result<Option<i32>> {
        let status = self.0.try_wait()?;
        Ok(status.map(|status| status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())))
    }
}

impl Drop for Container {
    /// As `kill -9` does: nothing in it gets to clean up after itself.
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}
