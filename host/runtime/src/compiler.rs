//! Who compiles, and within which bounds.
//!
//! Compiling takes as much time and memory as a module's author likes, so a host has it done
//! by a child process that limits itself before it reads the module.

use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;

use suture_core::{Bytes, HumanDuration};
use wasmtime::Engine;

use crate::child;
use crate::machine;

/// Who compiles for a [`Runtime`](crate::Runtime).
#[derive(Clone, Debug)]
pub enum Compiler {
    /// A child process, within limits: the program is one whose `compile` subcommand calls
    /// [`compile_and_exit`](crate::compile_and_exit), of the same build as this one. For all
    /// that loads what others wrote.
    Child {
        /// The program: `suture` itself.
        program: PathBuf,
        /// What it may use.
        limits: CompileLimits,
    },
    /// This very process, without any limit: for tests and measurements of modules that are
    /// their own. Nothing that is shipped asks for it.
    InProcess,
}

/// What compiling one module may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompileLimits {
    /// The compiler's whole address space.
    pub memory: Bytes,
    /// CPU time, of all its threads together, in whole seconds.
    pub cpu: HumanDuration,
    /// Time on the clock.
    pub wall: HumanDuration,
    /// The compiled code.
    pub output: Bytes,
}

impl CompileLimits {
    /// The most memory that compiling takes, however much there is. A policy in Python, the
    /// largest that is known, takes about a third of it.
    pub const MEMORY: Bytes = Bytes(2 << 30);
    /// CPU time. A policy in Python takes less than half of it in a debug build.
    pub const CPU: HumanDuration = HumanDuration::from_secs(60);
    /// Time on the clock: the CPU time where there is a tenth of one, as for a pod with `limits: {cpu: 100m}`
    /// or on a machine that is busy with other things.
    pub const WALL: HumanDuration = HumanDuration::from_secs(600);
    /// Compiled code. It is about four times as large as the component.
    pub const OUTPUT: Bytes = Bytes(512 << 20);

    /// The limits for this machine: of memory less than half of what the process's control
    /// group allows or the machine has, and [`MEMORY`](Self::MEMORY) at most.
    pub fn here() -> Self {
        // A little under half: the host has its half to itself.
        let share = machine::memory().map_or(Self::MEMORY.0, |memory| memory / 16 * 7);
        let memory = Bytes(share.min(Self::MEMORY.0));
        Self { memory, cpu: Self::CPU, wall: Self::WALL, output: Self::OUTPUT }
    }
}

/// Why a module could not be compiled.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// It is not valid.
    #[error("not a component that can be run: {0}")]
    Invalid(String),
    /// It takes more memory.
    #[error(
        "compiling it takes more than {0} of memory, which is all that the compiler gets on this machine"
    )]
    Memory(Bytes),
    /// It takes more CPU time.
    #[error("compiling it takes more than {0} of CPU time")]
    Cpu(HumanDuration),
    /// It takes longer.
    #[error(
        "compiling it was ended after {0}: the module is too complex, or the machine too busy; it is tried again when it is looked at next"
    )]
    Wall(HumanDuration),
    /// What it compiles to is too large.
    #[error("it compiles to more than {0} of code")]
    Output(Bytes),
    /// The compiler could not cope with it.
    #[error("the compiler crashed on it: {0}")]
    Crashed(String),
    /// The compiler was killed from outside.
    #[error(
        "the compiler was killed, perhaps because the machine had no memory left; it is tried again when the module is looked at next"
    )]
    Killed,
    /// There is no more need for it.
    #[error("compiling it was given up")]
    GivenUp,
    /// There is no compiler.
    #[error("the compiler `{}` could not be run: {why}", program.display())]
    Unusable {
        /// What was run.
        program: PathBuf,
        /// What came of it.
        why: String,
    },
}

impl CompileError {
    /// Whether the same module would fail again, under the same limits.
    pub fn is_lasting(&self) -> bool {
        match self {
            Self::Invalid(_) | Self::Memory(_) | Self::Cpu(_) | Self::Output(_) | Self::Crashed(_) => true,
            Self::Wall(_) | Self::Killed | Self::GivenUp | Self::Unusable { .. } => false,
        }
    }
}

impl Compiler {
    /// A child that is another process of this program, with the limits of this machine.
    pub fn this_program() -> Self {
        // On Linux that is the very file that this process runs, even if another stands in its
        // place by now.
        let own = PathBuf::from("/proc/self/exe");
        let named = || std::env::current_exe().unwrap_or_else(|_| PathBuf::from("suture"));
        Self::child(if cfg!(target_os = "linux") { own } else { named() })
    }

    /// A child that is a process of a program, with the limits of this machine.
    pub fn child(program: PathBuf) -> Self {
        Self::Child { program, limits: CompileLimits::here() }
    }

    /// What a failure depends on, beside the module and the engine.
    pub(crate) fn key(&self) -> String {
        let version = env!("CARGO_PKG_VERSION");
        match self {
            Self::InProcess => format!("suture {version}, no limits"),
            Self::Child { program: _, limits: CompileLimits { memory, cpu, wall: _, output } } => {
                format!("suture {version}, memory {memory}, cpu {cpu}, output {output}")
            }
        }
    }

    /// Compile a component for an engine. Blocks.
    ///
    /// # Errors
    /// Why it can't be compiled.
    pub(crate) fn compile(&self, engine: &Engine, bytes: &[u8], job: Job) -> Result<Vec<u8>, CompileError> {
        match self {
            Self::InProcess => engine
                .precompile_component(bytes)
                .map_err(|error| CompileError::Invalid(format!("{error:#}"))),
            Self::Child { program, limits } => child::compile(program, limits, engine, bytes, job),
        }
    }
}

/// A module that is being compiled, as long as somebody waits for it.
pub(crate) struct Job {
    signals: mpsc::Receiver<Signal>,
    sender: mpsc::Sender<Signal>,
}

/// Somebody waits for a [`Job`]: until this is dropped.
pub(crate) struct Waiting(mpsc::Sender<Signal>);

/// What ends the watch over a child.
enum Signal {
    Over,
    GivenUp,
}

/// Ends the watch over a child: it is over.
pub(crate) struct Over(mpsc::Sender<Signal>);

impl Job {
    /// A job, which is given up when the other part is dropped.
    pub(crate) fn new() -> (Self, Waiting) {
        let (sender, signals) = mpsc::channel();
        (Self { signals, sender: sender.clone() }, Waiting(sender))
    }

    /// What ends the watch.
    pub(crate) fn over(&self) -> Over {
        Over(self.sender.clone())
    }

    /// Wait until it is over: none; or until it must be ended, and why.
    pub(crate) fn watch(&self, wall: Duration) -> Option<CompileError> {
        match self.signals.recv_timeout(wall) {
            Ok(Signal::Over) => None,
            Ok(Signal::GivenUp) | Err(mpsc::RecvTimeoutError::Disconnected) => Some(CompileError::GivenUp),
            Err(mpsc::RecvTimeoutError::Timeout) => Some(CompileError::Wall(wall.into())),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // Nobody listens where it is over.
        let _ = self.0.send(Signal::GivenUp);
    }
}

impl Drop for Over {
    fn drop(&mut self) {
        let _ = self.0.send(Signal::Over);
    }
}
