//! The record of what a run did, effect by effect.

use serde::{Deserialize, Serialize};
use suture_core::clock::Timestamp;
use suture_core::effect::OnObject;
use suture_core::object::Kind;
use suture_core::{Effect, Ending, Error, Object, Prepared, Reply, object};

/// One line of a run's record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The step it belongs to: the number of the effect in the run, from 1.
    pub step: u32,
    /// When it was written.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub body: Body,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Body {
    /// An effect that changed nothing outside, with its answer: a read, a log line, or
    /// anything that was refused before it could happen.
    Call {
        /// What was asked.
        effect: Effect,
        /// What came back.
        answer: Answer,
        /// The step whose undo this is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        undo_of: Option<u32>,
    },
    /// What is about to be done (a mutation) or awaited (a wait, a sleep, a lock). Of
    /// all but a lock, on disk before it begins. A conflict is prepared anew: then a step has several.
    Intent {
        /// The definite act.
        prepared: Prepared,
        /// What the policy asked for, where that is not the same: what its call is
        /// compared with when the run is replayed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        asked: Option<Box<Effect>>,
        /// The step whose undo this is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        undo_of: Option<u32>,
        /// The object that is changed, at the version that is pinned; of a Secret no values. None of
        /// what is made or deleted, and where an older version wrote this.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Object>,
    },
    /// What the step's last intent brought.
    Reply {
        /// The reply, or the error that came instead.
        answer: Answer,
    },
    /// The undo of a step is settled without being run.
    Kept {
        /// The step that made the change.
        change: u32,
        /// Why: the policy keeps the change, or there was nothing left to undo.
        reason: String,
    },
    /// The policy is done, or was ended. Undos may follow.
    Ended {
        /// How.
        ending: Ending,
    },
}

/// What an effect brought: a reply, or an error that the policy saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// The reply.
    Ok(Reply),
    /// The error.
    Error(Error),
}

impl Body {
    /// The intent to do what was prepared of what was asked.
    pub(crate) fn intent(asked: &Effect, prepared: &Prepared, undo_of: Option<u32>) -> Self {
        let differs = undo_of.is_none() && prepared.effect != *asked;
        let asked = differs.then(|| Box::new(asked.clone()));
        Self::Intent { prepared: prepared.clone(), asked, undo_of, before: recorded_before(prepared) }
    }
}

/// What is recorded of the object before a change, if anything. What was asked for says whether it is a Secret: what
/// was read may not say it.
pub fn recorded_before(prepared: &Prepared) -> Option<Object> {
    let Effect::Mutate { mutation, .. } = &prepared.effect else { return None };
    let before = prepared.before.clone().filter(|_| mutation.on_object() != OnObject::Deletes)?;
    if mutation.kind().is_secret() {
        return Some(object::redact_secret(&before));
    }
    let says_secret = Kind::of(&before).is_some_and(|kind| kind.is_secret());
    Some(if says_secret { object::redact_secret(&before) } else { before })
}

impl From<Result<Reply, Error>> for Answer {
    fn from(result: Result<Reply, Error>) -> Self {
        match result {
            Ok(reply) => Self::Ok(reply),
            Err(error) => Self::Error(error),
        }
    }
}

