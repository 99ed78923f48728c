//! Policies in all languages, from nothing: `suture new`, `build`, `test`, and what an author does wrong.
//! `make test-languages` runs it: it needs Node.js, npm and Python, and fetches packages the first time.

#![expect(clippy::unwrap_used, reason = "helpers of tests stand outside of test functions")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

const LANGUAGES: [&str; 3] = ["rust", "typescript", "python"];

/// A scenario in which a policy for the alert X is run once, and needs nothing.
const SCENARIO: &str = "\
name: it is run
given: {now: 2026-11-22T04:10:00Z}
when:
- alert: {labels: {alertname: X, name: a}}
then: {outcome: unnecessary}
";

fn suture(dir: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_suture")).args(words).current_dir(dir).output().unwrap()
}

/// What a command wrote, where it ended well.
#[track_caller]
fn done(dir: &Path, words: &[&str]) -> String {
    let output = suture(dir, words);
    let all = said(&output);
    assert!(output.status.success(), "suture {words:?}: {all}");
    all
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// What is said of a policy in one file: by its build, or else by its scenario.
fn verdict(file: &str, text: &str) -> String {
    tried(file, text, SCENARIO)
}

fn tried(file: &str, text: &str, scenario: &str) -> String {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join(file), text).unwrap();
    fs::write(dir.path().join("scenario.yaml"), scenario).unwrap();
    let built = suture(dir.path(), &["build", file, "--out", "policy.wasm"]);
    if !built.status.success() {
        return format!("build: {}", said(&built));
    }
    format!("test: {}", said(&suture(dir.path(), &["test", "--policy", "policy.wasm", "scenario.yaml"])))
}

fn javascript(top: &str, body: &str) -> String {
    format!(
        "import {{ policy, kube, Outcome }} from \"suture-policy\";\n{top}\nexport const {{ manifest, remediate }} = policy({{\n\
         name: \"x\", version: \"0.1.0\", description: \"x\", matchers: ['alertname=\"X\"'], key: [\"name\"],\n\
         permissions: [], settings: {{}},\n  remediate(incident) {{ {body}; return Outcome.unnecessary(\"done\"); }},\n}});\n"
    )
}

fn python(top: &str, body: &str) -> String {
    format!(
        "{top}\nfrom suture_policy import Manifest, Outcome\n\nmanifest = Manifest(name=\"x\", version=\"0.1.0\", \
         description=\"x\", matchers=['alertname=\"X\"'], key=[\"name\"])\n\n\ndef remediate(incident):\n    {body}\n    \
         return Outcome.unnecessary(\"done\")\n"
    )
}

#[test]
fn a_new_policy_builds_passes_and_survives_torture_in_each_language() {
    for language in LANGUAGES {
        let dir = TempDir::new().unwrap();
        done(dir.path(), &["new", "queue-stuck", "--lang", language]);
        let project = dir.path().join("queue-stuck");
        done(&project, &["build"]);
        assert!(project.join("target/policies/queue-stuck.wasm").is_file(), "{language}");
        let tested = done(&project, &["test", "."]);
        assert!(tested.contains("2 passed"), "{language}: {tested}");
        done(&project, &["test", "--torture", "--runs", "300", "."]);
        // From below, too: a scenario knows its policy.
        done(&project.join("scenarios"), &["test", "."]);
    }
}

/// It needs the compiler's LLVM tools: `rustup component add llvm-tools`.
#[test]
fn coverage_of_a_new_policy_tells_the_lines_that_no_scenario_reaches() {
    let dir = TempDir::new().unwrap();
    done(dir.path(), &["new", "queue-stuck", "--lang", "rust"]);
    let told = done(&dir.path().join("queue-stuck"), &["test", "--coverage", "."]);
    assert!(told.contains("2 passed"), "{told}");
    let missed: Vec<_> = told.lines().filter(|line| line.contains(" │ ")).collect();
    assert!(missed.iter().any(|line| line.contains("is gone")), "{told}");
    assert!(!missed.iter().any(|line| line.contains("fn manifest")), "{told}");
}

#[test]
fn a_single_file_is_a_policy() {
    for (file, text) in [
        ("repair.js", javascript("", "")),
        ("repair.ts", javascript("", "const name: string = incident.key(\"name\")")),
        ("repair.py", python("", "pass")),
    ] {
        let verdict = verdict(file, &text);
        assert!(verdict.contains("1 passed"), "{file}: {verdict}");
    }
}

#[test]
fn what_a_policy_has_not_is_said_with_its_place_and_what_to_use_instead() {
    for (file, text, said) in [
        ("a.js", javascript("", "Date.now()"), "`clock.now()`"),
        ("a.js", javascript("", "Math.random()"), "no randomness"),
        ("a.js", javascript("", "fetch(\"https://example.org\")"), "no network"),
        ("a.js", javascript("", "setTimeout(() => {}, 5)"), "no timers"),
        ("a.js", javascript("import fs from \"node:fs\";", "fs.readFileSync(\"/etc/passwd\")"), "node:fs"),
        ("a.js", javascript("await 1;", ""), "op-level await"),
        ("a.ts", javascript("", "const name: number = incident.key(\"name\")"), "a.ts(6"),
        ("a.js", javascript("const x = ;", ""), "a.js:2"),
        ("a.py", python("import time", "time.time()"), "`clock.now()`"),
        ("a.py", python("import random", "random.random()"), "no randomness"),
        ("a.py", python("import requests", "pass"), "no network"),
        ("a.py", python("", "import colorsys"), "at the top of the file"),
        ("a.py", python("", "open('/etc/passwd')"), "no files"),
        ("a.py", python("x = (", "pass"), "a.py"),
    ] {
        let verdict = verdict(file, &text);
        assert!(verdict.contains(said), "{file} should say {said}:\n{text}\n{verdict}");
        assert!(!verdict.contains("unreachable"), "{file}:\n{text}\n{verdict}");
        assert!(!verdict.contains("Traceback"), "{file}:\n{text}\n{verdict}");
    }
}

#[test]
fn nothing_is_kept_from_one_run_to_the_next() {
    let counting = javascript("let runs = 0;", "if (runs++ > 0) throw new Error(\"kept\")");
    let again = SCENARIO.replace("then:", "- alert: {labels: {alertname: X, name: b}}\nthen:");
    let verdict = tried("a.js", &counting, &again);
    assert!(verdict.contains("1 passed"), "{verdict}");
}

#[test]
fn what_exports_no_policy_is_refused_when_it_is_built() {
    for (file, text) in [("a.js", "export const answer = 42;\n"), ("a.py", "ANSWER = 42\n")] {
        let verdict = verdict(file, text);
        assert!(verdict.starts_with("build:") && verdict.contains("manifest"), "{file}: {verdict}");
    }
}

#[test]
fn a_manifest_that_breaks_the_contract_is_refused_when_it_is_built() {
    let javascript = javascript("", "").replace("version: \"0.1.0\"", "version: \"new\"");
    let python = python("", "pass").replace("version=\"0.1.0\"", "version=\"new\"");
    for (file, text) in [("a.js", javascript), ("a.py", python)] {
        let verdict = verdict(file, &text);
        assert!(verdict.starts_with("build:") && verdict.contains("version"), "{file}: {verdict}");
    }
}
