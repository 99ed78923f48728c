//! Locks that VolSync's own probe leaves: `restic cat config`, which a mover begins with, is
//! killed after a fixed time (10 s before VolSync 0.13.1, 60 s since). On a store that answers
//! slowly the killed probe leaves its lock, again and again, so that unlocking treats a symptom.

use suture_policy::Result;
use suture_policy::kube::Pod;
use suture_policy::{Time, clock};

use crate::lock::Lock;
use crate::log::log;
use crate::mover::Movers;
use crate::source::ReplicationSource;

/// How many of the movers that have ended are looked at.
const MOST_LOOKED_AT: usize = 5;
/// What a mover says whose probe was killed, and nothing of restic's.
const PROBE_FAILED: &str = "ERROR: failure checking existence of repository";

/// Why a lock is taken for one that VolSync's probe leaves again and again; nothing, where it
/// is not. It was left by a mover of this source, and it is not the first.
pub fn leaves(lock: &Lock, source: &ReplicationSource, movers: &Movers) -> Result<Option<String>> {
    if source.is_kopia() || !movers.have_run_as(&lock.host) {
        return Ok(None);
    }
    if let Some(tag) = &source.status.restic.last_unlocked
        && source.status.last_sync_time.is_some_and(|synced| created(lock) > synced)
    {
        return Ok(Some(symptom(&format!("the repository was unlocked before (`{tag}`)"))));
    }
    for pod in movers.ended().into_iter().filter(|pod| pod.is_failed()).take(MOST_LOOKED_AT) {
        let Ok(said) = log(pod, movers.container_of(pod)) else { continue };
        if let Some(why) = tells(pod, &said, lock) {
            return Ok(Some(symptom(&why)));
        }
    }
    Ok(None)
}

/// What it says that another lock is there after one was removed.
pub fn another(lock: &Lock, movers: &Movers) -> String {
    match movers.have_run_as(&lock.host) {
        true => symptom("after one was removed"),
        false => "somebody else works on the repository".to_owned(),
    }
}

/// What a mover that has failed tells of a lock, if it tells that it is one of many.
fn tells(pod: &Pod, said: &str, lock: &Lock) -> Option<String> {
    let name = &pod.metadata.name;
    match Lock::find(said) {
        Some(other) if other.id != lock.id && other.host != lock.host => {
            Some(format!("{name} met another one, of {}", other.host))
        }
        None if *name == lock.host && said.contains(PROBE_FAILED) => {
            Some(format!("the probe of {name} was killed before it was done"))
        }
        Some(_) | None => None,
    }
}

/// When a lock was made, as far as is known.
fn created(lock: &Lock) -> Time {
    Time::from_millis(clock::now().as_millis().saturating_sub(lock.age.as_millis()))
}

fn symptom(why: &str) -> String {
    format!(
        "unlocking treats a symptom: a mover of this source left a lock again ({why}). VolSync kills its probe `restic \
         cat config` after a fixed time (10 s before 0.13.1, 60 s since), and on a slow store that leaves a lock each \
         time; look at how fast the repository answers"
    )
}

#[cfg(test)]
mod tests {
    use suture_policy::json;

    use super::*;

    fn pod(name: &str) -> Pod {
        serde_json::from_value(json!({"metadata": {"name": name}})).unwrap()
    }

    fn lock(host: &str, id: &str) -> String {
        format!(
            "unable to create lock in backend: repository is already locked by PID 31 on {host} by  (UID 0, GID 0)\n\
             lock was created at 2026-11-21 18:02:02 (10h0m9s ago)\nstorage ID {id}\nERROR: failure locking repository\n"
        )
    }

    #[test]
    fn a_lock_is_one_of_many_where_another_mover_met_another_or_the_holder_was_killed() {
        let met = Lock::find(&lock("volsync-src-plex-a", "b48b07e1")).unwrap();
        let tells = |name: &str, said: &str| tells(&pod(name), said, &met);
        assert!(tells("volsync-src-plex-c", &lock("volsync-src-plex-b", "0c4b6f2e")).is_some());
        assert!(tells("volsync-src-plex-c", &lock("volsync-src-plex-a", "b48b07e1")).is_none());
        assert!(tells("volsync-src-plex-a", PROBE_FAILED).is_some());
        assert!(tells("volsync-src-plex-c", PROBE_FAILED).is_none());
        assert!(tells("volsync-src-plex-a", "Fatal: wrong password").is_none());
    }
}
