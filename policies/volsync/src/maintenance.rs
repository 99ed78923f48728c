//! Maintenance of a kopia repository that is blocked (perfectra1n/volsync,
//! `internal/controller/kopiamaintenance_controller.go`).
//!
//! After five failures in a row its operator makes no more Jobs: it suspends its CronJob, and
//! takes manual triggers for done. An annotation sets the count back; the operator removes it
//! when it has done so. Some versions remove it and lose the new count, so the count itself
//! is looked at.
//!
//! What failed five times may fail again, and backups go on meanwhile. So a maintenance is
//! reset once, and not again before one has succeeded.

mod words;

use serde::Deserialize;
use suture_policy::kube::{self, Metadata, Waited, any, field, op};
use suture_policy::stop::{Stop, escalate, retry, unnecessary};
use suture_policy::{Duration, Incident, Result, Time, clock, info, json, step};

use crate::manifest::{self, Settings};
use crate::source::ReplicationSource;
use crate::{hold, owner};

/// What the operator looks for, and what it is called in a JSON pointer.
const RESET: &str = "volsync.backube/reset-failures";
const RESET_POINTER: &str = "/metadata/annotations/volsync.backube~1reset-failures";
/// Ours: for which incident it was reset, and when.
const RESET_FOR: &str = "volsync.suture.dev/reset-for";
const RESET_FOR_POINTER: &str = "/metadata/annotations/volsync.suture.dev~1reset-for";
const MANUAL: &str = "/spec/trigger/manual";
/// How many failures block it.
const BLOCKING_FAILURES: u32 = 5;
/// How long the operator may take to answer.
const TO_ANSWER: Duration = Duration::minutes(2);

