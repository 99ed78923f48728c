//! What is at work for a client.

use std::collections::HashMap;

use tokio::task::{AbortHandle, Id, JoinError, JoinSet};

use super::Over;

/// The questions of a connection that have no answer yet. All end with it.
#[derive(Default)]
pub struct Work {
    tasks: JoinSet<()>,
    at_work: HashMap<u64, AbortHandle>,
    ids: HashMap<Id, u64>,
}

impl Work {
    pub fn begin(&mut self, id: u64, work: impl Future<Output = ()> + Send + 'static) {
        let handle = self.tasks.spawn(work);
        self.ids.insert(handle.id(), id);
        self.at_work.insert(id, handle);
    }

    pub fn cancel(&mut self, id: u64) {
        if let Some(handle) = self.at_work.get(&id) {
            handle.abort();
        }
    }

    pub fn has(&self, id: u64) -> bool {
        self.at_work.contains_key(&id)
    }

    pub fn len(&self) -> usize {
        self.at_work.len()
    }

    /// Wait until one has ended; none where nothing is at work. May be dropped, and begun anew.
    pub async fn next(&mut self) -> Option<Result<(), Over>> {
        let ended = self.tasks.join_next_with_id().await?;
        Some(self.ended(ended))
    }

    fn ended(&mut self, ended: Result<(Id, ()), JoinError>) -> Result<(), Over> {
        let task = match &ended {
            Ok((task, ())) => *task,
            Err(error) => error.id(),
        };
        if let Some(id) = self.ids.remove(&task) {
            self.at_work.remove(&id);
        }
        match ended {
            Err(error) if error.is_panic() => {
                Err(Over::Refused("the simulated cluster failed inside".to_owned()))
            }
            _ => Ok(()),
        }
    }
}
