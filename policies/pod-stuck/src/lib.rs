//! Says why a pod does not become ready (alerts `KubePodNotReady`, `KubePodCrashLooping` and
//! `KubeContainerWaiting`), and, by setting, evicts it where another pod could do better and its
//! disruption budget allows it.
//!
//! Why it does what it does stands in README.md.

mod budget;
mod cause;
mod container;
mod events;
mod evict;
mod image;
mod manifest;
mod node;
mod owner;
mod pod;
mod subject;
mod terminating;
mod volume;

use suture_policy::stop::{Stop, denied_is_for_people, escalate};
use suture_policy::{Error, Incident, Manifest, Outcome, Policy, info, step};

use cause::Remedy;
use manifest::{Evict, Settings};
use subject::Subject;

/// The policy.
pub struct PodStuck;

suture_policy::policy!(PodStuck);

impl Policy for PodStuck {
    type Settings = Settings;

    fn manifest() -> Manifest {
        manifest::manifest()
    }

    fn remediate(incident: Incident, settings: Settings) -> Result<Outcome, Error> {
        run(&incident, &settings.bounded())
            .map(Outcome::remediated)
            .or_else(Stop::outcome)
            .or_else(denied_is_for_people)
    }
}

/// The whole run. `Ok` says what was repaired; every `?` ends it earlier.
fn run(incident: &Incident, settings: &Settings) -> Result<String, Stop> {
    let (namespace, name) = (incident.key("namespace")?, incident.key("pod")?);
    step!("looking at Pod {namespace}/{name}");
    let mut subject = Subject::find(namespace, name, settings)?;
    if subject.cause.may_pass {
        subject = subject.looked_at_again(settings)?;
    }
    let why = subject.why();
    info!("{why}");
    if let Some(evidence) = subject.evidence() {
        info!("{evidence}");
    }
    let helps = match (subject.cause.remedy, settings.evict) {
        (Remedy::OtherNode, Evict::Node | Evict::NotReady) => true,
        (Remedy::OtherPod { since }, Evict::NotReady) => subject.is_for_so_long(since, settings),
        _ => false,
    };
    if helps {
        return evict::evict(&subject, settings);
    }
    escalate(format!("{why}. Next: {}", subject.cause.next))
}
