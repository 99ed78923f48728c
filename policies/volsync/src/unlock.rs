//! Unlocking with a Job of our own, for VolSync versions without `spec.restic.unlock`.
//!
//! There is one name for the Job of a repository, so that there is one Job: the API server
//! refuses a second. One that an earlier attempt has left is seen to its end, and one that
//! has ended is read and removed before the next is made.

mod job;
mod result;

use suture_policy::kube::{self, Job, Metadata, Ref, Undo, Waited, deleted, job::finished};
use suture_policy::stop::{Stop, escalate, retry};
use suture_policy::{Duration, Error, Incident, Result, Time, info, reason, step, warn};

use crate::holder::Removal;
use crate::lock::Lock;
use crate::manifest::Settings;
use crate::source::ReplicationSource;
use result::{Ending, of_live};

pub use job::is_ours;

/// How often the Job is looked for before it is left to the next attempt.
const MOST_LOOKS: u32 = 3;
/// How long a deleted Job may take to go.
const TO_GO: Duration = Duration::minutes(1);

/// The Job that removes a lock.
pub struct UnlockJob<'a> {
    pub source: &'a ReplicationSource,
    pub lock: &'a Lock,
    pub removal: Removal,
    /// What became of the lock's holder.
    pub whose: &'a str,
    pub incident: &'a Incident,
    pub settings: &'a Settings,
}

/// A Job that is to be seen to its end.
struct Claimed {
    job: Job,
    /// Armed where this run has made it.
    undo: Option<Undo<Job>>,
}

/// What was found, or made.
enum Claim {
    /// To be waited for.
    Live(Box<Claimed>),
    /// Done by an earlier attempt, since the lock was seen.
    Done(String),
}

impl UnlockJob<'_> {
    /// Unlock, and say what was done. The lock was `seen` when the last mover ended.
    pub fn run(&self, seen: Option<Time>) -> Result<String, Stop> {
        let said = match self.claim(seen)? {
            Claim::Done(said) => said,
            Claim::Live(claimed) => self.follow(*claimed)?,
        };
        Ok(format!("removed {}, {}, with a Job: {said}", self.lock, self.whose))
    }

    fn claim(&self, seen: Option<Time>) -> Result<Claim, Stop> {
        for _ in 0..MOST_LOOKS {
            let Some(job) = self.named().find()? else {
                match self.make() {
                    Ok(undo) => {
                        return Ok(Claim::Live(Box::new(Claimed {
                            job: undo.object.clone(),
                            undo: Some(undo),
                        })));
                    }
                    // It was not there a moment ago: it is looked at again.
                    Err(error) if error.reason == reason::ALREADY_EXISTS => continue,
                    Err(error) => return self.not_made(error),
                }
            };
            if !job::is_for(&job.metadata, self.source.secret()) {
                return escalate(format!(
                    "Job {} is in the way: it has the name of the Job that would unlock the repository, and is \
                     somebody else's",
                    shown(&job)
                ));
            }
            if job.metadata.is_terminating() {
                if !kube::of(&job).wait(deleted(), TO_GO)?.is_deleted() {
                    return retry(
                        self.settings.retry_after,
                        format!("Job {} is being deleted and does not go", shown(&job)),
                    );
                }
            } else if !job.is_finished() {
                info!("Job {} of an earlier attempt is at work; it is waited for", shown(&job));
                return Ok(Claim::Live(Box::new(Claimed { job, undo: None })));
            } else if let Some(said) = self.read_old(job, seen)? {
                return Ok(Claim::Done(said));
            }
        }
        retry(
            self.settings.retry_after,
            format!("Job {} changes all the time", job::name(self.source.secret())),
        )
    }

    /// What a Job of an earlier attempt has done, if it did it after the lock was seen. Then
    /// or otherwise, it makes room.
    fn read_old(&self, job: Job, seen: Option<Time>) -> Result<Option<String>, Stop> {
        let ending = Ending::of(&job)?;
        info!("Job {} of an earlier attempt is over: {ending}", shown(&job));
        let counts = seen.is_some() && seen <= job.status.completion_time;
        remove(Claimed { job, undo: None })?;
        Ok(match ending {
            Ending::Done(said) if counts => Some(format!("{said} (in an earlier attempt)")),
            _ => None,
        })
    }

    fn make(&self) -> Result<Undo<Job>> {
        step!("unlocking the repository with Job {}", job::name(self.source.secret()));
        let object = job::object(self);
        kube::create(self.source.namespace(), object).undo(self.named().delete()).send()
    }

    /// Why there is no Job.
    fn not_made(&self, error: Error) -> Result<Claim, Stop> {
        match error.reason.as_str() {
            // Other denials pass: that the alert does not fire any more is one of them.
            reason::DENIED if error.message.contains("grant") => escalate(format!(
                "the host does not allow the Job that would unlock the repository: {}. What it takes: {}",
                error.message,
                job::grant(self)
            )),
            reason::INVALID => {
                escalate(format!("the API server does not take the Job that would unlock: {}", error.message))
            }
            // A quota, an admission policy, its roles: all may change.
            reason::FORBIDDEN => retry(
                self.settings.retry_after,
                format!("the API server does not allow the Job that would unlock: {}", error.message),
            ),
            _ => Err(error.into()),
        }
    }

    /// Wait for the end, read it, and remove the Job.
    fn follow(&self, claimed: Claimed) -> Result<String, Stop> {
        let timeout = self.settings.unlock_job.timeout;
        let name = shown(&claimed.job);
        let ending = match kube::of(&claimed.job).wait(finished(), timeout)? {
            Waited::Met(job) => Ending::of(&job)?,
            Waited::Deleted => {
                return retry(
                    self.settings.retry_after,
                    format!("Job {name} was deleted before its end was read"),
                );
            }
            Waited::Timeout => match Ending::of_unended(&claimed.job)? {
                Some(ending) => ending,
                None => {
                    Ending::Failed(format!("it is not done within {timeout}: {}", of_live(&claimed.job)?))
                }
            },
        };
        remove(claimed)?;
        match ending {
            Ending::Done(said) => Ok(said),
            Ending::Failed(why) => escalate(format!("Job {name} did not unlock the repository: {why}")),
            Ending::Changed(said) => retry(
                self.settings.retry_after,
                format!("the repository's locks are not what was seen, so Job {name} removed none: {said}"),
            ),
            Ending::Unknown(why) => {
                retry(self.settings.retry_after, format!("nobody knows how Job {name} ended: {why}"))
            }
        }
    }

    fn named(&self) -> Ref<Job> {
        Ref::new(self.source.namespace(), &job::name(self.source.secret()))
    }
}

/// Take the Job away, and its pods with it. What it has done is done, so that it stays is
/// worth a word and no more: its ttlSecondsAfterFinished takes it.
fn remove(Claimed { job, undo }: Claimed) -> Result<()> {
    let removed = match undo {
        Some(undo) => undo.undo(),
        None => match kube::of(&job).delete().send() {
            Err(error) if error.is_not_found() => Ok(()),
            sent => sent.map(drop),
        },
    };
    match removed {
        Err(error) => warn!("Job {} could not be removed: {error}", shown(&job)),
        Ok(()) if kube::of(&job).wait(deleted(), TO_GO)?.is_deleted() => {}
        Ok(()) => warn!("Job {} is deleted and does not go", shown(&job)),
    }
    Ok(())
}

fn shown(job: &Job) -> String {
    let Metadata { namespace, name, .. } = &job.metadata;
    format!("{}/{name}", namespace.as_deref().unwrap_or_default())
}
