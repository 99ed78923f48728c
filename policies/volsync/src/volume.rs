//! The volumes that VolSync makes for a sync: the clone that is backed up, and the cache.

use serde::Deserialize;
use suture_policy::Result;
use suture_policy::kube::{self, Metadata};

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

/// Which of a source's volumes are not there yet, and why; nothing where they are, or may not
/// be read.
pub fn what_is_wrong(source: &ReplicationSource) -> Result<Option<String>> {
    let names = [format!("volsync-{}-src", source.name()), format!("volsync-src-{}-cache", source.name())];
    for name in names {
        let claim = match kube::find::<PersistentVolumeClaim>(source.namespace(), &name) {
            Err(error) if error.is_denied() || error.is_forbidden() => return Ok(None),
            claim => claim?,
        };
        let Some(claim) = claim.filter(|claim| claim.status.phase != "Bound") else { continue };
        let since =
            claim.metadata.creation_timestamp.map_or_else(String::new, |since| format!(" since {since}"));
        let why = match kube::last_warning(&claim) {
            Ok(Some(event)) => format!(": {event}"),
            Ok(None) | Err(_) => String::new(),
        };
        return Ok(Some(format!("PersistentVolumeClaim {name} is {}{since}{why}", claim.status.phase)));
    }
    Ok(None)
}
