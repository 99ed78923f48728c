//! Modules that cost more to compile than there is, given to the real program: each ends in an
//! error that names the limit, and a host goes on beside it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can not go on panics")]

#[path = "../../host/server/tests/harness/guest.rs"]
#[allow(dead_code, reason = "only a part is used here")]
mod guest;

use std::path::Path;
use std::time::Duration;

use suture_core::{Bytes, HumanDuration, Program};
use suture_runtime::{CompileLimits, Compiler, LoadError, ModuleCache, Runtime};
use suture_tests::host::{Host, program};
use suture_tests::process::eventually;

/// A number as WebAssembly writes it.
fn leb(mut number: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// Bytes behind their length.
fn sized(bytes: &[u8]) -> Vec<u8> {
    [leb(bytes.len() as u32), bytes.to_vec()].concat()
}

fn section(id: u8, bytes: &[u8]) -> Vec<u8> {
    [vec![id], sized(bytes)].concat()
}

/// A component of one core module, whose functions take nothing and have these bodies.
fn component(bodies: &[Vec<u8>]) -> Vec<u8> {
    let count = leb(bodies.len() as u32);
    let functions = [count.clone(), vec![0; bodies.len()]].concat();
    let code = [count, bodies.iter().flat_map(|body| sized(body)).collect()].concat();
    let module = [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, &[1, 0x60, 0, 0]),
        section(3, &functions),
        section(10, &code),
    ]
    .concat();
    [b"\0asm\x0d\0\x01\0".to_vec(), section(1, &module)].concat()
}

/// Loops within one another, the innermost of which reads and writes many locals: each is
/// another value in each loop.
fn loops(depth: u32, locals: u32) -> Vec<u8> {
    let mut body = [vec![1], leb(locals), vec![0x7f]].concat();
    body.extend([0x03, 0x40].repeat(depth as usize));
    for local in 0..locals {
        body.extend([vec![0x20], leb(local), vec![0x41, 1, 0x6a, 0x21], leb(local)].concat());
    }
    for level in 0..depth {
        body.extend([vec![0x20, 0, 0x0d], leb(level)].concat());
    }
    body.extend([0x0b].repeat(depth as usize + 1));
    body
}

/// Blocks within one another, and jumps into each of them by a table.
fn tables(depth: u32, count: u32) -> Vec<u8> {
    let mut body = vec![0];
    body.extend([0x02, 0x40].repeat(depth as usize));
    for _ in 0..count {
        body.extend([0x02, 0x40, 0x41, 0, 0x0e]);
        body.extend(leb(depth));
        (0..depth).for_each(|level| body.extend(leb(level)));
        body.extend([0, 0x0b]);
    }
    body.extend([0x0b].repeat(depth as usize + 1));
    body
}

fn limits() -> CompileLimits {
    CompileLimits {
        memory: Bytes(512 << 20),
        cpu: HumanDuration::from_secs(10),
        wall: HumanDuration::from_secs(120),
        output: Bytes(64 << 20),
    }
}

fn runtime(limits: CompileLimits) -> Runtime {
    Runtime::new(Compiler::Child { program: program().unwrap(), limits }).unwrap()
}

#[tokio::test]
async fn a_policy_is_compiled_by_the_program_and_taken_from_the_cache_by_whoever_has_the_same_engine() {
    let dir = tempfile::tempdir().unwrap();
    let cache = ModuleCache::open(dir.path().join("modules")).unwrap();
    let bytes = guest::component(1);
    let policy = runtime(CompileLimits::here()).load(&bytes, Some(&cache)).await.unwrap();
    assert_eq!(policy.manifest().name, "demo");
    // No compiler is needed any more.
    let none = Compiler::child("/nowhere/suture".into());
    assert!(Runtime::new(none.clone()).unwrap().load(&bytes, Some(&cache)).await.is_ok());
    let error = Runtime::new(none).unwrap().load(&guest::component(2), Some(&cache)).await.unwrap_err();
    assert!(error.to_string().contains("could not be run"), "{error}");
}

