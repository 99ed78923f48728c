//! What is asked of every request before it reaches a route: that no web page sent it, that it
//! is meant for this host, and that its connection has the certificate that it must have.
//!
//! A browser sends what a page tells it to, wherever that page comes from, and with a name of
//! the page's own that leads to this host's address (DNS rebinding) it even shows it the answers.
//! What a page can't choose are the headers `Host`, `Origin` and `Sec-Fetch-Site`, and a content
//! type other than a form's unless the host agrees beforehand, which this one never does.
//!
//! The console has pages of its own. A link to one may stand anywhere, and a form of one is posted
//! from here alone; beside that, it is asked as everybody else is.

mod authority;
mod names;
mod refusals;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Version, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use suture_engine::Metrics;

use crate::console;
use crate::failure::Failure;
use crate::listener::Peer;
use authority::{Authority, Origin};
pub(crate) use names::Names;
use refusals::Asked;
pub(crate) use refusals::Refusals;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// Asks it.
pub(crate) struct Gate {
    pub audience: Audience,
    /// The names under which this host is asked.
    pub names: Names,
    /// Clients must show a certificate.
    pub needs_certificate: bool,
    pub metrics: Metrics,
    pub refusals: Refusals,
}

/// For whom a listener is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Programs that post alerts, under whatever name leads there.
    Webhook,
    /// People, probes, Prometheus.
    Admin,
}

/// What of a host is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Exposure {
    /// Whether it is well. The kubelet asks, which has no certificate and knows no name.
    Health,
    /// Metrics. Prometheus asks, by whatever name.
    Metrics,
    /// Everything else.
    Guarded,
}

impl Gate {
    /// Ask it of what comes for a router.
    pub fn before(self: Arc<Self>, router: Router) -> Router {
        router.layer(from_fn_with_state(self, pass))
    }

    fn exposure(&self, path: &str) -> Exposure {
        match (self.audience, path) {
            (Audience::Admin, "/healthz" | "/readyz") => Exposure::Health,
            (Audience::Admin, "/metrics") => Exposure::Metrics,
            (Audience::Admin | Audience::Webhook, _) => Exposure::Guarded,
        }
    }

    fn check(&self, request: &Request) -> Result<(), Failure> {
        let exposure = self.exposure(request.uri().path());
        if exposure != Exposure::Health && self.needs_certificate {
            certificate(request)?;
        }
        if exposure != Exposure::Guarded {
            return Ok(());
        }
        let host = host(request)?;
        if self.audience == Audience::Admin
            && let Some(host) = &host
            && !self.names.admit(&host.host)
        {
            return Err(misdirected(host, &self.names));
        }
        let headers = request.headers();
        let is_admin = self.audience == Audience::Admin;
        let path = request.uri().path();
        let is_visit = is_admin && *request.method() == Method::GET && console::is_page(path);
        if !(is_visit && is_navigation(headers)) {
            no_other_site(headers)?;
        }
        self.no_other_origin(headers, host.as_ref())?;
        match *request.method() {
            Method::POST if is_admin && console::is_form(path) && is_form(headers) => own_form(headers),
            Method::POST => json(headers),
            _ => Ok(()),
        }
    }

    /// Whether no page of another origin makes a browser send this.
    fn no_other_origin(&self, headers: &HeaderMap, host: Option<&Authority>) -> Result<(), Failure> {
        let is_ours =
            |origin: &Origin| host.is_some_and(|host| origin.is_at(host) && self.names.admit(&host.host));
        for origin in headers.get_all(header::ORIGIN) {
            let origin = origin.to_str().ok().and_then(Origin::parse);
            if !origin.is_some_and(|origin| is_ours(&origin)) {
                return Err(foreign("`Origin`"));
            }
        }
        Ok(())
    }
}

/// Whether no page of another site makes a browser send this.
fn no_other_site(headers: &HeaderMap) -> Result<(), Failure> {
    let site = headers.get_all(SEC_FETCH_SITE);
    if site.iter().any(|site| site != "none" && site != "same-origin") {
        return Err(foreign("`Sec-Fetch-Site`"));
    }
    Ok(())
}

