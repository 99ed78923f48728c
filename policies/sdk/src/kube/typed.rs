//! Objects as `k8s-openapi` has them.

use std::ops::Deref;

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{Metadata, Resource};

/// An object with all of its fields, as `k8s-openapi` has it, wherever a [`Resource`] is wanted.
///
/// The policy depends on `k8s-openapi` itself, where it chooses the version of Kubernetes
/// (`features = ["v1_34"]`), and on this library with the feature `k8s-openapi`:
///
/// ```
/// use k8s_openapi::api::apps::v1::Deployment;
/// use suture_policy::kube::{self, Typed};
///
/// fn replicas(namespace: &str, name: &str) -> suture_policy::Result<i32> {
///     let deployment: Typed<Deployment> = kube::get(namespace, name)?;
///     Ok(deployment.spec.replicas.unwrap_or(1))
/// }
/// ```
///
/// Those types are large, and so is the component that uses them; the small ones of this library, or of
/// your own ([`resource!`](crate::resource)), serve most policies.
#[derive(Clone, Debug, Default)]
pub struct Typed<K> {
    metadata: Metadata,
    /// The object.
    pub object: K,
}

impl<K> Deref for Typed<K> {
    type Target = K;

    fn deref(&self) -> &K {
        &self.object
    }
}

impl<K: k8s_openapi::Resource + DeserializeOwned> Resource for Typed<K> {
    const API_VERSION: &'static str = K::API_VERSION;
    const KIND: &'static str = K::KIND;

    fn metadata(&self) -> &Metadata {
        &self.metadata
    }
}

impl<'de, K: DeserializeOwned> Deserialize<'de> for Typed<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = Value::deserialize(deserializer)?;
        let metadata =
            object.get("metadata").map(Metadata::deserialize).transpose().map_err(D::Error::custom)?;
        let object = serde_json::from_value(object).map_err(D::Error::custom)?;
        Ok(Self { metadata: metadata.unwrap_or_default(), object })
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::batch::v1::Job;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_has_its_own_fields_and_the_metadata_of_this_library() {
        let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a", "namespace": "media", "uid": "u"},
            "spec": {"backoffLimit": 2, "template": {"spec": {"containers": []}}}});
        let job: Typed<Job> = serde_json::from_value(job).unwrap();
        assert_eq!((Typed::<Job>::API_VERSION, Typed::<Job>::KIND), ("batch/v1", "Job"));
        assert_eq!(crate::kube::of(&job).to_string(), "Job media/a");
        assert_eq!(job.spec.as_ref().and_then(|spec| spec.backoff_limit), Some(2));
    }
}
