//! Many objects of a kind.

use std::marker::PhantomData;

use super::Resource;
use super::reference::{kind, read};
use crate::Result;
use crate::host::{self, Query};

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

    /// Read them, page after page, to the last.
    ///
    /// # Errors
    /// What the host says of any page.
    pub fn read(self) -> Result<Vec<T>> {
        let mut query = self.query;
        let mut objects = Vec::new();
        loop {
            let page = host::call(|host| host.list(&query))?;
            for item in &page.items {
                objects.push(read(item, T::KIND)?);
            }
            query.next = page.next;
            if query.next.is_none() {
                return Ok(objects);
            }
        }
    }
}

fn append(selector: &mut String, more: &str) {
    if !selector.is_empty() {
        selector.push(',');
    }
    selector.push_str(more);
}