/// Whether somebody follows a link, wherever it stands: what is shown is for them, and no page
/// can read it. No frame and no script gets that far.
fn is_navigation(headers: &HeaderMap) -> bool {
    let only = |name: HeaderName| {
        let mut given = headers.get_all(name).iter();
        given.next().filter(|_| given.next().is_none())
    };
    only(SEC_FETCH_MODE).is_some_and(|mode| mode == "navigate")
        && only(SEC_FETCH_DEST).is_some_and(|destination| destination == "document")
}

/// Whether a page's form is posted.
fn is_form(headers: &HeaderMap) -> bool {
    essence(headers).is_some_and(|essence| essence.eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}

/// Every browser says where a form comes from; whether that is here was looked at.
fn own_form(headers: &HeaderMap) -> Result<(), Failure> {
    if headers.contains_key(header::ORIGIN) { Ok(()) } else { Err(foreign("the missing `Origin`")) }
}

async fn pass(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let asked = Asked::of(&request);
    let wants_page = gate.audience == Audience::Admin && console::wants_page(&request);
    let response = match gate.check(&request) {
        Ok(()) => next.run(request).await,
        Err(failure) => {
            if gate.audience == Audience::Webhook {
                gate.metrics.notification(failure.code);
            }
            failure.into_response()
        }
    };
    gate.refusals.note(&asked, &response);
    if wants_page { console::for_people(response) } else { response }
}

fn certificate(request: &Request) -> Result<(), Failure> {
    if request.extensions().get::<Peer>().is_some_and(|peer| peer.has_certificate) {
        return Ok(());
    }
    let message = "a client certificate is needed, of an authority in `tls.clientCaFile`";
    Err(Failure {
        reason: "noCertificate",
        ..Failure::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    })
}

/// For which host a request is meant; none where it does not say so, as HTTP/1.0 allows.
fn host(request: &Request) -> Result<Option<Authority>, Failure> {
    let wrong = |message: &str| Failure::new(StatusCode::BAD_REQUEST, "invalid", message);
    let unreadable = || wrong("the `Host` of the request is not HOST or HOST:PORT");
    let mut given = request.headers().get_all(header::HOST).iter();
    let first = given.next();
    if given.next().is_some() {
        return Err(wrong("the request has more than one `Host`"));
    }
    let named = match first {
        Some(value) => Some(value.to_str().ok().and_then(Authority::parse).ok_or_else(unreadable)?),
        None => None,
    };
    // `GET http://HOST/PATH`, as a proxy is asked.
    let target = match request.uri().authority() {
        Some(target) => Some(Authority::parse(target.as_str()).ok_or_else(unreadable)?),
        None => None,
    };
    match (named, target) {
        (None, None) if request.version() == Version::HTTP_10 => Ok(None),
        (None, _) => Err(wrong("the request has no `Host`")),
        (Some(named), Some(target)) if named != target => {
            Err(wrong("the request's target and its `Host` are two different hosts"))
        }
        (Some(named), _) => Ok(Some(named)),
    }
}

fn misdirected(host: &Authority, names: &Names) -> Failure {
    let message = format!(
        "`{host}` is no name of this host: ask by IP address, as `localhost`, by the name of its Service ({}), or list \
         the name in the configuration, under `admin.hosts` (`hosts: [{host}]`)",
        names.of_service(),
        host = host.host,
    );
    Failure::new(StatusCode::MISDIRECTED_REQUEST, "misdirected", message)
}

fn foreign(header: &str) -> Failure {
    let message =
        format!("{header} says that a web page of another site sent this; programs send no such header");
    Failure::new(StatusCode::FORBIDDEN, "foreign", message)
}

/// Forms, and what a page may send unasked, have other content types, or none.
fn json(headers: &HeaderMap) -> Result<(), Failure> {
    if essence(headers).is_some_and(|essence| essence.eq_ignore_ascii_case("application/json")) {
        return Ok(());
    }
    let message = "a POST needs `Content-Type: application/json`, with a body or without; \
                   to curl add: -H 'Content-Type: application/json'";
    Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupportedMediaType", message))
}

/// The type of a request's content; none where there is more than one.
fn essence(headers: &HeaderMap) -> Option<&str> {
    let mut given = headers.get_all(header::CONTENT_TYPE).iter();
    let value = given.next().filter(|_| given.next().is_none())?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim())
}

#[cfg(test)]
mod tests;
