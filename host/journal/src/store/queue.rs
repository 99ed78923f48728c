//! What waits to be written.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::row::Row;
use crate::error::JournalError;
use crate::log::Durability;

/// How long lazy changes may stay in memory.
const PATIENCE: Duration = Duration::from_millis(500);
/// What may wait, in KiB; whoever brings more waits for room.
const ROOM: usize = 64 * 1024;
/// From so much on, in KiB, lazy changes are written although nobody waits for them.
const PLENTY: usize = ROOM / 4;

/// One commit that is asked for, or other work for the writer's connection.
pub(super) struct Request {
    pub work: Work,
    /// Who waits for it; nobody where it is lazy.
    pub done: Option<oneshot::Sender<Result<(), JournalError>>>,
    size: usize,
    _room: Option<OwnedSemaphorePermit>,
}

pub(super) enum Work {
    /// All or none of them.
    Rows(Vec<Row>),
    /// After the rows that were asked for before.
    Job(Box<dyn FnOnce(&mut Connection) + Send>),
}

/// Between those who commit and the thread that writes.
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    room: Arc<Semaphore>,
}

#[derive(Default)]
struct State {
    requests: VecDeque<Request>,
    kibibytes: usize,
    /// Since when the oldest waits.
    since: Option<Instant>,
    /// Somebody waits for one of them.
    is_urgent: bool,
    /// The writer is at work on what it took.
    is_busy: bool,
    is_closed: bool,
}

/// What the writer is to do next.
pub(super) struct Batch {
    pub requests: Vec<Request>,
    /// Nothing comes after this.
    pub is_last: bool,
}

impl Queue {
    pub fn new() -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), room: Arc::new(Semaphore::new(ROOM)) }
    }

    /// Ask for rows to be written. `Err` where the queue is closed.
    pub async fn rows(
        &self,
        rows: Vec<Row>,
        durability: Durability,
    ) -> Result<Option<oneshot::Receiver<Result<(), JournalError>>>, Closed> {
        let size = rows.iter().map(Row::size).sum::<usize>().div_ceil(1024).clamp(1, ROOM);
        let room = self.room.clone().acquire_many_owned(u32::try_from(size).unwrap_or(u32::MAX)).await;
        let room = room.map_err(|_| Closed)?;
        let (done, answer) = match durability {
            Durability::Lazy => (None, None),
            Durability::Synced => {
                let (done, answer) = oneshot::channel();
                (Some(done), Some(answer))
            }
        };
        self.push(Request { work: Work::Rows(rows), done, size, _room: Some(room) })?;
        Ok(answer)
    }

    /// Ask for other work, of which nobody is told.
    pub fn job(&self, job: Box<dyn FnOnce(&mut Connection) + Send>) -> Result<(), Closed> {
        self.push_urgent(Request { work: Work::Job(job), done: None, size: 0, _room: None }, true)
    }

    /// To be told when all that waits now, and what is being written, is done. `None`
    /// where there is nothing.
    pub fn barrier(&self) -> Option<oneshot::Receiver<Result<(), JournalError>>> {
        {
            let state = self.state.lock();
            if state.requests.is_empty() && !state.is_busy {
                return None;
            }
        }
        let (done, answer) = oneshot::channel();
        self.push(Request { work: Work::Rows(vec![]), done: Some(done), size: 0, _room: None }).ok()?;
        Some(answer)
    }

    fn push(&self, request: Request) -> Result<(), Closed> {
        let is_urgent = request.done.is_some();
        self.push_urgent(request, is_urgent)
    }

    fn push_urgent(&self, request: Request, is_urgent: bool) -> Result<(), Closed> {
        let mut state = self.state.lock();
        if state.is_closed {
            return Err(Closed);
        }
        let was_empty = state.requests.is_empty();
        state.kibibytes += request.size;
        state.requests.push_back(request);
        let was_urgent = state.is_urgent;
        state.is_urgent |= is_urgent || state.kibibytes > PLENTY;
        if was_empty {
            state.since = Some(Instant::now());
        }
        // The writer has to be told of the first of each, not of every one.
        let is_news = was_empty || state.is_urgent != was_urgent;
        drop(state);
        if is_news {
            self.changed.notify_one();
        }
        Ok(())
    }

    /// All that is to be written next; waits until there is something. `retry` bounds
    /// the waiting, for what could not be written before.
    pub fn take(&self, retry: Option<Duration>) -> Batch {
        let deadline = retry.map(|retry| Instant::now() + retry);
        let mut state = self.state.lock();
        state.is_busy = false;
        loop {
            let patience = state.since.map(|since| since + PATIENCE);
            let until = [deadline, patience].into_iter().flatten().min();
            let is_due = until.is_some_and(|until| until <= Instant::now());
            if state.is_urgent || state.is_closed || is_due {
                break;
            }
            match until {
                Some(until) => drop(self.changed.wait_until(&mut state, until)),
                None => self.changed.wait(&mut state),
            }
        }
        let State { requests, is_closed, .. } = std::mem::take(&mut *state);
        state.is_closed = is_closed;
        state.is_busy = true;
        Batch { requests: requests.into(), is_last: is_closed }
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.state.lock().requests.len()
    }

    /// Take nothing more.
    pub fn close(&self) {
        self.state.lock().is_closed = true;
        self.room.close();
        self.changed.notify_one();
    }
}

/// The journal is closed.
#[derive(Debug)]
pub(super) struct Closed;
