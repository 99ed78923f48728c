//! The older way: signed payloads under a tag.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::{Flaw, MAX_PAYLOAD, MAX_SIGNATURES, PublicKey, Verdict, if_there};
use crate::client::Client;
use crate::{OciError, Reference};
use suture_core::Digest;

const LAYER: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
const TYPE: &str = "cosign container image signature";

/// What is signed.
#[derive(Deserialize)]
struct Payload {
    critical: Critical,
}

#[derive(Deserialize)]
struct Critical {
    image: Image,
    r#type: String,
}

#[derive(Deserialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    digest: String,
}

pub(super) async fn look(
    client: &Client,
    reference: &Reference,
    manifest: Digest,
    key: &PublicKey,
    verdict: &mut Verdict,
) -> Result<(), OciError> {
    let tag = format!("sha256-{}.sig", manifest.hex());
    let Some((signatures, _)) = if_there(client.manifest(reference, &tag).await)? else { return Ok(()) };
    for layer in signatures.layers.iter().filter(|layer| layer.media_type == LAYER).take(MAX_SIGNATURES) {
        let Some(signature) = layer.annotations.get(SIGNATURE) else { continue };
        let blob = client.blob(reference, layer, "a signature", MAX_PAYLOAD).await;
        let Some(payload) = if_there(blob)? else { continue };
        verdict.add(check(&payload, signature, manifest, key));
    }
    Ok(())
}

fn check(payload: &[u8], signature: &str, manifest: Digest, key: &PublicKey) -> Result<(), Flaw> {
    let signature =
        STANDARD.decode(signature.trim()).map_err(|_| Flaw::Unreadable("it is not base64".to_owned()))?;
    if !key.has_signed(payload, &signature) {
        return Err(Flaw::AnotherKey);
    }
    // Only what was signed is read.
    let Payload { critical } =
        serde_json::from_slice(payload).map_err(|error| Flaw::Unreadable(error.to_string()))?;
    if critical.image.digest == manifest.to_string() && critical.r#type == TYPE {
        Ok(())
    } else {
        Err(Flaw::AnotherSubject)
    }
}
