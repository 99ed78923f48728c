//! Both sides of a compiler in a process of its own.
//!
//! The component goes in on stdin. What comes out on stdout is a mark, the hash of the engine
//! that the code is for, and the code; or a reason on stderr and an exit status that says of
//! which kind it is. The child has no environment but a number of threads, no open file but
//! these three, and `/` as its folder; it dies with the thread that started it.

use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;

use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions, getrlimit, kill_process, setrlimit, waitid,
};
use suture_core::Bytes;
use suture_core::contract::text::cut;
use wasmtime::Engine;

use crate::cache::engine_hash;
use crate::compiler::{CompileError, CompileLimits, Job};
use crate::engine::compiling;
use crate::load::MAX_COMPONENT_BYTES;

/// Written first.
const MARK: &[u8; 16] = b"suture-compiled\n";
const HEADER: usize = MARK.len() + 32;

/// Exit statuses, as in `sysexits.h`.
const INVALID: u8 = 65;
const CRASHED: u8 = 70;
const FAILED: u8 = 74;

/// The most that is read of what a child says on stderr, and kept of it, in bytes.
const MAX_SAID: u64 = 64 << 10;
const MAX_REASON: usize = 1024;

/// Threads of the compiler: each has memory of its own, and a machine may have a hundred cores.
const MAX_THREADS: usize = 4;

// ---------------------------------------------------------------- the parent

/// Have a component compiled.
pub(crate) fn compile(
    program: &Path,
    limits: &CompileLimits,
    engine: &Engine,
    bytes: &[u8],
    job: Job,
) -> Result<Vec<u8>, CompileError> {
    let unusable = |why: String| CompileError::Unusable { program: program.to_owned(), why };
    let mut child = spawn(program, limits).map_err(|error| unusable(error.to_string()))?;
    let most = limits.output.0.saturating_add(HEADER as u64);
    let Done { output, said, status, ended } = attend(&mut child, bytes, most, job, limits);
    let status = status.map_err(|error| unusable(error.to_string()))?;
    if let Some(ended) = ended {
        return Err(ended);
    }
    let output = output.map_err(|error| unusable(format!("its output can't be read: {error}")))?;
    if output.len() as u64 > most {
        return Err(CompileError::Output(limits.output));
    }
    if !status.success() {
        return Err(
            failure(status, &said, limits).unwrap_or_else(|| unusable(format!("{status}: {}", last(&said))))
        );
    }
    let code = output.strip_prefix(MARK).and_then(|rest| rest.strip_prefix(&engine_hash(engine)));
    code.map(<[u8]>::to_vec).ok_or_else(|| {
        unusable("what it wrote is no code for this host; it must be of the same build".to_owned())
    })
}

fn spawn(program: &Path, limits: &CompileLimits) -> io::Result<Child> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
    Command::new(program)
        .arg("compile")
        .arg(format!("--memory={}", limits.memory.0))
        .arg(format!("--cpu-seconds={}", limits.cpu.get().as_secs().max(1)))
        .env_clear()
        .env("RAYON_NUM_THREADS", threads.to_string())
        // Each reserves 64 MiB of addresses.
        .env("MALLOC_ARENA_MAX", threads.to_string())
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

/// What came of a child.
struct Done {
    output: io::Result<Vec<u8>>,
    said: String,
    status: io::Result<ExitStatus>,
    /// Why it was ended by us.
    ended: Option<CompileError>,
}

/// Feed a child and listen to it, until it is over or must be.
fn attend(child: &mut Child, bytes: &[u8], most: u64, job: Job, limits: &CompileLimits) -> Done {
    let pid = Pid::from_child(child);
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let over = job.over();
    // Nobody collects the child before its watch has ended: until then the number is its own.
    let kill = move || {
        // It may be over already.
        let _ = kill_process(pid, Signal::KILL);
    };
    let wall = limits.wall.get();
    let (output, said, ended) = thread::scope(|scope| {
        let watch = scope.spawn(move || job.watch(wall).inspect(|_| kill()));
        // One that fails reads no further.
        let feed = scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(bytes)));
        let listen = scope.spawn(|| stderr.map(text).unwrap_or_default());
        let mut output = Vec::new();
        let read = match stdout {
            Some(stdout) => stdout.take(most.saturating_add(1)).read_to_end(&mut output),
            None => Ok(0),
        };
        if read.is_err() || output.len() as u64 > most {
            kill();
        }
        let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
        drop(over);
        let _ = feed.join();
        let said = listen.join().unwrap_or_default();
        (read.map(|_| output), said, watch.join().unwrap_or_default())
    });
    Done { output, said, status: child.wait(), ended }
}

/// What somebody says, the beginning of it.
fn text(mut from: impl Read) -> String {
    let mut said = Vec::new();
    let _ = from.by_ref().take(MAX_SAID).read_to_end(&mut said);
    // The rest, so that nobody waits for us to read it.
    let _ = io::copy(&mut from, &mut io::sink());
    String::from_utf8_lossy(&said).into_owned()
}

/// Its last line, without what Rust says of backtraces.
fn last(said: &str) -> String {
    let last = said.trim().lines().rfind(|line| !line.starts_with("note: "));
    cut(last.unwrap_or_default().to_owned(), MAX_REASON)
}

