//! Where a Lease is kept.

use async_trait::async_trait;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{ApiResource, DynamicObject, PostParams};
use kube::{Api, Client};
use serde::Deserialize;
use serde_json::Value;

use super::LeaseOptions;

/// Why a Lease was not read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum StoreError {
    /// Somebody else wrote it in between, or made it first.
    #[error("somebody else wrote it at the same time")]
    Conflict,
    /// It is not there any more.
    #[error("it is not there any more")]
    Gone,
    /// The API server refuses, or can't be reached.
    #[error("{0}")]
    Failed(String),
}

/// Keeps one Lease.
#[async_trait]
pub(super) trait LeaseStore: Send + Sync {
    /// The Lease, where there is one.
    async fn read(&self) -> Result<Option<Lease>, StoreError>;

    /// Change exactly the version that `lease` names; make it where it names none.
    async fn write(&self, lease: &Lease) -> Result<Lease, StoreError>;
}

/// Keeps it on an API server.
pub(super) struct ApiStore {
    api: Api<DynamicObject>,
    name: String,
}

impl ApiStore {
    pub fn new(client: Client, options: &LeaseOptions) -> Self {
        let resource = ApiResource::erase::<Lease>(&());
        Self { api: Api::namespaced_with(client, &options.namespace, &resource), name: options.name.clone() }
    }
}

#[async_trait]
impl LeaseStore for ApiStore {
    async fn read(&self) -> Result<Option<Lease>, StoreError> {
        self.api.get_opt(&self.name).await.map_err(failed)?.map(lease).transpose()
    }

    async fn write(&self, lease: &Lease) -> Result<Lease, StoreError> {
        let params = PostParams { field_manager: Some("suture".to_owned()), ..PostParams::default() };
        let object: DynamicObject =
            serde_json::to_value(lease).and_then(serde_json::from_value).map_err(unreadable)?;
        let written = match lease.metadata.resource_version {
            Some(_) => self.api.replace(&self.name, &params, &object).await,
            None => self.api.create(&params, &object).await,
        };
        self::lease(written.map_err(failed)?)
    }
}

/// A Lease, as far as it makes sense. The API server accepts times that can't be
/// represented here (the last hours of the year 9999); whoever writes one must not keep
/// every host from acting. Such a time says nothing, and is left out.
fn lease(mut object: DynamicObject) -> Result<Lease, StoreError> {
    if let Some(spec) = object.data.get_mut("spec").and_then(Value::as_object_mut) {
        for time in ["acquireTime", "renewTime"] {
            if spec.get(time).is_some_and(|time| MicroTime::deserialize(time).is_err()) {
                spec.remove(time);
            }
        }
    }
    serde_json::to_value(object).and_then(serde_json::from_value).map_err(unreadable)
}

fn unreadable(error: serde_json::Error) -> StoreError {
    StoreError::Failed(format!("it can't be read: {error}"))
}

fn failed(error: kube::Error) -> StoreError {
    match &error {
        kube::Error::Api(status) => match status.code {
            409 => StoreError::Conflict,
            404 => StoreError::Gone,
            403 => {
                StoreError::Failed(format!("{}; `suture rbac` prints what the host needs", status.message))
            }
            _ => StoreError::Failed(format!("{} ({})", status.message, status.code)),
        },
        _ => StoreError::Failed(error.to_string()),
    }
}
