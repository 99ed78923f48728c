//! The volumes that VolSync makes for a sync: the clone that is backed up, and the cache.

use serde::Deserialize;
use suture_policy::kube::{self, Metadata};
use suture_policy::{Result, Time};

use crate::source::ReplicationSource;

#[derive(Debug, Deserialize)]
struct PersistentVolumeClaim {
    metadata: Metadata,
    #[serde(default)]
    status: ClaimStatus,
}

suture_policy::resource!("v1", PersistentVolumeClaim);

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ClaimStatus {
    phase: String,
}

/// What is seen of a source's volumes.
pub enum Seen {
    /// All that are there are bound.
    Well,
    /// One is not: which, why, and since when.
    Unwell(String, Option<Time>),
    /// They may not be read: why.
    Unreadable(String),
}

/// Look at the volumes of a source: its own, the clone that is backed up, and the cache.
pub fn look(source: &ReplicationSource) -> Result<Seen> {
    let clone = format!("volsync-{}-src", source.name());
    let cache = format!("volsync-src-{}-cache", source.name());
    for name in [clone.as_str(), &cache, &source.spec.source_pvc] {
        if name.is_empty() {
            continue;
        }
        let claim = match kube::find::<PersistentVolumeClaim>(source.namespace(), name) {
            // A grant may be for what VolSync makes alone.
            Err(error) if error.is_denied() && name == source.spec.source_pvc => continue,
            Err(error) if error.is_denied() || error.is_forbidden() => {
                return Ok(Seen::Unreadable(error.message));
            }
            claim => claim?,
        };
        let Some(claim) = claim else { continue };
        let metadata = &claim.metadata;
        if let Some(since) = metadata.deletion_timestamp {
            let held = metadata.finalizers.join(", ");
            let what = format!("PersistentVolumeClaim {name} is being deleted since {since}, held by {held}");
            return Ok(Seen::Unwell(what, Some(since)));
        }
        if claim.status.phase == "Bound" {
            continue;
        }
        let since = metadata.creation_timestamp;
        let shown = since.map_or_else(String::new, |since| format!(" since {since}"));
        let why = match kube::last_warning(&claim) {
            Ok(Some(event)) => format!(": {event}"),
            Ok(None) | Err(_) => String::new(),
        };
        let what = format!("PersistentVolumeClaim {name} is {}{shown}{why}", claim.status.phase);
        return Ok(Seen::Unwell(what, since));
    }
    Ok(Seen::Well)
}

/// What a mover waits for; where the scheduler speaks of its claims, with what these say.
pub fn explained(what: String, source: &ReplicationSource) -> Result<String> {
    if !what.contains("PersistentVolumeClaim") {
        return Ok(what);
    }
    Ok(match look(source)? {
        Seen::Unwell(why, _) => format!("{what}; {why}"),
        Seen::Well | Seen::Unreadable(_) => what,
    })
}
