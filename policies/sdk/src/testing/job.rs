//! Jobs.

use serde_json::json;

use super::Object;

/// A Job that has just been made: one pod of one container, `main`.
pub fn job(namespace: &str, name: &str) -> Object {
    let template = json!({"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "example.org/main:1"}]}});
    Object::new("batch/v1", "Job", namespace, name).set("/spec/template", template).set("/status/active", 1)
}

/// Of a Job.
impl Object {
    /// It failed, for this reason: `BackoffLimitExceeded`, `DeadlineExceeded`.
    pub fn failed(self, reason: &str, message: &str) -> Self {
        self.set("/status/active", 0).set("/status/failed", 1).condition("Failed", "True", reason, message)
    }

    /// It completed at a time (RFC 3339).
    pub fn completed(self, at: &str) -> Self {
        let done =
            self.set("/status/active", 0).set("/status/succeeded", 1).set("/status/completionTime", at);
        done.condition("Complete", "True", "CompletionsReached", "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube::Job;

    #[test]
    fn a_job_is_at_work_until_it_is_said_how_it_ended() {
        let read = |job: Object| job.read::<Job>();
        assert!(!read(job("media", "a")).is_finished());
        assert!(read(job("media", "a").completed("2026-11-22T04:10:00Z")).is_complete());
        let failed = read(job("media", "a").failed("BackoffLimitExceeded", "it failed"));
        assert_eq!(failed.failure().map(|failure| failure.message.as_str()), Some("it failed"));
        assert_eq!(failed.containers(), ["main"]);
    }
}
