//! Small crates without dependencies, built for real.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use wit_component::{StringEncoding, metadata};
use wit_parser::Resolve;

use super::*;

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

const WORKSPACE: &str = "[workspace]\nresolver = \"3\"\nmembers = [\"demo\", \"helper\"]\n";
const MANIFEST: &str = r#"
[package]
name = "demo"
version = "0.3.0"
edition = "2024"
[lib]
crate-type = ["cdylib", "rlib"]
[dependencies]
helper = { path = "../helper" }
"#;
const HELPER_MANIFEST: &str = "[package]\nname = \"helper\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
const HELPER: &str = "pub fn answer(list: &[u32]) -> u32 { list[list.len() / 2] + file!().len() as u32 }";

/// What wit-bindgen would generate, as far as the linker and the encoder see it.
const POLICY: &str = r#"
#[used]
#[unsafe(link_section = "component-type:policy")]
static TYPE: [u8; include_bytes!("type.bin").len()] = *include_bytes!("type.bin");

#[link(wasm_import_module = "suture:policy/clock@0.2.0")]
unsafe extern "C" { #[link_name = "now"] safe fn now() -> u64; }

#[unsafe(export_name = "manifest")]
extern "C" fn manifest() -> *const u8 { panic!("no manifest: {}", helper::answer(&[1, 2])) }

#[unsafe(export_name = "remediate")]
extern "C" fn remediate(incident: *mut u8) -> *const u8 {
    panic!("{incident:?} at {} in {}", now(), std::panic::Location::caller())
}

#[unsafe(export_name = "cabi_realloc")]
extern "C" fn realloc(_old: *mut u8, _size: usize, _align: usize, size: usize) -> *mut u8 {
    Box::leak(vec![0_u8; size].into_boxed_slice()).as_mut_ptr()
}
"#;

/// The contract, as a custom section says it.
fn contract() -> Vec<u8> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(Path::new(REPOSITORY).join("wit")).unwrap();
    let world = resolve.select_world(&[package], Some("policy")).unwrap();
    metadata::encode(&resolve, world, StringEncoding::UTF8, None, false).unwrap()
}

/// A workspace with a policy in `demo`.
fn workspace(policy: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    write_workspace(dir.path(), policy);
    let demo = dir.path().join("demo");
    (dir, demo)
}

