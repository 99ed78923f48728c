//! What is to be done, and when.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use suture_core::Timestamp;
use suture_simulator::alertmanager::Flushed;

/// What is to be done at a time.
#[derive(Debug)]
pub(super) enum Task {
    Evaluate,
    Judge,
    /// Somebody looks at what waits for approval.
    Decide,
    Flush(usize),
    Deliver(Box<Delivery>),
    /// It arrived, after a delay.
    Answered(Box<Delivery>),
    Happen(usize),
    End(Over),
}

/// A notification on its way.
#[derive(Debug)]
pub(super) struct Delivery {
    /// The Alertmanager.
    pub from: usize,
    /// Which of its lives.
    pub life: u32,
    pub flushed: Flushed,
    /// The pause before the next try.
    pub backoff: Duration,
    /// When it is given up.
    pub until: Timestamp,
}

/// What is over.
#[derive(Clone, Copy, Debug)]
pub(super) enum Over {
    Prometheus,
    ScrapeGap(usize),
    Down(usize),
    Alertmanager(usize),
    Gossip,
    WebhooksLost,
    AnswersLost,
    Slow(usize),
    HostAway,
    Api,
    Paused,
    Held,
    Reloaded,
    Asked(usize),
    Trouble,
}

/// Tasks in the order of their times; those of one time in the order in which they were entered.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    order: BinaryHeap<Reverse<(Timestamp, u64)>>,
    tasks: BTreeMap<u64, Task>,
    next: u64,
}

impl Agenda {
    /// Enter a task.
    pub fn enter(&mut self, at: Timestamp, task: Task) {
        self.next += 1;
        self.order.push(Reverse((at, self.next)));
        self.tasks.insert(self.next, task);
    }

    /// Take the next task out.
    pub fn take_next(&mut self) -> Option<(Timestamp, Task)> {
        let Reverse((at, number)) = self.order.pop()?;
        Some((at, self.tasks.remove(&number)?))
    }
}
