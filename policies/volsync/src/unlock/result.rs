//! How the Job that unlocks has ended, or why it does not.

use std::fmt;

use suture_policy::Result;
use suture_policy::kube::{self, Job, Pod, pod::Terminated};

use super::job::{CHANGED, CONTAINER};
use crate::log::{end_of, exit_code_says, log};

/// How a Job has ended.
pub enum Ending {
    /// restic has removed what there was to remove; what it said.
    Done(String),
    /// It has not.
    Failed(String),
    /// The lock that was to be removed is not the one that is there.
    Changed(String),
    /// Something cut it off.
    Unknown(String),
}

impl Ending {
    /// From the exit code of its container, by its name: others may have put theirs beside it;
    /// and the end of the log.
    pub fn of(job: &Job) -> Result<Self> {
        if job.is_complete() {
            let said = pod_of(job)?.and_then(|pod| words(&pod));
            return Ok(Self::Done(said.unwrap_or_else(|| "restic unlock succeeded".to_owned())));
        }
        let failure = job.failure().map(|failure| format!("{}: {}", failure.reason, failure.message));
        let failure = failure.unwrap_or_else(|| "no reason is given".to_owned());
        let Some(pod) = pod_of(job)? else {
            return Ok(Self::Unknown(format!("its pod is gone ({failure})")));
        };
        let ending = Self::of_container(&pod);
        // Evicted, preempted, out of time: not by its own doing.
        Ok(ending
            .unwrap_or_else(|| Self::Unknown(format!("{failure} {}", pod.verdict().unwrap_or_default()))))
    }

    /// Of a Job that does not end, by its container alone: another may keep the pod from ending.
    pub fn of_unended(job: &Job) -> Result<Option<Self>> {
        Ok(pod_of(job)?.and_then(|pod| Self::of_container(&pod)))
    }

    fn of_container(pod: &Pod) -> Option<Self> {
        let ended = pod.status_of(CONTAINER)?.state.terminated.as_ref()?;
        let said = words(pod).unwrap_or_else(|| "it left no log".to_owned());
        Some(match ended.exit_code {
            0 => Self::Done(said),
            CHANGED => Self::Changed(said),
            code => {
                let verdict = pod.verdict().map_or_else(String::new, |verdict| format!(" ({verdict})"));
                Self::Failed(format!("exit code {code} ({}){verdict}: {said}", meaning(ended)))
            }
        })
    }
}

/// What is to be seen of a Job that does not end.
pub fn of_live(job: &Job) -> Result<String> {
    let Some(pod) = pod_of(job)? else { return Ok("it has no pod".to_owned()) };
    let (name, phase) = (&pod.metadata.name, &pod.status.phase);
    if let Some(why) = pod.stuck() {
        return Ok(format!("pod {name} can't start: {}: {}", why.reason, why.message));
    }
    if !pod.main_has_started() {
        return Ok(format!("it can't start: {}", pod.why_not_started()));
    }
    Ok(match words(&pod) {
        Some(said) => format!("pod {name} is {phase}: {said}"),
        None => format!("pod {name} is {phase}"),
    })
}

fn pod_of(job: &Job) -> Result<Option<Pod>> {
    let pods = kube::list::<Pod>()
        .in_namespace(job.metadata.namespace.as_deref().unwrap_or_default())
        .with_label("job-name", &job.metadata.name)
        .read()?;
    // An earlier Job had the name too.
    let own = pods.into_iter().filter(|pod| pod.metadata.is_owned_by(&job.metadata.uid));
    Ok(own.max_by_key(|pod| pod.metadata.creation_timestamp))
}

/// What restic's exit code says; else why Kubernetes says that it ended.
fn meaning(ended: &Terminated) -> &str {
    exit_code_says(ended.exit_code).unwrap_or(&ended.reason)
}

fn words(pod: &Pod) -> Option<String> {
    end_of(&log(pod, CONTAINER).ok()?)
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Done(said) | Self::Failed(said) | Self::Changed(said) | Self::Unknown(said)) = self;
        f.write_str(said)
    }
}
