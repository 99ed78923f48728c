//! Sweeping on a schedule.

use std::sync::Arc;

use suture_core::{Clock, Timestamp};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Shared;
use crate::config::{Loaded, Sweep};

/// The schedules of a host's policies. They end when this is dropped.
pub(crate) struct Schedules {
    task: JoinHandle<()>,
    news: mpsc::UnboundedSender<Vec<Entry>>,
}

/// When a policy is swept.
#[derive(Clone, Debug)]
struct Entry {
    policy: String,
    sweep: Sweep,
    next: Option<Timestamp>,
}

impl Schedules {
    /// Begin with nothing scheduled.
    pub fn start(sweeper: Shared, clock: Arc<dyn Clock>) -> Self {
        let (news, newer) = mpsc::unbounded_channel();
        Self { task: tokio::spawn(run(sweeper, clock, newer)), news }
    }

    /// What tells of the schedules of another configuration.
    pub fn teller(&self) -> impl Fn(&Loaded) + Send + Sync + use<> {
        let news = self.news.clone();
        move |loaded| {
            let _ = news.send(entries(loaded));
        }
    }
}

impl Drop for Schedules {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn entries(loaded: &Loaded) -> Vec<Entry> {
    let entry = |entry: &crate::config::PolicyEntry| {
        let sweep = entry.sweep.as_ref()?.value.clone();
        Some(Entry { policy: entry.name.value.clone(), sweep, next: None })
    };
    loaded.config.policies.iter().filter_map(|policy| entry(&policy.value)).collect()
}

/// One sweep at a time, so none overlaps another of its policy. A time that passes meanwhile,
/// or while the host was down, is not made up for: what fires still does so at the next.
async fn run(sweeper: Shared, clock: Arc<dyn Clock>, mut news: mpsc::UnboundedReceiver<Vec<Entry>>) {
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let now = clock.now();
        for entry in &mut entries {
            if entry.next.is_none_or(|next| next <= now) {
                entry.next = entry.sweep.next(now);
            }
        }
        let next = entries.iter().filter_map(|entry| entry.next).min();
        let due = async {
            match next {
                Some(at) => clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            newer = news.recv() => match newer {
                Some(newer) => entries = newer,
                None => return,
            },
            () = due => {
                let now = clock.now();
                let is_due = |entry: &&Entry| entry.next.is_some_and(|next| next <= now);
                for Entry { policy, .. } in entries.iter().filter(is_due) {
                    let swept = sweeper.sweep(policy, false).await;
                    if let Err(error) = swept {
                        tracing::warn!(policy, %error, "a sweep failed; the next time of its schedule tries again");
                    }
                }
            }
        }
    }
}
