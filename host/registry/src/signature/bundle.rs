//! The way of cosign 3: Sigstore bundles, each an artifact that refers to what is signed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::{Flaw, MAX_PAYLOAD, MAX_SIGNATURES, PublicKey, Verdict, if_there};
use crate::client::Client;
use crate::{OciError, Reference};
use suture_core::Digest;

/// The media type of bundles, whatever their version.
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.";
const STATEMENT: &str = "application/vnd.in-toto+json";
/// What cosign says of an artifact that it signs.
const PREDICATE: &str = "https://sigstore.dev/cosign/sign/v1";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    dsse_envelope: Option<Envelope>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    sig: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    subject: Vec<Subject>,
    predicate_type: String,
}

#[derive(Deserialize)]
struct Subject {
    digest: SubjectDigest,
}

#[derive(Deserialize)]
struct SubjectDigest {
    #[serde(default)]
    sha256: String,
}

pub(super) async fn look(
    client: &Client,
    reference: &Reference,
    manifest: Digest,
    key: &PublicKey,
    verdict: &mut Verdict,
) -> Result<(), OciError> {
    let Some(index) = client.referrers(reference, manifest).await? else { return Ok(()) };
    let bundles = index.manifests.iter().filter(|found| found.artifact_type.starts_with(BUNDLE));
    for found in bundles.take(MAX_SIGNATURES) {
        // It becomes a part of a URL.
        let Ok(digest) = found.digest.parse::<Digest>() else {
            verdict.add(Err(Flaw::Unreadable("it is listed under a digest that is none".to_owned())));
            continue;
        };
        let Some((artifact, _)) = if_there(client.manifest(reference, &digest.to_string()).await)? else {
            continue;
        };
        let Some(layer) = artifact.layers.first().filter(|layer| layer.media_type.starts_with(BUNDLE)) else {
            continue;
        };
        let blob = client.blob(reference, layer, "a signature", MAX_PAYLOAD).await;
        let Some(bundle) = if_there(blob)? else { continue };
        verdict.add(check(&bundle, manifest, key));
    }
    Ok(())
}

fn check(bundle: &[u8], manifest: Digest, key: &PublicKey) -> Result<(), Flaw> {
    let unreadable = |error: serde_json::Error| Flaw::Unreadable(error.to_string());
    let not_base64 = |_| Flaw::Unreadable("it is not base64".to_owned());
    let bundle: Bundle = serde_json::from_slice(bundle).map_err(unreadable)?;
    let Some(envelope) = bundle.dsse_envelope else {
        return Err(Flaw::Unreadable("a bundle without a DSSE envelope".to_owned()));
    };
    let payload = STANDARD.decode(&envelope.payload).map_err(not_base64)?;
    let signed = encoded(&envelope.payload_type, &payload);
    let mut is_signed = false;
    for signature in envelope.signatures.iter().take(MAX_SIGNATURES) {
        let signature = STANDARD.decode(&signature.sig).map_err(not_base64)?;
        is_signed |= key.has_signed(&signed, &signature);
    }
    if !is_signed {
        return Err(Flaw::AnotherKey);
    }
    if envelope.payload_type != STATEMENT {
        return Err(Flaw::AnotherSubject);
    }
    let statement: Statement = serde_json::from_slice(&payload).map_err(unreadable)?;
    let is_subject = statement.subject.iter().any(|subject| subject.digest.sha256 == manifest.hex());
    // An attestation says something of an artifact; only a signature says that it is to be used.
    if is_subject && statement.predicate_type == PREDICATE { Ok(()) } else { Err(Flaw::AnotherSubject) }
}

/// What is signed of a payload: DSSE's pre-authentication encoding.
fn encoded(kind: &str, payload: &[u8]) -> Vec<u8> {
    let mut signed = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).into_bytes();
    signed.extend_from_slice(payload);
    signed
}