impl From<Answer> for Result<Reply, Error> {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Ok(reply) => Ok(reply),
            Answer::Error(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;
    use suture_core::effect::{
        ActiveAlert, Apply, Level, Op, Page, Point, Predicate, Query, Sample, Series, Target, Test, Waited,
    };
    use suture_core::object::Kind;
    use suture_core::{Halt, HumanDuration, Labels, Limit, Limits, Mutation, Outcome, Reason, RunId, Step};

    use super::*;

    fn time() -> Timestamp {
        "2026-11-22T04:10:00.123456789Z".parse().unwrap()
    }

    fn target() -> Target {
        Target {
            kind: Kind::new("batch/v1", "Job"),
            namespace: Some("media".into()),
            name: "plex".into(),
            uid: Some("u".into()),
            subresource: Some("status".into()),
        }
    }

    fn effects() -> Vec<Effect> {
        let query = Query {
            kind: Kind::new("v1", "Pod"),
            namespace: None,
            labels: "a=b".into(),
            fields: String::new(),
            limit: 7,
            next: Some("x".into()),
            metadata_only: true,
        };
        let apply = Apply { target: target(), object: json!({"n": u64::MAX, "f": 0.1}), force: true };
        let test = Test { pointer: "/a~1b".into(), op: Op::Equals, value: json!(-1) };
        vec![
            Effect::Get { target: target() },
            Effect::List(query),
            Effect::Mutate { mutation: Mutation::Apply(apply.clone()), undo: Some(Mutation::Apply(apply)) },
            Effect::Settle { step: 3, run_undo: true },
            Effect::Wait { target: target(), until: Predicate::Any(vec![test]), timeout_ms: u64::MAX },
            Effect::Wait { target: target(), until: Predicate::Deleted, timeout_ms: 0 },
            Effect::Logs { pod: target(), container: String::new(), tail_lines: 1, limit_bytes: u32::MAX },
            Effect::Exclusive { name: "restic".into(), timeout_ms: 1 },
            Effect::Query { expression: "up".into() },
            Effect::QueryRange { expression: "up".into(), start_ms: 1, end_ms: 2, step_ms: 3 },
            Effect::Alerts,
            Effect::Now,
            Effect::Sleep { duration_ms: 1 },
            Effect::Log { level: Level::Warn, message: "ä\u{0}\n".into() },
            Effect::Step { title: "next".into() },
        ]
    }

    fn replies() -> Vec<Reply> {
        let object = Arc::new(json!({"n": u64::MAX, "i": i64::MIN, "f": 1e300, "deep": [[{"null": null}]]}));
        let page = Page { items: vec![object.clone()], next: Some("n".into()), resource_version: "1".into() };
        let labels = Labels::from([("a".to_owned(), "b".to_owned())]);
        let sample = |value| Sample { labels: labels.clone(), at_ms: u64::MAX, value };
        let series = Series { labels: labels.clone(), points: vec![Point { at_ms: 1, value: 0.1 }] };
        let alert = ActiveAlert {
            labels: labels.clone(),
            annotations: Labels::new(),
            firing: true,
            active_at: time(),
            kept_firing_since: Some(time()),
        };
        vec![
            Reply::Object(object.clone()),
            Reply::Page(page),
            Reply::Mutated(object.clone()),
            Reply::Settled,
            Reply::Waited(Waited::Met(object)),
            Reply::Waited(Waited::Deleted),
            Reply::Waited(Waited::Timeout),
            Reply::Logs("line\n".into()),
            Reply::Held,
            Reply::Samples(vec![sample(1.5), sample(f64::INFINITY), sample(-0.0)]),
            Reply::Series(vec![series]),
            Reply::Alerts(vec![alert]),
            Reply::Now(time()),
            Reply::Slept,
            Reply::Noted,
        ]
    }

    #[test]
    fn every_entry_reads_back_as_it_was_written() {
        let ending = |ending| Body::Ended { ending };
        let mut bodies = vec![
            Body::Kept { change: 1, reason: "it stays".into() },
            ending(Ending::Failed("no".into())),
            ending(Ending::Trapped("no".into())),
            ending(Ending::Halted(Halt::Planned)),
            ending(Ending::Halted(Halt::Nondeterminism { step: 1, recorded: "a".into(), asked: "b".into() })),
            ending(Ending::from(Limits::default().exceeded(Limit::Memory))),
            ending(Ending::Concluded(Outcome::Retry {
                after: HumanDuration::from_secs(90),
                summary: "later".into(),
            })),
        ];
        bodies.extend(replies().into_iter().map(|reply| Body::Reply { answer: Answer::Ok(reply) }));
        for effect in effects() {
            let mut error = Error::new(Reason::other("Odd"), "odd");
            error.retry_after_ms = Some(u64::MAX);
            let step = Step { run: RunId::new("r"), number: 1 };
            bodies.push(Body::Call {
                effect: effect.clone(),
                answer: Answer::Error(error),
                undo_of: Some(1),
            });
            let prepared =
                Prepared { deadline: Some(time()), dry_run: true, ..Prepared::new(step, effect.clone()) };
            let asked = Some(Box::new(effect));
            bodies.push(Body::Intent { prepared, asked, undo_of: None, before: None });
        }
        for body in bodies {
            let entry = Entry { step: 1, at: time(), body };
            let text = serde_json::to_string(&entry).unwrap();
            let read: Entry = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
            assert_eq!(read, entry);
        }
    }
}
