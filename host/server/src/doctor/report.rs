//! What was found, and what is to be done about it.

use serde::Serialize;

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// Well.
    Ok,
    /// It may be well, or will not be for long.
    Warn,
    /// No repair comes of it.
    Fail,
}

/// Something that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Finding {
    /// How it stands.
    pub verdict: Verdict,
    /// What it is about: `host`, `prometheus`, `alertmanager`, `cluster`, or a policy's name.
    pub about: String,
    /// What was looked at: `rule`, `series`, `labels`, `route`, `rights`, `clock`, …
    pub check: &'static str,
    /// What was found, in a sentence.
    pub found: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// All findings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// In the order of the path: the host, what it asks, each policy.
    pub findings: Vec<Finding>,
}

/// Findings about one thing.
pub(super) struct About<'a> {
    pub report: &'a mut Report,
    pub about: &'a str,
}

impl Report {
    pub(super) fn about<'a>(&'a mut self, about: &'a str) -> About<'a> {
        About { report: self, about }
    }

    /// The worst of them.
    pub fn worst(&self) -> Verdict {
        self.findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Ok)
    }
}

impl About<'_> {
    pub fn ok(&mut self, check: &'static str, found: impl Into<String>) {
        self.add(Verdict::Ok, check, found.into(), None);
    }

    pub fn warn(&mut self, check: &'static str, found: impl Into<String>, remedy: impl Into<String>) {
        self.add(Verdict::Warn, check, found.into(), Some(remedy.into()));
    }

    pub fn fail(&mut self, check: &'static str, found: impl Into<String>, remedy: impl Into<String>) {
        self.add(Verdict::Fail, check, found.into(), Some(remedy.into()));
    }

    fn add(&mut self, verdict: Verdict, check: &'static str, found: String, remedy: Option<String>) {
        let about = self.about.to_owned();
        let finding = Finding { verdict, about, check, found, remedy };
        // The same may be found of each of many series.
        if !self.report.findings.contains(&finding) {
            self.report.findings.push(finding);
        }
    }
}
