//! Public keys.

use std::path::Path;

use ring::signature::{ECDSA_P256_SHA256_ASN1, ED25519, UnparsedPublicKey, VerificationAlgorithm};
use spki::SubjectPublicKeyInfoRef;
use spki::der::asn1::ObjectIdentifier;
use spki::der::{Decode, Document};

use crate::OciError;
use suture_core::Digest;

/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 16 << 10;
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const EDWARDS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// A public key, as `cosign generate-key-pair` writes it: ECDSA on P-256. Ed25519 is read too.
#[derive(Clone)]
pub struct PublicKey {
    algorithm: &'static dyn VerificationAlgorithm,
    point: Vec<u8>,
    fingerprint: String,
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("PublicKey").field(&self.fingerprint).finish()
    }
}

impl PublicKey {
    /// Read a PEM file.
    ///
    /// # Errors
    /// Why it is no key that can be used.
    pub fn load(file: &Path) -> Result<Self, OciError> {
        let wrong = |why: String| OciError::Key { file: file.to_owned(), why };
        let pem = suture_core::file::read_text(file, MAX_BYTES).map_err(|error| wrong(error.to_string()))?;
        Self::parse(&pem).map_err(wrong)
    }

    /// Read the text of a PEM file.
    ///
    /// # Errors
    /// Why it is no key that can be used.
    pub fn parse(pem: &str) -> Result<Self, String> {
        let (label, document) = Document::from_pem(pem.trim_start())
            .map_err(|_| "not a public key in PEM, as `cosign public-key` prints it".to_owned())?;
        if label != "PUBLIC KEY" {
            return Err(format!(
                "this holds a {label}, where a PUBLIC KEY is wanted; `cosign public-key` prints it"
            ));
        }
        let unknown = || "not an ECDSA key on P-256, nor Ed25519: cosign writes the former".to_owned();
        let info = SubjectPublicKeyInfoRef::from_der(document.as_bytes()).map_err(|_| unknown())?;
        let algorithm: &'static dyn VerificationAlgorithm = match info.algorithm.oid {
            EC if info.algorithm.parameters_oid().is_ok_and(|curve| curve == P256) => &ECDSA_P256_SHA256_ASN1,
            EDWARDS => &ED25519,
            _ => return Err(unknown()),
        };
        Ok(Self {
            algorithm,
            point: info.subject_public_key.raw_bytes().to_vec(),
            fingerprint: Digest::of(document.as_bytes()).to_string(),
        })
    }

    /// What tells it from other keys: the digest of its DER.
    pub fn fingerprint(&self) -> String {
        self.fingerprint.clone()
    }

    /// Whether its holder signed a message.
    pub(crate) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(self.algorithm, &self.point).verify(message, signature).is_ok()
    }
}
