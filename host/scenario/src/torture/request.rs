//! What a host asks of a cluster.

use suture_core::effect::OnObject;
use suture_core::{Effect, Error, ObjectRef, Reason};

/// Which of an effect's three steps asks the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Prepare,
    Perform,
    Resolve,
}

/// One request of the run without perturbations, as far as it tells what can go wrong.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub phase: Phase,
    pub effect: Effect,
    /// The objects that it named, or that it brought.
    pub objects: Vec<ObjectRef>,
}

/// What makes two requests alike: a fault that stays strikes all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Likeness {
    phase: Phase,
    verb: &'static str,
    object: Option<ObjectRef>,
}

impl Likeness {
    pub fn of(phase: Phase, effect: &Effect) -> Self {
        Self { phase, verb: effect.verb(), object: object(effect) }
    }
}

/// The object that an effect names.
pub(crate) fn object(effect: &Effect) -> Option<ObjectRef> {
    effect.object().filter(|object| !object.name.is_empty())
}

/// The reasons for which a request can fail, each with whether it may have been done all
/// the same. An error that only a change by somebody else explains (`NotFound` of what is
/// to be changed) is not among them: for that the object is changed.
pub(crate) fn failures(phase: Phase, effect: &Effect) -> Vec<(&'static str, bool)> {
    const AWAY: [&str; 4] = ["Unavailable", "Timeout", "TooManyRequests", "InternalError"];
    let mut reasons: Vec<(&str, bool)> = AWAY.map(|reason| (reason, false)).to_vec();
    match (phase, effect) {
        (Phase::Resolve, _) => {}
        (Phase::Prepare, _) => reasons.push(("Forbidden", false)),
        (Phase::Perform, Effect::Mutate { mutation, .. }) => {
            reasons.extend(["Forbidden", "Invalid", "Conflict"].map(|reason| (reason, false)));
            reasons.extend(["Unavailable", "Timeout", "InternalError"].map(|reason| (reason, true)));
            if mutation.on_object() == OnObject::Creates {
                reasons.push(("AlreadyExists", false));
            }
        }
        (Phase::Perform, Effect::Get { .. } | Effect::Logs { .. }) => {
            reasons
                .extend(["Forbidden", "NotFound", "NotServed", "BadRequest"].map(|reason| (reason, false)));
        }
        (Phase::Perform, Effect::List(_)) => {
            reasons.extend(["Forbidden", "NotServed", "Expired"].map(|reason| (reason, false)));
        }
        (Phase::Perform, Effect::Query { .. } | Effect::QueryRange { .. }) => {
            reasons.push(("BadRequest", false));
        }
        (Phase::Perform, _) => reasons.push(("Forbidden", false)),
    }
    reasons
}

/// The error of a reason, as an API server sends it.
pub(crate) fn error(reason: &str) -> Error {
    let mut error = Error::new(Reason::other(reason.to_owned()), "the torture lets it fail");
    match reason {
        "InternalError" => error.status = Some(500),
        "TooManyRequests" => error.retry_after_ms = Some(1000),
        _ => {}
    }
    error
}
