//! What a call asks of the API server, as authorization sees it.

use super::{Effect, Target};
use crate::grant::Verb;
use crate::object::Kind;

/// One request: what a grant, or RBAC, must allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiRequest<'a> {
    /// What is done.
    pub verb: Verb,
    /// The kind of the object.
    pub kind: &'a Kind,
    /// None for all namespaces, or where the kind has none.
    pub namespace: Option<&'a str>,
    /// The object; none for a list, and empty where the host has yet to choose a name.
    pub name: Option<&'a str>,
    /// The subresource, if any.
    pub subresource: Option<&'a str>,
}

impl<'a> ApiRequest<'a> {
    /// Something that is done to one object.
    pub fn on(verb: Verb, target: &'a Target) -> Self {
        let Target { kind, namespace, name, subresource, uid: _ } = target;
        let (namespace, subresource) = (namespace.as_deref(), subresource.as_deref());
        Self { verb, kind, namespace, name: Some(name), subresource }
    }
}

impl Effect {
    /// What it takes to perform it; nothing, where the API server is not asked. An undo is another
    /// mutation. `is_new` says of an apply whether its object is not there yet.
    pub fn requests(&self, is_new: bool) -> Vec<ApiRequest<'_>> {
        match self {
            Self::Get { target } => vec![ApiRequest::on(Verb::Get, target)],
            // The whole object is watched.
            Self::Wait { target, .. } => {
                vec![ApiRequest { subresource: None, ..ApiRequest::on(Verb::Get, target) }]
            }
            Self::Logs { pod, .. } => {
                vec![ApiRequest { subresource: Some("log"), ..ApiRequest::on(Verb::Get, pod) }]
            }
            Self::List(query) => vec![ApiRequest {
                verb: Verb::List,
                kind: &query.kind,
                namespace: query.namespace.as_deref(),
                name: None,
                subresource: None,
            }],
            Self::Mutate { mutation, .. } => mutation.requests(is_new),
            Self::Settle { .. }
            | Self::Exclusive { .. }
            | Self::Query { .. }
            | Self::QueryRange { .. }
            | Self::Alerts
            | Self::Now
            | Self::Sleep { .. }
            | Self::Log { .. }
            | Self::Step { .. } => Vec::new(),
        }
    }

    /// What it takes to prepare it: a look at what it is to change, or to wait for.
    pub fn request_to_prepare(&self) -> Option<ApiRequest<'_>> {
        match self {
            Self::Wait { target, .. } => Some(target),
            Self::Mutate { mutation, .. } => mutation.target(),
            Self::Get { .. }
            | Self::List(_)
            | Self::Settle { .. }
            | Self::Logs { .. }
            | Self::Exclusive { .. }
            | Self::Query { .. }
            | Self::QueryRange { .. }
            | Self::Alerts
            | Self::Now
            | Self::Sleep { .. }
            | Self::Log { .. }
            | Self::Step { .. } => None,
        }
        .map(|target| ApiRequest { subresource: None, ..ApiRequest::on(Verb::Get, target) })
    }
}
