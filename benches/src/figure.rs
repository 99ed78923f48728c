//! A figure, and how it is printed.

use std::fmt;
use std::time::Duration;

/// Which side of the goal is good.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// The ratio must be this at most.
    AtMost(f64),
    /// The ratio must be this at least.
    AtLeast(f64),
}

/// One measured ratio.
#[derive(Clone, Debug)]
pub struct Figure {
    /// What was measured.
    pub name: &'static str,
    /// The ratio of the medians.
    pub ratio: f64,
    /// What is good enough.
    pub goal: Goal,
}

impl Figure {
    /// Whether the goal is reached.
    pub fn is_good(&self) -> bool {
        match self.goal {
            Goal::AtMost(goal) => self.ratio <= goal,
            Goal::AtLeast(goal) => self.ratio >= goal,
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Goal::AtMost(goal) | Goal::AtLeast(goal)) = self.goal;
        let verdict = if self.is_good() { "ok" } else { "short" };
        write!(f, "bench {} ratio {:.2} goal {goal} {verdict}", self.name, self.ratio)
    }
}

/// The figures of one run of this program. Each is printed when it is known: whatever becomes of
/// those after it, it was seen.
#[derive(Debug)]
pub struct Report {
    /// Only whether each group runs is of interest: with small numbers, and no goals.
    pub is_trial: bool,
    is_good: bool,
}

impl Report {
    /// Nothing so far.
    pub fn new(is_trial: bool) -> Self {
        Self { is_trial, is_good: true }
    }

    /// A number of things to measure, or of a few in a trial.
    pub fn count(&self, full: usize, few: usize) -> usize {
        if self.is_trial { few } else { full }
    }

    /// Print a figure.
    pub fn add(&mut self, figure: Figure) {
        println!("{figure}");
        self.is_good &= figure.is_good() || self.is_trial;
    }

    /// Print what became of a group that has no figures, or no more of them.
    pub fn end(&mut self, group: &str, result: anyhow::Result<()>) {
        if let Err(error) = result {
            println!("bench {group} failed: {error:#}");
            self.is_good = false;
        }
    }

    /// Whether every group ran, and reached its goals.
    pub fn is_good(&self) -> bool {
        self.is_good
    }
}

/// The median of some measurements; 0 of none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// The median of some durations, in seconds.
pub fn median_seconds(durations: Vec<Duration>) -> f64 {
    median(durations.iter().map(Duration::as_secs_f64).collect())
}

/// Say what the machine was.
pub fn machine() {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let info = read("/proc/cpuinfo");
    let model =
        info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, name)| name));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = read("/proc/loadavg");
    println!(
        "machine: {cores} cores, {}, load {}, wasmtime in the release profile",
        model.unwrap_or("unknown processor"),
        load.split(' ').next().unwrap_or("?"),
    );
}
