//! What goes with every page, and errors as pages.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use suture_console::{document, failure, sign_in};

use crate::failure::Told;

/// A page has the style and the script of this host, and nothing else; it posts and asks nowhere
/// else, and stands in no other page.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// An answer with what the browser is told about all of the console's.
///
/// The referrer goes to this host alone. Without any (`no-referrer`), browsers would hide from it
/// where its own forms come from (`Origin: null`).
pub(super) fn dressed(mut response: Response) -> Response {
    let said: [(HeaderName, &'static str); 6] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in said {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Whether somebody waits for a page, and not a program for JSON.
pub(crate) fn wants_page(request: &Request) -> bool {
    let accepts = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    !request.uri().path().starts_with("/api/") && accepts.is_some_and(|accepts| accepts.contains("text/html"))
}

/// An error as a page that says what to do next; everything else as it is.
pub(crate) fn for_people(response: Response) -> Response {
    let Some(Told { message, .. }) = response.extensions().get().cloned() else { return response };
    let page = match response.status() {
        StatusCode::UNAUTHORIZED => sign_in(&message),
        status => failure(status.as_u16(), &message),
    };
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_TYPE);
    parts.headers.remove(header::CONTENT_LENGTH);
    dressed((parts, Html(document(&page, None))).into_response())
}
