//! The webhook: what Alertmanager posts is on disk before it is answered.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::{Value, json};
use suture_core::{Clock, Notification};
use suture_engine::{Engine, Refusal};
use tokio::sync::Semaphore;

use crate::failure::Failure;
use crate::token::Token;

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// Requests that are read at the same time.
const CONCURRENT: usize = 256;

pub(crate) struct Webhook {
    pub engine: Engine,
    pub clock: Arc<dyn Clock>,
    pub token: Option<Token>,
    pub max_body: usize,
    pub room: Semaphore,
}

impl Webhook {
    pub fn new(engine: Engine, clock: Arc<dyn Clock>, token: Option<Token>, max_body: usize) -> Self {
        Self { engine, clock, token, max_body, room: Semaphore::new(CONCURRENT) }
    }
}

pub(crate) fn router(webhook: Webhook) -> Router {
    Router::new()
        .route("/hooks", post(for_all))
        .route("/hooks/", post(for_all))
        .route("/hooks/{policy}", post(for_one))
        .fallback(async || Failure::not_found("post to /hooks, or to /hooks/POLICY"))
        .method_not_allowed_fallback(async || {
            Failure::new(StatusCode::METHOD_NOT_ALLOWED, "methodNotAllowed", "alerts are sent with POST")
        })
        .with_state(Arc::new(webhook))
}

type Answer = Result<Json<Value>, Failure>;

async fn for_all(State(webhook): State<Arc<Webhook>>, request: Request) -> Answer {
    receive(&webhook, None, request).await
}

async fn for_one(
    State(webhook): State<Arc<Webhook>>,
    Path(policy): Path<String>,
    request: Request,
) -> Answer {
    receive(&webhook, Some(&policy), request).await
}

async fn receive(webhook: &Webhook, policy: Option<&str>, request: Request) -> Answer {
    let answer = accept(webhook, policy, request).await;
    let result = match &answer {
        Ok(_) => "accepted",
        Err(failure) => failure.code,
    };
    webhook.engine.metrics().notification(result);
    answer
}

async fn accept(webhook: &Webhook, policy: Option<&str>, request: Request) -> Answer {
    if let Some(token) = &webhook.token
        && !token.admits(request.headers()).await
    {
        return Err(Failure::unauthorized());
    }
    let Ok(_room) = webhook.room.try_acquire() else {
        return Err(Failure::unavailable("too many requests at once; send it again later"));
    };
    let body = read(webhook, request.into_body()).await?;
    let notification = Notification::parse(&body).map_err(|error| unreadable(&body, &error))?;
    let accepted = notification.alerts.len();
    webhook.engine.accept(policy, &notification, body).await.map_err(|refusal| match refusal {
        Refusal::UnknownPolicy(_) => Failure::not_found(refusal.to_string()),
        Refusal::Overloaded(_) | Refusal::Stopping | Refusal::Journal(_) => {
            Failure::unavailable(refusal.to_string())
        }
    })?;
    Ok(Json(json!({"accepted": accepted})))
}

async fn read(webhook: &Webhook, body: Body) -> Result<Vec<u8>, Failure> {
    let limited = Limited::new(body, webhook.max_body).collect();
    match webhook.clock.timeout(BODY_TIMEOUT, limited).await {
        None => {
            let message = format!("the body took longer than {} s", BODY_TIMEOUT.as_secs());
            Err(Failure::new(StatusCode::REQUEST_TIMEOUT, "timeout", message))
        }
        Some(Ok(body)) => Ok(body.to_bytes().into()),
        Some(Err(error)) if error.is::<LengthLimitError>() => {
            let message = format!("the body has more than {} bytes (`webhook.maxBody`)", webhook.max_body);
            Err(Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "tooLarge", message))
        }
        Some(Err(error)) => {
            Err(Failure::new(StatusCode::BAD_REQUEST, "unreadable", format!("the body broke off: {error}")))
        }
    }
}

/// Says where in the body the error is: line, column, and the path to the field.
fn unreadable(body: &[u8], error: &serde_json::Error) -> Failure {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let path = serde_path_to_error::deserialize::<_, Notification>(&mut reader)
        .err()
        .map(|error| error.path().to_string());
    let message = format!("the body is not an Alertmanager notification: {error}");
    Failure { path, ..Failure::new(StatusCode::BAD_REQUEST, "unreadable", message) }
}
