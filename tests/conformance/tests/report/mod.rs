//! What both clusters need: the definitions of custom resources, and a report.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "this is a test's report")]

use serde_json::Value;
use suture_conformance::Case;

/// VolSync's and the snapshot controller's own definitions.
pub fn definitions() -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/crds");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    // VolSync's are larger than what a budget for configuration lets through.
    let options = serde_saphyr::options! { budget: None, with_snippet: false };
    let read = |file| std::fs::read_to_string(file).unwrap();
    let parse = |text: String| serde_saphyr::from_str_with_options(&text, options.clone()).unwrap();
    files.into_iter().map(read).map(parse).collect()
}

/// With `CONFORMANCE=TEXT`, only the cases whose name or noun has it.
pub fn is_asked_for(case: &Case) -> bool {
    std::env::var("CONFORMANCE").map_or(true, |text| case.name.contains(&text) || case.group == text)
}

/// A line for each case, and the differences.
pub struct Report {
    cluster: &'static str,
    cases: usize,
    differences: Vec<String>,
}

impl Report {
    pub fn new(cluster: &'static str) -> Self {
        Self { cluster, cases: 0, differences: vec![] }
    }

    pub fn note(&mut self, case: &Case, differences: Vec<String>) {
        let verdict = if differences.is_empty() { "ok" } else { "DIFFERS" };
        println!("{:12} {} … {verdict}", case.group, case.name.replace('_', " "));
        self.cases += 1;
        self.differences.extend(differences.iter().map(|text| format!("{}: {text}", case.name)));
    }

    /// # Panics
    /// With all differences, if there are any, or where no case was run.
    pub fn finish(self) {
        let Self { cluster, cases, differences } = self;
        assert!(cases > 0, "no case was run: is CONFORMANCE set to something that no name has?");
        assert!(
            differences.is_empty(),
            "{cluster} differs in {} of what {cases} cases ask:\n{}",
            differences.len(),
            differences.join("\n")
        );
    }
}
