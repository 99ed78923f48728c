//! What can be seen of a Job's pods: why none starts, which failed, what it said.

use std::fmt::Write;

use suture_policy::kube::{self, Job, Metadata, Pod, pod::Container, pod::ContainerStatus};
use suture_policy::{Error, Result, text};

/// So many pods at a time.
const PAGE: u32 = 50;
/// How much of a log stands in a sentence, in bytes; and in the timeline.
const IN_A_SENTENCE: usize = 1_000;
const IN_THE_TIMELINE: usize = 3_500;

/// The pods of a Job, and the containers that they were made with.
pub struct Pods {
    pods: Vec<Pod>,
    main: Vec<String>,
    init: Vec<String>,
}

impl Pods {
    pub fn of(job: &Job) -> Result<Self> {
        let Metadata { namespace, name, uid, .. } = &job.metadata;
        let mut pods = kube::list::<Pod>()
            .in_namespace(namespace.as_deref().unwrap_or_default())
            .with_label("job-name", name)
            .pages_of(PAGE)
            .read()?;
        // An earlier Job may have had the name.
        pods.retain(|pod| pod.metadata.is_owned_by(uid));
        let spec = &job.spec.template.spec;
        let names = |containers: &[Container]| containers.iter().map(|one| one.name.clone()).collect();
        // A native sidecar of its own does none of the work.
        let init = spec.init_containers.iter().filter(|init| !init.is_sidecar());
        let init = init.map(|init| init.name.clone()).collect();
        Ok(Self { pods, main: names(&spec.containers), init })
    }

    /// Whether any of them has begun. What a service mesh has put beside it does not count.
    pub fn have_started(&self) -> bool {
        let is_own = |name: &String| self.main.contains(name) || self.init.contains(name);
        let has_begun = |pod: &Pod| {
            let own = pod.statuses().filter(|status| is_own(&status.name)).any(ContainerStatus::has_started);
            // Renamed, it is not known which are its own.
            own || pod.is_finished()
                || !pod.spec.containers.iter().any(|one| is_own(&one.name)) && pod.has_started()
        };
        self.pods.iter().any(has_begun)
    }

    /// Why none of them has begun.
    pub fn why_none_starts(&self, job: &Job) -> String {
        if job.spec.suspend || job.condition("Suspended").is_some() {
            return "the Job is suspended, and nobody resumed it".to_owned();
        }
        match self.pods.first() {
            Some(pod) if pod.metadata.is_terminating() => {
                format!("pod {} is being deleted and does not go: {}", pod.metadata.name, pod.why_not_gone())
            }
            Some(pod) => pod.why_not_started(),
            None => match job.refusal() {
                Ok(Some(why)) => format!("it has no pod: {why}"),
                Ok(None) => "it has no pod".to_owned(),
                Err(error) => format!(
                    "it has no pod; what refuses it would be in its events, which can't be read ({error})"
                ),
            },
        }
    }

    /// What became of the pod that tells most, by Kubernetes' account, and the end of what it
    /// said.
    pub fn last_words(&self, lines: u32) -> String {
        // The one that failed last; where none has failed (yet), the one that was made last.
        let Some(pod) = self
            .pods
            .iter()
            .max_by_key(|pod| (pod.is_failed(), pod.finished_at(), pod.metadata.creation_timestamp))
        else {
            return "its pods are gone, and their logs with them".to_owned();
        };
        self.words_of(pod, lines)
    }

    /// Why a Job does not end that has begun: what its pod waits for or says, or else how the last
    /// one failed.
    pub fn why_it_goes_on(&self, lines: u32) -> String {
        let unended = self.pods.iter().filter(|pod| !pod.is_finished());
        let Some(pod) = unended.max_by_key(|pod| pod.metadata.creation_timestamp) else {
            return self.last_words(lines);
        };
        let mut words = self.words_of(pod, lines);
        let failed = self.pods.iter().filter(|pod| pod.is_failed()).max_by_key(|pod| pod.finished_at());
        if let Some(failed) = failed {
            let how = failed.how_it_ended(self.container_of(failed));
            let _ = write!(words, "; before it pod {} failed, {how}", failed.metadata.name);
        }
        words
    }

    /// What became of a pod, and the end of what it said.
    fn words_of(&self, pod: &Pod, lines: u32) -> String {
        if !pod.main_has_started() && pod.metadata.deletion_timestamp.is_none() {
            return pod.why_not_started();
        }
        let container = self.container_of(pod);
        let has_ended =
            pod.is_finished() || pod.status_of(container).and_then(ContainerStatus::ended).is_some();
        let of_container =
            if has_ended { pod.how_it_ended(container) } else { format!("container {container}") };
        let mut words = format!("pod {}, {of_container}", pod.metadata.name);
        words.push_str(&holds_up(pod, container));
        // Writing to a String does not fail.
        let _ = match log(pod, container, lines) {
            Ok(log) if log.is_empty() => write!(words, "; it wrote no log"),
            Ok(log) => {
                write!(words, "; its log ends: {}", text::end(&text::one_line(&log), IN_A_SENTENCE))
            }
            Err(error) => write!(words, "; its log can't be read: {error}"),
        };
        words
    }

    /// The end of what the main container of a pod that succeeded wrote, for the timeline.
    pub fn what_it_said(&self, lines: u32) -> Option<String> {
        let succeeded = self.pods.iter().filter(|pod| pod.status.phase == "Succeeded");
        let pod = succeeded.max_by_key(|pod| (pod.finished_at(), pod.metadata.creation_timestamp))?;
        let log = log(pod, self.container_of(pod), lines).ok().filter(|log| !log.is_empty())?;
        Some(format!("the log of pod {} ends:\n{}", pod.metadata.name, text::end(&log, IN_THE_TIMELINE)))
    }

    fn container_of<'a>(&self, pod: &'a Pod) -> &'a str {
        let main: Vec<_> = self.main.iter().map(String::as_str).collect();
        let telling = pod.telling_container(&main);
        let goes_on = pod.status_of(telling).is_some_and(|status| status.ended().is_none());
        if !goes_on || !main.contains(&telling) {
            return telling;
        }
        // Of several that are its own, one that is done says more than one that goes on beside it.
        let is_done = |status: &&ContainerStatus| status.state.terminated.is_some();
        let done = main.iter().find_map(|name| pod.status_of(name).filter(is_done));
        done.map_or(telling, |done| &done.name)
    }
}

/// What keeps a pod from ending: containers that go on when the one that does the work is done,
/// or a deletion that nobody confirms.
fn holds_up(pod: &Pod, container: &str) -> String {
    if pod.is_finished() {
        return String::new();
    }
    if let Some(since) = pod.metadata.deletion_timestamp {
        return format!("; it is being deleted since {since} and does not go: {}", pod.why_not_gone());
    }
    let has_ended = pod.status_of(container).is_some_and(|status| status.state.terminated.is_some());
    match pod.running_containers().as_slice() {
        beside if has_ended && !beside.is_empty() => {
            format!("; {} still runs beside it, so the Job does not end", beside.join(", "))
        }
        _ => String::new(),
    }
}

/// The last lines of a log, without what a terminal would make of it.
fn log(pod: &Pod, container: &str, lines: u32) -> Result<String, Error> {
    let log = kube::of(pod).logs(container, lines)?;
    let is_shown = |c: &char| *c == '\n' || !c.is_control();
    Ok(log.chars().filter(is_shown).collect::<String>().trim().to_owned())
}
