//! Whether a claim was grown a short while ago: storage providers bound how often a volume may change,
//! and what is full again so soon is no matter of size.

use suture_policy::stop::{Stop, retry};
use suture_policy::{Duration, Time, clock};

use crate::claim::PersistentVolumeClaim;
use crate::evidence::Evidence;
use crate::mark::{DAY, Mark};
use crate::{LATER, ago, tell};

/// Where its size stands.
pub const SIZE: &str = "/spec/resources/requests/storage";
/// So long after it was made, who made it has filled it in, and nothing is measured of one before it.
const MAKING: Duration = Duration::minutes(10);

/// That neither this policy nor anybody else has grown it in the last day.
pub fn must_not_be_recent(claim: &PersistentVolumeClaim, evidence: &Evidence) -> Result<(), Stop> {
    let (name, now) = (claim.name(), clock::now());
    let made = claim.metadata.creation_timestamp;
    if made.is_some_and(|made| now.since(made) < MAKING) {
        return retry(
            LATER,
            format!(
                "claim {name} was made a short while ago, and what was measured may be of the one before it; it was not grown"
            ),
        );
    }
    match Mark::of(&claim.metadata) {
        Err(why) => tell(
            &format!("whether claim {name} was grown in the last day is not known: {why}; it was not grown"),
            evidence,
        ),
        Ok(Some(mark)) if mark.is_recent(now) => tell(
            &format!(
                "claim {name} was grown from {} to {} {} ago and is filling up again; it is grown at most once in 24 hours",
                mark.from,
                mark.to,
                ago(mark.at)
            ),
            evidence,
        ),
        Ok(_) => match written_by(claim, now) {
            Some((manager, at)) => tell(
                &format!(
                    "the size of claim {name} was written {} ago by `{manager}`: it was not grown again within 24 hours of that",
                    ago(at)
                ),
                evidence,
            ),
            None => Ok(()),
        },
    }
}

/// Who has written its size since it was made, in the last day.
fn written_by(claim: &PersistentVolumeClaim, now: Time) -> Option<(String, Time)> {
    let made = claim.metadata.creation_timestamp? + MAKING;
    let others = claim.metadata.managers_of(SIZE).filter(|managed| !managed.manager.starts_with("suture-"));
    let latest = others
        .filter_map(|managed| Some((managed.manager.clone(), managed.time?)))
        .max_by_key(|(_, at)| *at)?;
    (latest.1 > made && now.since(latest.1) < DAY).then_some(latest)
}
