//! The ReplicationSource, as far as this policy looks at it.

use serde::Deserialize;
use suture_policy::kube::{Condition, Metadata};
use suture_policy::stop::{Stop, escalate};
use suture_policy::{Duration, Labels, Time, Value, clock};

use crate::manifest::{Kopia, Settings};

/// How long an error of VolSync may stand that goes away by itself.
const PASSING_ERROR: Duration = Duration::minutes(1);

/// What VolSync backs up, when, and how far it is.
#[derive(Debug, Deserialize)]
pub struct ReplicationSource {
    pub metadata: Metadata,
    #[serde(default)]
    pub spec: Spec,
    #[serde(default)]
    pub status: Status,
}

suture_policy::resource!("volsync.backube/v1alpha1", ReplicationSource);

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Spec {
    /// The claim that is backed up.
    #[serde(rename = "sourcePVC")]
    pub source_pvc: String,
    pub paused: bool,
    pub trigger: Trigger,
    pub restic: Option<Restic>,
    /// Only in the fork perfectra1n/volsync.
    pub kopia: Option<KopiaBackup>,
}

/// `manual` wins over `schedule`: while it is set, the schedule is off. With neither,
/// VolSync syncs without end.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Trigger {
    pub manual: Option<String>,
    pub schedule: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Restic {
    /// The name of the Secret that says where the repository is.
    pub repository: String,
    /// A tag: one that is not the last has the next sync unlock the repository first.
    pub unlock: Option<String>,
    #[serde(rename = "customCA")]
    pub custom_ca: CustomCa,
    pub mover_security_context: Value,
    pub mover_pod_labels: Labels,
    pub mover_volumes: Vec<MoverVolume>,
}

/// Who vouches for the server that the repository is on, where it is nobody known.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CustomCa {
    pub secret_name: String,
    pub config_map_name: String,
    pub key: String,
}

/// What a mover has mounted besides, at `/mnt/` and its path: perhaps the repository.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MoverVolume {
    pub mount_path: String,
    pub volume_source: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct KopiaBackup {
    /// The name of the Secret that says where the repository is.
    pub repository: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    /// The manual tag of the sync that ended last.
    pub last_manual_sync: Option<String>,
    /// Set while a sync is in progress, retries included.
    pub last_sync_start_time: Option<Time>,
    /// When a sync last succeeded.
    pub last_sync_time: Option<Time>,
    pub latest_mover_status: Option<MoverStatus>,
    pub restic: ResticStatus,
    pub conditions: Vec<Condition>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResticStatus {
    /// The tag of the last unlock that succeeded.
    pub last_unlocked: Option<String>,
}

/// How the last mover ended that has used up its retries, or succeeded.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct MoverStatus {
    /// `Successful` or `Failed`.
    pub result: String,
    /// The last kilobyte of its log.
    pub logs: String,
}

impl ReplicationSource {
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    pub fn namespace(&self) -> &str {
        self.metadata.namespace.as_deref().unwrap_or_default()
    }

    /// The name of the repository's Secret, if this kind of backup is repaired here.
    pub fn repository(&self, settings: &Settings) -> Result<&str, Stop> {
        match &self.spec {
            Spec { restic: None, kopia: Some(_), .. } if settings.kopia == Kopia::Repair => Ok(self.secret()),
            Spec { restic: None, .. } => escalate(format!(
                "{} has no `spec.restic`, and only restic backups are repaired here",
                self.name()
            )),
            _ => Ok(self.secret()),
        }
    }

    /// The name of the repository's Secret.
    pub fn secret(&self) -> &str {
        match &self.spec {
            Spec { restic: Some(restic), .. } => &restic.repository,
            Spec { kopia: Some(kopia), .. } => &kopia.repository,
            _ => "",
        }
    }

    /// Whether it is backed up by kopia.
    pub fn is_kopia(&self) -> bool {
        self.spec.restic.is_none() && self.spec.kopia.is_some()
    }

    /// What VolSync calls the container of a mover that does the work.
    pub fn mover_container(&self) -> &'static str {
        if self.is_kopia() { "kopia" } else { "restic" }
    }

    /// The tag that asks for an unlock.
    pub fn unlock(&self) -> Option<&str> {
        self.spec.restic.as_ref()?.unlock.as_deref()
    }

    /// Why VolSync can't go on, in its own words.
    pub fn error(&self) -> Option<&str> {
        self.error_condition().map(|condition| condition.message.as_str())
    }

    /// Whether its error may be over in a moment. VolSync reports every conflict with
    /// another writer of its Job as an error ("the object has been modified"), and so it
    /// does when it replaces a Job; both happen at every change of a mover.
    pub fn is_error_fresh(&self) -> bool {
        let since = self.error_condition().and_then(|condition| condition.last_transition_time);
        since.is_some_and(|since| clock::now().since(since) < PASSING_ERROR)
    }

    fn error_condition(&self) -> Option<&Condition> {
        let error = |condition: &&Condition| condition.name == "Synchronizing" && condition.reason == "Error";
        self.status.conditions.iter().find(error)
    }

    /// A manual sync that was asked for and has not ended.
    pub fn pending_manual(&self) -> Option<&str> {
        let asked = self.spec.trigger.manual.as_deref();
        asked.filter(|tag| self.status.last_manual_sync.as_deref() != Some(*tag))
    }

    /// When the manual trigger was written, as far as the API server says; else since when VolSync
    /// has done nothing.
    pub fn asked_at(&self) -> Option<Time> {
        let written = self.metadata.managers_of("/spec/trigger/manual").filter_map(|managed| managed.time);
        let rests = self.status.conditions.iter().find(|condition| condition.name == "Synchronizing");
        written.max().or_else(|| rests?.last_transition_time)
    }
}
