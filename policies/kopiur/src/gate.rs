//! What holds up a run that is not over.

use suture_policy::kube;
use suture_policy::stop::{Stop, escalate, unnecessary};
use suture_policy::{Duration, Time};

use crate::manifest::Settings;
use crate::reference::RepositoryRef;
use crate::repository::Reach;
use crate::snapshot::{self, Phase, Snapshot};

/// How long a run may show nothing at all before the operator must be down.
const SILENT: Duration = Duration::hours(1);

/// What does not come by itself: a person gives it.
const WANTED: [&str; 4] =
    ["MoverPermitted", "CredentialsAvailable", "SourcePvcAvailable", "RepositoryWritable"];
/// What comes by itself.
const AWAITED: [&str; 3] = ["RepositorySlotAvailable", "SourceStaged", "Ready"];

/// What a run waits for that comes by itself, for people. Stops where it does not come by itself,
/// or has not for too long.
pub fn must_heal(
    run: &Snapshot,
    repository: Option<&RepositoryRef>,
    now: Time,
    settings: &Settings,
) -> Result<String, Stop> {
    let name = run.shown();
    let age = run.metadata.creation_timestamp.map_or(Duration::millis(0), |made| now.since(made));
    let phase = run.phase();
    if phase == Phase::Unknown {
        return escalate(format!(
            "the newest Snapshot {name} is in the phase `{}`, which this policy does not know; nothing was changed. \
             Look with `{}`",
            run.phase_shown(),
            run.describe()
        ));
    }
    if run.metadata.is_terminating() {
        return escalate(format!(
            "Snapshot {name} is not over and is being deleted; nothing was started beside it. Look with `{}`",
            run.describe()
        ));
    }
    if let Some(wanted) = WANTED.iter().find_map(|wanted| run.condition(wanted, "False")) {
        return escalate(format!(
            "Snapshot {name} waits for what does not come by itself: {}{}; nothing was changed. Look with `{}`",
            snapshot::told(wanted),
            grant(run, &wanted.reason),
            run.describe()
        ));
    }
    if let Some(stalled) = run.condition("Stalled", "True") {
        return escalate(format!(
            "Snapshot {name} is stalled: {}; nothing was changed. Look with `{}`",
            snapshot::told(stalled),
            run.describe()
        ));
    }
    let awaited = AWAITED.iter().find_map(|awaited| run.condition(awaited, "False"));
    if awaited.is_some_and(|awaited| awaited.reason == "RepositoryNotReady") {
        match repository.map(RepositoryRef::reach).transpose()? {
            Some(Reach::Broken(why)) => {
                return escalate(format!(
                    "Snapshot {name} waits for its repository, and {why}; nothing was changed"
                ));
            }
            Some(Reach::Paused(why)) => return unnecessary(why),
            Some(Reach::Ready | Reach::Heals(_)) | None => {}
        }
    }
    let (limit, doing) = match (phase, awaited) {
        (Phase::Running, _) => (settings.running_timeout, "is at work".to_owned()),
        (_, Some(awaited)) => (settings.pending_timeout, format!("waits ({})", snapshot::told(awaited))),
        (_, None) => (SILENT, "has not begun and does not say why".to_owned()),
    };
    if age > limit {
        let operator = if phase == Phase::Pending && awaited.is_none() {
            " whether Kopiur's operator runs, and"
        } else {
            ""
        };
        return escalate(format!(
            "Snapshot {name} {doing} for {}; nothing was changed. Look{operator} with `{}`",
            age.whole_seconds(),
            run.describe()
        ));
    }
    Ok(format!("Snapshot {name} {doing}"))
}

/// The command that gives what an administrator may want to give.
fn grant(run: &Snapshot, reason: &str) -> String {
    let movers = match reason {
        "PrivilegedMoverNotPermitted" => "privileged-movers",
        "StreamExecNotPermitted" => "stream-exec-movers",
        _ => return String::new(),
    };
    let namespace = run.metadata.namespace.as_deref().unwrap_or_default();
    format!(
        " (whoever administers the namespace may allow it: `kubectl annotate namespace {namespace} {}/{movers}=true`)",
        crate::reference::GROUP
    )
}

/// The run as it is now, if it is still there.
pub fn again(run: &Snapshot) -> Result<Option<Snapshot>, Stop> {
    Ok(kube::of(run).find()?)
}
