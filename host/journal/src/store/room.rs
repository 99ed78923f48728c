//! How large the journal may become, and what it does before it is that large.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rusqlite::Connection;
use suture_core::Bytes;

use super::closed::BATCH_BYTES;
use super::{Journal, wal};

/// From here on, in hundredths of the limit, people are warned.
const SCARCE: u64 = 80;
/// From here on what is over leaves before its time, the oldest first, until there is as much
/// room as before the warning.
const PRUNE_FROM: u64 = 85;
/// From here on nothing new is taken. The rest is for the runs at work: what they write is
/// never refused, so that they can finish and undo.
const FULL: u64 = 90;
/// What the log beside the file may take, as a part of the limit.
const LOG_PART: u64 = 16;
/// The bytes of the log that are kept, and after which it is folded back, at most and at least.
const LOG: std::ops::RangeInclusive<u64> = (1 << 20)..=(64 << 20);

/// How much of the journal's limit is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Bytes that the journal's contents take on disk, those of its write-ahead log included.
    pub used: u64,
    /// How many there may be; none where nobody has set a limit.
    pub max: Option<u64>,
}

impl Room {
    /// Whether so many bytes more would be too many for what is new.
    pub fn is_full_with(self, more: u64) -> bool {
        self.reaches(FULL, more)
    }

    /// Whether people should make room.
    pub fn is_scarce(self) -> bool {
        self.reaches(SCARCE, 0)
    }

    pub(super) fn is_to_be_pruned(self) -> bool {
        self.reaches(PRUNE_FROM, 0)
    }

    fn reaches(self, hundredths: u64, more: u64) -> bool {
        self.max.is_some_and(|max| self.used.saturating_add(more) >= max / 100 * hundredths)
    }

    /// Why nothing new is taken, and what helps: a sentence for people.
    pub fn full(self) -> String {
        format!(
            "the journal is full: {} of `storage.maxSize` ({}) are used and nothing that is over is left to remove; raise \
             `storage.maxSize` and restart the host, or end open incidents (GET /api/v1/incidents)",
            mebibytes(self.used),
            Bytes(self.max.unwrap_or_default()),
        )
    }
}

impl Journal {
    /// How many bytes the bodies of those notifications have.
    pub fn inbox_bytes(&self) -> u64 {
        self.0.writer.as_ref().map_or(0, |writer| writer.shared.inbox_bytes.load(Ordering::Acquire))
    }

    /// How much of its limit is used, as of the last commit.
    pub fn room(&self) -> Room {
        match &self.0.writer {
            Some(writer) => writer.shared.gauge.room(),
            None => Room { used: self.size(), max: None },
        }
    }

    /// Whether nothing is left that is over and could make room.
    pub fn is_without_closed(&self) -> bool {
        self.0.writer.as_ref().is_some_and(|writer| writer.shared.nothing_is_over.load(Ordering::Acquire))
    }

    /// How many bytes it takes on disk now, what is not yet checkpointed included.
    pub fn size(&self) -> u64 {
        let bytes = |path: &Path| path.metadata().map_or(0, |found| found.len());
        bytes(self.path()) + bytes(&wal::beside(self.path()))
    }
}

fn mebibytes(bytes: u64) -> String {
    format!("{}Mi", bytes.div_ceil(1 << 20))
}

/// The part of a [`Room`] that others see: written by the thread that writes, read by all.
#[derive(Debug)]
pub(super) struct Gauge {
    used: AtomicU64,
    max: Option<u64>,
    was_scarce: AtomicBool,
    was_full: AtomicBool,
}

impl Gauge {
    pub fn new(max: Option<u64>) -> Self {
        Self {
            used: AtomicU64::new(0),
            max,
            was_scarce: AtomicBool::new(false),
            was_full: AtomicBool::new(false),
        }
    }

    pub fn room(&self) -> Room {
        Room { used: self.used.load(Ordering::Acquire), max: self.max }
    }

    /// Note how much is used now, and say so where it begins or ceases to be too much.
    pub fn note(&self, used: u64) -> Room {
        self.used.store(used, Ordering::Release);
        let room = self.room();
        let shown = || (mebibytes(used), Bytes(self.max.unwrap_or_default()).to_string());
        if self.was_scarce.swap(room.is_scarce(), Ordering::Relaxed) != room.is_scarce() {
            let (used, max) = shown();
            match room.is_scarce() {
                true => tracing::warn!(
                    used,
                    max,
                    "the journal takes more than {SCARCE} % of `storage.maxSize`; from {PRUNE_FROM} % on the oldest closed \
                     runs are removed, those of the policy that holds the most first; raise it, or lower \
                     `storage.retention`"
                ),
                false => tracing::info!(used, max, "the journal has room again"),
            }
        }
        if self.was_full.swap(room.is_full_with(0), Ordering::Relaxed) != room.is_full_with(0) {
            let (used, max) = shown();
            match room.is_full_with(0) {
                true => tracing::error!("{}; runs at work go on", room.full()),
                false => tracing::info!(used, max, "the journal takes what is new again"),
            }
        }
        room
    }

    /// How many bytes leave at a time, when room is made: much less than there is to be made.
    pub fn batch_bytes(&self) -> i64 {
        let part = self.max.unwrap_or(u64::MAX) / 64;
        i64::try_from(part).unwrap_or(i64::MAX).clamp(1 << 16, BATCH_BYTES)
    }

    /// How many bytes the log beside the file may have.
    pub fn log_bytes(&self) -> u64 {
        self.max.map_or(*LOG.end(), |max| (max / LOG_PART).clamp(*LOG.start(), *LOG.end()))
    }
}

/// The bytes of the pages that hold something, and of those that are free.
pub(super) fn pages(connection: &Connection) -> rusqlite::Result<(u64, u64)> {
    let number = |sql: &str| -> rusqlite::Result<u64> {
        connection.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs)
    };
    let size = number("PRAGMA page_size")?;
    let (all, free) = (number("PRAGMA page_count")?, number("PRAGMA freelist_count")?);
    Ok((all.saturating_sub(free).saturating_mul(size), free.saturating_mul(size)))
}