/// Why a child failed, where it is a compiler's way to fail.
fn failure(status: ExitStatus, said: &str, limits: &CompileLimits) -> Option<CompileError> {
    let out_of_memory =
        ["memory allocation of", "Cannot allocate memory", "OutOfMemory", "out of memory", "WouldBlock"];
    let is_memory = out_of_memory.iter().any(|sign| said.contains(sign));
    let signal = |signal: Signal| status.signal() == Some(signal.as_raw());
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    if signal(Signal::XCPU) {
        Some(CompileError::Cpu(limits.cpu))
    } else if signal(Signal::KILL) || signal(Signal::TERM) {
        Some(CompileError::Killed)
    } else if code == Some(INVALID) {
        Some(CompileError::Invalid(cut(said.trim().to_owned(), MAX_REASON)))
    } else if is_memory {
        Some(CompileError::Memory(limits.memory))
    } else if status.signal().is_some() || code == Some(CRASHED) {
        Some(CompileError::Crashed(crash(status, said)))
    } else {
        None
    }
}

fn crash(status: ExitStatus, said: &str) -> String {
    let last = last(said);
    if last.is_empty() { status.to_string() } else { last }
}

// ---------------------------------------------------------------- the child

/// Be the child: limit this process, read a component from stdin, and write to stdout what it
/// compiles to. For the `compile` subcommand of a program that is named in
/// [`Compiler::Child`](crate::Compiler::Child), and to be called while it has one thread and
/// nothing else to do.
///
/// `memory` bounds the address space, `cpu_seconds` the CPU time of all threads together.
pub fn compile_and_exit(memory: Bytes, cpu_seconds: u64) -> ! {
    let status = match confine(memory, cpu_seconds) {
        Ok(()) => catch_unwind(AssertUnwindSafe(work)).unwrap_or(CRASHED),
        Err(error) => say(FAILED, &format!("the compiler can't limit itself: {error}")),
    };
    std::process::exit(status.into())
}

fn say(status: u8, what: &str) -> u8 {
    // Nothing is left to be done where even this can't be said.
    let _ = writeln!(io::stderr(), "{what}");
    status
}

/// Give up what a compiler does not need, before anything is read.
fn confine(memory: Bytes, cpu_seconds: u64) -> io::Result<()> {
    let limit = |resource, most: u64| {
        // What is limited further already stays so.
        let hard = getrlimit(resource).maximum.map_or(most, |hard| hard.min(most));
        setrlimit(resource, Rlimit { current: Some(hard), maximum: Some(hard) })
    };
    limit(Resource::As, memory.0)?;
    limit(Resource::Data, memory.0)?;
    // The soft limit says so; the hard one would kill as anybody may.
    let cpu = getrlimit(Resource::Cpu).maximum.map_or(cpu_seconds, |hard| hard.min(cpu_seconds));
    setrlimit(Resource::Cpu, Rlimit { current: Some(cpu), maximum: Some(cpu.saturating_add(5)) })?;
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, 0)?;
    close_others()?;
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // Where memory is short, this process goes and not its host. Not everybody's kernel has it.
    let _ = std::fs::OpenOptions::new()
        .write(true)
        .open("/proc/self/oom_score_adj")
        .and_then(|mut file| file.write_all(b"1000"));
    Ok(())
}

/// Close what is open beyond the three: what a host opens itself is not handed on, but it may
/// have been started with more.
fn close_others() -> io::Result<()> {
    let mut open = Vec::new();
    for file in std::fs::read_dir("/dev/fd")? {
        open.extend(file?.file_name().to_str().and_then(|name| name.parse::<i32>().ok()));
    }
    // The folder that was just read is closed by now.
    let is_open = |number: &i32| std::fs::symlink_metadata(format!("/dev/fd/{number}")).is_ok();
    for number in open.into_iter().filter(|number| *number > 2).filter(is_open) {
        // SAFETY: this process has opened none of them, so nothing in it owns them.
        #[expect(unsafe_code, reason = "nobody owns what was inherited; see above")]
        unsafe {
            rustix::io::close(number);
        }
    }
    Ok(())
}

fn work() -> u8 {
    let mut bytes = Vec::new();
    let read = io::stdin().lock().take(MAX_COMPONENT_BYTES as u64 + 1).read_to_end(&mut bytes);
    if let Err(error) = read {
        return say(FAILED, &format!("the component can't be read: {error}"));
    }
    if bytes.len() > MAX_COMPONENT_BYTES {
        return say(INVALID, "it is too large");
    }
    let engine = match compiling() {
        Ok(engine) => engine,
        Err(error) => return say(FAILED, &format!("the compiler can't be set up: {error:#}")),
    };
    let code = match engine.precompile_component(&bytes) {
        Ok(code) => code,
        Err(error) => return say(INVALID, &format!("{error:#}")),
    };
    let mut out = io::stdout().lock();
    let parts = [&MARK[..], &engine_hash(&engine), &code];
    match parts.iter().try_for_each(|part| out.write_all(part)).and_then(|()| out.flush()) {
        Ok(()) => 0,
        Err(error) => say(FAILED, &format!("the code can't be handed over: {error}")),
    }
}
