//! Pulling.

use reqwest::Method;
use reqwest::header::ACCEPT;
use suture_core::names::shortened;

use super::Client;
use super::http::{checked, read, refused};
use crate::manifest::{Descriptor, IMAGE, INDEX, Manifest, OLD_WASM, WASM};
use crate::signature;
use crate::{OciError, PublicKey, Reference};
use suture_core::Digest;

/// The largest manifest that is read, in bytes.
const MAX_MANIFEST: u64 = 1 << 20;
/// Where a registry says what it sends.
const CONTENT_DIGEST: &str = "docker-content-digest";

/// A component that was pulled, verified against all that it was to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulled {
    /// The component.
    pub bytes: Vec<u8>,
    /// Its digest: what the host knows a module by.
    pub digest: Digest,
    /// The digest of its manifest: what a reference pins and cosign signs.
    pub manifest: Digest,
}

impl Client {
    /// The digest of the manifest that a reference stands for now. Nothing else is pulled: this
    /// is for asking again and again whether a tag has moved.
    ///
    /// # Errors
    /// Why it can't be had.
    pub async fn resolve(&self, reference: &Reference) -> Result<Digest, OciError> {
        self.within(reference, self.resolved(reference)).await
    }

    /// Pull a component of at most so many bytes. With a key, first see that its holder has
    /// signed it: what is not signed so is not pulled.
    ///
    /// # Errors
    /// Why it is not here. Nothing that was not verified leaves this.
    pub async fn pull(
        &self,
        reference: &Reference,
        max_bytes: usize,
        key: Option<&PublicKey>,
    ) -> Result<Pulled, OciError> {
        self.within(reference, async {
            let manifest = self.resolved(reference).await?;
            // From here on by digest: a tag may move at any time.
            let pinned = reference.at(manifest);
            if let Some(key) = key {
                signature::verify(self, reference, manifest, key).await?;
            }
            let (found, _) = self.manifest(&pinned, &manifest.to_string()).await?;
            let layer = component(reference, &found)?;
            let most = max_bytes as u64;
            if layer.size > most {
                return Err(OciError::TooLarge {
                    reference: reference.to_string(),
                    what: "the component",
                    most,
                });
            }
            let bytes = self.blob(&pinned, layer, "the component", most).await?;
            Ok(Pulled { digest: Digest::of(&bytes), bytes, manifest })
        })
        .await
    }

    async fn resolved(&self, reference: &Reference) -> Result<Digest, OciError> {
        if let Some(digest) = reference.digest() {
            return Ok(digest);
        }
        let url = self.url(reference, &format!("manifests/{}", reference.version()));
        let accept = accepted();
        let answer =
            self.send(reference, Method::HEAD, &url, |request| request.header(ACCEPT, &accept)).await?;
        if !answer.status().is_success() {
            return Err(self.error(reference, answer).await);
        }
        let said =
            answer.headers().get(CONTENT_DIGEST).and_then(|value| value.to_str().ok()).map(str::to_owned);
        match said.map(|said| said.parse::<Digest>()) {
            Some(Ok(digest)) => Ok(digest),
            Some(Err(error)) => {
                Err(refused(reference, format!("with a digest that is none: {error}"), false))
            }
            None => Ok(self.manifest(reference, &reference.version()).await?.1),
        }
    }

    /// A manifest by its tag or its digest, and its digest.
    pub(crate) async fn manifest(
        &self,
        reference: &Reference,
        version: &str,
    ) -> Result<(Manifest, Digest), OciError> {
        let url = self.url(reference, &format!("manifests/{version}"));
        let accept = accepted();
        let answer =
            self.send(reference, Method::GET, &url, |request| request.header(ACCEPT, &accept)).await?;
        if !answer.status().is_success() {
            return Err(self.error(reference, answer).await);
        }
        let said =
            answer.headers().get(CONTENT_DIGEST).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let bytes = read(reference, answer, "a manifest", MAX_MANIFEST).await?;
        let wanted = if version.starts_with("sha256:") { Some(version.to_owned()) } else { said };
        let bytes = match wanted {
            Some(wanted) => checked(reference, bytes, "a manifest", &wanted)?,
            None => bytes,
        };
        let manifest = serde_json::from_slice(&bytes).map_err(|error| OciError::NotWasm {
            reference: reference.to_string(),
            why: format!("its manifest can't be read: {}", shortened(&error.to_string())),
        })?;
        Ok((manifest, Digest::of(&bytes)))
    }

    /// What refers to a manifest; none where nothing does. A registry that does not know that
    /// question has the answer under a tag.
    pub(crate) async fn referrers(
        &self,
        reference: &Reference,
        manifest: Digest,
    ) -> Result<Option<Manifest>, OciError> {
        let url = self.url(reference, &format!("referrers/{manifest}"));
        let answer = self.send(reference, Method::GET, &url, |request| request.header(ACCEPT, INDEX)).await?;
        if answer.status().is_success() {
            let bytes = read(reference, answer, "a list of referrers", MAX_MANIFEST).await?;
            if let Ok(index) = serde_json::from_slice(&bytes) {
                return Ok(Some(index));
            }
        } else if answer.status().is_server_error() {
            return Err(self.error(reference, answer).await);
        }
        match self.manifest(reference, &format!("sha256-{}", manifest.hex())).await {
            Ok((index, _)) => Ok(Some(index)),
            Err(OciError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What a descriptor is of.
    pub(crate) async fn blob(
        &self,
        reference: &Reference,
        of: &Descriptor,
        what: &'static str,
        most: u64,
    ) -> Result<Vec<u8>, OciError> {
        // It becomes a part of a URL.
        let digest: Digest = of.digest.parse().map_err(|error| {
            refused(reference, format!("with a manifest whose digest is none: {error}"), false)
        })?;
        let url = self.url(reference, &format!("blobs/{digest}"));
        let answer = self.send(reference, Method::GET, &url, |request| request).await?;
        if !answer.status().is_success() {
            return Err(self.error(reference, answer).await);
        }
        let bytes = read(reference, answer, what, most.min(of.size)).await?;
        checked(reference, bytes, "a blob", &of.digest)
    }
}

fn accepted() -> String {
    format!("{IMAGE}, {INDEX}")
}

/// The one layer that is a component.
fn component<'a>(reference: &Reference, manifest: &'a Manifest) -> Result<&'a Descriptor, OciError> {
    let wrong = |why: String| OciError::NotWasm { reference: reference.to_string(), why };
    if !manifest.manifests.is_empty() || manifest.media_type == INDEX {
        return Err(wrong("it is an index of several artifacts; name one of them by its digest".to_owned()));
    }
    match manifest.layers.as_slice() {
        [layer] if layer.media_type == WASM || layer.media_type == OLD_WASM => Ok(layer),
        [layer] => {
            Err(wrong(format!("its layer is `{}`, where `{WASM}` is wanted", shortened(&layer.media_type))))
        }
        layers => Err(wrong(format!("it has {} layers, where one is wanted", layers.len()))),
    }
}
