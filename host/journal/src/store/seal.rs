//! What guards rows against damage: a checksum of all that a row is found by and of what
//! it holds, for SQLite's pages have none. It tells damage, not malice.

use crc32fast::Hasher;

use super::agenda::FoundBy;

/// A checksum in the making. Each part is counted with its length, so that no byte can
/// move from one to the next.
pub(super) struct Seal(Hasher);

impl Seal {
    fn new(id: &str) -> Self {
        Self(Hasher::new()).text(Some(id.as_bytes()))
    }

    fn text(mut self, part: Option<&[u8]>) -> Self {
        let length = part.map_or(u64::MAX, |part| part.len() as u64);
        self.0.update(&length.to_le_bytes());
        self.0.update(part.unwrap_or_default());
        self
    }

    fn number(self, number: Option<i64>) -> Self {
        self.text(number.map(i64::to_le_bytes).as_ref().map(<[u8; 8]>::as_slice))
    }

    /// Of what is stored under an id: an entry, a header.
    pub fn of_content(id: &str, content: &[u8]) -> u32 {
        Self::new(id).text(Some(content)).0.finalize()
    }

    /// Of a notification in the inbox.
    pub fn of_notification(id: i64, received_at: i64, policy: Option<&str>, body: &[u8]) -> u32 {
        let policy = policy.map(str::as_bytes);
        Self::new(&id.to_string()).number(Some(received_at)).text(policy).text(Some(body)).0.finalize()
    }

    /// Of an incident: beside what guards every record, by `found_by` it is found, or passed over.
    pub fn of_incident(
        id: &str,
        policy: &str,
        state: &str,
        closed: Option<i64>,
        found_by: &FoundBy,
        record: &[u8],
    ) -> u32 {
        let of_record = Self::of_record(id, policy, state, closed, record);
        if *found_by == FoundBy::default() {
            return of_record;
        }
        let named = Self::new(id).number(Some(of_record.into()));
        found_by.columns().into_iter().fold(named, Self::number).0.finalize()
    }

    /// Of an incident or a run: by its state and its end it is found, or passed over.
    pub fn of_record(id: &str, policy: &str, state: &str, ended: Option<i64>, record: &[u8]) -> u32 {
        let named = Self::new(id).text(Some(policy.as_bytes())).text(Some(state.as_bytes()));
        named.number(ended).text(Some(record)).0.finalize()
    }

    /// Of a number that is kept of a policy.
    pub fn of_tally(what: &str, policy: &str, number: i64) -> u32 {
        Self::new(what).text(Some(policy.as_bytes())).number(Some(number)).0.finalize()
    }

    /// Of how many entries a run has, the checksum of the last among it.
    pub fn of_tail(run: &str, entries: i64, last: u32) -> u32 {
        Self::new(run).number(Some(entries)).number(Some(last.into())).0.finalize()
    }
}

/// Whether a row is as it was written. Otherwise a sentence that names its table and id.
pub(super) fn verify(table: &str, id: &str, written: u32, found: u32) -> Result<(), String> {
    if written == found { Ok(()) } else { Err(format!("{table} {id} is damaged: its checksum is wrong")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_that_moves_from_one_part_to_the_next_is_noticed() {
        let of = |policy, state| Seal::of_record("i", policy, state, None, b"{}");
        assert_ne!(of("ab", "c"), of("a", "bc"));
        let of = |policy, body| Seal::of_notification(1, 2, policy, body);
        assert_ne!(of(None, b"x"), of(Some(""), b"x"));
        assert_ne!(of(Some("a"), b"b"), of(Some("ab"), b""));
    }

    #[test]
    fn what_a_row_is_found_by_is_guarded_too() {
        let of = |state, ended| Seal::of_record("i", "p", state, ended, b"{}");
        let running = of("running", None);
        assert_ne!(running, of("ended", None));
        assert_ne!(running, of("running", Some(0)));
    }
}
