//! Many objects of a kind.

use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::reference::{kind, read};
use super::{Metadata, ObjectName, Resource};
use crate::host::{self, Query};
use crate::{Error, Result};

/// How often a list is begun that expires before it is read.
const TRIES: u32 = 5;

/// Some objects of a kind, in all namespaces that the grants allow unless
/// [`in_namespace`](List::in_namespace) says which.
pub fn list<T: Resource>() -> List<T> {
    let query = Query {
        kind: kind::<T>(),
        namespace: None,
        labels: String::new(),
        fields: String::new(),
        limit: 0,
        next: None,
        metadata_only: false,
    };
    List { query, kind: PhantomData }
}

/// A list that has not been read yet.
#[must_use = "nothing happens before `read`"]
pub struct List<T> {
    query: Query,
    kind: PhantomData<T>,
}

impl<T: Resource> List<T> {
    /// Only in this namespace.
    pub fn in_namespace(mut self, namespace: &str) -> Self {
        self.query.namespace = Some(namespace.to_owned());
        self
    }

    /// Only those with this label. Said again: with all of them.
    pub fn with_label(mut self, name: &str, value: &str) -> Self {
        append(&mut self.query.labels, &format!("{name}={value}"));
        self
    }

    /// Only those that a label selector selects, as kubectl takes it.
    pub fn labels(mut self, selector: &str) -> Self {
        append(&mut self.query.labels, selector);
        self
    }

    /// Only those that a field selector selects (`metadata.name=x`).
    pub fn fields(mut self, selector: &str) -> Self {
        append(&mut self.query.fields, selector);
        self
    }

    /// Ask for so many at a time: of large objects, a page may be larger than one call is
    /// allowed to be.
    pub fn pages_of(mut self, objects: u32) -> Self {
        self.query.limit = objects;
        self
    }

    /// Read them, page after page, to the last. Where so much has changed meanwhile that the list can't
    /// be continued, it is begun anew.
    ///
    /// # Errors
    /// What the host says of any page; `Expired` where it expires again and again.
    pub fn read(self) -> Result<Vec<T>> {
        all(self.query)
    }

    /// Read their metadata alone: much less, of large objects.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_metadata(self) -> Result<Vec<Metadata>> {
        let objects: Vec<MetadataOnly> = all(Query { metadata_only: true, ..self.query })?;
        Ok(objects.into_iter().map(|object| object.metadata).collect())
    }
}

/// What stands in an object of which only the metadata was asked for.
#[derive(Deserialize)]
struct MetadataOnly {
    metadata: Metadata,
}

fn all<T: DeserializeOwned>(mut query: Query) -> Result<Vec<T>> {
    let about = |query: &Query| ObjectName::from(query);
    let (mut objects, mut begun) = (Vec::new(), 1);
    loop {
        let page = match host::call(|host| host.list(&query))
            .map_err(|error| Error::from(error).about(about(&query)))
        {
            Ok(page) => page,
            Err(error) if error.is_expired() && query.next.is_some() && begun < TRIES => {
                begun += 1;
                objects.clear();
                query.next = None;
                continue;
            }
            Err(error) => return Err(error),
        };
        for item in &page.items {
            objects.push(read(item, || about(&query))?);
        }
        query.next = page.next;
        if query.next.is_none() {
            return Ok(objects);
        }
    }
}

fn append(selector: &mut String, more: &str) {
    if !selector.is_empty() {
        selector.push(',');
    }
    selector.push_str(more);
}
