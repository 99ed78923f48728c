//! One run of a backup, started by this policy and seen to its end.

use suture_policy::kube::{self, Predicate, Ref, Waited, field};
use suture_policy::stop::{Stop, escalate, retry, unnecessary};
use suture_policy::{Error, Incident, Result, Value, clock, info, json, prometheus, reason, step};

use crate::failure;
use crate::gate;
use crate::history;
use crate::manifest::Settings;
use crate::need::Need;
use crate::reference::GROUP;
use crate::seen::Seen;
use crate::snapshot::{INCIDENT, Phase, Snapshot};
use crate::target::Target;

/// The longest name: it becomes the Job's, and a label of its pods.
const LONGEST_NAME: usize = 63;

/// Start it, and see it to its end. What it leaves is a backup: nothing takes that back.
pub fn run(
    need: &Need,
    seen: &Seen,
    target: &Target,
    incident: &Incident,
    settings: &Settings,
) -> Result<String, Stop> {
    let name = name(&target.policy, &incident.id);
    step!("starting Snapshot {}/{name}: {need}", target.namespace);
    if seen.policy.has_hooks() {
        info!("it runs the hooks of SnapshotPolicy {target}, as every backup of it does");
    }
    let object = object(&name, need, seen, target, incident);
    let ours = match kube::create::<Snapshot>(&target.namespace, object).send() {
        Ok(ours) => ours,
        Err(error) => not_started(&name, target, incident, error)?,
    };
    follow(&ours, seen, settings).map(|done| format!("{done}; {need}"))
}

/// The name of the run of an incident: the same for all attempts, so that no two are made.
fn name(policy: &str, incident: &str) -> String {
    let of = |text: &str| -> String {
        let fits = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' };
        text.to_ascii_lowercase().chars().map(fits).collect()
    };
    let suffix: String = format!("-suture-{}", of(incident)).chars().take(LONGEST_NAME - 1).collect();
    let base: String = of(policy).chars().take(LONGEST_NAME - suffix.len()).collect();
    format!("{}{}", base.trim_end_matches('-'), suffix.trim_end_matches('-'))
}

/// The Snapshot, as `kubectl kopiur snapshot now` makes it. Without `deletionPolicy`: retention
/// takes it in as any other.
fn object(name: &str, need: &Need, seen: &Seen, target: &Target, incident: &Incident) -> Value {
    let alert = incident.label("alertname").unwrap_or_default();
    let mut spec = json!({
        "policyRef": {"name": target.policy},
        "description": format!("Run by Suture for the alert {alert} (incident {})", incident.id),
    });
    if seen.is_pinned {
        spec["repository"] = seen.repository.to_value();
    }
    if let Some(source) = need.failed().and_then(|failed| failed.spec.source.clone()) {
        spec["source"] = source;
    }
    json!({
        "metadata": {
            "name": name,
            "labels": {format!("{GROUP}/origin"): "manual", format!("{GROUP}/config"): target.policy},
            "annotations": {INCIDENT: incident.id},
        },
        "spec": spec,
    })
}

/// Why there is no run of ours, or that there is one in spite of the error.
fn not_started(name: &str, target: &Target, incident: &Incident, error: Error) -> Result<Snapshot, Stop> {
    match error.reason.as_str() {
        reason::DENIED if !still_fires(incident) => {
            unnecessary("the alert does not fire any more, so no backup was started")
        }
        reason::DENIED => Err(error.into()),
        // Kopiur's webhook judges what is made: its words name the fix.
        reason::INVALID | reason::FORBIDDEN => escalate(format!(
            "the API server does not take Snapshot {}/{name}: {}; nothing was changed",
            target.namespace,
            crate::snapshot::shown(&error.message)
        )),
        _ => match Ref::<Snapshot>::new(&target.namespace, name).find()? {
            Some(found) if found.incident() != Some(incident.id.as_str()) => escalate(format!(
                "there is a Snapshot {} that somebody else made; nothing was changed. Look with `{}`",
                found.shown(),
                found.describe()
            )),
            Some(found) if matches!(found.phase(), Phase::Pending | Phase::Running | Phase::Unknown) => {
                info!("Snapshot {} is there in spite of the error: {error}", found.shown());
                Ok(found)
            }
            Some(found) if error.reason == reason::ALREADY_EXISTS => escalate(format!(
                "Snapshot {} was run for this incident before and is {}; no other was started. Look with `{}`",
                found.shown(),
                found.phase_shown(),
                found.describe()
            )),
            Some(found) => Ok(found),
            None => Err(error.into()),
        },
    }
}

