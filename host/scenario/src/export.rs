//! A recorded run as a scenario: the incident becomes a test.
//!
//! The record holds what the policy asked for and what it was answered, and nothing else. From
//! that a cluster is made that answers the same: objects as they were first seen, logs as they
//! were read, and whatever changed meanwhile without the policy, as reactions to what the
//! policy had just done, or [later](suture_simulator::fixture::Later) by itself. To find out what
//! changed without the policy, the run's own changes are made on a simulated cluster, and each
//! time that the record shows something the two are compared: what differs must have happened
//! in between.
//!
//! No value of a Secret leaves: neither in objects (the journal has none), nor in what kubectl
//! keeps in annotations, nor in expectations. What is confidential elsewhere, by its name or its
//! looks, is [masked](Masked).

mod cel;
mod changes;
mod clean;
mod faults;
mod grants;
mod initial;
mod logs;
mod mask;
mod outside_events;
mod pods;
mod prometheus;
mod reading;
mod reconstruction;
mod then;
mod writing;

use std::path::Path;

use suture_core::{Ending, Halt};
use suture_journal::{Call, Entry, Ledger, RunHeader, RunRecord};

use crate::format::Scenario;
use grants::Grants;
use initial::Initial;
pub use mask::Masked;
use reconstruction::Reconstruction;
pub(crate) use then::Expectation;

/// A run as the journal has it.
#[derive(Clone, Copy, Debug)]
pub struct Recording<'a> {
    /// The run.
    pub run: &'a RunRecord,
    /// Under what it began.
    pub header: &'a RunHeader,
    /// What it did.
    pub entries: &'a [Entry],
}

/// A run as a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Its text, as YAML.
    pub text: String,
    /// What was left out.
    pub masked: Masked,
}

/// Why a run can't become a scenario.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// It has not ended.
    #[error("the run is still at work, so nobody knows what to expect of it")]
    StillAtWork,
    /// It was ended by something that no scenario has.
    #[error("the run was ended from outside ({0}), which a scenario can't repeat")]
    EndedFromOutside(String),
    /// Another version wrote its record.
    #[error("{0}")]
    OtherVersion(String),
    /// A scenario can't say what happened. A sentence each.
    #[error("a scenario can't repeat what happened:\n{}", .0.join("\n"))]
    Unfaithful(Vec<String>),
    /// It would be larger than a scenario may be.
    #[error("it would have {0} bytes, and a scenario may have {max}: the run has read too much", max = Scenario::MAX_BYTES)]
    TooLarge(usize),
}

/// Make a scenario of a recorded run. It passes as it stands, with the policy that the run had,
/// unless that acts on what is [masked](Masked).
///
/// # Errors
/// Why the run can't be one.
pub fn export(recording: &Recording<'_>) -> Result<Export, ExportError> {
    let Recording { run, header, entries } = *recording;
    check(header)?;
    let (entries, masked) =
        mask::masked(entries).map_err(|error| ExportError::Unfaithful(vec![error.to_string()]))?;
    let (entries, recording) = (&*entries, &Recording { run, header, entries: &entries });
    let ledger = Ledger::of(entries);
    let ending = ledger.ending().ok_or(ExportError::StillAtWork)?;
    if let Ending::Halted(Halt::Limit(_) | Halt::Planned) | Ending::Concluded(_) = ending {
    } else if let Ending::Halted(halt) = ending {
        return Err(ExportError::EndedFromOutside(halt.to_string()));
    }
    let calls = Call::all(entries);
    let initial = Initial::of(&calls, recording, ending);
    let mut reconstruction =
        Reconstruction::new(&initial, run, &calls).map_err(|why| ExportError::Unfaithful(vec![why]))?;
    for (index, call) in calls.iter().enumerate() {
        reconstruction.live_through(index, call);
    }
    if !reconstruction.doubts.is_empty() {
        return Err(ExportError::Unfaithful(reconstruction.doubts));
    }
    // An old record does not hold the grants. Without any, a scenario grants what the manifest
    // requests, in the namespaces that it names; where the run had less, or more, the narrowest
    // that allow what it did are written down.
    let known = (!header.grants.is_empty()).then_some(&*header.grants);
    let written = writing::Parts {
        recording,
        ending,
        initial: &initial,
        reconstruction: &reconstruction,
        grants: known,
    };
    let mut text = written.text();
    let grants = Grants::of(&calls, &reconstruction);
    if known.is_none() && !grants.are_default(&text) {
        text = writing::Parts { grants: Some(&grants.narrowest()), ..written }.text();
    }
    if text.len() > Scenario::MAX_BYTES {
        return Err(ExportError::TooLarge(text.len()));
    }
    Scenario::parse(&text, Path::new("the export"))
        .map_err(|error| ExportError::Unfaithful(vec![error.to_string()]))?;
    Ok(Export { text, masked })
}

fn check(header: &RunHeader) -> Result<(), ExportError> {
    let RunHeader { format, .. } = header;
    if *format > RunHeader::FORMAT {
        return Err(ExportError::OtherVersion(format!(
            "its record has format {format}, and this version reads up to {}: a newer Suture wrote it; take \
             that one",
            RunHeader::FORMAT
        )));
    }
    header.contract().map(drop).map_err(ExportError::OtherVersion)
}

/// Whether a text is said anywhere in what the policy asked for and concluded.
fn is_said(calls: &[Call], ending: &Ending, text: &str) -> bool {
    let asked = |call: &Call| serde_json::to_string(&call.asked).is_ok_and(|asked| asked.contains(text));
    !text.is_empty() && (ending.summary().contains(text) || calls.iter().any(asked))
}

#[cfg(test)]
mod tests;
