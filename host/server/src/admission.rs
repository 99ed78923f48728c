//! Who may ask what of the admin address.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use parking_lot::RwLock;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use suture_core::Digest;
use suture_journal::Credential;

use crate::audit::{Asked, Trail};
use crate::basic::Basic;
use crate::config::{Person, Role};
use crate::failure::Failure;
use crate::listener::Peer;
use crate::right::{Caller, Right};
use crate::token::{Token, bearer};

/// Who is known at the admin address, and by what.
pub(crate) struct Admission {
    /// The token of `admin.tokenFile`.
    admin: Option<Token>,
    /// The name and password of `admin.basicAuth`, which may do what that token may.
    basic: Option<Basic>,
    /// The token of `admin.metricsTokenFile`.
    metrics: Option<Token>,
    /// Those with tokens of their own.
    people: RwLock<Vec<Known>>,
    /// Whether a token is needed even where there are no people any more: the address may be one
    /// that others reach.
    is_closed: bool,
}

struct Known {
    digest: [u8; 32],
    caller: Caller,
}

/// Somebody who was known by a secret. Whoever gets another one is somebody else from then on.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    name: String,
    by: [u8; 32],
}

impl Identity {
    pub fn new(name: &str, by: [u8; 32]) -> Self {
        Self { name: name.to_owned(), by }
    }

    /// What the log calls them.
    #[cfg(test)]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// What the log calls who has the token of `admin.tokenFile`.
const ADMIN: &str = "admin";

/// What a route asks of whoever calls it.
#[derive(Clone)]
pub(crate) struct Gate {
    pub admission: Arc<Admission>,
    pub right: Right,
    /// What the route does, by its name; none where it only shows something.
    pub act: Option<Arc<str>>,
}

/// Let pass who has the right, and tell the route who it is. What somebody does, or may not do, becomes a row
/// of the audit trail here.
pub(crate) async fn admit(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let Some(caller) = gate.admission.caller(request.headers()).await else {
        return Failure::unauthorized(request.headers(), gate.admission.basic.is_some()).into_response();
    };
    if let Some(peer) = request.extensions().get::<Peer>() {
        peer.trust();
    }
    let trail = request.extensions().get::<Arc<Trail>>().cloned();
    let asked = gate.act.map(|what| Asked::of(what, &request));
    let may = caller.require(gate.right);
    request.extensions_mut().insert(caller.clone());
    let mut response = match (may, asked, trail) {
        (Ok(()), None, _) => next.run(request).await,
        (Ok(()), Some(asked), Some(trail)) => trail.perform(asked, caller.clone(), request, next).await,
        (Ok(()), Some(_), None) => Failure::internal("there is no audit trail").into_response(),
        (Err(failure), asked, trail) => {
            if let (Some(asked), Some(trail)) = (asked, trail) {
                trail.refuse(&asked, &caller, &failure).await;
            }
            failure.into_response()
        }
    };
    // Who was answered, for whoever writes down what was refused.
    response.extensions_mut().insert(caller);
    response
}

impl Admission {
    /// Without a token and people everybody who reaches the address may do everything.
    pub fn new(
        admin: Option<Token>,
        basic: Option<Basic>,
        metrics: Option<Token>,
        people: &[Person],
    ) -> Self {
        let is_closed = admin.is_some() || basic.is_some() || !people.is_empty();
        Self { admin, basic, metrics, people: RwLock::new(known(people)), is_closed }
    }

    /// Know other people from now on.
    pub fn replace(&self, people: &[Person]) {
        *self.people.write() = known(people);
    }

    /// Whether nobody is asked who they are: everybody is anonymous.
    fn is_open(&self) -> bool {
        !self.is_closed && self.people.read().is_empty()
    }

    /// Who somebody is, beyond this request; none who are anonymous, or have the token for metrics.
    pub async fn identity(&self, caller: &Caller) -> Option<Identity> {
        if self.is_open() {
            return None;
        }
        if caller.name() == ADMIN {
            return Some(Identity::new(ADMIN, self.secrets_of_admin().await));
        }
        let people = self.people.read();
        let known = people.iter().find(|known| known.caller.name() == caller.name())?;
        Some(Identity::new(caller.name(), known.digest))
    }

    /// Somebody with the rights that they have now; none where they are known by that no longer.
    pub async fn member(&self, identity: &Identity) -> Option<Caller> {
        if self.is_open() {
            return None;
        }
        if identity.name == ADMIN {
            let is_it = (self.admin.is_some() || self.basic.is_some())
                && bool::from(self.secrets_of_admin().await.ct_eq(&identity.by));
            return is_it.then(|| Caller::new(ADMIN, Credential::Session, [Role::Admin]));
        }
        let people = self.people.read();
        let known = people.iter().find(|known| known.caller.name() == identity.name)?;
        bool::from(known.digest.ct_eq(&identity.by)).then(|| known.caller.by_session())
    }

    /// What the administrator is known by, as one digest.
    async fn secrets_of_admin(&self) -> [u8; 32] {
        let mut all = Vec::new();
        if let Some(admin) = &self.admin {
            all.extend(admin.fingerprint().await);
        }
        if let Some(basic) = &self.basic {
            all.extend(basic.fingerprint());
        }
        *Digest::of(&all).bytes()
    }

    /// Who sends a request.
    pub async fn caller(&self, headers: &HeaderMap) -> Option<Caller> {
        if self.is_open() {
            return Some(Caller::new("anonymous", Credential::Anonymous, [Role::Admin]));
        }
        let admin = |by| Some(Caller::new(ADMIN, by, [Role::Admin]));
        if self.basic.as_ref().is_some_and(|basic| basic.admits(headers)) {
            return admin(Credential::BasicAuth);
        }
        if let Some(token) = &self.admin
            && token.admits(headers).await
        {
            return admin(Credential::AdminToken);
        }
        if let Some(metrics) = &self.metrics
            && metrics.admits(headers).await
        {
            return Some(Caller::metrics());
        }
        self.person(bearer(headers)?)
    }

    /// Whose token it is. All are compared, whichever it is.
    fn person(&self, token: &str) -> Option<Caller> {
        let offered = *Digest::of(token.as_bytes()).bytes();
        let people = self.people.read();
        let mut found = u32::MAX;
        for (index, known) in (0_u32..).zip(people.iter()) {
            let is_it: Choice = known.digest.ct_eq(&offered);
            found.conditional_assign(&index, is_it);
        }
        let found = usize::try_from(found).ok()?;
        people.get(found).map(|known| known.caller.afresh())
    }
}

fn known(people: &[Person]) -> Vec<Known> {
    let known = |person: &Person| Known {
        digest: *person.token_hash.value.bytes(),
        caller: Caller::new(&person.name.value, Credential::Token, person.roles.value.iter().copied()),
    };
    people.iter().map(known).collect()
}
