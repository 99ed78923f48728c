//! What is known of a policy's modules beside their bytes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub(super) const FILE: &str = "slot.json";

/// What is known of a policy's modules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Slot {
    /// The digest of the module that was put to work last.
    pub in_force: Option<String>,
    /// Its version, as its manifest has it; none where that was not written down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Digests that a person accepted, whatever a back-test says.
    pub accepted: BTreeSet<String>,
    /// The fingerprint of the public key that a module's signature was verified with.
    pub keys: BTreeMap<String, String>,
    /// There was more, and it can't be read: which module came before is not known.
    #[serde(skip)]
    pub is_damaged: bool,
}

impl Slot {
    pub(super) fn damaged() -> Self {
        Self { is_damaged: true, ..Self::default() }
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(bytes).map_err(|error| error.to_string())
    }

    pub(super) fn write(&self) -> Vec<u8> {
        // Maps of strings always are JSON.
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }

    /// Whether a module may work under a key: where one is asked for, it was verified with it.
    pub fn vouches(&self, digest: &str, key: Option<&str>) -> bool {
        key.is_none_or(|key| self.keys.get(digest).is_some_and(|known| known == key))
    }

    /// Put a module in force.
    pub fn put_to_work(&mut self, digest: &str, version: &str, key: Option<String>) {
        self.is_damaged = false;
        self.in_force = Some(digest.to_owned());
        self.version = Some(version.to_owned());
        // What was accepted came to work, or something else did in its place.
        self.accepted.retain(|accepted| accepted == digest);
        match key {
            Some(key) => self.keys.insert(digest.to_owned(), key),
            None => self.keys.remove(digest),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_key_is_asked_for_only_what_was_verified_with_it_may_work() {
        let mut slot = Slot::default();
        slot.put_to_work("sha256:a", "1.0.0", None);
        assert!(slot.vouches("sha256:a", None));
        assert!(!slot.vouches("sha256:a", Some("key")));
        slot.put_to_work("sha256:b", "1.0.0", Some("key".to_owned()));
        assert!(slot.vouches("sha256:b", Some("key")));
        assert!(!slot.vouches("sha256:b", Some("another")));
        assert!(!slot.vouches("sha256:a", Some("key")));
    }
}
