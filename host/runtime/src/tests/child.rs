//! Compilers in processes of their own, played by shell scripts: what comes of each.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use suture_core::{Bytes, HumanDuration};

use crate::testing::Guest;
use crate::{CompileError, CompileLimits, Compiler, LoadError, ModuleCache, Runtime};

/// A compiler that does what a script says, and writes down each time that it is started.
struct FakeCompiler {
    dir: tempfile::TempDir,
    cache: ModuleCache,
    script: String,
}

impl FakeCompiler {
    fn new(script: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let cache = ModuleCache::open(dir.path().join("modules")).unwrap();
        Self { dir, cache, script: script.to_owned() }
    }

    fn program(&self) -> PathBuf {
        let program = self.dir.path().join("compiler");
        let text =
            format!("#!/bin/sh\ndir={}\necho run >> $dir/runs\n{}\n", self.dir.path().display(), self.script);
        fs::write(&program, text).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        program
    }

    async fn load_with(&self, limits: CompileLimits) -> LoadError {
        let runtime = Runtime::new(Compiler::Child { program: self.program(), limits }).unwrap();
        runtime.load(&Guest::default().component(), Some(&self.cache)).await.unwrap_err()
    }

    async fn load(&self) -> LoadError {
        self.load_with(limits()).await
    }

    fn runs(&self) -> usize {
        fs::read_to_string(self.dir.path().join("runs")).unwrap_or_default().lines().count()
    }
}

fn limits() -> CompileLimits {
    CompileLimits {
        memory: Bytes(1 << 30),
        cpu: HumanDuration::from_secs(20),
        wall: HumanDuration::from_secs(60),
        output: Bytes(1 << 20),
    }
}

#[tokio::test]
async fn a_module_that_failed_is_not_compiled_again_with_the_same_limits() {
    for (script, expected) in [
        ("cat > /dev/null; echo 'type mismatch' >&2; exit 65", "type mismatch"),
        ("echo 'memory allocation of 5 bytes failed' >&2; kill -ABRT $$", "more than 1Gi of memory"),
        ("kill -XCPU $$", "more than 20s of CPU time"),
        ("echo 'thread panicked' >&2; exit 70", "crashed on it: thread panicked"),
        ("kill -SEGV $$", "crashed on it"),
        ("exec cat /dev/zero", "more than 1Mi of code"),
    ] {
        let compiler = FakeCompiler::new(script);
        let first = compiler.load().await.to_string();
        assert!(first.contains(expected), "{script}: {first}");
        let again = compiler.load().await;
        assert!(matches!(&again, LoadError::FailedBefore { why, .. } if why.contains(expected)), "{again}");
        assert_eq!(compiler.runs(), 1, "{script}");
        let more = CompileLimits { memory: Bytes(2 << 30), ..limits() };
        compiler.load_with(more).await;
        assert_eq!(compiler.runs(), 2, "{script}");
    }
}

#[tokio::test]
async fn a_failure_is_forgotten_with_its_file() {
    let compiler = FakeCompiler::new("exit 70");
    compiler.load().await;
    let LoadError::FailedBefore { file, .. } = compiler.load().await else { panic!("it was tried again") };
    assert!(compiler.load().await.to_string().contains(&file.display().to_string()));
    fs::remove_file(file).unwrap();
    assert!(matches!(compiler.load().await, LoadError::Compile(CompileError::Crashed(_))));
    assert_eq!(compiler.runs(), 2);
}

#[tokio::test]
async fn what_the_module_is_not_to_blame_for_is_tried_again() {
    for (script, expected) in [
        ("kill -KILL $$", "was killed"),
        ("exit 1", "could not be run: exit status: 1"),
        ("cat > /dev/null; echo something", "no code for this host"),
    ] {
        let compiler = FakeCompiler::new(script);
        for _ in 0..2 {
            let error = compiler.load().await.to_string();
            assert!(error.contains(expected), "{script}: {error}");
        }
        assert_eq!(compiler.runs(), 2, "{script}");
    }
    let missing = Compiler::Child { program: "/nowhere/suture".into(), limits: limits() };
    let error = Runtime::new(missing).unwrap().load(&Guest::default().component(), None).await.unwrap_err();
    assert!(error.to_string().contains("`/nowhere/suture` could not be run"), "{error}");
}

#[tokio::test]
async fn a_compiler_that_never_ends_is_ended_whatever_it_does_with_its_output() {
    for script in ["while :; do :; done", "exec > /dev/null 2>&1 < /dev/null; while :; do :; done"] {
        let short = CompileLimits { wall: HumanDuration::from_millis(50), ..limits() };
        let error = FakeCompiler::new(script).load_with(short).await;
        assert!(matches!(error, LoadError::Compile(CompileError::Wall(_))), "{error}");
    }
}

#[tokio::test]
async fn a_load_that_nobody_waits_for_ends_its_compiler() {
    let compiler = FakeCompiler::new("echo $$ > $dir/pid.new; mv $dir/pid.new $dir/pid; while :; do :; done");
    let runtime = Runtime::new(Compiler::Child { program: compiler.program(), limits: limits() }).unwrap();
    let component = Guest::default().component();
    let pid = compiler.dir.path().join("pid");
    let started = async {
        while !pid.exists() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        loaded = runtime.load(&component, None) => panic!("{loaded:?}"),
        () = started => {}
    }
    let process = PathBuf::from("/proc").join(fs::read_to_string(pid).unwrap().trim());
    while process.exists() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_compiler_has_no_environment_and_no_folder_of_its_host() {
    let compiler = FakeCompiler::new("env > $dir/env; pwd > $dir/pwd; echo \"$@\" > $dir/arguments; exit 1");
    compiler.load().await;
    let read = |file: &str| fs::read_to_string(compiler.dir.path().join(file)).unwrap();
    let environment = read("env");
    let names: Vec<_> = environment.lines().filter_map(|line| line.split('=').next()).collect();
    // The first two are the compiler's; the shell adds the others.
    let known = ["MALLOC_ARENA_MAX", "RAYON_NUM_THREADS", "PWD", "OLDPWD", "SHLVL", "_"];
    assert!(names.iter().all(|name| known.contains(name)), "{environment}");
    assert_eq!(read("pwd").trim(), "/");
    assert_eq!(read("arguments").trim(), "compile --memory=1073741824 --cpu-seconds=20");
}
