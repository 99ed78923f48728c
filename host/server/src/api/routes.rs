//! The routes of the admin address. None can be added without the right that it needs.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};
use suture_engine::Engine;

use crate::admission::{Admission, Gate, admit};
use crate::audit::Asked;
use crate::right::Right;

/// Under which the API stands.
const API: &str = "/api/v1";

/// One route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub method: &'static str,
    pub path: String,
    /// None where everybody may.
    pub right: Option<Right>,
}

/// Routes that are each guarded by a right.
pub(super) struct Routes {
    router: Router<Engine>,
    admission: Arc<Admission>,
    all: Vec<Route>,
}

impl Routes {
    pub fn new(admission: Arc<Admission>) -> Self {
        Self { router: Router::new(), admission, all: Vec::new() }
    }

    /// A route of the API that shows something.
    pub fn get<H: Handler<T, Engine>, T: 'static>(self, right: Right, path: &str, handler: H) -> Self {
        self.add("GET", Some(right), format!("{API}{path}"), get(handler))
    }

    /// A route of the API that does something: it becomes a row of the audit trail.
    pub fn post<H: Handler<T, Engine>, T: 'static>(self, right: Right, path: &str, handler: H) -> Self {
        self.add("POST", Some(right), format!("{API}{path}"), post(handler))
    }

    /// A route beside the API.
    pub fn beside<H: Handler<T, Engine>, T: 'static>(
        self,
        right: Option<Right>,
        path: &str,
        handler: H,
    ) -> Self {
        self.add("GET", right, path.to_owned(), get(handler))
    }

    fn add(
        mut self,
        method: &'static str,
        right: Option<Right>,
        path: String,
        route: MethodRouter<Engine>,
    ) -> Self {
        let route = match right {
            None => route,
            Some(right) => {
                let act = (method == "POST").then(|| Arc::from(Asked::called(&path)));
                let gate = Gate { admission: self.admission.clone(), right, act };
                route.layer(from_fn_with_state(gate, admit))
            }
        };
        // Written so by who joins an address and a path.
        self.router = self.router.route(&path, route.clone()).route(&format!("{path}/"), route);
        self.all.push(Route { method, path, right });
        self
    }

    /// All there are.
    pub fn all(&self) -> &[Route] {
        &self.all
    }

    pub fn into_router(self) -> Router<Engine> {
        self.router
    }
}
