//! What stands at the end of the layers.

use std::sync::Arc;
use std::time::Duration;

use suture_core::effect::Target;
use suture_core::handler::Discovery;
use suture_core::object::{self, Kind};
use suture_core::{Clock, Effect, EffectHandler, Error, Fault, Reason, Reply, RunId, Step};

/// How often an API server that was away is asked which cluster it is.
const ASKED_EVERY: Duration = Duration::from_secs(5);

/// A cluster: it performs effects and knows its resources. Everything that is both
/// is one.
pub trait Cluster: EffectHandler + Discovery {}

impl<T: EffectHandler + Discovery + ?Sized> Cluster for T {}

/// What identifies a cluster: the uid of its `kube-system` namespace. Empty where this host may not
/// read that.
///
/// # Errors
/// It can't be asked now.
pub(crate) async fn identity(cluster: &dyn Cluster) -> Result<String, Fault> {
    let step = Step { run: RunId::new("start"), number: 0 };
    let target = Target {
        kind: Kind::new("v1", "Namespace"),
        namespace: None,
        name: "kube-system".to_owned(),
        uid: None,
        subresource: None,
    };
    let read = async {
        let prepared = cluster.prepare(&step, &Effect::Get { target }).await?;
        Ok(match cluster.perform(&prepared).await? {
            Reply::Object(namespace) => object::uid(&namespace).unwrap_or_default().to_owned(),
            _ => String::new(),
        })
    };
    match read.await {
        Err(Fault::Error(error)) if is_final(&error) => Ok(String::new()),
        other => other,
    }
}

/// Whether the same question will have the same answer: there is no such object, or it may not be
/// read.
fn is_final(error: &Error) -> bool {
    [Reason::NOT_FOUND, Reason::NOT_SERVED, Reason::FORBIDDEN, Reason::UNSUPPORTED].contains(&error.reason)
        || error.status == Some(403)
}

/// Ask until it is known.
pub(crate) async fn known_identity(cluster: Arc<dyn Cluster>, clock: Arc<dyn Clock>) -> String {
    loop {
        clock.sleep(ASKED_EVERY).await;
        if let Ok(identity) = identity(&*cluster).await {
            return identity;
        }
    }
}