/// See a run of ours to its end.
pub fn follow(ours: &Snapshot, seen: &Seen, settings: &Settings) -> Result<String, Stop> {
    let name = ours.shown();
    step!("waiting for the end of Snapshot {name}");
    let mut met = kube::of(ours)
        .wait(in_phase(&["Running", "Succeeded", "Unchanged", "Failed"]), settings.start_timeout)?;
    if is_at_work(&met) {
        if let Some(now) = gate::again(ours)? {
            info!("{}", gate::must_heal(&now, Some(&seen.repository), clock::now(), settings)?);
        }
        met = kube::of(ours).wait(over(), settings.backup_timeout)?;
    }
    match met {
        Waited::Met(run) => report(&run, seen),
        Waited::Deleted => escalate(format!(
            "Snapshot {name}, which this policy had started, was deleted before its end was seen; no other was started"
        )),
        Waited::Timeout => {
            let Some(now) = gate::again(ours)? else {
                return escalate(format!("Snapshot {name}, which this policy had started, is gone"));
            };
            let doing = gate::must_heal(&now, Some(&seen.repository), clock::now(), settings)?;
            retry(settings.retry_after, format!("{doing}; it is waited for again, and no other is started"))
        }
    }
}

/// For waiting: a run is over.
pub fn over() -> Predicate {
    in_phase(&["Succeeded", "Unchanged", "Failed"])
}

fn in_phase(phases: &[&str]) -> Predicate {
    Predicate::Any(phases.iter().map(|phase| field("/status/phase").equals(*phase)).collect())
}

fn is_at_work(met: &Waited<Snapshot>) -> bool {
    match met {
        Waited::Met(run) => !matches!(run.phase(), Phase::Succeeded | Phase::Failed),
        Waited::Timeout => true,
        Waited::Deleted => false,
    }
}

/// How a run of ours ended. Only what has left a whole backup is one.
fn report(run: &Snapshot, seen: &Seen) -> Result<String, Stop> {
    let name = run.shown();
    match run.phase() {
        Phase::Succeeded if run.is_unchanged() => {
            Ok(format!("Snapshot {name} found nothing that the last backup does not hold already"))
        }
        Phase::Succeeded if run.status.stats.files_failed > 0 => {
            let told = run.condition("SecurityContextCompatible", "False").map(crate::snapshot::told);
            escalate(format!(
                "Snapshot {name} succeeded but is incomplete: {} entries could not be read{}. Look with `{}`",
                run.status.stats.files_failed,
                told.map_or_else(String::new, |told| format!(" ({told})")),
                run.describe()
            ))
        }
        Phase::Succeeded => match run.kopia_id() {
            Some(id) => Ok(format!(
                "Snapshot {name} succeeded{}: kopia's snapshot {}",
                run.status.timing.duration_seconds.map_or_else(String::new, |seconds| {
                    format!(" in {}", suture_policy::Duration::seconds(seconds))
                }),
                suture_policy::text::start(id, 64)
            )),
            None => escalate(format!(
                "Snapshot {name} is Succeeded but names no snapshot of kopia's; whether there is a backup was not seen. \
                 Look with `{}`",
                run.describe()
            )),
        },
        _ => again(run, seen),
    }
}

/// It failed, though another try was to help.
pub fn again<T>(run: &Snapshot, seen: &Seen) -> Result<T, Stop> {
    escalate(format!(
        "Snapshot {}, a retry by this policy, failed too: {}; {}. No other is started; look with `{}`",
        run.shown(),
        failure::words(run),
        history::told(&seen.history, run),
        run.describe()
    ))
}

/// Whether Prometheus still knows the alert; it may not have all labels of the notification. Where
/// it can't be asked, the alert is taken at its word.
fn still_fires(incident: &Incident) -> bool {
    let Ok(alerts) = prometheus::alerts() else { return true };
    let is_it = |name: &String, value: &String| incident.label(name) == Some(value);
    alerts.iter().any(|alert| alert.firing && alert.labels.iter().all(|(name, value)| is_it(name, value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_of_kubernetes_and_the_incidents_own() {
        assert_eq!(name("plex", "incident-1"), "plex-suture-incident-1");
        let long = name(&"x".repeat(200), "01KB4D3Z9W8QK2T5V7X1M6N0PR");
        assert!(long.len() <= LONGEST_NAME && long.ends_with("-suture-01kb4d3z9w8qk2t5v7x1m6n0pr"), "{long}");
        assert_eq!(name("a.b", "i"), "a-b-suture-i");
        assert!(name("x", &"9".repeat(300)).len() <= LONGEST_NAME);
    }
}
