//! Grows a PersistentVolumeClaim that is filling up, by one bounded step a day, and says what fills it.
//!
//! Why it does what it does stands in README.md.

mod bounds;
mod claim;
mod class;
mod evidence;
mod growth;
mod manifest;
mod mark;
mod owner;
mod quantity;
mod recent;
mod size;
mod usage;

use suture_policy::stop::{Stop, denied_is_for_people, escalate, retry, unnecessary};
use suture_policy::{Duration, Error, Incident, Manifest, Outcome, Policy, clock, kube, prometheus, step};

use claim::{Name, PersistentVolumeClaim};
use evidence::Evidence;
use growth::Growth;
use manifest::Settings;
use usage::Usage;

/// How long another run in the same namespace is waited for: it may be waiting for a growth itself.
const PATIENCE: Duration = Duration::minutes(5);
/// How often all is looked at, where somebody changes the claim meanwhile.
const LOOKS: u32 = 3;
/// After a wait longer than this, the alert may be over.
const MOMENT: Duration = Duration::seconds(30);
/// When to look again after something was in the way.
const LATER: Duration = Duration::minutes(5);

/// The policy.
pub struct VolumeFillingUp;

suture_policy::policy!(VolumeFillingUp);

impl Policy for VolumeFillingUp {
    type Settings = Settings;

    fn manifest() -> Manifest {
        manifest::manifest()
    }

    fn remediate(incident: Incident, settings: Settings) -> Result<Outcome, Error> {
        run(&incident, &settings).or_else(Stop::outcome).or_else(denied_is_for_people)
    }
}

/// The whole run. Where somebody changes the claim in the middle, all of it is looked at again.
fn run(incident: &Incident, settings: &Settings) -> Result<Outcome, Stop> {
    let name = Name::of(incident)?;
    let mut held = false;
    for _ in 0..LOOKS {
        if let Some(outcome) = look_and_grow(incident, settings, &name, &mut held)? {
            return Ok(outcome);
        }
        step!("looking again, for somebody has changed claim {name}");
    }
    retry(LATER, format!("claim {name} was changed by somebody each time it was looked at; it was not grown"))
}

/// One look at everything, and the growth that follows from it. `Ok` is how it ended, or None where the
/// claim was changed in between; every `?` ends it earlier.
fn look_and_grow(
    incident: &Incident,
    settings: &Settings,
    name: &Name,
    held: &mut bool,
) -> Result<Option<Outcome>, Stop> {
    step!("looking at claim {name}");
    let claim = find(name)?;
    claim.must_be_bound()?;
    if claim.is_growing() {
        step!("waiting for a growth of claim {name} that is under way");
        let grown = growth::wait(claim, settings.timeout)?;
        let done = format!("claim {name} was being grown already, and has {} now", grown.size()?);
        return Ok(Some(Outcome::remediated(done)));
    }

    step!("measuring how full it is");
    let usage = Usage::of(incident, name)?;
    usage.must_need_room(settings)?;
    usage.must_be_of_the_volume_alone(&claim)?;
    let evidence = Evidence::of(name, &usage);

    step!("asking who says how large it is, and whether it may grow");
    recent::must_not_be_recent(&claim, &evidence)?;
    owner::must_leave_the_size_to_us(&claim, settings, &evidence)?;
    class::must_allow_growth(&claim, &evidence)?;

    // The budget is one for all claims of a namespace.
    if !*held {
        let asked = clock::now();
        hold(name)?;
        *held = true;
        if clock::now().since(asked) >= MOMENT {
            must_still_fire(name)?;
        }
    }
    let bounds = bounds::of(&claim, settings)?;
    let growth = Growth::plan(claim, settings, &usage, &bounds, &evidence)?;
    bounds.must_allow(&growth, &evidence)?;

    step!("growing claim {name} from {} to {}", growth.from, growth.to);
    let Some(grown) = growth.start()? else { return Ok(None) };
    growth::wait(grown, settings.timeout)?;
    Ok(Some(growth.outcome(&usage, settings, &evidence)))
}

/// The claim, if it is there to stay.
fn find(name: &Name) -> Result<PersistentVolumeClaim, Stop> {
    let Some(claim) = name.reference().find()? else {
        return unnecessary(format!("there is no claim {name} any more"));
    };
    if claim.metadata.is_terminating() {
        return unnecessary(format!("claim {name} is being deleted"));
    }
    Ok(claim)
}

fn hold(name: &Name) -> Result<(), Stop> {
    match kube::exclusive(&name.namespace, PATIENCE) {
        Err(error) if error.is_timeout() => retry(
            LATER,
            format!(
                "another claim of namespace {} is being grown; {name} was not grown beside it",
                name.namespace
            ),
        ),
        held => Ok(held?),
    }
}

/// That the alert has not ended while another claim was waited for. Where Prometheus can't be asked, it is
/// taken at its word: the host asks again before the growth.
fn must_still_fire(name: &Name) -> Result<(), Stop> {
    match prometheus::alerts() {
        Ok(alerts) if !alerts.iter().any(|alert| alert.firing) => {
            unnecessary(format!("the alert of claim {name} does not fire any more; it was not grown"))
        }
        _ => Ok(()),
    }
}

/// How long ago a moment was, in whole minutes.
fn ago(moment: suture_policy::Time) -> Duration {
    let minutes = clock::now().since(moment).as_millis() / 60_000;
    Duration::minutes(minutes)
}

/// Stop for a person, with all that is known of what fills the volume.
fn tell<T>(why: &str, evidence: &Evidence) -> Result<T, Stop> {
    escalate(format!("{why}. {evidence}"))
}
