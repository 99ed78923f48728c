//! Whoever performs effects on the live cluster.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::ensure;
use serde_json::{Value, json};
use suture_cluster::live::{LiveCluster, LiveConfig, connect};
use suture_core::effect::{
    Create, Delete, Op, Page, Patch, PatchType, Predicate, Propagation, Query, Target, Test, Waited,
};
use suture_core::object::{Kind, Object};
use suture_core::{
    Effect, EffectHandler, Error, Fault, Mutation, Prepared, RealClock, Reply, Resolution, RunId, Step,
};
use suture_envtest::ControlPlane;

pub const SOON: Duration = Duration::from_secs(60);

#[derive(Clone)]
pub struct User {
    pub cluster: LiveCluster,
    pub namespace: String,
    pub kubeconfig: PathBuf,
    step: Arc<AtomicU32>,
}

impl User {
    /// The administrator, in a namespace.
    pub async fn admin(plane: &ControlPlane, namespace: &str) -> anyhow::Result<Self> {
        Self::as_in(plane.kubeconfig(), namespace).await
    }

    /// A service account with some rights on ConfigMaps in its namespace.
    pub async fn limited(plane: &ControlPlane, namespace: &str, verbs: &[&str]) -> anyhow::Result<Self> {
        let kubeconfig = plane.service_account(namespace, "worker").await?;
        Self::granted(plane, namespace, verbs).await?;
        let user = Self::as_in(kubeconfig, namespace).await?;
        let target = user.target("unseen");
        let knows = async || user.get(&target).await.is_err_and(|error| error.reason.as_str() == "NotFound");
        ensure!(suture_envtest::eventually(SOON, knows).await, "the rights do not arrive");
        Ok(user)
    }

    async fn granted(plane: &ControlPlane, namespace: &str, verbs: &[&str]) -> anyhow::Result<()> {
        let metadata = json!({"name": "worker", "namespace": namespace});
        let group = "rbac.authorization.k8s.io";
        let role = json!({"apiVersion": format!("{group}/v1"), "kind": "Role", "metadata": metadata,
            "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": verbs}]});
        let binding = json!({"apiVersion": format!("{group}/v1"), "kind": "RoleBinding", "metadata": metadata,
            "roleRef": {"apiGroup": group, "kind": "Role", "name": "worker"},
            "subjects": [{"kind": "ServiceAccount", "name": "worker", "namespace": namespace}]});
        plane.apply(&role.to_string()).await?;
        plane.apply(&binding.to_string()).await
    }

    /// Whoever a kubeconfig says.
    pub async fn as_in(kubeconfig: PathBuf, namespace: &str) -> anyhow::Result<Self> {
        Self::with(kubeconfig, LiveConfig::default(), namespace).await
    }

    /// The same, reached in another way.
    pub async fn with(kubeconfig: PathBuf, config: LiveConfig, namespace: &str) -> anyhow::Result<Self> {
        let config = LiveConfig { kubeconfig: Some(kubeconfig.clone()), ..config };
        let cluster = LiveCluster::new(connect(&config).await?, &config, Arc::new(RealClock));
        Ok(Self { cluster, namespace: namespace.to_owned(), kubeconfig, step: Arc::default() })
    }

    pub fn target(&self, name: &str) -> Target {
        Target {
            kind: config_map(),
            namespace: Some(self.namespace.clone()),
            name: name.to_owned(),
            uid: None,
            subresource: None,
        }
    }

    pub async fn prepare(&self, effect: Effect) -> Result<Prepared, Error> {
        let number = self.step.fetch_add(1, Ordering::Relaxed) + 1;
        let step = Step { run: RunId::new(format!("run-{}", self.namespace)), number };
        let prepared = self.cluster.prepare(&step, &effect).await.map_err(error)?;
        Ok(Prepared { manager: "suture-test".to_owned(), ..prepared })
    }

    pub async fn perform(&self, prepared: &Prepared) -> Result<Reply, Error> {
        self.cluster.perform(prepared).await.map_err(error)
    }

    pub async fn resolve(&self, prepared: &Prepared) -> Result<Resolution, Error> {
        self.cluster.resolve(prepared).await.map_err(error)
    }

    pub async fn effect(&self, effect: Effect) -> Result<Reply, Error> {
        let prepared = self.prepare(effect).await?;
        self.perform(&prepared).await
    }

    pub async fn get(&self, target: &Target) -> Result<Object, Error> {
        match self.effect(Effect::Get { target: target.clone() }).await? {
            Reply::Object(object) => Ok(object),
            other => panic!("{other:?}"),
        }
    }

    pub async fn list(&self, query: Query) -> Result<Page, Error> {
        match self.effect(Effect::List(query)).await? {
            Reply::Page(page) => Ok(page),
            other => panic!("{other:?}"),
        }
    }

    pub async fn mutate(&self, mutation: Mutation) -> Result<Object, Error> {
        match self.effect(Effect::Mutate { mutation, undo: None }).await? {
            Reply::Mutated(object) => Ok(object),
            other => panic!("{other:?}"),
        }
    }

    pub async fn create(&self, name: &str) -> Result<Object, Error> {
        self.mutate(self.creation(name)).await
    }

    pub fn creation(&self, name: &str) -> Mutation {
        self.making(config_map(), json!({"metadata": {"name": name}, "data": {"state": "new"}}))
    }

    /// The making of an object.
    pub fn making(&self, kind: Kind, object: Value) -> Mutation {
        let namespace = Some(self.namespace.clone());
        Mutation::Create(Create { kind, namespace, object, subresource: None })
    }

    /// All objects of a kind that have the labels.
    pub fn all(&self, kind: Kind, labels: &str) -> Query {
        Query {
            kind,
            namespace: Some(self.namespace.clone()),
            labels: labels.to_owned(),
            fields: String::new(),
            limit: 0,
            next: None,
            metadata_only: true,
        }
    }

    /// Say how a ConfigMap is.
    pub fn saying(&self, name: &str, state: &str) -> Mutation {
        Mutation::Patch(Patch {
            target: self.target(name),
            patch_type: PatchType::Merge,
            body: json!({"data": {"state": state}}),
            resource_version: None,
        })
    }

    pub fn deletion(&self, name: &str) -> Mutation {
        let (target, propagation) = (self.target(name), Propagation::Background);
        Mutation::Delete(Delete { target, propagation, resource_version: None })
    }

    /// Wait until a ConfigMap says how it is.
    pub async fn wait_for(&self, name: &str, state: &str) -> Result<Waited, Error> {
        let until = Predicate::All(vec![Test {
            pointer: "/data/state".to_owned(),
            op: Op::Equals,
            value: Value::from(state),
        }]);
        match self.effect(Effect::Wait { target: self.target(name), until, timeout_ms: 120_000 }).await? {
            Reply::Waited(waited) => Ok(waited),
            other => panic!("{other:?}"),
        }
    }
}

pub fn config_map() -> Kind {
    Kind::new("v1", "ConfigMap")
}

fn error(fault: Fault) -> Error {
    match fault {
        Fault::Error(error) => error,
        Fault::Halt(halt) => panic!("{halt}"),
    }
}
