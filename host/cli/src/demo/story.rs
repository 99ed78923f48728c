//! What the demo tells those who watch it.

use std::path::Path;

use serde_json::Value;
use suture_journal::{IncidentRecord, IncidentState};

use super::host::DemoHost;
use crate::output::{BAD, DIM, GOOD, HEADING, Output, WARN};

/// One broken backup.
pub struct Case {
    /// What is broken, in a few words.
    pub title: &'static str,
    /// What a newcomer must know to follow.
    pub about: &'static str,
    /// The ReplicationSource: `NAMESPACE/NAME`.
    pub source: &'static str,
    /// How the incident must end.
    pub ends: IncidentState,
    /// What was done, in a few words.
    pub done: &'static str,
}

impl Case {
    /// Namespace and name.
    pub fn names(&self) -> (&str, &str) {
        self.source.split_once('/').unwrap_or(("", self.source))
    }
}

/// What the demo shows, in this order.
pub const CASES: [Case; 3] = [
    Case {
        title: "a stale lock",
        about: "The backup of media/plex fails: its restic repository is locked by a backup pod that was \
                killed two days ago. The lock is dead weight, and safe to remove, because its holder is gone.",
        source: "media/plex",
        ends: IncidentState::Resolved,
        done: "unlocked, backed up, schedule given back",
    },
    Case {
        title: "a hung snapshot",
        about: "The backup of media/immich waits for a volume snapshot that never became ready. Until that \
                is out of the way, every further backup waits behind it.",
        source: "media/immich",
        ends: IncidentState::Resolved,
        done: "snapshot removed, backed up, schedule given back",
    },
    Case {
        title: "a lock that is alive",
        about: "The backup of media/paperless fails on a lock, too. But the pod that holds it still runs: to \
                break this lock could corrupt the backup. The right repair is to change nothing and to tell \
                a person.",
        source: "media/paperless",
        ends: IncidentState::Escalated,
        done: "nothing changed, people told",
    },
];

/// A case, and what became of it.
pub struct CaseResult<'a> {
    pub case: &'a Case,
    pub incident: IncidentRecord,
}

impl CaseResult<'_> {
    pub fn is_as_it_should_be(&self) -> bool {
        self.incident.state == self.case.ends
    }
}

pub fn introduce(host: &DemoHost, output: &Output) {
    output.line(format!("{HEADING}Suture turns a Kubernetes alert into a finished repair.{HEADING:#}"));
    let text = "This is the real host, on a simulated cluster: three backups in it are broken, each in its own \
                way. Prometheus notices, Alertmanager posts the alert to the host's webhook, and a policy in a \
                WebAssembly sandbox, which can do nothing but ask the host, repairs what can be repaired.";
    output.line(wrapped(text, output));
    output.line(format!(
        "\n  {DIM}webhook  {} (bearer token required){DIM:#}\n  {DIM}admin    {}{DIM:#}",
        host.webhook(),
        host.admin()
    ));
    let text = "How to read a timeline: the time since the alert, on the cluster's clock (it runs faster than \
                yours); the number of the step; what the policy asked the host to do; and what came of it. \
                Changes are coloured, and ↩ marks a change that the host takes back by itself.";
    output.line(format!("\n{}", wrapped(text, output)));
}

pub fn conclude(told: &[CaseResult<'_>], journal: &Path, output: &Output) {
    output.line(format!(
        "\n{HEADING}{:<18}  {:<20}  {:<10}  WHAT WAS DONE{HEADING:#}",
        "BACKUP", "BROKEN BY", "INCIDENT"
    ));
    for CaseResult { case, incident } in told {
        let tone = match incident.state {
            IncidentState::Resolved => GOOD,
            IncidentState::Escalated => WARN,
            _ => BAD,
        };
        let state = incident.state.as_str();
        output.line(format!(
            "{:<18}  {:<20}  {tone}{state:<10}{tone:#}  {}",
            case.source, case.title, case.done
        ));
    }
    let run = told.first().and_then(|told| told.incident.runs.last()).map_or("ID", |run| run.as_str());
    output.line(format!("\n{HEADING}Where to look next{HEADING:#}"));
    output.line(format!("  suture runs show {run} --journal {}", journal.display()));
    output.line("  policies/volsync/src/lib.rs       the policy that you saw at work");
    output.line(
        "  policies/volsync/scenarios/       what it must and must never do: suture test policies/volsync",
    );
}

/// An alert for people, as they would read it.
pub fn page(page: &Value, output: &Output) -> String {
    let text = |pointer: &str| page.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let summary = text("/annotations/summary");
    let description = text("/annotations/description");
    let name = text("/labels/alertname");
    let mut said = format!("  {WARN}{name}{WARN:#}\n{}", wrapped(&summary, output));
    if !description.is_empty() {
        said.push_str(&format!("\n{DIM}{}{DIM:#}", wrapped(&description, output)));
    }
    said
}

/// Text in lines that are pleasant to read, indented by two.
pub fn wrapped(text: &str, output: &Output) -> String {
    let width = output.look().width.unwrap_or(100).clamp(40, 100) - 2;
    let mut lines = String::from("  ");
    let mut column = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > width {
            lines.push_str("\n  ");
            column = 0;
        }
        if column > 0 {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += length;
    }
    lines
}
