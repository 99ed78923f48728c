//! Lists, a page at a time.

use std::collections::BTreeMap;

use suture_core::clock::{Timestamp, later};
use suture_core::effect::{Page, Query};
use suture_core::names::shortened;
use suture_core::object::Object;
use suture_core::selector::{FieldSelector, LabelSelector};
use suture_core::{Error, Reason};

use super::builtin;
use super::state::State;
use super::verbs::metadata_only;

/// How long a list can be continued: what etcd keeps by default.
const KEPT_FOR: std::time::Duration = std::time::Duration::from_secs(5 * 60);
/// The most lists that can be continued at a time.
const MOST_KEPT: usize = 64;

/// Lists that somebody may want to go on with: all of their pages show one moment.
#[derive(Debug, Default)]
pub struct Snapshots {
    kept: BTreeMap<u64, Snapshot>,
    taken: u64,
}

#[derive(Clone, Debug)]
struct Snapshot {
    /// The query of the first page.
    query: Query,
    items: Vec<Object>,
    version: String,
    at: Timestamp,
}

impl Snapshots {
    fn keep(&mut self, snapshot: Snapshot) -> u64 {
        self.taken += 1;
        self.kept.insert(self.taken, snapshot);
        while self.kept.len() > MOST_KEPT {
            self.kept.pop_first();
        }
        self.taken
    }

    /// The list that a token goes on with, and where.
    fn continued(&mut self, token: &str, now: Timestamp) -> Result<(u64, usize, Snapshot), Error> {
        let unreadable = || {
            let token = shortened(token);
            Error::new(
                Reason::BAD_REQUEST,
                format!("`{token}` does not continue any list; begin anew without it"),
            )
        };
        let (id, offset) = token.split_once('-').ok_or_else(unreadable)?;
        let (id, offset): (u64, usize) =
            (id.parse().map_err(|_| unreadable())?, offset.parse().map_err(|_| unreadable())?);
        if id == 0 || id > self.taken {
            return Err(unreadable());
        }
        self.kept.retain(|_, snapshot| later(snapshot.at, KEPT_FOR) >= now);
        let expired =
            || Error::new(Reason::EXPIRED, "the list is too old to be continued; begin anew without `next`");
        let snapshot = self.kept.get(&id).ok_or_else(expired)?;
        if offset > snapshot.items.len() {
            return Err(unreadable());
        }
        Ok((id, offset, snapshot.clone()))
    }
}

impl State {
    /// One page of the objects of a kind.
    pub fn list(&mut self, query: &Query, now: Timestamp) -> Result<Page, Error> {
        let limit = match query.limit {
            0 => Query::DEFAULT_LIMIT,
            limit => limit.min(Query::DEFAULT_LIMIT),
        };
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let (id, offset, snapshot) = match &query.next {
            None => (None, 0, self.snapshot(query, now)?),
            Some(token) => {
                let (id, offset, snapshot) = self.snapshots.continued(token, now)?;
                let asked = Query { next: None, limit: 0, ..query.clone() };
                if asked != snapshot.query {
                    let message = "`next` belongs to another query; begin this one without it";
                    return Err(Error::new(Reason::BAD_REQUEST, message));
                }
                (Some(id), offset, snapshot)
            }
        };
        let end = offset.saturating_add(limit).min(snapshot.items.len());
        let mut page = Page {
            items: snapshot.items[offset..end].to_vec(),
            next: None,
            resource_version: snapshot.version.clone(),
        };
        if end < snapshot.items.len() {
            let id = id.unwrap_or_else(|| self.snapshots.keep(snapshot));
            page.next = Some(format!("{id}-{end}"));
        }
        if query.metadata_only {
            page.items = page.items.iter().map(metadata_only).collect();
        }
        Ok(page)
    }

    fn snapshot(&self, query: &Query, now: Timestamp) -> Result<Snapshot, Error> {
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
        let items = self.store.objects.iter().filter(|(reference, object)| {
            reference.kind == query.kind
                && (query.namespace.is_none() || reference.namespace == query.namespace)
                && labels.matches(object)
                && fields.matches(object)
        });
        Ok(Snapshot {
            query: Query { next: None, limit: 0, ..query.clone() },
            items: items.map(|(_, object)| object.clone()).collect(),
            version: self.store.version(),
            at: now,
        })
    }
}
