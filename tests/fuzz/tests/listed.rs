//! The fuzzers stand in a workspace of their own, which no test builds.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use suture_fuzz::TARGETS;

#[test]
fn every_target_is_a_fuzzer_that_make_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let targets: BTreeSet<&str> = TARGETS.iter().map(|target| target.name).collect();
    let make = fs::read_to_string(root.join("mk/fuzz.mk")).unwrap();
    let run = make.lines().find_map(|line| line.strip_prefix("FUZZ_TARGETS ?= ")).unwrap();
    assert_eq!(run.split_whitespace().collect::<BTreeSet<_>>(), targets);
    let manifest = fs::read_to_string(root.join("fuzz/Cargo.toml")).unwrap();
    let (_, programs) = manifest.split_once("[[bin]]").unwrap();
    let names = programs.lines().filter_map(|line| line.strip_prefix("name = "));
    assert_eq!(names.map(|name| name.trim_matches('"')).collect::<BTreeSet<_>>(), targets);
}