#[test]
fn a_compiler_limits_itself_before_it_reads_and_keeps_nothing_open_that_it_was_started_with() {
    let started = "exec 9</dev/null; exec \"$0\" compile --memory=268435456 --cpu-seconds=7";
    let mut compiler = std::process::Command::new("sh")
        .args(["-c", started])
        .arg(program().unwrap())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let of = format!("/proc/{}", compiler.id());
    // It waits for the module, which never comes; the last thing before that is to give itself
    // up where memory is short.
    while std::fs::read_to_string(format!("{of}/oom_score_adj")).unwrap().trim() != "1000" {
        std::thread::yield_now();
    }
    let limits = std::fs::read_to_string(format!("{of}/limits")).unwrap();
    let limit =
        |name: &str| limits.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    assert!(limit("Max address space").contains(" 268435456 "), "{limits}");
    assert!(limit("Max data size").contains(" 268435456 "), "{limits}");
    assert!(limit("Max cpu time").contains(" 7 "), "{limits}");
    let open: Vec<_> =
        std::fs::read_dir(format!("{of}/fd")).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(open.len(), 3, "{open:?}");
    drop(compiler.stdin.take());
    assert_eq!(compiler.wait().unwrap().code(), Some(65));
}

#[tokio::test]
async fn a_module_that_is_none_is_told_so_by_the_program() {
    let error = runtime(limits()).load(&component(&[vec![0, 0x6a, 0x0b]]), None).await.unwrap_err();
    assert!(matches!(&error, LoadError::Invalid(why) if why.contains("type mismatch")), "{error}");
}

#[tokio::test]
async fn bombs_end_at_the_limits_of_their_compiler() {
    // So little time that a compiler takes longer for each of them, however fast it is.
    let runtime = runtime(CompileLimits { cpu: HumanDuration::from_secs(1), ..limits() });
    for (name, bomb) in [
        ("values in nested loops", component(&[loops(1000, 19_000)])),
        ("many of those", component(&vec![loops(100, 2_000); 200])),
        ("jumps by tables", component(&vec![tables(1000, 1000); 20])),
    ] {
        assert!(bomb.len() < suture_runtime::MAX_COMPONENT_BYTES);
        let error = runtime.load(&bomb, None).await.unwrap_err();
        println!("{name}, {} bytes: {error}", bomb.len());
        let text = error.to_string();
        let is_bound =
            text.contains("more than 512Mi of memory") || text.contains("more than 1s of CPU time");
        assert!(is_bound, "{name}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_goes_on_beside_a_bomb_and_does_not_light_it_again() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("host");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(
        folder.join("s.yaml"),
        "name: none\ngiven: {now: 2026-11-22T04:10:30Z}\nwhen:\n- alert: {labels: {alertname: None}}\n",
    )
    .unwrap();
    std::fs::write(folder.join("demo.wasm"), guest::component(1)).unwrap();
    std::fs::write(folder.join("bomb.wasm"), guest::component(2)).unwrap();
    let config = "cluster: {simulated: {scenario: s.yaml}}\npolicies:\n\
                  - {name: demo, source: {file: demo.wasm}, confirm: none}\n\
                  - {name: bomb, source: {file: bomb.wasm}, confirm: none}\n";
    let mut host = Host::start_anywhere(&folder, config).unwrap();
    host.listens().await.unwrap();
    host.until(200, "").await.unwrap();
    let error = async |host: &Host| {
        let policy = host.json("/api/v1/policies/bomb").await;
        policy["error"].as_str().unwrap_or_default().to_owned()
    };
    let bomb = component(&[loops(1000, 19_000)]);
    std::fs::write(folder.join(".new"), &bomb).unwrap();
    std::fs::rename(folder.join(".new"), folder.join("bomb.wasm")).unwrap();
    let patience = Duration::from_secs(700);
    let refused = eventually(patience, async || {
        assert_eq!(host.get("/healthz").await.unwrap().0, 200);
        error(&host).await.contains("compiling it takes more than")
    })
    .await;
    assert!(refused, "{}", host.log());
    // The one before goes on, the other does not notice, and the host's own memory was spared.
    assert!(!host.json("/api/v1/policies/bomb").await["digest"].is_null());
    assert!(host.json("/api/v1/policies/demo").await["error"].is_null());
    assert!(peak(&host) < 512 << 20, "{}", peak(&host));
    host.kill().await.unwrap();

    let mut host = Host::start_anywhere(&folder, config).unwrap();
    host.listens().await.unwrap();
    host.until(200, "").await.unwrap();
    let why = error(&host).await;
    assert!(why.contains("as it was before"), "{why}");
    let file = find(&folder.join("state/modules"));
    assert!(why.contains(&file), "{why}");
}

/// The one file of a failure.
fn find(folder: &Path) -> String {
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let failed: Vec<_> = files.filter(|file| file.extension().is_some_and(|is| is == "failed")).collect();
    let [file] = &failed[..] else { panic!("{failed:?}") };
    file.file_name().unwrap().to_string_lossy().into_owned()
}

/// The most memory that a host had, in bytes.
fn peak(host: &Host) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", host.id().unwrap())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().trim().parse::<u64>().unwrap() * 1024
}
