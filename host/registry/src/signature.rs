//! Signatures that cosign wrote with a key.
//!
//! Both of its ways are read: the older, a tag `sha256-HEX.sig` whose layers are signed
//! payloads, and that of cosign 3, Sigstore bundles which refer to the manifest. What is
//! verified is that the holder of the key signed this manifest's digest. Transparency logs,
//! timestamps and certificates ("keyless") are not looked at: the key is what is trusted.

mod bundle;
mod key;
mod simple;

pub use key::PublicKey;

use crate::client::Client;
use crate::{OciError, Reference};
use suture_core::Digest;

/// The most signatures of one artifact that are looked at.
const MAX_SIGNATURES: usize = 32;
/// The largest signed payload or bundle that is read, in bytes.
const MAX_PAYLOAD: u64 = 256 << 10;

/// What is wrong with a signature.
enum Flaw {
    /// The key did not make it.
    AnotherKey,
    /// The key made it, for something else.
    AnotherSubject,
    /// It can't be read.
    Unreadable(String),
}

/// What looking at all signatures found.
#[derive(Default)]
struct Verdict {
    good: bool,
    flaws: Vec<Flaw>,
}

impl Verdict {
    fn add(&mut self, found: Result<(), Flaw>) {
        match found {
            Ok(()) => self.good = true,
            Err(flaw) => self.flaws.push(flaw),
        }
    }
}

/// See that the holder of a key has signed a manifest.
///
/// # Errors
/// Why it does not count as signed.
pub(crate) async fn verify(
    client: &Client,
    reference: &Reference,
    manifest: Digest,
    key: &PublicKey,
) -> Result<(), OciError> {
    let mut verdict = Verdict::default();
    simple::look(client, reference, manifest, key, &mut verdict).await?;
    if !verdict.good {
        bundle::look(client, reference, manifest, key, &mut verdict).await?;
    }
    if verdict.good {
        return Ok(());
    }
    let reference = reference.to_string();
    if verdict.flaws.is_empty() {
        return Err(OciError::Unsigned { reference, manifest });
    }
    let why = |flaw: &Flaw| match flaw {
        Flaw::AnotherKey => "by another key than the one that is configured".to_owned(),
        Flaw::AnotherSubject => "the signature is for another artifact".to_owned(),
        Flaw::Unreadable(what) => format!("a signature can't be read: {what}"),
    };
    let mut all: Vec<String> = verdict.flaws.iter().map(why).collect();
    all.sort();
    all.dedup();
    Err(OciError::BadSignature { reference, manifest, why: all.join("; ") })
}

/// What is not there is no error: there may be another kind of signature.
fn if_there<T>(found: Result<T, OciError>) -> Result<Option<T>, OciError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(OciError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
