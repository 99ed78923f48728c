//! The map of the code is the code's.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can not go on panics")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn read(file: &str) -> String {
    std::fs::read_to_string(repository().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// What a crate depends on in the workspace: for itself, and for its tests.
type Imports = (BTreeSet<String>, BTreeSet<String>);

/// The imports of the crates whose folders are on the map, as Cargo knows them.
fn imports() -> BTreeMap<String, Imports> {
    let cargo = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(repository())
        .output()
        .unwrap();
    assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
    let metadata: Value = serde_json::from_slice(&cargo.stdout).unwrap();
    let root = repository();
    let folder = |path: &str| Path::new(path).strip_prefix(&root).unwrap().display().to_string();
    let mut imports = BTreeMap::new();
    for package in metadata["packages"].as_array().unwrap() {
        let manifest = package["manifest_path"].as_str().unwrap();
        let of = |is_dev: bool| {
            let dependencies = package["dependencies"].as_array().unwrap().iter();
            let own = dependencies.filter(|one| (one["kind"] == "dev") == is_dev);
            let names = own.filter_map(|one| one["path"].as_str().map(folder));
            names.map(|name| name.rsplit('/').next().unwrap().to_owned()).collect::<BTreeSet<_>>()
        };
        let whose = folder(manifest.trim_end_matches("/Cargo.toml"));
        let normal = of(false);
        let dev = of(true).difference(&normal).cloned().collect();
        imports.insert(whose, (normal, dev));
    }
    imports
}

#[test]
fn each_crate_imports_what_the_map_says_and_nothing_else() {
    let text = read("docs/architecture.md");
    let table = text.split("| crate | dependencies in the workspace |").nth(1).unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let names = |cell: &str| match cell.trim() {
        "none" => BTreeSet::new(),
        cell => cell.split(", ").map(str::to_owned).collect(),
    };
    let mapped: BTreeMap<String, Imports> = rows
        .map(|row| {
            let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
            (cells[0].trim().trim_matches('`').to_owned(), (names(cells[1]), names(cells[2])))
        })
        .collect();
    let mut actual = imports();
    actual.retain(|whose, _| {
        (whose.starts_with("host/") || whose.starts_with("policies/")) && mapped.contains_key(whose)
    });
    assert_eq!(mapped, actual);
    let hosts = std::fs::read_dir(repository().join("host")).unwrap();
    for folder in hosts.map(|entry| format!("host/{}", entry.unwrap().file_name().to_str().unwrap())) {
        assert!(mapped.contains_key(&folder), "docs/architecture.md lists no imports of {folder}");
    }
}

#[test]
fn each_path_that_the_map_and_the_guides_name_is_there() {
    let mut missing = Vec::new();
    let decisions = std::fs::read_dir(repository().join("docs/decisions")).unwrap();
    let decisions = decisions.map(|entry| format!("docs/decisions/{}", entry.unwrap().file_name().display()));
    let guides = ["docs/architecture.md", "docs/security.md", "CONTRIBUTING.md"].map(str::to_owned);
    for file in decisions.chain(guides) {
        let text = read(&file);
        let quoted = text.split('`').skip(1).step_by(2);
        let tops = ["host/", "policies/", "tests/", "docs/", "deploy/", "benches/", "wit/", "mk/", "fuzz/"];
        for path in quoted.filter(|word| tops.iter().any(|top| word.starts_with(top))) {
            // Not a pattern, a placeholder, or a command.
            let is_path = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte));
            let is_placeholder = ["NAME", "OLD", "X_Y"].iter().any(|word| path.contains(word));
            if is_path && !is_placeholder && !repository().join(path).exists() {
                missing.push(format!("{file}: {path}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
