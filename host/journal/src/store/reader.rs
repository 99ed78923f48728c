//! The threads that read, so that no async worker waits for the disk.

use std::path::Path;
use std::sync::{Arc, mpsc};

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::open;
use crate::error::JournalError;

const THREADS: usize = 2;

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// Some threads with a connection each. They end when this is dropped.
pub(super) struct Readers(mpsc::Sender<Job>);

impl Readers {
    pub fn start(path: &Path) -> Result<Self, JournalError> {
        let (sender, receiver) = mpsc::channel::<Job>();
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..THREADS {
            let connection = open::for_reading(path)?;
            let receiver = receiver.clone();
            let work = move || {
                loop {
                    let job = receiver.lock().recv();
                    match job {
                        Ok(job) => job(&connection),
                        Err(mpsc::RecvError) => return,
                    }
                }
            };
            std::thread::Builder::new()
                .name("journal-reader".into())
                .spawn(work)
                .map_err(|error| JournalError::NoThread(Arc::new(error)))?;
        }
        Ok(Self(sender))
    }

    /// Run a query on one of the threads.
    pub async fn run<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> T + Send + 'static,
    ) -> Result<T, JournalError> {
        let gone = || JournalError::NoReaders;
        let (done, answer) = oneshot::channel();
        let job = move |connection: &Connection| {
            let _ = done.send(query(connection));
        };
        self.0.send(Box::new(job)).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())
    }
}
