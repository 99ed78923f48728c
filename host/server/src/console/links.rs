//! Signing in: a link that is used once becomes a session.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use suture_core::Timestamp;
use suture_engine::Engine;

use super::sessions::{LINK, SESSION};
use super::{Console, SIGN_IN};
use crate::failure::Failure;
use crate::right::Caller;

/// Where the console is opened.
#[derive(Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Link {
    /// What follows the address of this host: it signs in, once, who asked for it.
    path: String,
    /// Until when it does; null where nobody needs to sign in.
    expires_at: Option<Timestamp>,
}

/// Make a link for who asks.
pub(crate) async fn link(
    Extension(console): Extension<Arc<Console>>,
    Extension(caller): Extension<Caller>,
) -> Result<(StatusCode, Json<Link>), Failure> {
    let Some(identity) = console.admission.identity(&caller).await else {
        let link = Link { path: "/".to_owned(), expires_at: None };
        return Ok((StatusCode::CREATED, Json(link)));
    };
    let secret = console.sessions.link(identity)?;
    caller.did("link", "a link to the console");
    let link = Link { path: format!("{SIGN_IN}?link={secret}"), expires_at: Some(console.clock.after(LINK)) };
    Ok((StatusCode::CREATED, Json(link)))
}

#[derive(Deserialize)]
pub(super) struct Redeemed {
    link: String,
}

/// Sign in by a link.
pub(super) async fn redeem(
    State(_): State<Engine>,
    Extension(console): Extension<Arc<Console>>,
    given: Result<Query<Redeemed>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Failure> {
    let refused = || Failure {
        reason: "usedLink",
        ..Failure::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "This link was used already, or is older than a minute.",
        )
    };
    let Query(Redeemed { link }) = given.map_err(|_| refused())?;
    let secret = console.sessions.redeem(&link)?.ok_or_else(refused)?;
    let cookie = console.set_cookie(&secret, SESSION.as_secs());
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response())
}
