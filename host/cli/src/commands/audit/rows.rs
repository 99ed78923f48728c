//! All rows of a trail, oldest first, a page at a time.

use std::collections::VecDeque;

use serde_json::Value;
use suture_journal::{AuditFilter, Filter};

use crate::error::CliError;
use crate::records::Records;

/// Reads them.
pub struct Rows<'a> {
    records: &'a Records,
    /// The page that follows; none after the last.
    next: Option<AuditFilter>,
    read: VecDeque<Value>,
    damaged: Vec<String>,
}

impl<'a> Rows<'a> {
    /// Those that a filter admits.
    pub fn of(records: &'a Records, filter: AuditFilter) -> Self {
        let next = AuditFilter { oldest_first: Some(true), limit: Some(Filter::MAX_LIMIT), ..filter };
        Self { records, next: Some(next), read: VecDeque::new(), damaged: Vec::new() }
    }

    /// The next row; none after the last.
    ///
    /// # Errors
    /// Where it can't be read.
    pub async fn next(&mut self) -> Result<Option<Value>, CliError> {
        while self.read.is_empty()
            && let Some(filter) = self.next.take()
        {
            let page = self.records.audit(&filter).await?.page;
            if page.next.is_some() && page.next == filter.after {
                return Err(CliError::internal("the host says that a page follows itself"));
            }
            self.read.extend(page.items);
            self.damaged.extend(page.damaged);
            self.next = page.next.map(|next| AuditFilter { after: Some(next), ..filter });
        }
        Ok(self.read.pop_front())
    }

    /// What could not be read so far: a sentence for each row.
    pub fn damaged(&self) -> &[String] {
        &self.damaged
    }
}
