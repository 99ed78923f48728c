//! How a host comes to be the one that acts, and ceases to be it.

use suture_cluster::live::lease::{self, Candidate, LeaseOptions, Lost, Standing, Tenure};
use suture_engine::Metrics;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::assemble::Host;
use crate::config::{ClusterConfig, Loaded};
use crate::standby::Reason;

/// A host that may come to act.
pub(crate) struct Candidacy {
    candidate: Candidate,
    options: LeaseOptions,
}

/// The candidacy of a host; none where it acts without a Lease: on a simulated cluster, or
/// because its configuration says so.
pub(crate) fn candidate(loaded: &Loaded, host: &Host) -> Option<Candidacy> {
    let ClusterConfig::Live(live) = &loaded.config.cluster.value else { return None };
    let (lease, connection) = (live.lease.get()?, host.connection.as_ref()?);
    let options = LeaseOptions {
        namespace: connection.namespace.clone(),
        name: lease.name.value.clone(),
        identity: lease::identity(&*host.clock),
        duration: lease.duration.value.get(),
    };
    let candidate = Candidate::new(connection.client.clone(), options.clone(), host.clock.clone());
    Some(Candidacy { candidate, options })
}

impl Candidacy {
    /// Wait for the Lease, take it, and keep it from then on.
    pub async fn acquire(self, metrics: &Metrics, reason: &Reason, mut tell: impl FnMut(&str)) -> Leadership {
        let Self { candidate, options } = self;
        let lease = options.to_string();
        metrics.lease(&lease, false);
        reason.set(format!("standby: the lease {lease} is not looked at yet"));
        let mut last: Option<Standing> = None;
        let holder = candidate
            .acquire(|standing| {
                reason.set(format!("standby: {standing}"));
                if last.as_ref().is_none_or(|last| standing.is_news_after(last)) {
                    tell(&format!("standing by: {standing}"));
                }
                last = Some(standing);
            })
            .await;
        if last.is_some() {
            tell(&format!("the lease {lease} is this host's now, as {}", options.identity));
        }
        tracing::info!(lease, holder = options.identity, "this host holds the lease and acts");
        let tenure = holder.tenure();
        let (done, is_done) = oneshot::channel();
        let (metrics, held) = (metrics.clone(), tenure.clone());
        let keeping = tokio::spawn(async move {
            metrics.lease(&lease, held.is_held());
            // Dropping the sender is as good as sending.
            let kept = holder.keep(async { drop(is_done.await) }).await;
            metrics.lease(&lease, false);
            kept
        });
        Leadership { tenure, done, keeping }
    }
}

/// The Lease in the hands of this host. When this is dropped, it is given back.
pub(crate) struct Leadership {
    tenure: Tenure,
    done: oneshot::Sender<()>,
    keeping: JoinHandle<Result<(), Lost>>,
}

impl Leadership {
    /// The time in which this host may act.
    pub fn tenure(&self) -> Tenure {
        self.tenure.clone()
    }

    /// Give it back, so that the next host takes over at once. Nothing may be done after.
    pub async fn release(self) {
        drop(self.done);
        let _ = self.keeping.await;
    }
}
