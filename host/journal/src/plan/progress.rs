//! How far a run has come with the changes that were approved.

use suture_core::{Digest, RunId, Timestamp};

use super::{Mask, Written};
use crate::call::Call;
use crate::entry::Entry;

/// How far a run has come with the changes that were approved, in their order.
#[derive(Clone, Debug)]
pub struct Progress {
    /// What the run was told and made so far that differs from one look to the next.
    mask: Mask,
    approved: Vec<Digest>,
    /// How many of them are done.
    done: usize,
    /// The step that may do the next of them.
    admitted: Option<u32>,
}

impl Progress {
    /// That of a run of which this is on record, with the changes that were approved.
    pub fn of(run: &RunId, entries: &[Entry], approved: Vec<Digest>) -> Self {
        let mut mask = Mask::of_run(run);
        mask.see_times(entries);
        let mut progress = Self { mask, approved, done: 0, admitted: None };
        for call in Call::all(entries).iter().filter(|call| call.undo_of.is_none() && !call.is_dry_run()) {
            if let Some((written, _)) = Written::of(call) {
                progress.note_done(call.step, &written);
            }
        }
        progress
    }

    /// The policy was told the time.
    pub fn note_time(&mut self, now: Timestamp) {
        self.mask.see_time(now);
    }

    /// Whether a step may make a change, of which a dry run said this: it is the next of those that
    /// were approved.
    pub fn admits(&mut self, step: u32, written: &Written<'_>) -> bool {
        let digest = written.digest(&mut self.mask.clone());
        let is_next = self.approved.get(self.done) == Some(&digest);
        self.admitted = is_next.then_some(step);
        is_next
    }

    /// Whether all of them are done.
    pub fn is_through(&self) -> bool {
        self.done >= self.approved.len()
    }

    /// A change was made.
    pub fn note_done(&mut self, step: u32, written: &Written<'_>) {
        let digest = written.digest(&mut self.mask);
        let is_admitted = self.admitted.take() == Some(step);
        if is_admitted || self.approved.get(self.done) == Some(&digest) {
            self.done += 1;
        }
    }
}
