//! What is done by forms: checked to come from the session's own pages, then done by the API's
//! functions.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{FromRequest, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq;
use suture_engine::Engine;

use super::Console;
use super::visit::Visit;
use crate::api::{self, approving, incidents, pausing};
use crate::failure::Failure;
use crate::name::Name;
use crate::right::Caller;

/// The largest form, in bytes.
const MOST: usize = 8 * 1024;

/// A form that the session's own page has sent.
pub(super) struct Form {
    fields: BTreeMap<String, String>,
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let foreign = |message: &str| Failure::new(StatusCode::FORBIDDEN, "forbidden", message);
        let visit: Option<&Visit> = request.extensions().get();
        let Some(token) = visit.and_then(|visit| visit.csrf.clone()) else {
            return Err(foreign(
                "Only who is signed in by a link of `suture console` can do something here.",
            ));
        };
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|error| Failure::new(StatusCode::BAD_REQUEST, "badRequest", error.body_text()))?;
        let text = std::str::from_utf8(&body).ok().filter(|text| text.len() <= MOST);
        let uri: Option<Uri> = text.and_then(|text| format!("/?{text}").parse().ok());
        let fields = uri.and_then(|uri| Query::<BTreeMap<String, String>>::try_from_uri(&uri).ok());
        let unreadable = || Failure::new(StatusCode::BAD_REQUEST, "badRequest", "The form can't be read.");
        let Query(fields) = fields.ok_or_else(unreadable)?;
        let offered = fields.get("csrf").map(String::as_bytes).unwrap_or_default();
        if !bool::from(offered.ct_eq(token.as_bytes())) {
            return Err(foreign("The form is not of this session: load the page again, and then send it."));
        }
        Ok(Self { fields })
    }
}

impl Form {
    /// The body that the API takes: those of the fields that are not empty.
    fn body(&self, names: &[&str]) -> Bytes {
        Value::from(self.fields_of(names)).to_string().into()
    }

    fn fields_of(&self, names: &[&str]) -> Map<String, Value> {
        let given = names.iter().filter_map(|name| {
            let value = self.fields.get(*name).map(|value| value.trim()).filter(|value| !value.is_empty())?;
            Some(((*name).to_owned(), Value::from(value)))
        });
        given.collect()
    }
}

/// The page that shows what was done, in place of what the API would say of it.
fn back<T>(to: &str, _: T) -> Response {
    Redirect::to(to).into_response()
}

type Done = Result<Response, Failure>;

pub(super) async fn pause(engine: State<Engine>, caller: Extension<Caller>, form: Form) -> Done {
    let done = pausing::pause(engine, caller, form.body(&["reason", "for"])).await?;
    Ok(back("/", done))
}

pub(super) async fn resume(engine: State<Engine>, caller: Extension<Caller>, _: Form) -> Done {
    let done = pausing::resume(engine, caller, Bytes::new()).await?;
    Ok(back("/", done))
}

pub(super) async fn pause_policy(
    engine: State<Engine>,
    caller: Extension<Caller>,
    Name(name): Name,
    form: Form,
) -> Done {
    let to = format!("/policies/{name}");
    let done = pausing::pause_policy(engine, caller, Name(name), form.body(&["reason", "for"])).await?;
    Ok(back(&to, done))
}

pub(super) async fn resume_policy(
    engine: State<Engine>,
    caller: Extension<Caller>,
    Name(name): Name,
    _: Form,
) -> Done {
    let to = format!("/policies/{name}");
    let done = pausing::resume_policy(engine, caller, Name(name), Bytes::new()).await?;
    Ok(back(&to, done))
}

pub(super) async fn retry(engine: State<Engine>, caller: Extension<Caller>, Name(id): Name, _: Form) -> Done {
    let to = format!("/incidents/{id}");
    let done = api::retry(engine, caller, Name(id)).await?;
    Ok(back(&to, done))
}

pub(super) async fn cancel_incident(
    engine: State<Engine>,
    caller: Extension<Caller>,
    Name(id): Name,
    _: Form,
) -> Done {
    let to = format!("/incidents/{id}");
    let done = api::cancel_incident(engine, caller, Name(id)).await?;
    Ok(back(&to, done))
}

pub(super) async fn close(engine: State<Engine>, caller: Extension<Caller>, Name(id): Name, _: Form) -> Done {
    let to = format!("/incidents/{id}");
    let done = incidents::close(engine, caller, Name(id)).await?;
    Ok(back(&to, done))
}

pub(super) async fn cancel_run(
    engine: State<Engine>,
    caller: Extension<Caller>,
    Name(id): Name,
    _: Form,
) -> Done {
    let to = format!("/runs/{id}");
    let done = api::cancel(engine, caller, Name(id)).await?;
    Ok(back(&to, done))
}

pub(super) async fn approve(
    engine: State<Engine>,
    caller: Extension<Caller>,
    Name(id): Name,
    form: Form,
) -> Done {
    let to = format!("/runs/{id}");
    let mut body = form.fields_of(&["digest", "message"]);
    body.insert("rest".to_owned(), form.fields.contains_key("rest").into());
    let done = approving::approve(engine, caller, Name(id), Value::from(body).to_string().into()).await?;
    Ok(back(&to, done))
}

pub(super) async fn reject(
    engine: State<Engine>,
    caller: Extension<Caller>,
    Name(id): Name,
    form: Form,
) -> Done {
    let to = format!("/runs/{id}");
    let done = approving::reject(engine, caller, Name(id), form.body(&["digest", "message"])).await?;
    Ok(back(&to, done))
}

/// End the session.
pub(super) async fn sign_out(
    State(_): State<Engine>,
    Extension(console): Extension<Arc<Console>>,
    headers: HeaderMap,
    _: Form,
) -> Done {
    if let Some(secret) = console.cookie(&headers) {
        console.sessions.end(secret);
    }
    Ok(([(header::SET_COOKIE, console.set_cookie("", 0))], Redirect::to("/")).into_response())
}
