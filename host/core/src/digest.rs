//! SHA-256 digests of modules, and of what registries hold.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// A SHA-256: `sha256:` and 64 hexadecimal digits.
///
/// The image specification registers SHA-512 too; nothing in the Wasm ecosystem uses it, and
/// what can't be verified here must not be accepted, so it is no digest to this type.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The 64 hexadecimal digits, without `sha256:`.
    pub fn hex(&self) -> String {
        hex(&self.0)
    }
}

/// Bytes as hexadecimal digits, two each.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Something that is no SHA-256 digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a digest; write `sha256:` and 64 hexadecimal digits in lower case")]
pub struct DigestError(String);

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let wrong = || DigestError(crate::names::shortened(text));
        let hex = text.strip_prefix("sha256:").filter(|hex| hex.len() == 64).ok_or_else(wrong)?;
        let mut bytes = [0; 32];
        for (byte, digits) in bytes.iter_mut().zip(hex.as_bytes().chunks(2)) {
            *byte =
                digits.iter().try_fold(0, |sum, digit| Some(sum << 4 | nibble(*digit)?)).ok_or_else(wrong)?;
        }
        Ok(Self(bytes))
    }
}

/// The value of a hexadecimal digit; upper case is not how digests are written.
fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `printf '' | sha256sum` prints.
    const NOTHING: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_digest_reads_back_as_it_is_written() {
        assert_eq!(Digest::of(b"").to_string(), NOTHING);
        assert_eq!(NOTHING.parse::<Digest>().unwrap(), Digest::of(b""));
    }

    #[test]
    fn what_is_no_digest_says_how_to_write_one() {
        let sha512 = format!("sha512:{}", "0".repeat(128));
        let upper = NOTHING.to_uppercase();
        for text in
            ["", "sha256:", &NOTHING[7..], &NOTHING[..70], &sha512, &upper, &NOTHING.replace('e', "é")]
        {
            let error = text.parse::<Digest>().unwrap_err().to_string();
            assert!(error.contains("write `sha256:` and 64 hexadecimal digits"), "{error}");
        }
    }
}
