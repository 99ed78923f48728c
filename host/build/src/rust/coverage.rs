//! What of a policy's sources was run: LLVM's counters, read.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::cargo::command;
use crate::error::BuildError;
use crate::process;

/// What of a policy was run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// Its sources, by name.
    pub files: Vec<FileCoverage>,
}

/// What of one file was run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileCoverage {
    /// The file, seen from the policy's folder.
    pub path: PathBuf,
    /// Lines that can be run.
    pub lines: Share,
    /// Regions: pieces of code that are run as a whole.
    pub regions: Share,
    /// The lines that were not run, and their text.
    pub missed_lines: Vec<(u64, String)>,
    /// Where regions begin that were not run, on lines that were: line, column, and the line's text.
    pub missed_regions: Vec<(u64, u64, String)>,
    /// How many `?` never returned, on lines that were run; they are among the regions, and not listed.
    pub missed_returns: u64,
}

/// So many of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Those that were run.
    pub covered: u64,
    /// All.
    pub all: u64,
}

impl Share {
    /// In hundredths, rounded down: 100 only where all were run.
    pub fn percent(self) -> u64 {
        (self.covered * 100).checked_div(self.all).unwrap_or(100)
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { covered: self.covered + other.covered, all: self.all + other.all }
    }
}

/// LLVM's programs of the compiler that compiled.
pub(super) struct Tools {
    profdata: PathBuf,
    cov: PathBuf,
}

impl Tools {
    pub(super) fn find(dir: &Path) -> Result<Self, BuildError> {
        let print = |argument: &str| {
            let output = command("rustc", dir).args(["--print", argument]).output();
            let output = output.map_err(BuildError::no_cargo)?;
            Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
        };
        let folder = print("target-libdir")?.parent().map(|folder| folder.join("bin")).unwrap_or_default();
        let tools = Self { profdata: folder.join("llvm-profdata"), cov: folder.join("llvm-cov") };
        if tools.profdata.is_file() && tools.cov.is_file() {
            return Ok(tools);
        }
        // Another LLVM's can't read what this one writes.
        Err(BuildError::NoLlvmTools { dir: dir.to_owned() })
    }

    pub(super) fn read(&self, program: &Path, profiles: &Path, dir: &Path) -> Result<Coverage, BuildError> {
        let io = |source| BuildError::Io { path: profiles.to_owned(), source };
        let entries = fs::read_dir(profiles).map_err(io)?.filter_map(|file| Some(file.ok()?.path()));
        let raw: Vec<_> =
            entries.filter(|path| path.extension().is_some_and(|kind| kind == "profraw")).collect();
        if raw.is_empty() {
            let what = "no run of the policy has written down what it ran".to_owned();
            return Err(BuildError::Coverage { what });
        }
        let merged = profiles.join("merged.profdata");
        let mut merge = process::command(&self.profdata, dir);
        merge.args(["merge", "--sparse", "--output"]).arg(&merged).args(&raw);
        output(merge, "llvm-profdata")?;
        let mut export = process::command(&self.cov, dir);
        export.args(["export", "--format", "text", "--skip-functions", "--instr-profile"]);
        export.arg(&merged).arg(program);
        let text = output(export, "llvm-cov")?;
        let exported: Exported = serde_json::from_slice(&text).map_err(|error| BuildError::Coverage {
            what: format!("llvm-cov wrote what is not understood: {error}"),
        })?;
        Ok(exported.of(dir))
    }
}

