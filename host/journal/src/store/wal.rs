//! The write-ahead log, looked at before SQLite is: where a frame's checksum is wrong, SQLite
//! takes the log to end there, and says nothing. After a loss of power that is right: the
//! last transaction was cut off, and nobody was promised anything. In the middle of the log
//! it is not: what comes after was promised, and is gone.
//!
//! The format: <https://www.sqlite.org/fileformat2.html#the_write_ahead_log>.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use super::open::BUSY;

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
/// The log's first four bytes, apart from the last bit: that says how words are read for
/// checksums.
const MAGIC: u32 = 0x377f_0682;
/// SQLite's own bound on the size of a page.
const MAX_PAGE: usize = 65_536;

/// How a log ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With a transaction, as it should.
    Whole,
    /// The last transaction was cut off: so does a loss of power end one that nobody was told
    /// is on disk.
    Torn,
    /// Transactions that were on disk can't be read any more: a sentence.
    Lost(String),
}

/// The log beside a journal.
pub(super) fn beside(journal: &Path) -> PathBuf {
    let mut path = journal.as_os_str().to_owned();
    path.push("-wal");
    path.into()
}

/// How the log beside a journal ends. None is whole.
pub(super) fn inspect(journal: &Path) -> std::io::Result<End> {
    let file = match File::open(beside(journal)) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(End::Whole),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    let mut file = BufReader::with_capacity(1 << 16, file);
    let mut header = [0; HEADER];
    if !fill(&mut file, &mut header)? {
        return Ok(End::Whole);
    }
    let Some(mut log) = Log::of(&header) else {
        // The header is on disk before the first frame is written.
        return Ok(if length as usize > HEADER {
            End::Lost(
                "the header of its write-ahead log is damaged, so nothing in that can be read".to_owned(),
            )
        } else {
            End::Torn
        });
    };
    let mut frame = vec![0; FRAME_HEADER + log.page_size];
    while fill(&mut file, &mut frame)? {
        log.add(&frame);
    }
    Ok(log.end())
}

/// Read as much as a buffer holds; false where there is less.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<bool> {
    match from.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// A log that is read frame by frame.
struct Log {
    page_size: usize,
    big_endian: bool,
    salts: [u8; 8],
    sum: (u32, u32),
    frames: u64,
    /// Frames since the last that ended a transaction.
    open: u64,
    /// The first frame that is not as it was written.
    broken: Option<u64>,
    /// Frames of this log after that, and how many of them end a transaction.
    after: u64,
    ends_after: u64,
    last_is_end: bool,
}

impl Log {
    fn of(header: &[u8; HEADER]) -> Option<Self> {
        let magic = word(header, 0);
        let big_endian = magic & 1 == 1;
        let sum = checksum((0, 0), header.get(..24)?, big_endian);
        if magic & !1 != MAGIC || sum != (word(header, 24), word(header, 28)) {
            return None;
        }
        let page_size =
            usize::try_from(word(header, 8)).ok().filter(|size| (512..=MAX_PAGE).contains(size))?;
        let salts = header.get(16..24)?.try_into().ok()?;
        let none = Self {
            page_size,
            big_endian,
            salts,
            sum,
            frames: 0,
            open: 0,
            broken: None,
            after: 0,
            ends_after: 0,
            last_is_end: false,
        };
        Some(none)
    }

    fn add(&mut self, frame: &[u8]) {
        self.frames += 1;
        let (header, page) = frame.split_at(FRAME_HEADER);
        let is_end = word(header, 4) != 0;
        if self.broken.is_none() {
            let sum = checksum(self.sum, header.get(..8).unwrap_or_default(), self.big_endian);
            let sum = checksum(sum, page, self.big_endian);
            let is_whole =
                header.get(8..16) == Some(&self.salts[..]) && sum == (word(header, 16), word(header, 20));
            if is_whole {
                self.sum = sum;
                self.open = if is_end { 0 } else { self.open + 1 };
                return;
            }
            self.broken = Some(self.frames);
        }
        if self.is_ours(header) {
            self.after += 1;
            self.ends_after += u64::from(is_end);
            self.last_is_end = is_end;
        }
    }

    /// Whether a frame is of this log, and not left over from before it began anew. One byte
    /// of what tells them apart may be damaged itself.
    fn is_ours(&self, header: &[u8]) -> bool {
        let salts = header.get(8..16).unwrap_or_default();
        let differing = salts.iter().zip(&self.salts).filter(|(found, ours)| found != ours).count();
        differing <= 1
    }

    fn end(self) -> End {
        let Some(broken) = self.broken.filter(|_| self.after > 0) else {
            return if self.open == 0 { End::Whole } else { End::Torn };
        };
        // Each transaction is on disk before the next is written.
        let ends_before_the_last = self.ends_after - u64::from(self.last_is_end);
        if ends_before_the_last == 0 {
            return End::Torn;
        }
        End::Lost(format!(
            "frame {broken} of its write-ahead log is damaged, so what was written in that and the {} frames after it \
             is lost",
            self.after - 1
        ))
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|word| word.try_into().ok()).map_or(0, u32::from_be_bytes)
}

/// SQLite's checksum, over pairs of words.
fn checksum((mut first, mut second): (u32, u32), bytes: &[u8], big_endian: bool) -> (u32, u32) {
    let read = |word: [u8; 4]| if big_endian { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) };
    let (pairs, _) = bytes.as_chunks::<8>();
    for [a, b, c, d, e, f, g, h] in pairs {
        first = first.wrapping_add(read([*a, *b, *c, *d])).wrapping_add(second);
        second = second.wrapping_add(read([*e, *f, *g, *h])).wrapping_add(first);
    }
    (first, second)
}

/// Fold the log in: the file ends where it should only then. A reader may be in the way, and is
/// not waited for.
pub(super) fn fold(connection: &mut Connection) {
    fold_within(connection, Duration::ZERO);
}

/// The same, and readers are waited for so long. Those who begin meanwhile are not in the way.
pub(super) fn fold_within(connection: &mut Connection, patience: Duration) {
    let _ = connection.busy_timeout(patience);
    let _ = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
    let _ = connection.busy_timeout(BUSY);
}