/// When and how a repository is maintained, and how that went.
#[derive(Debug, Deserialize)]
pub struct KopiaMaintenance {
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

suture_policy::resource!("volsync.backube/v1alpha1", KopiaMaintenance);

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    repository: Repository,
    trigger: Trigger,
    enabled: Option<bool>,
    suspend: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Repository {
    /// The name of the Secret.
    repository: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Trigger {
    /// While it is set, the schedule is off.
    manual: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    /// In a row.
    maintenance_failures: u32,
    last_maintenance_time: Option<Time>,
    next_scheduled_maintenance: Option<Time>,
    /// Also set where the maintenance was blocked, or has failed.
    last_manual_sync: String,
}

/// Whether the alert is about maintenance, not about a backup. Its metric carries the source
/// of the repository, and `operation="maintenance"`.
pub fn is_meant(incident: &Incident) -> bool {
    incident.label("alertname").is_some_and(|name| name.starts_with("KopiaMaintenance"))
}

/// See to it that the repository of a source is maintained again.
pub fn repair(source: &ReplicationSource, incident: &Incident, settings: &Settings) -> Result<String, Stop> {
    if !source.is_kopia() {
        return escalate(format!("{} has no `spec.kopia`, so no maintenance either", source.name()));
    }
    let (namespace, secret) = (source.namespace(), source.secret());
    hold(&format!("{namespace}/{secret}"), settings)?;
    step!("looking at the maintenance of {namespace}/{secret}");
    let mut all = match kube::list::<KopiaMaintenance>().in_namespace(namespace).read() {
        Err(error) if error.is_denied() && !settings.sees_maintenance() => {
            return escalate(format!(
                "whether the maintenance of {namespace}/{secret} is blocked is not looked at under these settings: \
                 `kopia: repair` has it looked at, and `kopiaMaintenance: reset` repaired"
            ));
        }
        Err(error) if error.is_denied() => {
            return escalate(format!(
                "whether the maintenance is blocked can't be seen: {}. What it takes: {{groups: [volsync.backube], \
                 resources: [kopiamaintenances], verbs: [get, list, patch], namespaces: [{namespace}]}}",
                error.message
            ));
        }
        read => read?,
    };
    all.retain(|maintenance| maintenance.spec.repository.repository == secret);
    let maintenance = match &all[..] {
        [one] => one,
        [] => {
            return escalate(format!("no KopiaMaintenance in {namespace} is for the repository {secret}"));
        }
        _ => {
            return escalate(format!(
                "several KopiaMaintenances are for the repository {secret}: only one is to be"
            ));
        }
    };
    if maintenance.spec.enabled == Some(false) || maintenance.spec.suspend == Some(true) {
        return unnecessary(format!("{maintenance} is turned off by its spec"));
    }
    match maintenance.reset_at(incident) {
        Some(reset) => maintenance.judge(reset, settings),
        None if !maintenance.is_blocked() => escalate(format!(
            "{maintenance} is not blocked ({} failures in a row); {}",
            maintenance.status.maintenance_failures,
            maintenance.last_words()
        )),
        None if settings.kopia_maintenance == manifest::KopiaMaintenance::Leave => escalate(format!(
            "{maintenance} is blocked after {} failures; {}. When that is repaired, annotate it {RESET}=true, or set \
             `kopiaMaintenance: reset`",
            maintenance.status.maintenance_failures,
            maintenance.last_words()
        )),
        None => maintenance.reset(incident, settings),
    }
}

impl KopiaMaintenance {
    fn is_blocked(&self) -> bool {
        self.status.maintenance_failures >= BLOCKING_FAILURES
    }

    /// When it was reset, for this incident or for one before that no maintenance has
    /// succeeded since.
    fn reset_at(&self, incident: &Incident) -> Option<Time> {
        let (id, when) = self.metadata.annotations.get(RESET_FOR)?.split_once(' ')?;
        let reset = Time::parse(when)?;
        Some(reset).filter(|_| id == incident.id || self.status.last_maintenance_time <= Some(reset))
    }

    fn reset(&self, incident: &Incident, settings: &Settings) -> Result<String, Stop> {
        info!("{self} is blocked after {} failures; {}", self.status.maintenance_failures, self.last_words());
        step!("resetting {self}");
        let object = kube::of(self);
        let now = clock::now();
        let asked = json!({RESET: "true", RESET_FOR: format!("{} {now}", incident.id)});
        let asked = object
            .merge_patch(json!({"metadata": {"annotations": asked}}))
            .undo(object.json_patch([
                op::test(RESET_POINTER, "true"),
                op::remove(RESET_POINTER),
                op::remove(RESET_FOR_POINTER),
            ]))
            .send()?;
        match object.wait(field(RESET_POINTER).absent(), TO_ANSWER)? {
            Waited::Met(_) => asked.keep()?,
            Waited::Deleted => return unnecessary(format!("{self} was deleted while it was being reset")),
            Waited::Timeout => {
                asked.undo()?;
                return escalate(format!(
                    "{self} is blocked, and VolSync does not answer the request to reset it"
                ));
            }
        }
        // The count follows a moment later, and no count is none.
        let count = "/status/maintenanceFailures";
        let is_reset = any([field(count).absent(), field(count).equals(0)]);
        let seen = match object.wait(is_reset, TO_ANSWER)? {
            Waited::Met(seen) => seen,
            _ => object.get()?,
        };
        if seen.is_blocked() {
            return escalate(format!(
                "VolSync took the request to reset {self}, and still counts {} failures: this version loses the new \
                 count. Delete {self} and make it again",
                seen.status.maintenance_failures
            ));
        }
        match seen.spec.trigger.manual.as_str() {
            "" => seen.judge(now, settings),
            _ => seen.start(&format!("suture-{}-{}", incident.id, incident.attempt), settings),
        }
    }

    /// Whether the schedule has brought a maintenance since it was reset.
    fn judge(&self, reset: Time, settings: &Settings) -> Result<String, Stop> {
        if let Some(time) = self.status.last_maintenance_time.filter(|time| *time > reset) {
            return Ok(format!("{self} was reset, and a maintenance succeeded at {time}"));
        }
        if self.status.maintenance_failures > 0 {
            return escalate(format!(
                "{self} was reset at {reset} and has failed again ({} times); {}",
                self.status.maintenance_failures,
                self.last_words()
            ));
        }
        let Some(next) = self.status.next_scheduled_maintenance else {
            if clock::now().since(reset) > settings.maintenance_timeout {
                return escalate(format!(
                    "{self} was reset at {reset}, and VolSync has not said when its maintenance is next; look at VolSync \
                     itself"
                ));
            }
            return retry(
                settings.retry_after,
                format!("{self} was reset at {reset}; VolSync has not yet said when it is next"),
            );
        };
        let (now, late) = (clock::now(), next + settings.maintenance_timeout);
        if now > late {
            return escalate(format!(
                "{self} was reset at {reset}, and its maintenance of {next} did not end"
            ));
        }
        retry(
            late.since(now).whole_seconds(),
            format!("{self} was reset at {reset}; its next maintenance is at {next}"),
        )
    }

    /// Without a schedule, somebody has to ask for a maintenance. The tag stays: one that is
    /// done starts nothing, and any other would start one more.
    fn start(&self, tag: &str, settings: &Settings) -> Result<String, Stop> {
        step!("starting a maintenance of {self}");
        let object = kube::of(self);
        owner::say_who_sets_back(self, MANUAL, Some(&self.spec.trigger.manual));
        object.merge_patch(json!({"spec": {"trigger": {"manual": tag}}})).send()?;
        let done = [field("/status/lastManualSync").equals(tag), field(MANUAL).differs_from(tag)];
        let seen = match object.wait(any(done), settings.maintenance_timeout)? {
            Waited::Met(seen) if seen.status.last_manual_sync != tag => {
                return escalate(format!(
                    "{self} was reset, and `spec.trigger.manual`, which was to start a maintenance, was set back to `{}` by \
                     {}",
                    seen.spec.trigger.manual,
                    owner::who_set_back(self, MANUAL)?
                ));
            }
            Waited::Met(seen) => seen,
            Waited::Deleted => return unnecessary(format!("{self} was deleted while it was at work")),
            Waited::Timeout => {
                return escalate(format!(
                    "{self} was reset, and the maintenance `{tag}` is not done within {}; {}",
                    settings.maintenance_timeout,
                    self.last_words()
                ));
            }
        };
        if seen.status.last_maintenance_time <= self.status.last_maintenance_time {
            return escalate(format!("{self} was reset and has failed again; {}", self.last_words()));
        }
        Ok(format!("{self} was reset, and a maintenance succeeded"))
    }
}

impl std::fmt::Display for KopiaMaintenance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KopiaMaintenance {}", self.metadata.name)
    }
}
