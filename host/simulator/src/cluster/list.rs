//! Lists, a page at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use suture_core::clock::{Timestamp, later};
use suture_core::effect::{Page, Query};
use suture_core::names::shortened;
use suture_core::object::Object;
use suture_core::selector::{FieldSelector, LabelSelector};
use suture_core::{Error, ObjectRef, Reason};

use super::builtin;
use super::state::State;
use super::verbs::metadata_only;

/// How long a list can be continued: what etcd keeps by default.
const KEPT_FOR: std::time::Duration = std::time::Duration::from_secs(5 * 60);
/// The most moments that are kept at a time.
const MOST_KEPT: usize = 64;

/// Moments of the cluster that lists can be continued from: all pages of a list show the
/// moment of its first.
#[derive(Clone, Debug, Default)]
pub struct Snapshots(BTreeMap<u64, Snapshot>);

#[derive(Clone, Debug)]
struct Snapshot {
    objects: Arc<BTreeMap<ObjectRef, Object>>,
    at: Timestamp,
}

/// Where a list goes on: at a version of the cluster, after an object. As in Kubernetes,
/// nothing in it says what was asked for.
struct Token {
    version: u64,
    namespace: String,
    name: String,
}

impl Token {
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('/');
        let (version, namespace, name) = (parts.next()?.parse().ok()?, parts.next()?, parts.next()?);
        let is_whole = parts.next().is_none() && !name.is_empty();
        is_whole.then(|| Self { version, namespace: namespace.to_owned(), name: name.to_owned() })
    }

    fn write(version: u64, last: &ObjectRef) -> String {
        format!("{version}/{}/{}", last.namespace.as_deref().unwrap_or_default(), last.name)
    }

    fn is_before(&self, reference: &ObjectRef) -> bool {
        (self.namespace.as_str(), self.name.as_str())
            < (reference.namespace.as_deref().unwrap_or_default(), reference.name.as_str())
    }
}

impl Snapshots {
    fn keep(&mut self, version: u64, snapshot: Snapshot) {
        // A list that is begun anew on an unchanged cluster can be continued from now on.
        let at = snapshot.at;
        let kept = self.0.entry(version).or_insert(snapshot);
        kept.at = kept.at.max(at);
        while self.0.len() > MOST_KEPT {
            self.0.pop_first();
        }
    }

    fn at(&mut self, token: &Token, now: Timestamp) -> Result<Snapshot, Error> {
        self.0.retain(|_, snapshot| later(snapshot.at, KEPT_FOR) >= now);
        self.0.get(&token.version).cloned().ok_or_else(|| {
            Error::new(Reason::EXPIRED, "the list is too old to be continued; begin anew without `next`")
        })
    }
}

impl State {
    /// One page of the objects of a kind.
    pub fn list(&mut self, query: &Query, now: Timestamp) -> Result<Page, Error> {
        let wanted = self.wanted(query)?;
        let limit = match query.limit {
            0 => Query::DEFAULT_LIMIT,
            limit => limit.min(Query::DEFAULT_LIMIT),
        };
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let token = query.next.as_deref().map(|text| self.token(text)).transpose()?;
        let (version, snapshot) = match &token {
            None => (self.store.version_number(), Snapshot { objects: self.store.objects.clone(), at: now }),
            Some(token) => (token.version, self.snapshots.at(token, now)?),
        };
        let is_new = |reference: &ObjectRef| token.as_ref().is_none_or(|token| token.is_before(reference));
        let mut found = snapshot
            .objects
            .iter()
            .filter(|(reference, object)| wanted.fits(reference, object) && is_new(reference));
        let page: Vec<(&ObjectRef, &Object)> = found.by_ref().take(limit).collect();
        let last = page.last().map(|(reference, _)| *reference).filter(|_| found.next().is_some());
        let next = last.map(|last| Token::write(version, last));
        let show = |object: &Object| if query.metadata_only { metadata_only(object) } else { object.clone() };
        let items = page.iter().map(|(_, object)| show(object)).collect();
        if next.is_some() {
            self.snapshots.keep(version, snapshot);
        }
        Ok(Page { items, next, resource_version: version.to_string() })
    }

    fn token(&self, text: &str) -> Result<Token, Error> {
        let token = Token::read(text).filter(|token| token.version <= self.store.version_number());
        token.ok_or_else(|| {
            let message = format!("`{}` does not continue any list; begin anew without it", shortened(text));
            Error::new(Reason::BAD_REQUEST, message)
        })
    }

    /// What is asked for, if it makes sense.
    fn wanted<'a>(&self, query: &'a Query) -> Result<Wanted<'a>, Error> {
        let info = self.store.info(&query.kind)?;
        if query.namespace.is_some() && !info.namespaced {
            let message = format!("`{}` have no namespace; list them without one", info.plural);
            return Err(Error::new(Reason::BAD_REQUEST, message));
        }
        let labels = LabelSelector::parse(&query.labels)?;
        let fields = FieldSelector::parse(&query.fields)?;
        let supported = builtin::selectable_fields(&query.kind);
        let known = |path: &str| {
            path == "metadata.name"
                || (path == "metadata.namespace" && info.namespaced)
                || supported.contains(&path)
        };
        if let Some(path) = fields.paths().find(|path| !known(path)) {
            let path = shortened(path);
            let message =
                format!("`{}` can't be selected by the field `{path}`; filter what is listed", info.plural);
            return Err(Error::new(Reason::BAD_REQUEST, message));
        }
        Ok(Wanted { query, labels, fields })
    }
}

/// Which objects are asked for.
struct Wanted<'a> {
    query: &'a Query,
    labels: LabelSelector,
    fields: FieldSelector,
}

impl Wanted<'_> {
    fn fits(&self, reference: &ObjectRef, object: &Object) -> bool {
        reference.kind == self.query.kind
            && (self.query.namespace.is_none() || reference.namespace == self.query.namespace)
            && self.labels.matches(object)
            && self.fields.matches(object)
    }
}
