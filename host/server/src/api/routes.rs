//! The routes of the API. None can be added without the right that it needs.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};
use suture_engine::Engine;

use crate::admission::{Admission, Gate, admit};
use crate::right::Right;

/// Routes that are each guarded by a right.
pub(super) struct Routes {
    router: Router<Engine>,
    admission: Arc<Admission>,
}

impl Routes {
    pub fn new(admission: Arc<Admission>) -> Self {
        Self { router: Router::new(), admission }
    }

    /// A route that shows something.
    pub fn get<H: Handler<T, Engine>, T: 'static>(self, right: Right, path: &str, handler: H) -> Self {
        self.add(right, path, get(handler))
    }

    /// A route that does something.
    pub fn post<H: Handler<T, Engine>, T: 'static>(self, right: Right, path: &str, handler: H) -> Self {
        self.add(right, path, post(handler))
    }

    fn add(mut self, right: Right, path: &str, route: MethodRouter<Engine>) -> Self {
        let gate = Gate { admission: self.admission.clone(), right };
        let route = route.layer(from_fn_with_state(gate, admit));
        // Written so by who joins an address and a path.
        self.router = self.router.route(path, route.clone()).route(&format!("{path}/"), route);
        self
    }

    pub fn into_router(self) -> Router<Engine> {
        self.router
    }
}
