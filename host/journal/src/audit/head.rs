//! Which row is the last.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use suture_core::Digest;
use suture_core::names::shortened;

/// A row of the trail, by its number and its hash: `17:sha256:…`. Who has noted it elsewhere can tell
/// whether that row, and all before it, are as they were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditHead {
    /// Its number.
    pub sequence: u64,
    /// Its hash.
    #[schemars(with = "String")]
    pub hash: Digest,
}

impl fmt::Display for AuditHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.sequence, self.hash)
    }
}

impl FromStr for AuditHead {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (sequence, hash) = text.trim().split_once(':')?;
            Some(Self { sequence: sequence.parse().ok()?, hash: hash.parse().ok()? })
        };
        read().ok_or_else(|| {
            format!(
                "`{}` is not NUMBER:sha256:HASH, as the log and `suture audit verify` say it",
                shortened(text)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_is_written_and_nothing_else_is_one() {
        let head = AuditHead { sequence: 17, hash: Digest::of(b"a row") };
        assert_eq!(head.to_string().parse(), Ok(head));
        for wrong in ["", "17", "17:", "17:sha256:00", "sha256:17", "-1:sha256:00"] {
            assert!(wrong.parse::<AuditHead>().unwrap_err().contains("NUMBER:sha256:HASH"), "{wrong}");
        }
    }
}
