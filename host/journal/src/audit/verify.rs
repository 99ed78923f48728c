//! Whether rows are as they were written.

use serde_json::{Map, Value};
use suture_core::Digest;

use super::AuditHead;
use super::chain::{HASH, sealed_hash};

/// The first thing that is wrong with a trail.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokenChain {
    /// It is no row.
    #[error("what stands {} is no row of an audit trail", after.map_or_else(|| "first".to_owned(), |row| format!("after row {row}")))]
    NotARow {
        /// The row before it.
        after: Option<u64>,
    },
    /// A row has been changed.
    #[error("row {0} is not as it was written: its hash is another")]
    Changed(u64),
    /// Rows are missing.
    #[error("{} missing, between rows {} and {}", rows(*from, *to), from - 1, to + 1)]
    Missing {
        /// The first of them.
        from: u64,
        /// The last of them.
        to: u64,
    },
    /// A row does not follow the one before it.
    #[error("row {0} does not follow the row before it: it names another hash")]
    Unlinked(u64),
    /// Rows stand twice, or in another order.
    #[error("row {row} stands after row {after}")]
    OutOfOrder {
        /// The row.
        row: u64,
        /// After which it stands.
        after: u64,
    },
    /// The beginning is missing.
    #[error("{} missing, and no later row says that they were removed for their age", rows(1, first - 1))]
    Beheaded {
        /// The first row that is there.
        first: u64,
    },
    /// The end is missing.
    #[error(
        "row {}, which was noted, is missing: the end has been cut off after {}",
        noted.sequence,
        last.map_or_else(|| "the beginning".to_owned(), |last| format!("row {last}"))
    )]
    CutOff {
        /// What was noted.
        noted: AuditHead,
        /// The last row that is there.
        last: Option<u64>,
    },
    /// A row has another hash than was noted.
    #[error("row {} has another hash than was noted: it, or a row before it, has been written anew", noted.sequence)]
    Rewritten {
        /// What was noted.
        noted: AuditHead,
        /// What it is.
        found: Digest,
    },
    /// What was noted is older than all that is there.
    #[error(
        "row {}, which was noted, is older than row {first}, the first that is there: nothing can be said about it",
        noted.sequence
    )]
    TooOld {
        /// What was noted.
        noted: AuditHead,
        /// The first row that is there.
        first: u64,
    },
}

fn rows(from: u64, to: u64) -> String {
    if from == to { format!("row {from} is") } else { format!("rows {from} to {to} are") }
}

impl BrokenChain {
    /// The first row that is at fault, or is missing, where it has a number.
    pub fn row(&self) -> Option<u64> {
        match self {
            Self::NotARow { after } => after.map(|row| row + 1),
            Self::Changed(row) | Self::Unlinked(row) | Self::OutOfOrder { row, .. } => Some(*row),
            Self::Missing { from, .. } => Some(*from),
            Self::Beheaded { .. } => Some(1),
            Self::CutOff { last, .. } => Some(last.unwrap_or_default() + 1),
            Self::Rewritten { noted, .. } | Self::TooOld { noted, .. } => Some(noted.sequence),
        }
    }
}

/// What rows are of a trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All that there are: what is missing at the beginning must have been removed for its age.
    Whole,
    /// Some of them, from anywhere on.
    Part,
}

/// What was found of rows that are as they were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How many there are.
    pub rows: u64,
    /// The number of the first.
    pub first: Option<u64>,
    /// The last.
    pub head: Option<AuditHead>,
}

/// Verifies rows one by one, oldest first.
#[derive(Debug, Default)]
pub struct Verifier {
    noted: Option<AuditHead>,
    rows: u64,
    /// The number of the first row, and which it names as the one before it.
    first: Option<(u64, Option<Digest>)>,
    last: Option<AuditHead>,
    /// A row says that those before the first were removed.
    is_explained: bool,
}

impl Verifier {
    /// Compare with a row that was noted elsewhere, too.
    pub fn new(noted: Option<AuditHead>) -> Self {
        Self { noted, ..Self::default() }
    }

    /// Look at the next row.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn add(&mut self, row: &Value) -> Result<(), BrokenChain> {
        let after = self.last.map(|last| last.sequence);
        let object = row.as_object().ok_or(BrokenChain::NotARow { after })?;
        let head = AuditHead::of(object).ok_or(BrokenChain::NotARow { after })?;
        let row = head.sequence;
        if sealed_hash(object) != head.hash {
            return Err(BrokenChain::Changed(row));
        }
        let previous = digest(object, "previous");
        match self.last {
            None => self.first = Some((row, previous)),
            Some(last) if row <= last.sequence => {
                return Err(BrokenChain::OutOfOrder { row, after: last.sequence });
            }
            Some(last) if row - last.sequence > 1 => {
                return Err(BrokenChain::Missing { from: last.sequence + 1, to: row - 1 });
            }
            Some(_) => {}
        }
        let is_linked = match self.last {
            Some(last) => previous == Some(last.hash),
            // Only the very first has none before it.
            None => object.contains_key("previous") == (row > 1) && previous.is_some() == (row > 1),
        };
        if !is_linked {
            return Err(BrokenChain::Unlinked(row));
        }
        let before = previous.map(|hash| AuditHead { sequence: row - 1, hash });
        for found in before.into_iter().chain([head]) {
            self.compare(found)?;
        }
        if let Some((first, Some(hash))) = self.first {
            let checkpoint = object.get("checkpoint").and_then(Value::as_object).and_then(AuditHead::of);
            self.is_explained |= checkpoint == Some(AuditHead { sequence: first - 1, hash });
        }
        self.rows += 1;
        self.last = Some(head);
        Ok(())
    }

    fn compare(&self, found: AuditHead) -> Result<(), BrokenChain> {
        match self.noted {
            Some(noted) if noted.sequence == found.sequence && noted.hash != found.hash => {
                Err(BrokenChain::Rewritten { noted, found: found.hash })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Say what was found, after the last row.
    ///
    /// # Errors
    /// What is missing.
    pub fn finish(self, extent: Extent) -> Result<Verified, BrokenChain> {
        let Self { noted, rows, first, last, is_explained } = self;
        let first = first.map(|(first, _)| first);
        let is_beheaded = extent == Extent::Whole && !is_explained;
        if let Some(first) = first.filter(|first| *first > 1 && is_beheaded) {
            return Err(BrokenChain::Beheaded { first });
        }
        if let Some(noted) = noted {
            let last = last.map(|last| last.sequence);
            if last.is_none_or(|last| last < noted.sequence) {
                return Err(BrokenChain::CutOff { noted, last });
            }
            if let Some(first) = first.filter(|first| noted.sequence < first - 1) {
                return Err(BrokenChain::TooOld { noted, first });
            }
        }
        Ok(Verified { rows, first, head: last })
    }
}

impl AuditHead {
    /// That of a row, or of a checkpoint.
    pub(crate) fn of(row: &Map<String, Value>) -> Option<Self> {
        let sequence = row.get("sequence").and_then(Value::as_u64).filter(|sequence| *sequence > 0)?;
        Some(Self { sequence, hash: digest(row, HASH)? })
    }
}

fn digest(row: &Map<String, Value>, field: &str) -> Option<Digest> {
    row.get(field).and_then(Value::as_str)?.parse().ok()
}

#[cfg(test)]
mod tests;
