//! What came of a scenario, for people and as JSON.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use suture_core::{Ending, Incident, Timestamp, display};
use suture_journal::{Body, Entry};

use crate::expect::Difference;
use crate::timeline::{Look, Timeline, shown};
use crate::update::Observed;

/// What came of a scenario.
#[derive(Clone, Debug)]
pub struct Report {
    /// The scenario's name.
    pub name: String,
    /// Its file.
    pub file: PathBuf,
    /// Where it begins there.
    pub line: u64,
    /// Whether all was as expected.
    pub verdict: Verdict,
    /// How much virtual time passed.
    pub simulated: Duration,
    /// The runs, in the order in which they began.
    pub runs: Vec<PlayedRun>,
    /// What happened, as far as expectations are about it; nothing where it could not be played.
    pub observed: Observed,
    /// What else is to be said: alerts that started nothing, complaints of the cluster.
    pub notes: Vec<String>,
}

/// Whether all was as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was.
    Passed,
    /// It was not: the differences, the most telling first.
    Failed(Vec<Difference>),
    /// The scenario makes no sense with this policy: what is wrong, and the line (0
    /// where there is none).
    Invalid {
        /// The line; 0 where there is none.
        line: u64,
        /// What is wrong.
        message: String,
    },
}

/// One run of a scenario.
#[derive(Clone, Debug)]
pub struct PlayedRun {
    /// What it was about, settings included.
    pub incident: Incident,
    /// When it began.
    pub started: Timestamp,
    /// How it ended; none where it never did.
    pub ending: Option<Ending>,
    /// What is in doubt after it.
    pub doubts: Vec<String>,
    /// Its record.
    pub entries: Vec<Entry>,
    /// What was made to go wrong, and how many entries there were then.
    pub marks: Vec<(usize, String)>,
}

impl PlayedRun {
    /// `obj_namespace=media obj_name=plex`.
    pub fn title(&self) -> String {
        let labels = self.incident.key.iter().map(|(name, value)| format!("{name}={value}"));
        display::one_line(&labels.collect::<Vec<_>>().join(" ")).into_owned()
    }

    /// All of it, for programs.
    pub fn json(&self) -> Value {
        json!({"key": self.incident.key, "startedAt": self.started,
            "outcome": self.ending.as_ref().map(Ending::name),
            "summary": self.ending.as_ref().map(Ending::summary),
            "doubts": self.doubts, "entries": self.entries})
    }

    /// How many effects it had.
    pub fn effects(&self) -> usize {
        let is_effect = |entry: &&Entry| matches!(entry.body, Body::Call { .. } | Body::Reply { .. });
        self.entries.iter().filter(is_effect).count()
    }
}

impl Report {
    /// Whether all was as expected.
    pub fn passed(&self) -> bool {
        self.verdict == Verdict::Passed
    }

    /// How many effects all runs had.
    pub fn effects(&self) -> usize {
        self.runs.iter().map(PlayedRun::effects).sum()
    }

    /// One line: `ok   a stale lock …  (simulated 6m12s, 14 effects)`.
    pub fn line(&self) -> String {
        let word = match self.verdict {
            Verdict::Passed => "ok  ",
            Verdict::Failed(_) => "FAIL",
            Verdict::Invalid { .. } => "ERR ",
        };
        if let Verdict::Invalid { .. } = self.verdict {
            return format!("{word} {}", display::one_line(&self.name));
        }
        let effects = match self.effects() {
            1 => "1 effect".to_owned(),
            effects => format!("{effects} effects"),
        };
        format!("{word} {}  (simulated {}, {effects})", display::one_line(&self.name), shown(self.simulated))
    }

    /// Why it did not pass, in full, the timeline with its mark included. Empty where it
    /// passed.
    pub fn explanation(&self, look: Look) -> String {
        match &self.verdict {
            Verdict::Passed => String::new(),
            Verdict::Invalid { line, message } => {
                format!("  {}: {message}\n", self.place(*line))
            }
            Verdict::Failed(differences) => {
                let mut text = String::new();
                for difference in differences {
                    let indented = difference.message.replace('\n', "\n      ");
                    let place = self.place(difference.line);
                    text.push_str(&format!("  {} ({place})\n      {indented}\n", difference.expectation));
                }
                for note in &self.notes {
                    text.push_str(&format!("  note: {note}\n"));
                }
                let mark = differences.iter().find_map(|difference| Some((difference, difference.at?)));
                for (index, run) in self.runs.iter().enumerate() {
                    text.push_str(&format!("\n  run for {}\n", run.title()));
                    let mark =
                        mark.filter(|(_, at)| at.0 == index).map(|(difference, at)| (difference, at.1));
                    text.push_str(&marked(run, mark, look));
                }
                text
            }
        }
    }

    fn place(&self, line: u64) -> String {
        format!("{}:{}", self.file.display(), if line == 0 { self.line } else { line })
    }

    /// All of it, for programs.
    pub fn json(&self) -> Value {
        let (verdict, differences) = match &self.verdict {
            Verdict::Passed => ("passed", Vec::new()),
            Verdict::Failed(differences) => {
                let difference = |difference: &Difference| {
                    json!({"expectation": difference.expectation, "line": difference.line,
                        "message": difference.message, "step": difference.at.map(|at| at.1)})
                };
                ("failed", differences.iter().map(difference).collect())
            }
            Verdict::Invalid { line, message } => (
                "invalid",
                vec![json!({"expectation": null, "line": line, "message": message, "step": null})],
            ),
        };
        json!({"name": self.name, "file": self.file, "line": self.line, "verdict": verdict,
            "differences": differences, "simulatedMs": u64::try_from(self.simulated.as_millis()).unwrap_or(u64::MAX),
            "effects": self.effects(), "runs": self.runs.iter().map(PlayedRun::json).collect::<Vec<_>>(), "notes": self.notes})
    }
}

/// A run's timeline, with what was made to go wrong, and with a mark below the step that
/// an expectation is about.
pub(crate) fn marked(run: &PlayedRun, mark: Option<(&Difference, u32)>, look: Look) -> String {
    let mut timeline = Timeline::starting_at(run.started, look);
    let mut text = String::new();
    let mut add = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    let mut pending = mark;
    let mut troubles = run.marks.iter().peekable();
    for (number, entry) in run.entries.iter().enumerate() {
        while let Some((_, trouble)) = troubles.next_if(|(at, _)| *at <= number) {
            add(&timeline.trouble(trouble));
        }
        if let Some(line) = timeline.entry(entry) {
            add(&line);
            if let Some((difference, _)) = pending.take_if(|(_, step)| *step == entry.step) {
                add(&timeline.mark(&difference.expectation));
            }
        }
    }
    for (_, trouble) in troubles {
        add(&timeline.trouble(trouble));
    }
    add(&timeline.finish());
    for doubt in &run.doubts {
        add(&timeline.doubt(doubt));
    }
    text
}
