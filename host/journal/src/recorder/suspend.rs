//! A run whose record can't be written: nothing is done that is not written down, so it is suspended
//! until there is room on the disk again.

use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use suture_core::Halt;

use super::Recorder;
use crate::entry::Entry;
use crate::error::JournalError;
use crate::log::Durability;
use crate::observer::Observer;

/// The pause between two tries.
const RETRY: Duration = Duration::from_secs(1);

/// How an entry came to its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// As it was asked.
    AtOnce,
    /// After the run was suspended: what was looked at before may be otherwise by now.
    Late,
}

/// What the journal is asked for until it can do it. Tells the observer when that is over, however
/// it ends.
pub(super) struct Suspension<'a> {
    observer: Option<&'a dyn Observer>,
    has_begun: bool,
}

impl Suspension<'_> {
    fn written(&self) -> Written {
        if self.has_begun { Written::Late } else { Written::AtOnce }
    }
}

impl Drop for Suspension<'_> {
    fn drop(&mut self) {
        if let Some(observer) = self.observer.filter(|_| self.has_begun) {
            observer.suspended(false);
        }
    }
}

impl Recorder {
    /// Add an entry to the record, as soon as that is possible.
    ///
    /// # Errors
    /// The host stops meanwhile, or it will never be possible.
    pub(super) async fn append(&self, entry: &Entry, durability: Durability) -> Result<Written, Halt> {
        let mut suspension = self.suspension();
        loop {
            match self.log.append(entry.clone(), durability).await {
                Ok(()) => return Ok(suspension.written()),
                Err(error) => self.suspend(&mut suspension, error).await?,
            }
        }
    }

    /// All of the record, as soon as it can be read.
    ///
    /// # Errors
    /// As of [`append`](Self::append).
    pub(super) async fn entries(&self) -> Result<Vec<Entry>, Halt> {
        let mut suspension = self.suspension();
        loop {
            match self.log.entries().await {
                Ok(entries) => return Ok(entries),
                Err(error) => self.suspend(&mut suspension, error).await?,
            }
        }
    }

    fn suspension(&self) -> Suspension<'_> {
        Suspension { observer: self.observer.as_deref(), has_begun: false }
    }

    /// Wait a while after an error that may pass.
    async fn suspend(&self, suspension: &mut Suspension<'_>, error: JournalError) -> Result<(), Halt> {
        if !error.may_pass() {
            return Err(Halt::Journal(error.to_string()));
        }
        if !std::mem::replace(&mut suspension.has_begun, true) {
            tracing::debug!(run = %self.run, %error, "suspended until the journal can be used");
            if let Some(observer) = suspension.observer {
                observer.suspended(true);
            }
        }
        match select(self.clock.sleep(RETRY), pin!(self.cancel.host_stops())).await {
            Either::Left(_) => Ok(()),
            Either::Right(_) => Err(Halt::Shutdown),
        }
    }
}
