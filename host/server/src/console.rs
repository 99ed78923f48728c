//! The web console: who looks, at which page, and what they do there.
//!
//! The pages themselves are in `suture-console`; what is done by a form is done by the API's own
//! functions. See `docs/console.md`.

mod actions;
mod answer;
mod events;
mod links;
mod pages;
mod sessions;
mod visit;

use std::sync::Arc;

use axum::handler::Handler;
use axum::http::header;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, get, post};
use axum::{Extension, Router};
use suture_console::assets;
use suture_core::Clock;
use suture_engine::Engine;
use suture_engine::progress::Listeners;

use crate::admission::Admission;
use crate::audit::{Asked, Trail};
use crate::right::Right;
pub(crate) use answer::{for_people, wants_page};
use events::Changes;
pub(crate) use links::{Link, link};
use pages::Counted;
use sessions::Sessions;
use visit::{Door, enter};

/// Where a one-time link leads. No other site may open it: the browser would be somebody else's.
pub(crate) const SIGN_IN: &str = "/signin";

/// What the console keeps between requests, in memory.
pub(crate) struct Console {
    admission: Arc<Admission>,
    /// Writes down what is done by forms.
    pub trail: Arc<Trail>,
    sessions: Sessions,
    /// What happens, for pages that are open.
    changes: Changes,
    /// What was counted of the last month.
    counted: Counted,
    /// Whether the listener speaks TLS: then cookies are for it alone.
    is_secure: bool,
    clock: Arc<dyn Clock>,
}

impl Console {
    /// A console without sessions.
    pub fn new(
        admission: Arc<Admission>,
        trail: Arc<Trail>,
        is_secure: bool,
        listeners: Listeners,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        Arc::new(Self {
            admission,
            trail,
            sessions: Sessions::new(clock.clone()),
            changes: Changes::new(listeners),
            counted: Counted::default(),
            is_secure,
            clock,
        })
    }
}

/// Whether a path is one of the console's pages: a link to one may be followed from anywhere.
pub(crate) fn is_page(path: &str) -> bool {
    let path = path.strip_suffix('/').unwrap_or(path);
    matches!(path, "" | "/incidents" | "/policies" | "/trends")
        || ["/incidents/", "/runs/", "/policies/"]
            .iter()
            .any(|kind| path.strip_prefix(kind).is_some_and(|name| !name.is_empty() && !name.contains('/')))
}

/// Whether a path is one to which the console's forms post.
pub(crate) fn is_form(path: &str) -> bool {
    let parts: Vec<&str> = path.strip_prefix('/').unwrap_or_default().split('/').collect();
    matches!(
        parts[..],
        ["pause" | "resume" | "signout"]
            | ["policies", _, "pause" | "resume"]
            | ["incidents", _, "retry" | "cancel" | "close"]
            | ["runs", _, "cancel" | "approve" | "reject"]
    )
}

/// All that the console serves.
pub(crate) fn router(console: &Arc<Console>) -> Router<Engine> {
    Routes { router: Router::new(), console }
        .add(Some(Right::View), "/", get(pages::now))
        .add(Some(Right::View), "/incidents", get(pages::incidents))
        .add(Some(Right::View), "/incidents/{id}", get(pages::incident))
        .add(Some(Right::View), "/runs/{id}", get(pages::run))
        .add(Some(Right::View), "/policies", get(pages::policies))
        .add(Some(Right::View), "/policies/{name}", get(pages::policy))
        .add(Some(Right::View), "/trends", get(pages::trends))
        .add(Some(Right::View), "/events", get(events::stream))
        .act(Right::Operate, "/pause", actions::pause)
        .act(Right::Operate, "/resume", actions::resume)
        .act(Right::Operate, "/policies/{name}/pause", actions::pause_policy)
        .act(Right::Operate, "/policies/{name}/resume", actions::resume_policy)
        .act(Right::Operate, "/incidents/{id}/retry", actions::retry)
        .act(Right::Operate, "/incidents/{id}/cancel", actions::cancel_incident)
        .act(Right::Operate, "/incidents/{id}/close", actions::close)
        .act(Right::Operate, "/runs/{id}/cancel", actions::cancel_run)
        .act(Right::Approve, "/runs/{id}/approve", actions::approve)
        .act(Right::Approve, "/runs/{id}/reject", actions::reject)
        .add(Some(Right::View), "/signout", post(actions::sign_out))
        .add(None, SIGN_IN, get(links::redeem))
        .add(None, "/assets/console.css", asset("text/css; charset=utf-8", assets::STYLE))
        .add(None, "/assets/console.js", asset("text/javascript; charset=utf-8", assets::SCRIPT))
        .add(None, "/assets/icon.svg", asset("image/svg+xml", assets::ICON))
        .router
        .layer(Extension(console.clone()))
}

fn asset(kind: &'static str, content: &'static str) -> MethodRouter<Engine> {
    get(async move || ([(header::CONTENT_TYPE, kind)], content).into_response())
}

/// Routes of the console, none without what it needs.
struct Routes<'a> {
    router: Router<Engine>,
    console: &'a Arc<Console>,
}

impl Routes<'_> {
    fn add(self, right: Option<Right>, path: &str, route: MethodRouter<Engine>) -> Self {
        let door = Door { console: self.console.clone(), right, act: None };
        self.guarded(door, path, route)
    }

    fn guarded(self, door: Door, path: &str, route: MethodRouter<Engine>) -> Self {
        let route = route.layer(from_fn_with_state(door, enter));
        let router = self.router.route(path, route.clone());
        // Written so by who joins an address and a path.
        let router = if path == "/" { router } else { router.route(&format!("{path}/"), route) };
        Self { router, ..self }
    }

    /// A form: what it does is an act.
    fn act<H: Handler<T, Engine>, T: 'static>(self, right: Right, path: &str, handler: H) -> Self {
        let act = Some(Asked::called(path).into());
        let door = Door { console: self.console.clone(), right: Some(right), act };
        self.guarded(door, path, post(handler))
    }
}

#[cfg(test)]
mod tests;
