//! A cluster whose requests are seen, and can be stopped: before they are performed, and
//! after, when only the answer is missing.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use suture_core::handler::{Discovery, Resource};
use suture_core::object::Kind;
use suture_core::{Effect, EffectHandler, Error, Fault, Prepared, Reply, Resolution, Step};
use suture_simulator::SimulatedCluster;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

/// On which side of the deed a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// Nothing is done yet.
    Before,
    /// It is done, and not answered.
    After,
}

/// A place in the course of a cluster's requests.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Point {
    /// Which request, from 1; those of all hosts count.
    pub number: usize,
    /// What it is: `perform patch`.
    pub what: String,
    /// The step of a run that it is for; none of discovery.
    pub step: Option<u32>,
    /// On which side of the deed.
    pub side: Side,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = if self.side == Side::Before { "before" } else { "after" };
        write!(f, "{side} request {} ({}", self.number, self.what)?;
        self.step.map_or(Ok(()), |step| write!(f, " of step {step}"))?;
        f.write_str(")")
    }
}

/// Whether to stop at a point.
pub type Stop = Box<dyn FnMut(&Point) -> bool + Send>;

/// A cluster behind a gate.
pub struct Gated {
    cluster: SimulatedCluster,
    state: Mutex<State>,
    stopped: UnboundedSender<Point>,
    /// Looks at the cluster before each request.
    look: Box<dyn Fn(&SimulatedCluster) + Send + Sync>,
}

struct State {
    requests: usize,
    passed: Vec<Point>,
    /// The changes that were stopped before they were performed.
    held: Vec<Prepared>,
    stop: Stop,
}

impl Gated {
    /// A cluster whose requests stop where `stop` says so. Each stop is told of; what is
    /// stopped never goes on. `look` sees the cluster before each request.
    pub fn new(
        cluster: SimulatedCluster,
        stop: Stop,
        look: impl Fn(&SimulatedCluster) + Send + Sync + 'static,
    ) -> (Arc<Self>, UnboundedReceiver<Point>) {
        let (stopped, stops) = mpsc::unbounded_channel();
        let state = Mutex::new(State { requests: 0, passed: Vec::new(), held: Vec::new(), stop });
        (Arc::new(Self { cluster, state, stopped, look: Box::new(look) }), stops)
    }

    /// All points that requests came to so far. One that was cancelled has no second.
    pub fn passed(&self) -> Vec<Point> {
        self.state.lock().passed.clone()
    }

    /// Perform the changes that were stopped before: requests of hosts that are dead, which
    /// arrive late.
    pub async fn release(&self) -> Vec<Result<Reply, Fault>> {
        let held = std::mem::take(&mut self.state.lock().held);
        let mut arrived = Vec::new();
        for prepared in held {
            arrived.push(self.cluster.perform(&prepared).await);
        }
        arrived
    }

    async fn pass<T>(
        &self,
        what: String,
        step: Option<u32>,
        change: Option<&Prepared>,
        work: impl Future<Output = T> + Send,
    ) -> T {
        (self.look)(&self.cluster);
        let number = {
            let mut state = self.state.lock();
            state.requests += 1;
            state.requests
        };
        self.come_to(Point { number, what: what.clone(), step, side: Side::Before }, change).await;
        let done = work.await;
        self.come_to(Point { number, what, step, side: Side::After }, change).await;
        done
    }

    async fn come_to(&self, point: Point, change: Option<&Prepared>) {
        let stops = {
            let mut state = self.state.lock();
            state.passed.push(point.clone());
            (state.stop)(&point)
        };
        if stops {
            if let (Side::Before, Some(change)) = (point.side, change) {
                self.state.lock().held.push(change.clone());
            }
            // A test that is over wants to hear no more.
            let _ = self.stopped.send(point);
            std::future::pending().await
        }
    }
}

#[async_trait]
impl EffectHandler for Gated {
    async fn prepare(&self, step: &Step, effect: &Effect) -> Result<Prepared, Fault> {
        let what = format!("prepare {}", effect.verb());
        self.pass(what, Some(step.number), None, self.cluster.prepare(step, effect)).await
    }

    async fn perform(&self, prepared: &Prepared) -> Result<Reply, Fault> {
        let what = format!("perform {}", prepared.effect.verb());
        let change = prepared.effect.is_mutation().then_some(prepared);
        self.pass(what, Some(prepared.step.number), change, self.cluster.perform(prepared)).await
    }

    async fn resolve(&self, prepared: &Prepared) -> Result<Resolution, Fault> {
        let what = format!("resolve {}", prepared.effect.verb());
        self.pass(what, Some(prepared.step.number), None, self.cluster.resolve(prepared)).await
    }
}

#[async_trait]
impl Discovery for Gated {
    async fn resource(&self, kind: &Kind) -> Result<Resource, Error> {
        self.pass(format!("resource {kind}"), None, None, self.cluster.resource(kind)).await
    }
}
