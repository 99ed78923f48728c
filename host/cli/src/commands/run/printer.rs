//! Prints runs while they happen.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use suture_core::{Labels, Timestamp, display};
use suture_journal::Entry;
use suture_scenario::Timeline;
use suture_scenario::report::PlayedRun;
use suture_scenario::runner::Watcher;

use crate::output::{HEADING, Output};

/// Prints each run's timeline as it is written.
pub struct Printer {
    output: Output,
    timelines: Mutex<Timelines>,
}

#[derive(Default)]
struct Timelines {
    all: BTreeMap<usize, (String, Timeline)>,
    last: Option<usize>,
}

impl Printer {
    /// A printer that has printed nothing yet.
    pub fn new(output: Output) -> Self {
        Self { output, timelines: Mutex::default() }
    }

    /// Print how the runs ended.
    pub fn finish(&self, runs: &[PlayedRun]) {
        let mut timelines = self.timelines.lock();
        for (index, (_, timeline)) in &mut timelines.all {
            self.output.line(timeline.finish());
            for doubt in runs.get(*index).into_iter().flat_map(|run| &run.doubts) {
                self.output.line(timeline.doubt(doubt));
            }
        }
        timelines.all.clear();
    }
}

impl Watcher for Printer {
    fn began(&self, run: usize, key: &Labels, at: Timestamp) {
        let labels: Vec<_> = key.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let title = format!("{HEADING}run for {}{HEADING:#}", display::one_line(&labels.join(" ")));
        let timeline = Timeline::starting_at(at, self.output.look());
        self.timelines.lock().all.insert(run, (title, timeline));
    }

    fn entry(&self, run: usize, entry: &Entry) {
        let mut timelines = self.timelines.lock();
        let is_other = timelines.last != Some(run);
        let Some((title, timeline)) = timelines.all.get_mut(&run) else { return };
        let Some(line) = timeline.entry(entry) else { return };
        if is_other {
            self.output.line(title.as_str());
        }
        self.output.line(line);
        timelines.last = Some(run);
    }
}
