//! What the run was allowed, as far as its record shows it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use futures::FutureExt;
use suture_core::effect::{ApiRequest, OnObject};
use suture_core::grant::{Access, Grant, PodGrant};
use suture_core::handler::Discovery;
use suture_core::{Effect, Glob, Mutation, Reason, Reply, Verb, promql};
use suture_engine::guard::NO_GRANT;

use super::pods::Uses;
use super::reconstruction::Reconstruction;
use crate::format::Scenario;
use suture_journal::Call;

/// One access, as grants see it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Need {
    group: String,
    resource: String,
    subresource: Option<String>,
    verb: &'static str,
    namespaced: bool,
    namespace: Option<String>,
    name: Option<String>,
}

/// What the run needed and had, and what it was denied.
pub(super) struct Grants {
    needs: BTreeSet<Need>,
    denied: Vec<Need>,
    uses: Uses,
    /// The metrics that it queried.
    metrics: BTreeSet<String>,
    /// Whether a query was denied.
    query_denied: bool,
}

impl Grants {
    pub fn of(calls: &[Call], reconstruction: &Reconstruction) -> Self {
        let mut grants = Self {
            needs: BTreeSet::new(),
            denied: Vec::new(),
            uses: Uses::default(),
            metrics: BTreeSet::new(),
            query_denied: false,
        };
        for call in calls {
            let lacked = call
                .error()
                .is_some_and(|error| error.reason == Reason::DENIED && error.message.contains(NO_GRANT));
            let denied = call.error().is_some_and(|error| error.reason == Reason::DENIED);
            if let Effect::Query { expression } | Effect::QueryRange { expression, .. } = &call.asked {
                match promql::selected(expression) {
                    Ok(metrics) if !denied => grants.metrics.extend(metrics),
                    Ok(_) | Err(_) => grants.query_denied |= denied,
                }
            }
            // A create has its name by now.
            let effect =
                if matches!(call.asked, Effect::Mutate { .. }) { call.effect() } else { &call.asked };
            for request in requests(effect, call) {
                let Some(need) = needed(&request, reconstruction) else { continue };
                match (denied, lacked) {
                    (_, true) => grants.denied.push(need),
                    (false, false) => _ = grants.needs.insert(need),
                    (true, false) => {}
                }
            }
            if let (Effect::Mutate { mutation, .. }, Some(Reply::Mutated(object))) = (effect, call.reply())
                && mutation.on_object() != OnObject::Deletes
            {
                grants.uses.add(Uses::of(object));
            }
        }
        // What had an error of another kind may be needed and denied at once.
        grants.denied.retain(|denied| !grants.needs.contains(denied));
        grants
    }

    /// Whether what a scenario grants by itself is enough, and no more than the run had.
    pub fn are_default(&self, text: &str) -> bool {
        let Ok(scenario) = Scenario::parse(text, Path::new("the export")) else { return true };
        let named = scenario.namespaces();
        let is_named = |need: &Need| {
            need.verb == "list"
                || !need.namespaced
                || need.namespace.as_ref().is_none_or(|namespace| named.contains(namespace))
        };
        self.denied.is_empty()
            && !self.query_denied
            && self.uses.is_empty()
            && self.needs.iter().all(is_named)
    }

    /// The narrowest grants that allow what the run did. Names are left open where nothing
    /// that was denied would be allowed by that.
    pub fn narrowest(&self) -> Vec<Grant> {
        let open = self.grants(false);
        let would_allow = |denied: &Need| open.iter().any(|grant| grant.allows(&denied.access()));
        if self.denied.iter().any(would_allow) { self.grants(true) } else { open }
    }

    fn grants(&self, with_names: bool) -> Vec<Grant> {
        let mut by_verb: BTreeMap<(String, String, &str), Scope> = BTreeMap::new();
        for need in &self.needs {
            let key = (need.group.clone(), need.access().full_resource(), need.verb);
            let scope = by_verb.entry(key).or_default();
            if need.namespaced {
                scope.namespaces.insert(need.namespace.clone().unwrap_or_else(|| "*".to_owned()));
            }
            let name = need.name.clone().filter(|_| with_names);
            scope.names.insert(name.unwrap_or_else(|| "*".to_owned()));
        }
        // The verbs of a resource that have the same scope are one grant.
        let mut merged: BTreeMap<(String, String, Scope), Vec<Verb>> = BTreeMap::new();
        for ((group, resource, verb), scope) in by_verb {
            merged.entry((group, resource, scope)).or_default().extend(verb.parse::<Verb>().ok());
        }
        let globs = |texts: &BTreeSet<String>| texts.iter().filter_map(|text| Glob::new(text).ok()).collect();
        let grant = |((group, resource, scope), verbs): ((String, String, Scope), Vec<Verb>)| Grant {
            names: globs(&scope.names),
            pods: if verbs.iter().any(|verb| matches!(verb, Verb::Create | Verb::Patch)) {
                self.uses.granted()
            } else {
                PodGrant::default()
            },
            ..Grant::of(vec![group], vec![resource], verbs, globs(&scope.namespaces))
        };
        let metrics: Vec<_> = globs(&self.metrics);
        let queries = Grant { metrics, ..Grant::of(Vec::new(), Vec::new(), Vec::new(), Vec::new()) };
        merged.into_iter().map(grant).chain(Some(queries).filter(Grant::is_of_metrics)).collect()
    }
}

/// Where a verb was needed, and for which objects.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Scope {
    namespaces: BTreeSet<String>,
    names: BTreeSet<String>,
}

impl Need {
    fn access(&self) -> Access<'_> {
        Access {
            group: &self.group,
            resource: &self.resource,
            subresource: self.subresource.as_deref(),
            verb: self.verb.parse().unwrap_or(Verb::Watch),
            namespace: self.namespace.as_deref(),
            namespaced: self.namespaced,
            name: self.name.as_deref(),
        }
    }
}

fn needed(request: &ApiRequest<'_>, reconstruction: &Reconstruction) -> Option<Need> {
    // What the cluster does not serve needs no grant: it is refused before.
    let resource = reconstruction.cluster.resource(request.kind).now_or_never()?.ok()?;
    let access = resource.access(request);
    Some(Need {
        group: access.group.to_owned(),
        resource: access.resource.to_owned(),
        subresource: access.subresource.map(str::to_owned),
        verb: access.verb.as_str(),
        namespaced: access.namespaced,
        namespace: access.namespace.map(str::to_owned),
        name: access.name.map(str::to_owned),
    })
}

/// What an effect took, and its undo.
fn requests<'a>(effect: &'a Effect, call: &Call) -> Vec<ApiRequest<'a>> {
    // What an apply changed, and did not make, is pinned by its uid.
    let is_pinned = |mutation: &Mutation| mutation.target().is_some_and(|target| target.uid.is_some());
    let (is_new, undo) = match effect {
        Effect::Mutate { mutation, undo } => (call.reply().is_some() && !is_pinned(mutation), undo.as_ref()),
        _ => (false, None),
    };
    let mut requests = effect.requests(is_new);
    requests.extend(undo.into_iter().flat_map(|undo| undo.requests(false)));
    requests
}
