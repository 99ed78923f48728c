//! What a mover that has not ended is doing: at work, or stuck. Nothing is at work without
//! a bound in time.

use suture_policy::kube::{Job, Pod, pod::ContainerStatus};
use suture_policy::{Duration, Time, clock};

use crate::manifest::Settings;

/// How long other containers may go on when the mover's own has ended.
const TO_FOLLOW: Duration = Duration::minutes(10);

/// What a mover that has not ended is doing.
pub enum Activity {
    /// It needs time: what it is doing.
    AtWork(String),
    /// It needs a person: which it is, and why.
    Stuck(String),
}

impl Activity {
    /// Of a pod, unless it has ended. The mover's work is done in `container`.
    pub fn of_pod(pod: &Pod, container: &str, settings: &Settings) -> Option<Self> {
        if pod.is_finished() {
            return None;
        }
        let (name, phase) = (&pod.metadata.name, &pod.status.phase);
        let is_phase = format!("{name} is {phase}");
        let made = pod.metadata.creation_timestamp;
        let to_start = settings.mover_start_timeout;
        if let Some(since) = pod.metadata.deletion_timestamp {
            return Some(Self::within(Some(since), to_start, format!("{name} is being deleted"), |since| {
                format!("{name} is being deleted since {since} and does not go: {}", pod.why_not_gone())
            }));
        }
        let status = pod.status_of(container);
        let started = status.map_or_else(|| pod.main_has_started(), ContainerStatus::has_started);
        // What is beside it may be stuck, and it at work all the same.
        if let Some(why) = pod.stuck().filter(|_| !started) {
            return Some(Self::Stuck(format!("{name} can't start: {}: {}", why.reason, why.message)));
        }
        if !started {
            let why = pod.why_not_started();
            let waits =
                if why == format!("pod {is_phase}") { is_phase } else { format!("{is_phase}: {why}") };
            return Some(Self::within(made, to_start, waits, |since| {
                format!("{name} has not started since {since}: {why}")
            }));
        }
        let state = status.map(|status| &status.state);
        if let Some(ended) = state.and_then(|state| state.terminated.as_ref()) {
            return Some(Self::within(ended.finished_at.or(made), TO_FOLLOW, is_phase, |since| {
                let beside = match pod.running_containers().as_slice() {
                    [] => "nothing is seen to run beside it".to_owned(),
                    running => format!("{} still runs beside it", running.join(", ")),
                };
                format!(
                    "{name} does not end: its container {container} has ended at {since} ({ended}), and {beside}"
                )
            }));
        }
        if let Some(since) =
            pod.unheard_of_since(container).filter(|since| clock::now().since(*since) > to_start)
        {
            let node = &pod.spec.node_name;
            return Some(Self::Stuck(format!(
                "{name} is not Ready since {since}, and its node {node} does not answer"
            )));
        }
        let running = state.and_then(|state| state.running.as_ref()).and_then(|running| running.started_at);
        Some(Self::within(running.or(made), settings.mover_timeout, is_phase, |since| {
            format!("{name} is {phase} since {since}, which is longer than `moverTimeout`")
        }))
    }

    /// Of a Job that has not ended, unless it has a pod that has not ended, or is between two
    /// retries.
    pub fn of_job(job: &Job, pods: &[&Pod], settings: &Settings) -> Option<Self> {
        if job.is_finished() || pods.iter().any(|pod| !pod.is_finished()) {
            return None;
        }
        let name = &job.metadata.name;
        let to_start = settings.mover_start_timeout;
        if let Some(since) = job.metadata.deletion_timestamp {
            let finalizers = job.metadata.finalizers.join(", ");
            return Some(Self::within(
                Some(since),
                to_start,
                format!("Job {name} is being deleted"),
                |since| {
                    format!(
                        "Job {name} is being deleted since {since} and does not go: finalizers {finalizers}"
                    )
                },
            ));
        }
        let ended = pods.iter().filter_map(|pod| pod.finished_at()).max();
        let since = ended.or(job.status.start_time).or(job.metadata.creation_timestamp);
        let stuck = |since: Time| format!("Job {name} has no pod since {since}: {}", why_no_pod(job));
        let doing = match (job.status.active, pods) {
            // Kubernetes makes another within minutes.
            (0, [_, ..]) => {
                let since = ended.filter(|ended| clock::now().since(*ended) > to_start)?;
                // Unless it is refused one, how the last ended tells more.
                let why = job.refusal().ok()??;
                return Some(Self::Stuck(format!("Job {name} has no pod since {since}: {why}")));
            }
            (0, []) => match job.refusal().ok().flatten() {
                Some(why) => format!("Job {name} has no pod yet: {why}"),
                // It had pods, which are gone.
                None if job.status.failed > 0 => return None,
                None => format!("Job {name} is about to start"),
            },
            (1.., _) => format!("Job {name} has a pod"),
        };
        Some(Self::within(since, to_start, doing, stuck))
    }

    /// At work for so long, then stuck.
    fn within(
        since: Option<Time>,
        patience: Duration,
        at_work: String,
        stuck: impl FnOnce(Time) -> String,
    ) -> Self {
        match since {
            Some(since) if clock::now().since(since) > patience => Self::Stuck(stuck(since)),
            _ => Self::AtWork(at_work),
        }
    }
}

/// Why a Job has no pod.
fn why_no_pod(job: &Job) -> String {
    match job.refusal() {
        Ok(Some(why)) => why,
        Ok(None) => "no event says why".to_owned(),
        Err(error) => format!("what refuses it would be in its events, which can't be read ({error})"),
    }
}
