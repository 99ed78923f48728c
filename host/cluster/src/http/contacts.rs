//! When servers answered last: what people see of a Prometheus or an Alertmanager that is away.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use suture_core::Timestamp;
use suture_core::display;

/// The longest error that is kept, in characters.
const LONGEST: usize = 300;

/// How a server stands, by the requests that were sent to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    /// When it answered last.
    pub answered_at: Option<Timestamp>,
    /// Since when it has not; none where the last request was answered.
    pub failing_since: Option<Timestamp>,
    /// Why the last request that failed did: when, and a sentence.
    pub error: Option<(Timestamp, String)>,
}

/// How each server stands, by its URL without credentials. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Contacts(Arc<Mutex<BTreeMap<String, Contact>>>);

impl Contacts {
    /// How all that were asked stand.
    pub fn all(&self) -> BTreeMap<String, Contact> {
        self.0.lock().clone()
    }

    /// A server is to be asked before long.
    pub(super) fn know(&self, url: &str) {
        self.0.lock().entry(url.to_owned()).or_default();
    }

    /// A request was answered, or why not.
    pub(super) fn note(&self, url: &str, now: Timestamp, result: Result<(), String>) {
        let mut all = self.0.lock();
        let contact = all.entry(url.to_owned()).or_default();
        match result {
            Ok(()) => {
                contact.answered_at = Some(now);
                contact.failing_since = None;
            }
            Err(error) => {
                contact.failing_since.get_or_insert(now);
                let short: String = display::one_line(&error).chars().take(LONGEST).collect();
                contact.error = Some((now, short));
            }
        }
    }
}
