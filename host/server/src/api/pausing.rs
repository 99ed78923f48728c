//! Pausing and resuming the host, or one policy.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;
use suture_core::{HumanDuration, Timestamp};
use suture_engine::{Engine, PauseError, PauseOrder, Paused};

use super::{Answer, body};
use crate::failure::Failure;
use crate::name::Name;
use crate::right::{Caller, Deed};

/// The body of a pause; it may be empty.
#[derive(Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Pause {
    /// The policy; none for the whole host.
    policy: Option<String>,
    /// Why, for whoever looks.
    reason: Option<String>,
    /// After how long it ends by itself; or
    #[serde(rename = "for")]
    length: Option<HumanDuration>,
    /// when it does.
    until: Option<Timestamp>,
}

/// The body of a resumption; it may be empty.
#[derive(Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Resume {
    /// The policy; none for the whole host.
    policy: Option<String>,
}

const PAUSE: &str =
    "{\"reason\": \"…\", \"for\": \"2h\" or \"until\": \"2026-11-27T12:00:00Z\", \"policy\": \"…\"}";
const RESUME: &str = "{\"policy\": \"…\"}";

pub(crate) async fn pause(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    given: Bytes,
) -> Answer {
    put(&engine, &caller, body::read(&given, PAUSE)?).await
}

pub(crate) async fn pause_policy(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Name(name): Name,
    given: Bytes,
) -> Answer {
    let pause: Pause = body::read(&given, PAUSE)?;
    put(&engine, &caller, Pause { policy: Some(same(name, pause.policy.as_deref())?), ..pause }).await
}

pub(crate) async fn resume(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    given: Bytes,
) -> Answer {
    let Resume { policy } = body::read(&given, RESUME)?;
    end(&engine, &caller, policy).await
}

pub(crate) async fn resume_policy(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Name(name): Name,
    given: Bytes,
) -> Answer {
    let Resume { policy } = body::read(&given, RESUME)?;
    let policy = same(name, policy.as_deref())?;
    end(&engine, &caller, Some(policy)).await
}

async fn put(engine: &Engine, caller: &Caller, pause: Pause) -> Answer {
    let Pause { policy, reason, length, until } = pause;
    if length.is_some() && until.is_some() {
        let what = "`for` and `until` say the same: give one of them";
        return Err(Failure {
            path: Some("until".to_owned()),
            ..Failure::new(StatusCode::BAD_REQUEST, "invalid", what)
        });
    }
    let until = length.map(|length| engine.after(length.get())).or(until);
    let reason = body::reason(reason)?;
    caller.because(&reason);
    let order = PauseOrder { policy, who: caller.name().to_owned(), reason, until };
    let Paused { pause, was } = engine.pause(order).await?;
    caller.did_to("pause", &deed(pause.policy.as_deref()));
    Ok(Json(json!({"paused": true, "pause": pause, "was": was, "pauses": engine.pauses()})))
}

async fn end(engine: &Engine, caller: &Caller, policy: Option<String>) -> Answer {
    let was = engine.resume(policy.as_deref(), caller.name()).await?;
    caller.did_to("resume", &deed(policy.as_deref()));
    Ok(Json(json!({"paused": false, "was": was, "pauses": engine.pauses()})))
}

/// The policy of a path; the body may say the same.
fn same(name: String, given: Option<&str>) -> Result<String, Failure> {
    match given {
        Some(other) if other != name => Err(Failure {
            path: Some("policy".to_owned()),
            ..Failure::new(StatusCode::BAD_REQUEST, "invalid", "the path and the body name two policies")
        }),
        _ => Ok(name),
    }
}

fn deed(policy: Option<&str>) -> Deed<'_> {
    Deed { policy, object: policy.is_none().then(|| "the host".to_owned()), ..Deed::default() }
}

impl From<PauseError> for Failure {
    fn from(error: PauseError) -> Self {
        match &error {
            PauseError::UnknownPolicy(_) => Failure::not_found(error.to_string()),
            PauseError::Past(_) => Failure {
                path: Some("until".to_owned()),
                ..Failure::new(StatusCode::BAD_REQUEST, "invalid", error.to_string())
            },
            PauseError::Forgettable { .. } => Failure::unavailable(error.to_string()),
        }
    }
}
