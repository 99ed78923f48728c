//! What is said on the objects themselves: what was done to them, and why. On a cluster
//! these become Kubernetes Events, which `kubectl describe` shows.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use suture_core::object::{self, Object};
use suture_core::{Effect, Mode, ObjectRef, Reply, RunId};
use suture_journal::call::Event;
use suture_journal::{Calls, Entry, RunRecord};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::progress::Progress;

/// Something to be said on an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// The object.
    pub about: ObjectRef,
    /// Its uid, where it is known.
    pub uid: Option<String>,
    /// Whether a person should look.
    pub warning: bool,
    /// One word for machines: `Patched`, `Remediated`, `Escalated`, …
    pub reason: &'static str,
    /// What the host was doing: `patch`, `conclude`.
    pub action: &'static str,
    /// A sentence for people.
    pub note: String,
}

/// Says things on objects.
#[async_trait]
pub trait Announcer: Send + Sync {
    /// Say one thing.
    ///
    /// # Errors
    /// Why it could not be said. It is not tried again: the journal has it all.
    async fn announce(&self, announcement: &Announcement) -> Result<(), String>;
}

/// Say what happens, for as long as anything can. What comes faster than it can be said is
/// left out, and the log tells how much.
pub async fn announce(mut progress: Receiver<Progress>, announcer: Arc<dyn Announcer>) {
    let mut stories = Stories::default();
    loop {
        let told = match progress.recv().await {
            Ok(told) => told,
            Err(RecvError::Lagged(missed)) => {
                tracing::warn!(missed, "Kubernetes Events were left out: they can't be written fast enough");
                continue;
            }
            Err(RecvError::Closed) => return,
        };
        if let Some(announcement) = stories.next(&told)
            && let Err(error) = announcer.announce(&announcement).await
        {
            tracing::warn!(about = %announcement.about, error, "a Kubernetes Event can't be written");
        }
    }
}

/// The runs at work, as far as what is to be said depends on what was before.
#[derive(Default)]
struct Stories(HashMap<RunId, Story>);

/// One run.
struct Story {
    policy: String,
    performs: bool,
    /// What the policy said that it does now.
    heading: String,
    /// The first object that it looked at: what the alert is about.
    subject: Option<(ObjectRef, Option<String>)>,
    calls: Calls,
}

impl Stories {
    /// What there is to say of what happened.
    fn next(&mut self, progress: &Progress) -> Option<Announcement> {
        match progress {
            Progress::Incident(_) => None,
            Progress::Began(run) => {
                self.0.insert(
                    run.id.clone(),
                    Story {
                        policy: run.policy.clone(),
                        performs: run.mode != Mode::Observe,
                        heading: String::new(),
                        subject: None,
                        calls: Calls::default(),
                    },
                );
                None
            }
            Progress::Entry(run, entry) => self.0.get_mut(run)?.entry(run, entry),
            Progress::Ended(run) => self.0.remove(&run.id)?.end(run),
        }
    }
}

impl Story {
    fn entry(&mut self, run: &RunId, entry: &Entry) -> Option<Announcement> {
        let Event::Call(call) = self.calls.note(entry.clone())? else { return None };
        match (call.effect(), call.reply()) {
            (Effect::Step { title }, _) => self.heading.clone_from(title),
            (Effect::Get { target }, Some(Reply::Object(object))) => {
                self.subject.get_or_insert_with(|| (target.reference(), uid(object)));
            }
            _ => {}
        }
        if call.undo_of.is_some() {
            "taking back what was only for the run".clone_into(&mut self.heading);
        }
        let (mutation, object) = call.change().filter(|_| self.performs && !call.is_dry_run())?;
        let done = mutation.mutation_type();
        let (reason, action) = (done.event_reason(), done.as_str());
        let by = format!("policy {} (run {run})", self.policy);
        let note = if self.heading.is_empty() { by } else { format!("{by}: {}", self.heading) };
        let about = mutation.reference();
        Some(Announcement { about, uid: uid(object), warning: false, reason, action, note })
    }

