//! A policy that is a process of its own, as a program of the host.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use async_trait::async_trait;
use suture_core::{Ending, Host, Incident, Limits, Manifest, Program};
use suture_policy::host::pipe::{MARK, Message};
use suture_policy::host::types;

use crate::bridge::Bridge;
use crate::convert;
use crate::native::on_a_thread;

/// How long a policy may compute without a word.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest line that is read, in bytes.
const MAX_LINE: u64 = 64 << 20;

/// A policy that was compiled natively to a program: each run is a process.
pub struct ChildPolicy {
    program: PathBuf,
    environment: Vec<(String, String)>,
    manifest: Manifest,
    digest: String,
}

/// Why a program is no policy.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// It could not be started, or not be spoken to.
    #[error("the policy's program `{}` can't be used: {source}", program.display())]
    Io {
        /// The program.
        program: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It did not say what it is.
    #[error("the policy's program did not say what it is: {0}")]
    Silent(String),
    /// Its manifest breaks the contract.
    #[error("its manifest could not be had: {0}")]
    Manifest(String),
}

impl ChildPolicy {
    /// The policy that a program is, started with these variables of the environment.
    ///
    /// # Errors
    /// Where it is none.
    pub fn program(
        program: &Path,
        environment: Vec<(String, String)>,
    ) -> Result<Arc<dyn Program>, ChildError> {
        let io = |source| ChildError::Io { program: program.to_owned(), source };
        let mut child = Process::start(program, &environment, Some("manifest")).map_err(io)?;
        let manifest = match child.hear() {
            Ok(Message::Manifest(manifest)) => manifest,
            Ok(_) => return Err(ChildError::Silent("it said something else".to_owned())),
            Err(why) => return Err(ChildError::Silent(why)),
        };
        let manifest =
            convert::manifest(manifest).check().map_err(|error| ChildError::Manifest(error.to_string()))?;
        let digest = format!("native:{}@{}", manifest.name, manifest.version);
        Ok(Arc::new(Self { program: program.to_owned(), environment, manifest, digest }))
    }
}

#[async_trait]
impl Program for ChildPolicy {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn digest(&self) -> &str {
        &self.digest
    }

    async fn remediate(&self, incident: &Incident, _: &Limits, host: Arc<dyn Host>) -> Ending {
        let incident = convert::incident(incident);
        let process = match Process::start(&self.program, &self.environment, None) {
            Ok(process) => process,
            Err(error) => return Ending::Failed(format!("the policy's program can't be started: {error}")),
        };
        on_a_thread(&self.manifest.name, host, move |bridge| converse(process, &incident, &bridge)).await
    }
}

/// Answer a process until it is done. Unwinds where the host has ended the run.
fn converse(mut process: Process, incident: &types::Incident, bridge: &Bridge) -> Ending {
    let mut text = serde_json::to_string(incident);
    loop {
        let said = text.map_err(io::Error::from).and_then(|text| process.tell(&text));
        let message = said.map_err(|error| error.to_string()).and_then(|()| process.hear());
        text = match message {
            Ok(Message::Call(call)) => call.answer(bridge),
            Ok(Message::Over(Ok(outcome))) => return Ending::Concluded(convert::outcome(outcome)),
            Ok(Message::Over(Err(message))) => return Ending::Failed(message),
            Ok(Message::Panicked(message)) => return Ending::Trapped(message),
            Ok(Message::Manifest(_)) => return Ending::Trapped("it answers what nobody asked".to_owned()),
            Err(why) => return Ending::Trapped(why),
        };
    }
}

/// A process, and what it says.
struct Process {
    child: Child,
    input: Option<ChildStdin>,
    messages: Receiver<Result<Message, String>>,
}

impl Process {
    fn start(program: &Path, environment: &[(String, String)], argument: Option<&str>) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.args(argument).envs(environment.iter().cloned());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take();
        let output = child.stdout.take();
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            let mut lines = output.map(BufReader::new);
            while let Some(message) = lines.as_mut().and_then(next) {
                // Nobody listens where the run is over.
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, input, messages })
    }

    fn tell(&mut self, text: &str) -> io::Result<()> {
        let input = self.input.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        input.write_all(text.as_bytes())?;
        input.write_all(b"\n")?;
        input.flush()
    }

    fn hear(&mut self) -> Result<Message, String> {
        match self.messages.recv_timeout(PATIENCE) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => {
                // It is not waited for any more.
                let _ = self.child.kill();
                Err(format!("the policy said nothing for {} s", PATIENCE.as_secs()))
            }
            Err(RecvTimeoutError::Disconnected) => {
                Err("the policy's program ended without a word".to_owned())
            }
        }
    }
}

impl Drop for Process {
    /// It ends by itself once nobody answers, and writes down what it has counted.
    fn drop(&mut self) {
        self.input = None;
        let _ = self.child.wait();
    }
}

/// The next message; what the policy prints otherwise is passed on to people.
fn next(lines: &mut impl BufRead) -> Option<Result<Message, String>> {
    loop {
        let mut line = Vec::new();
        let read = lines.by_ref().take(MAX_LINE).read_until(b'\n', &mut line);
        if read.unwrap_or_default() == 0 {
            return None;
        }
        let line = String::from_utf8_lossy(&line);
        match line.strip_prefix(MARK) {
            Some(text) => return Some(serde_json::from_str(text).map_err(|error| error.to_string())),
            None if line.trim().is_empty() => {}
            None => eprint!("{line}"),
        }
    }
}
