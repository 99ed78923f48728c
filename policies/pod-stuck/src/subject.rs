//! The pod that the alert is about, and all that is seen of it.

use suture_policy::kube;
use suture_policy::stop::{Stop, unnecessary};
use suture_policy::{Duration, Time, clock, step, text};

use crate::cause::Cause;
use crate::events::Warnings;
use crate::manifest::Settings;
use crate::node::Health;
use crate::owner::{Owner, Siblings};
use crate::pod::{Pod, shown};
use crate::terminating;

/// How often at most, and how many times, a pod is looked at while it is waited for.
const LOOK: Duration = Duration::minutes(1);
const MOST_LOOKS: u64 = 30;
/// How much of a log stands in a sentence, in bytes.
const IN_A_SENTENCE: usize = 900;

/// A pod that is not ready, and why.
pub struct Subject {
    pub pod: Pod,
    pub cause: Cause,
    pub owner: Owner,
    pub siblings: Siblings,
    pub node: Health,
    warnings: Warnings,
    log: Option<String>,
}

impl Subject {
    /// The pod, where there is one to care for.
    pub fn find(namespace: &str, name: &str, settings: &Settings) -> Result<Self, Stop> {
        let Some(pod) = kube::find::<Pod>(namespace, name)? else {
            return unnecessary(format!("Pod {namespace}/{name} is gone"));
        };
        let pod = not_ready(pod)?;
        if pod.metadata.is_terminating() {
            return terminating::see_through(&pod, settings);
        }
        Ok(Self::look(pod, settings))
    }

    fn look(pod: Pod, settings: &Settings) -> Self {
        let node = Health::of(pod.node());
        let warnings = Warnings::of(&pod);
        let cause = Cause::of(&pod, &warnings, &node);
        let owner = Owner::of(&pod);
        let siblings = Siblings::of(&pod);
        let log = cause.container.as_deref().map(|container| last_words(&pod, container, settings));
        Self { pod, cause, owner, siblings, node, warnings, log }
    }

    /// The same after a while: an image that can be pulled again, a node that was added, a Secret
    /// that has come need nobody.
    pub fn looked_at_again(self, settings: &Settings) -> Result<Self, Stop> {
        if settings.patience == Duration::default() {
            return Ok(self);
        }
        step!("waiting up to {} for it to pass: {}", settings.patience, self.cause.what);
        let until = clock::now() + settings.patience;
        let step = Duration::millis(settings.patience.as_millis() / MOST_LOOKS).max(LOOK);
        loop {
            let rest = until.since(clock::now());
            if rest == Duration::default() {
                break;
            }
            clock::sleep(rest.min(step));
            let pod = self.now()?;
            if pod.metadata.is_terminating() {
                return terminating::see_through(&pod, settings);
            }
        }
        Ok(Self::look(self.now()?, settings))
    }

    /// The pod as it is now, if it still needs something.
    pub fn now(&self) -> Result<Pod, Stop> {
        match kube::of(&self.pod).find()? {
            Some(pod) => not_ready(pod),
            None => unnecessary(format!("Pod {} is gone", shown(&self.pod.metadata))),
        }
    }

    /// Why it is not ready, in one sentence without its end.
    pub fn why(&self) -> String {
        let log = self.log.as_ref().map(|log| format!("; {log}")).unwrap_or_default();
        format!(
            "Pod {} ({}; {}) is not ready: {}{log}",
            shown(&self.pod.metadata),
            self.owner.shown(),
            self.siblings.shown(),
            self.cause.what
        )
    }

    /// What else there is to see, for the timeline.
    pub fn evidence(&self) -> Option<String> {
        let node = self.pod.node().and_then(|name| self.node.trouble(name));
        let said: Vec<_> = [node, self.warnings.shown()].into_iter().flatten().collect();
        Some(said.join("; ")).filter(|said| !said.is_empty())
    }

    /// Whether it is not ready for so long that another pod is tried.
    pub fn is_for_so_long(&self, since: Option<Time>, settings: &Settings) -> bool {
        since.is_some_and(|since| clock::now().since(since) >= settings.not_ready_for)
    }
}

fn not_ready(pod: Pod) -> Result<Pod, Stop> {
    let name = shown(&pod.metadata);
    if pod.is_finished() {
        let why = pod.verdict().map(|why| format!(": {why}")).unwrap_or_default();
        return unnecessary(format!("Pod {name} has ended ({}{why})", pod.status.phase));
    }
    if pod.is_ready() && !pod.metadata.is_terminating() {
        return unnecessary(format!("Pod {name} is ready"));
    }
    Ok(pod)
}

fn last_words(pod: &Pod, container: &str, settings: &Settings) -> String {
    let lines = usize::try_from(settings.log_lines).unwrap_or(usize::MAX);
    match kube::of::<kube::Pod>(pod).logs(container, settings.log_lines) {
        Ok(log) => match text::last_lines(&log, lines, IN_A_SENTENCE) {
            log if log.is_empty() => "it wrote no log".to_owned(),
            log => format!("its log ends: {log}"),
        },
        Err(error) => format!("its log can't be read: {error}"),
    }
}
