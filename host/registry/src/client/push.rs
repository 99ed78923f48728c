//! Pushing.

use std::collections::BTreeMap;

use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use reqwest::{Method, StatusCode, Url};

use super::Client;
use super::http::refused;
use crate::manifest::{Component, Descriptor, IMAGE, Manifest, WASM, WASM_CONFIG, WasmConfig};
use crate::{OciError, Reference};
use suture_core::Digest;

/// What is said of a component beside its bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// Annotations of its manifest: `org.opencontainers.image.version`, …
    pub annotations: BTreeMap<String, String>,
    /// What it exports.
    pub exports: Vec<String>,
    /// What it imports.
    pub imports: Vec<String>,
}

impl Client {
    /// Push a component, by the Wasm OCI artifact layout. Answers with the digest of its
    /// manifest. What the registry has already is not sent again.
    ///
    /// # Errors
    /// Why it is not there.
    pub async fn push(
        &self,
        reference: &Reference,
        bytes: Vec<u8>,
        about: About,
    ) -> Result<Digest, OciError> {
        self.within(reference, async {
            let layer = descriptor(WASM, &bytes);
            let config = WasmConfig {
                created: self.options.clock.now().to_string(),
                author: None,
                architecture: "wasm",
                // The layout's word for a component, whether it imports WASI or not.
                os: "wasip2",
                layer_digests: vec![layer.digest.clone()],
                component: Component { exports: about.exports, imports: about.imports, target: None },
            };
            let config = to_json(reference, &config)?;
            let manifest = Manifest {
                schema_version: 2,
                media_type: IMAGE.to_owned(),
                artifact_type: String::new(),
                config: Some(descriptor(WASM_CONFIG, &config)),
                layers: vec![layer],
                manifests: Vec::new(),
                annotations: about.annotations,
            };
            self.upload(reference, bytes).await?;
            self.upload(reference, config).await?;
            self.put_manifest(reference, to_json(reference, &manifest)?).await
        })
        .await
    }

    async fn upload(&self, reference: &Reference, bytes: Vec<u8>) -> Result<(), OciError> {
        let digest = Digest::of(&bytes);
        let there = self.url(reference, &format!("blobs/{digest}"));
        if self.send(reference, Method::HEAD, &there, |request| request).await?.status().is_success() {
            return Ok(());
        }
        let begin = self.url(reference, "blobs/uploads/");
        let empty = |request: reqwest::RequestBuilder| request.header(CONTENT_LENGTH, 0);
        let answer = self.send(reference, Method::POST, &begin, empty).await?;
        if answer.status() != StatusCode::ACCEPTED {
            return Err(self.error(reference, answer).await);
        }
        let location =
            answer.headers().get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let wrong = || refused(reference, "an upload without a place for it".to_owned(), false);
        let mut place = Url::parse(&begin).and_then(|begin| begin.join(location)).map_err(|_| wrong())?;
        place.query_pairs_mut().append_pair("digest", &digest.to_string());
        let body = |request: reqwest::RequestBuilder| {
            request.header(CONTENT_TYPE, "application/octet-stream").body(bytes.clone())
        };
        let answer = self.send(reference, Method::PUT, place.as_str(), body).await?;
        match answer.status() {
            StatusCode::CREATED => Ok(()),
            _ => Err(self.error(reference, answer).await),
        }
    }

    async fn put_manifest(&self, reference: &Reference, bytes: Vec<u8>) -> Result<Digest, OciError> {
        let digest = Digest::of(&bytes);
        let version = reference.tag().map_or_else(|| digest.to_string(), str::to_owned);
        let url = self.url(reference, &format!("manifests/{version}"));
        let body = |request: reqwest::RequestBuilder| request.header(CONTENT_TYPE, IMAGE).body(bytes.clone());
        let answer = self.send(reference, Method::PUT, &url, body).await?;
        match answer.status() {
            StatusCode::CREATED => Ok(digest),
            _ => Err(self.error(reference, answer).await),
        }
    }
}

fn descriptor(media_type: &str, bytes: &[u8]) -> Descriptor {
    Descriptor {
        media_type: media_type.to_owned(),
        digest: Digest::of(bytes).to_string(),
        size: bytes.len() as u64,
        artifact_type: String::new(),
        annotations: BTreeMap::new(),
    }
}

fn to_json(reference: &Reference, value: &impl serde::Serialize) -> Result<Vec<u8>, OciError> {
    serde_json::to_vec(value).map_err(|error| refused(reference, error.to_string(), false))
}
