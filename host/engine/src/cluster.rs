//! What stands at the end of the layers.

use suture_core::effect::Target;
use suture_core::handler::Discovery;
use suture_core::object::{self, Kind};
use suture_core::{Effect, EffectHandler, Reply, RunId, Step};

/// A cluster: it performs effects and knows its resources. Everything that is both
/// is one.
pub trait Cluster: EffectHandler + Discovery {}

impl<T: EffectHandler + Discovery + ?Sized> Cluster for T {}

/// What identifies a cluster: the uid of its `kube-system` namespace. Empty where that
/// can't be read.
pub(crate) async fn identity(cluster: &dyn Cluster) -> String {
    let step = Step { run: RunId::new("start"), number: 0 };
    let target = Target {
        kind: Kind::new("v1", "Namespace"),
        namespace: None,
        name: "kube-system".to_owned(),
        uid: None,
        subresource: None,
    };
    let read = async {
        let prepared = cluster.prepare(&step, &Effect::Get { target }).await.ok()?;
        match cluster.perform(&prepared).await.ok()? {
            Reply::Object(namespace) => object::uid(&namespace).map(str::to_owned),
            _ => None,
        }
    };
    read.await.unwrap_or_default()
}
