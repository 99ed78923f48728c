//! What the last Job of a maintenance has said.

use suture_policy::Result;
use suture_policy::kube::{self, Job, Pod};

use super::KopiaMaintenance;
use crate::log::{NoLog, end_of, log};

impl KopiaMaintenance {
    /// The end of what its last Job has said, as far as it can be read.
    pub(super) fn last_words(&self) -> String {
        self.read_last_words()
            .unwrap_or_else(|error| format!("what its last Job said can't be read: {error}"))
    }

    fn read_last_words(&self) -> Result<String> {
        let namespace = self.metadata.namespace.as_deref().unwrap_or_default();
        let jobs = kube::list::<Job>()
            .in_namespace(namespace)
            .with_label("volsync.backube/kopia-maintenance", "true")
            .with_label("volsync.backube/maintenance-name", &self.metadata.name)
            .read()?;
        let last = jobs.into_iter().max_by_key(|job| job.metadata.creation_timestamp);
        let Some(job) = last else { return Ok("its Jobs are gone, and what they said with them".to_owned()) };
        let pods =
            kube::list::<Pod>().in_namespace(namespace).with_label("job-name", &job.metadata.name).read()?;
        let pod = pods.into_iter().max_by_key(|pod| (pod.is_failed(), pod.metadata.creation_timestamp));
        let Some(pod) = pod else {
            return Ok(format!("the pods of its last Job {} are gone", job.metadata.name));
        };
        let container = pod.telling_container(&job.containers());
        let said = match log(&pod, container) {
            Ok(log) => end_of(&log).unwrap_or_default(),
            Err(NoLog::Empty) => "nothing".to_owned(),
            Err(NoLog::Unreadable(error)) => format!("what can't be read ({error})"),
        };
        let mut words = format!("its last Job {} said: {said}", job.metadata.name);
        // What was killed did not end by what it said last.
        if pod.is_failed() && pod.was_cut_off(container) {
            words = format!("{words} ({})", pod.how_it_ended(container));
        }
        Ok(words)
    }
}
