//! Names that stand in a request's path.

use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;

use crate::failure::Failure;

/// The one name in a path: a policy's, an incident's or a run's.
pub(crate) struct Name(pub String);

/// The longest name that anything has.
const MAX_BYTES: usize = 253;

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Path(name) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|error| Failure::new(StatusCode::BAD_REQUEST, "badRequest", error.body_text()))?;
        if name.len() > MAX_BYTES {
            return Err(Failure::not_found(format!("nothing has a name of {} bytes", name.len())));
        }
        Ok(Self(name))
    }
}