fn write_workspace(root: &Path, policy: &str) {
    for folder in ["demo/src", "helper/src"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    fs::copy(Path::new(REPOSITORY).join("rust-toolchain.toml"), root.join("rust-toolchain.toml")).unwrap();
    fs::write(root.join("Cargo.toml"), WORKSPACE).unwrap();
    fs::write(root.join("demo/Cargo.toml"), MANIFEST).unwrap();
    fs::write(root.join("demo/src/lib.rs"), policy).unwrap();
    fs::write(root.join("demo/src/type.bin"), contract()).unwrap();
    fs::write(root.join("helper/Cargo.toml"), HELPER_MANIFEST).unwrap();
    fs::write(root.join("helper/src/lib.rs"), HELPER).unwrap();
}

fn refused(dir: &Path) -> String {
    build(dir, None, &Silent).unwrap_err().to_string()
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn the_same_sources_make_the_same_component_wherever_they_stand() {
    let (first_dir, first) = workspace(POLICY);
    let built = build(&first, None, &Silent).unwrap();
    assert_eq!(built.path, fs::canonicalize(first_dir.path()).unwrap().join("target/policies/demo.wasm"));
    assert_eq!(built.name, "demo");
    assert!(built.core_bytes > 0);
    let bytes = fs::read(&built.path).unwrap();
    let found = inspect(&bytes).unwrap();
    assert_eq!((found.digest, found.size), (built.digest.clone(), built.bytes));
    assert!(found.imports.contains(&"suture:policy/clock@0.2.0".to_owned()));
    assert_eq!(found.exports, ["manifest", "remediate"]);

    // Again, from nothing.
    fs::remove_dir_all(first_dir.path().join("target")).unwrap();
    let out = first_dir.path().join("out/again.wasm");
    let again = build(&first, Some(&out), &Silent).unwrap();
    assert_eq!((again.path, again.digest), (out, built.digest.clone()));

    // Elsewhere.
    let root = tempfile::tempdir().unwrap();
    let deeper = root.path().join("a much longer path with spaces");
    write_workspace(&deeper, POLICY);
    let elsewhere = build(&deeper.join("demo"), None, &Silent).unwrap();
    assert_eq!(elsewhere.digest, built.digest);

    // Panic messages name their places, but not where that is on this machine.
    assert!(contains(&bytes, "demo/src/lib.rs"));
    let home = std::env::home_dir().unwrap();
    for private in [first_dir.path(), home.as_path()] {
        assert!(!contains(&bytes, &format!("{}/", private.display())), "{}", private.display());
    }
}

#[test]
fn an_import_from_outside_the_contract_is_refused_by_name() {
    let policy = format!(
        "{POLICY}
        #[link(wasm_import_module = \"wasi_snapshot_preview1\")]
        unsafe extern \"C\" {{ safe fn sched_yield() -> i32; }}
        #[unsafe(export_name = \"also\")] extern \"C\" fn also() -> i32 {{ sched_yield() }}"
    );
    let (_dir, demo) = workspace(&policy);
    let error = refused(&demo);
    assert!(error.contains("`wasi_snapshot_preview1.sched_yield`"), "{error}");
    assert!(!demo.join("../target/policies/demo.wasm").exists());
}

#[test]
fn a_compilers_error_is_shown_as_it_is_and_the_last_component_stays() {
    let (_dir, demo) = workspace(POLICY);
    let built = build(&demo, None, &Silent).unwrap();
    fs::write(demo.join("src/lib.rs"), "fn broken( {}").unwrap();
    let error = refused(&demo);
    assert!(error.contains("`cargo build` failed") && error.contains("demo/src/lib.rs:1"), "{error}");
    assert_eq!(inspect(&fs::read(&built.path).unwrap()).unwrap().digest, built.digest);
}

#[test]
fn cargos_lines_and_the_steps_are_passed_on() {
    #[derive(Default)]
    struct Seen(std::sync::Mutex<Vec<String>>);
    impl Progress for Seen {
        fn step(&self, message: &str) {
            self.0.lock().unwrap().push(format!("step: {message}"));
        }
        fn line(&self, line: &str) {
            self.0.lock().unwrap().push(line.to_owned());
        }
    }
    let (_dir, demo) = workspace(POLICY);
    let seen = Seen::default();
    build(&demo, None, &seen).unwrap();
    let seen = seen.0.into_inner().unwrap();
    assert_eq!(seen[0], "step: compiling demo 0.3.0 for wasm32-unknown-unknown");
    assert!(seen.iter().any(|line| line.contains("Compiling helper v0.1.0")), "{seen:?}");
    assert_eq!(seen.last().unwrap(), "step: making a component of it");
}

#[test]
fn a_library_that_does_not_export_the_world_is_no_policy() {
    let (_dir, demo) = workspace("pub fn nothing() {}");
    let error = refused(&demo);
    assert!(error.contains("does not export `manifest` and `remediate`"), "{error}");
}

#[test]
fn a_package_without_a_cdylib_is_told_what_to_write() {
    let (dir, _) = workspace(POLICY);
    let error = refused(&dir.path().join("helper"));
    assert!(error.contains("crate-type = [\"cdylib\"") && error.contains("helper/Cargo.toml"), "{error}");
}

#[test]
fn a_folder_that_is_no_package_is_told_apart() {
    let (dir, demo) = workspace(POLICY);
    let error = refused(&demo.join("src"));
    assert!(error.contains("is no policy") && error.contains("suture new"), "{error}");
    let error = refused(dir.path());
    assert!(error.contains("one of its members") && error.contains("/demo"), "{error}");
    fs::write(demo.join("Cargo.toml"), "[package").unwrap();
    let error = refused(&demo);
    assert!(error.contains("demo/Cargo.toml") && error.contains("line 1"), "{error}");
}
