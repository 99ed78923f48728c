//! `people`: who may ask what of the API.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_saphyr::Spanned;
use suture_core::Digest;

/// One of `people`: somebody with a token of their own. `suture token new` makes the token, and
/// prints this entry.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Person {
    /// What the log and the journal call them.
    #[schemars(with = "String")]
    pub name: Spanned<String>,
    /// The SHA-256 of the token, as `sha256:` and 64 hexadecimal digits. The token itself stands
    /// nowhere. It has 256 random bits, which nobody guesses: a slow hash would protect it no
    /// better, and make each request slow.
    #[schemars(with = "String")]
    pub token_hash: Spanned<Digest>,
    /// What they may do. None contains another one, but `admin` all.
    #[schemars(with = "BTreeSet<Role>")]
    pub roles: Spanned<BTreeSet<Role>>,
}

impl Person {
    /// The longest name, in bytes.
    pub const MAX_NAME: usize = 64;
    /// The most people that a configuration may have: a token is compared with each.
    pub const MAX: usize = 1000;
    /// What others are called: who has the token of `admin.tokenFile`, who needs none, and who
    /// has that of `admin.metricsTokenFile`.
    pub const RESERVED: [&'static str; 3] = ["admin", "anonymous", "metrics"];

    /// Whether somebody can have that name.
    ///
    /// # Errors
    /// Why not.
    pub fn check_name(name: &str) -> Result<(), String> {
        let shown = suture_core::names::shortened(name);
        if name.is_empty() || name.len() > Self::MAX_NAME {
            return Err(format!("`{shown}` is no name: it must have 1 to {} bytes", Self::MAX_NAME));
        }
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._@-".contains(&byte)) {
            return Err(format!("`{shown}` is no name: it may have letters, digits, `.`, `_`, `@` and `-`"));
        }
        if Self::RESERVED.contains(&name) {
            return Err(format!("the name `{shown}` is taken: it is what the log calls those without one"));
        }
        Ok(())
    }
}

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// See all that the API shows, and the metrics.
    Viewer,
    /// Start and cancel runs, try incidents anew; pause, resume; sweep.
    Operator,
    /// Approve and reject the plans of runs.
    Approver,
    /// All that the others may; accept modules; start runs without confirmation.
    Admin,
}

impl Role {
    /// As the configuration writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Approver => "approver",
            Self::Admin => "admin",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_plain_and_nobody_elses() {
        for good in ["alice", "alice@example.com", "on-call_2"] {
            assert_eq!(Person::check_name(good), Ok(()), "{good}");
        }
        for bad in ["", "a b", "a\nb", "älice", "admin", "anonymous", "metrics", &"a".repeat(65)] {
            assert!(Person::check_name(bad).is_err(), "{bad}");
        }
    }
}
