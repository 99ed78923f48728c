//! Who looks at a page, and whether they may.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use suture_console::{Page, Viewer, document, fragment};

use super::{Console, answer};
use crate::audit::Asked;
use crate::failure::Failure;
use crate::listener::Peer;
use crate::right::{Caller, Right};

/// The script asks with it for what of a page changes.
const FRAGMENT: HeaderName = HeaderName::from_static("suture-fragment");
/// The cookie of a session. With this beginning a browser takes it only over TLS, and from no
/// other host of the domain.
const SECURE_COOKIE: &str = "__Host-suture";
const COOKIE: &str = "suture_session";

/// What a route asks of whoever comes.
#[derive(Clone)]
pub(super) struct Door {
    pub console: Arc<Console>,
    /// None where everybody may.
    pub right: Option<Right>,
    /// What the route does, by its name; none where it only shows something.
    pub act: Option<Arc<str>>,
}

/// Somebody who looks at a page.
#[derive(Clone)]
pub(super) struct Visit {
    pub caller: Caller,
    /// The token of the session's forms; none where there is no session.
    pub csrf: Option<Arc<str>>,
    wants_fragment: bool,
}

/// Let pass who has the right, tell the route who it is, and say to the browser what pages may do.
pub(super) async fn enter(State(door): State<Door>, mut request: Request, next: Next) -> Response {
    let Door { console, right, act } = door;
    let asked = act.map(|what| Asked::of(what, &request));
    let mut who = None;
    if let Some(right) = right {
        let Some(visit) = console.visit(request.headers()).await else {
            let failure = Failure::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "Nobody is signed in here, or no longer.",
            );
            return answer::dressed(Failure { reason: "noSession", ..failure }.into_response());
        };
        if let Some(peer) = request.extensions().get::<Peer>() {
            peer.trust();
        }
        who = Some(visit.caller.clone());
        if let Err(failure) = visit.caller.require(right) {
            if let Some(asked) = asked {
                console.trail.refuse(&asked, &visit.caller, &failure).await;
            }
            let mut response = answer::dressed(failure.into_response());
            response.extensions_mut().insert(visit.caller);
            return response;
        }
        request.extensions_mut().insert(visit.caller.clone());
        request.extensions_mut().insert(visit);
    }
    let answered = match (asked, &who) {
        (Some(asked), Some(caller)) => {
            console.trail.clone().perform(asked, caller.clone(), request, next).await
        }
        _ => next.run(request).await,
    };
    let mut response = answer::dressed(answered);
    if let Some(caller) = who {
        response.extensions_mut().insert(caller);
    }
    response
}

impl Console {
    /// Who sends a request: by the session of its cookie, by a token, or everybody where nobody is
    /// asked who they are. A session has the rights that the configuration gives its person now.
    pub(super) async fn visit(&self, headers: &HeaderMap) -> Option<Visit> {
        let wants_fragment = headers.contains_key(FRAGMENT);
        if !headers.contains_key(header::AUTHORIZATION)
            && let Some(secret) = self.cookie(headers)
            && let Some(session) = self.sessions.get(secret)
            && let Some(caller) = self.admission.member(&session.identity).await
        {
            return Some(Visit { caller, csrf: Some(session.csrf), wants_fragment });
        }
        let caller = self.admission.caller(headers).await?;
        Some(Visit { caller, csrf: None, wants_fragment })
    }

    /// The secret in a request's cookie. Of several none is taken: who has set the other?
    pub(super) fn cookie<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let name = self.cookie_name();
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut found = pairs.filter(|(given, _)| *given == name).map(|(_, value)| value);
        match (found.next(), found.next()) {
            (Some(value), None) => Some(value),
            _ => None,
        }
    }

    /// What sets the cookie, for so many seconds.
    pub(super) fn set_cookie(&self, secret: &str, seconds: u64) -> String {
        let secure = if self.is_secure { "; Secure" } else { "" };
        let name = self.cookie_name();
        format!("{name}={secret}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}")
    }

    fn cookie_name(&self) -> &'static str {
        if self.is_secure { SECURE_COOKIE } else { COOKIE }
    }
}

impl Visit {
    /// As the pages know them.
    pub fn viewer(&self) -> Viewer<'_> {
        Viewer {
            name: self.caller.name(),
            csrf: self.csrf.as_deref(),
            may_operate: self.caller.require(Right::Operate).is_ok(),
            may_approve: self.caller.require(Right::Approve).is_ok(),
        }
    }

    /// A page, or what of it changes.
    pub fn show(&self, page: &Page) -> Response {
        if self.wants_fragment {
            return Html(fragment(page)).into_response();
        }
        Html(document(page, Some(&self.viewer()))).into_response()
    }
}
