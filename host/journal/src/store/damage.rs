//! What is known to be damaged: each is logged once, and shown until the host ends.

use std::collections::BTreeSet;
use std::path::Path;

use parking_lot::Mutex;

use crate::error::JournalError;

/// The most that are told apart: a torn table has as many as it has rows.
const MOST: usize = 100;

/// The damage that was noticed since the journal was opened.
#[derive(Default)]
pub(super) struct Damage(Mutex<State>);

#[derive(Default)]
struct State {
    /// A sentence for each, which names the row where it can.
    known: BTreeSet<String>,
    /// Why the inbox can't be read, where it can't.
    inbox: Option<JournalError>,
}

impl Damage {
    /// Something is damaged.
    pub fn report(&self, path: &Path, damage: &str) {
        let known = &mut self.0.lock().known;
        if known.len() < MOST && known.insert(damage.to_owned()) {
            tracing::error!(journal = %path.display(), "the journal is damaged: {damage}");
            if known.len() == MOST {
                tracing::error!("what else of the journal is damaged is not told any more");
            }
        }
    }

    /// Something failed: it is noted where that was damage.
    pub fn note(&self, path: &Path, error: &JournalError) {
        match error {
            JournalError::DamagedRows(rows) => rows.iter().for_each(|row| self.report(path, row)),
            // The path stands in the log beside it.
            JournalError::Damaged { what, .. } => self.report(path, what),
            error if error.is_damage() => self.report(path, &error.to_string()),
            _ => {}
        }
    }

    /// All of it.
    pub fn all(&self) -> Vec<String> {
        self.0.lock().known.iter().cloned().collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.lock().known.len()
    }

    /// The inbox was read, or could not be.
    pub fn inbox_read(&self, result: Result<(), &JournalError>) {
        self.0.lock().inbox = result.err().filter(|error| error.is_damage()).cloned();
    }

    /// Whether what is accepted can be found again.
    pub fn inbox(&self) -> Result<(), JournalError> {
        self.0.lock().inbox.clone().map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_damage_is_kept_once_and_no_more_than_a_hundred() {
        let (damage, path) = (Damage::default(), Path::new("journal.db"));
        damage.report(path, "runs r1 is damaged");
        damage.note(path, &JournalError::DamagedRow("runs r1 is damaged".to_owned()));
        assert_eq!(damage.all(), ["runs r1 is damaged"]);
        damage.note(path, &JournalError::NoReaders);
        (0..500).for_each(|one| damage.report(path, &format!("incidents i{one} is damaged")));
        assert_eq!(damage.len(), MOST);
    }

    #[test]
    fn an_inbox_that_cannot_be_read_is_no_place_for_what_comes_until_it_can() {
        let damage = Damage::default();
        let torn = JournalError::Damaged { path: "journal.db".into(), what: "malformed".to_owned() };
        damage.inbox_read(Err(&torn));
        assert_eq!(damage.inbox(), Err(torn));
        damage.inbox_read(Ok(()));
        assert_eq!(damage.inbox(), Ok(()));
    }
}
