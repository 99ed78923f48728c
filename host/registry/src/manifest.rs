//! Manifests of the OCI image format, as far as they matter here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// An image manifest.
pub(crate) const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
/// A list of manifests.
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The configuration of a component (CNCF's Wasm OCI artifact layout).
pub(crate) const WASM_CONFIG: &str = "application/vnd.wasm.config.v0+json";
/// A component.
pub(crate) const WASM: &str = "application/wasm";
/// A component, as older tools wrote it.
pub(crate) const OLD_WASM: &str = "application/vnd.wasm.content.layer.v1+wasm";

/// A manifest or an index: which it is shows in its fields.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest {
    pub schema_version: u32,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub media_type: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub artifact_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Descriptor>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub manifests: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// What a manifest says of something else.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    pub media_type: String,
    pub digest: String,
    pub size: u64,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub artifact_type: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// The configuration of a component.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WasmConfig {
    pub created: String,
    pub author: Option<String>,
    pub architecture: &'static str,
    pub os: &'static str,
    pub layer_digests: Vec<String>,
    pub component: Component,
}

/// What a component offers and wants.
#[derive(Serialize)]
pub(crate) struct Component {
    pub exports: Vec<String>,
    pub imports: Vec<String>,
    pub target: Option<String>,
}