fn output(mut command: std::process::Command, program: &'static str) -> Result<Vec<u8>, BuildError> {
    let failed = |what: String| BuildError::Coverage { what: format!("`{program}` failed: {what}") };
    let output = command.output().map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

/// What `llvm-cov export` writes.
#[derive(Deserialize)]
struct Exported {
    data: Vec<Data>,
}

#[derive(Deserialize)]
struct Data {
    files: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    filename: PathBuf,
    segments: Vec<Segment>,
    summary: Summary,
}

#[derive(Deserialize)]
struct Summary {
    regions: Regions,
}

#[derive(Deserialize)]
struct Regions {
    count: u64,
    covered: u64,
}

/// Where code of another count begins: line, column, count, whether it has one, whether a region
/// begins here, and whether that is a gap between two.
#[derive(Clone, Copy, Deserialize)]
struct Segment(u64, u64, u64, bool, bool, bool);

impl Segment {
    fn begins_region(&self) -> bool {
        !self.5 && self.3 && self.4
    }
}

impl Exported {
    /// What is of the policy: in its folder, and neither the SDK nor a build's own.
    fn of(self, dir: &Path) -> Coverage {
        let files = self.data.into_iter().flat_map(|data| data.files);
        let own = files.filter_map(|file| {
            let path = file.filename.strip_prefix(dir).ok()?.to_owned();
            let first = path.components().next()?.as_os_str().to_owned();
            let is_foreign = ["vendor", "target", "tests"].iter().any(|folder| first == *folder);
            (!is_foreign).then(|| file.covered(path))
        });
        let mut files: Vec<_> = own.collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Coverage { files }
    }
}

impl File {
    fn covered(&self, path: PathBuf) -> FileCoverage {
        let source = fs::read_to_string(&self.filename).unwrap_or_default();
        let texts: Vec<_> = source.lines().collect();
        let text = |line: u64| {
            let index = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
            texts.get(index).copied().unwrap_or_default().to_owned()
        };
        let counts = counts(&self.segments);
        let missed = |line: &u64| counts.get(line) == Some(&0);
        let missed_lines =
            counts.keys().filter(|line| missed(line)).map(|line| (*line, text(*line))).collect();
        let missed_regions = self.segments.iter().filter(|segment| segment.begins_region() && segment.2 == 0);
        let missed_regions = missed_regions
            .filter(|segment| !missed(&segment.0))
            .map(|segment| (segment.0, segment.1, text(segment.0)));
        let (returns, missed_regions): (Vec<_>, Vec<_>) =
            missed_regions.partition(|(_, column, text)| is_question_mark(text, *column));
        let covered = counts.values().filter(|count| **count > 0).count() as u64;
        FileCoverage {
            path,
            lines: Share { covered, all: counts.len() as u64 },
            regions: Share { covered: self.summary.regions.covered, all: self.summary.regions.count },
            missed_lines,
            missed_regions,
            missed_returns: returns.len() as u64,
        }
    }
}

/// Whether a `?` stands in a column (of bytes, from 1).
fn is_question_mark(text: &str, column: u64) -> bool {
    let index = usize::try_from(column.saturating_sub(1)).unwrap_or(usize::MAX);
    text.as_bytes().get(index) == Some(&b'?')
}

/// How often each line was run, as `llvm-cov` counts: that of the code that it begins in, or the most
/// of what begins on it. Lines without code are not in it.
fn counts(segments: &[Segment]) -> BTreeMap<u64, u64> {
    let mut counts = BTreeMap::new();
    let Some((first, last)) = segments.first().zip(segments.last()) else { return counts };
    let mut wrapped: Option<Segment> = None;
    let mut rest = segments;
    for line in first.0..=last.0 {
        let (here, after) = rest.split_at(rest.iter().take_while(|segment| segment.0 == line).count());
        let begun = here.iter().filter(|segment| segment.begins_region());
        let most = begun.map(|segment| segment.2).max();
        let is_skipped = here.first().is_some_and(|segment| !segment.3 && segment.4);
        let around = wrapped.filter(|segment| segment.3);
        if most.is_some() || (around.is_some() && !is_skipped) {
            counts.insert(line, most.unwrap_or(0).max(around.map_or(0, |segment| segment.2)));
        }
        wrapped = here.last().copied().or(wrapped);
        rest = after;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_counts_as_run_where_some_of_it_was_and_regions_on_it_are_told_apart() {
        // fn f() {            1  run 3 times
        //     if x { a } else { b }   2  b never
        //     never();        3..4
        // }
        let segments = [
            Segment(1, 1, 3, true, true, false),
            Segment(2, 21, 0, true, true, false),
            Segment(2, 26, 3, true, false, false),
            Segment(3, 5, 0, true, true, false),
            Segment(4, 2, 0, false, false, false),
        ];
        let all = counts(&segments);
        assert_eq!(all, BTreeMap::from([(1, 3), (2, 3), (3, 3), (4, 0)]));
    }

    #[test]
    fn hundred_percent_are_all() {
        assert_eq!(Share { covered: 999, all: 1000 }.percent(), 99);
        assert_eq!(Share { covered: 7, all: 7 }.percent(), 100);
        assert_eq!(Share::default().percent(), 100);
    }
}