    fn end(self, run: &RunRecord) -> Option<Announcement> {
        let (about, uid) = self.subject?;
        let (reason, warning) = match run.outcome.as_deref()? {
            "remediated" => ("Remediated", false),
            "planned" => ("Planned", false),
            "escalate" => ("Escalated", true),
            "failed" => ("Failed", true),
            "retry" => ("Retrying", true),
            "cancelled" => ("Cancelled", true),
            // Nothing was wrong, or it goes on after a restart.
            _ => return None,
        };
        let summary = run.summary.as_deref().unwrap_or_default();
        let note = format!("policy {} (run {}): {summary}", self.policy, run.id);
        Some(Announcement { about, uid, warning, reason, action: "conclude", note })
    }
}

fn uid(object: &Object) -> Option<String> {
    object::uid(object).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use suture_core::effect::{Patch, PatchType, Target};
    use suture_core::object::Kind;
    use suture_core::{IncidentId, Mutation, Prepared, Step};
    use suture_journal::{Answer, Body, RunState};

    use super::*;

    fn target() -> Target {
        Target {
            kind: Kind::new("volsync.backube/v1alpha1", "ReplicationSource"),
            namespace: Some("media".to_owned()),
            name: "plex".to_owned(),
            uid: None,
            subresource: None,
        }
    }

    fn run(mode: Mode, outcome: Option<&str>) -> Box<RunRecord> {
        Box::new(RunRecord {
            id: RunId::new("r"),
            incident: IncidentId::new("i"),
            policy: "volsync".to_owned(),
            digest: String::new(),
            mode,
            attempt: 1,
            state: RunState::Running,
            outcome: outcome.map(str::to_owned),
            summary: Some("did it".to_owned()),
            started_at: suture_core::Timestamp::UNIX_EPOCH,
            ended_at: None,
        })
    }

    fn entry(body: Body) -> Progress {
        let at = suture_core::Timestamp::UNIX_EPOCH;
        Progress::Entry(RunId::new("r"), Box::new(Entry { step: 1, at, body }))
    }

    fn announcements(mode: Mode, outcome: &str) -> Vec<Announcement> {
        let object = Arc::new(json!({"metadata": {"uid": "u"}}));
        let patch =
            Patch { target: target(), patch_type: PatchType::Merge, body: json!({}), resource_version: None };
        let mutate = Effect::Mutate { mutation: Mutation::Patch(patch), undo: None };
        let prepared = Prepared {
            dry_run: mode == Mode::Observe,
            ..Prepared::new(Step { run: RunId::new("r"), number: 1 }, mutate)
        };
        let call = |effect, reply| entry(Body::Call { effect, answer: Answer::Ok(reply), undo_of: None });
        let events = [
            Progress::Began(run(mode, None)),
            call(Effect::Step { title: "starting a sync".to_owned() }, Reply::Noted),
            call(Effect::Get { target: target() }, Reply::Object(object.clone())),
            entry(Body::Intent { prepared, asked: None, undo_of: None, before: None }),
            entry(Body::Reply { answer: Answer::Ok(Reply::Mutated(object)) }),
            Progress::Ended(run(mode, Some(outcome))),
        ];
        let mut stories = Stories::default();
        let told = events.iter().filter_map(|event| stories.next(event)).collect();
        assert!(stories.0.is_empty(), "a run that is over is remembered");
        told
    }

    #[test]
    fn what_was_done_is_said_on_the_object_with_the_reason_for_it() {
        let told = announcements(Mode::Enforce, "remediated");
        assert_eq!(told.iter().map(|one| one.reason).collect::<Vec<_>>(), ["Patched", "Remediated"]);
        assert_eq!(told[0].note, "policy volsync (run r): starting a sync");
        assert_eq!(told[1].note, "policy volsync (run r): did it");
        assert!(told.iter().all(|one| one.uid.as_deref() == Some("u") && one.about == target().reference()));
    }

    #[test]
    fn what_was_only_tried_is_not_said_to_be_done() {
        let told = announcements(Mode::Observe, "planned");
        assert_eq!(told.iter().map(|one| one.reason).collect::<Vec<_>>(), ["Planned"]);
    }

    #[test]
    fn what_a_person_must_look_at_is_a_warning_and_what_is_well_is_not_said() {
        assert!(announcements(Mode::Enforce, "escalate")[1].warning);
        assert_eq!(announcements(Mode::Enforce, "unnecessary").len(), 1);
    }
}
