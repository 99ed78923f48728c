//! Bearer tokens from files.

use std::path::PathBuf;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::RwLock;

use crate::secret_file::{FileError, SecretFile, Stamp};

/// A token in a file. Read again when the file changes, so that a token can be rotated
/// without a restart.
pub(crate) struct Token {
    file: SecretFile,
    known: RwLock<Known>,
}

struct Known {
    stamp: Option<Stamp>,
    digest: [u8; 32],
}

fn read(file: &SecretFile) -> Result<Known, FileError> {
    let stamp = file.stamp();
    Ok(Known { stamp, digest: digest(&file.read(str::trim)?) })
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// The scheme and the credentials that a request carries. One that carries two carries none: a
/// proxy on the way may have looked at the other.
pub(crate) fn authorization(headers: &HeaderMap) -> Option<(&str, &str)> {
    let mut offered = headers.get_all(AUTHORIZATION).iter();
    match (offered.next(), offered.next()) {
        (Some(offered), None) => {
            offered.to_str().ok()?.split_once(' ').map(|(scheme, rest)| (scheme, rest.trim()))
        }
        _ => None,
    }
}

/// The bearer token that a request carries.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = authorization(headers)?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

impl Token {
    /// Read a token.
    ///
    /// # Errors
    /// Why it can't be read.
    pub fn load(file: PathBuf) -> Result<Self, FileError> {
        let file = SecretFile { what: "token", path: file };
        let known = RwLock::new(read(&file)?);
        Ok(Self { file, known })
    }

    /// A warning, where everybody on the machine can read it.
    pub fn open_to_others(&self) -> Option<String> {
        self.file.open_to_others()
    }

    /// Whether a request carries the token. Compared as digests and in constant time: how
    /// long it takes says nothing about the token, its length included.
    pub async fn admits(&self, headers: &HeaderMap) -> bool {
        self.refresh().await;
        let Some(offered) = bearer(headers) else { return false };
        let known = self.known.read().await;
        bool::from(digest(offered).ct_eq(&known.digest))
    }

    /// The digest of the token that is in force.
    pub async fn fingerprint(&self) -> [u8; 32] {
        self.refresh().await;
        self.known.read().await.digest
    }

    async fn refresh(&self) {
        let stamp = self.file.stamp();
        if stamp.is_none() || stamp == self.known.read().await.stamp {
            // A file that is gone for a moment (a rotation) leaves the last token in force.
            return;
        }
        match read(&self.file) {
            Ok(known) => *self.known.write().await = known,
            Err(error) => tracing::warn!(error = error.message, "the last token stays in force"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn bearer(token: &str) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, token.parse().unwrap())])
    }

    #[tokio::test]
    async fn only_the_token_in_the_file_is_admitted_and_a_new_one_takes_over() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("token");
        std::fs::write(&file, "first\n").unwrap();
        let token = Token::load(file.clone()).unwrap();
        assert!(token.admits(&bearer("Bearer first")).await);
        assert!(token.admits(&bearer("bearer first")).await);
        for wrong in ["Bearer second", "Bearer ", "first", "Basic first", "Bearer firstfirst"] {
            assert!(!token.admits(&bearer(wrong)).await, "{wrong}");
        }
        assert!(!token.admits(&HeaderMap::new()).await);
        let mut twice = bearer("Bearer first");
        twice.append(AUTHORIZATION, "Bearer second".parse().unwrap());
        assert!(!token.admits(&twice).await, "which of them did a proxy look at?");
        // Another file of the same age and size takes its place, as where a volume is exchanged.
        let (other, age) = (dir.path().join("other"), std::fs::metadata(&file).unwrap().modified().unwrap());
        std::fs::write(&other, "secon\n").unwrap();
        std::fs::File::options().append(true).open(&other).unwrap().set_modified(age).unwrap();
        std::fs::rename(&other, &file).unwrap();
        assert!(token.admits(&bearer("Bearer secon")).await);
        assert!(!token.admits(&bearer("Bearer first")).await);
        std::fs::remove_file(&file).unwrap();
        assert!(token.admits(&bearer("Bearer secon")).await);
    }

    #[test]
    fn a_file_that_everybody_can_read_is_warned_about() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("token");
        std::fs::write(&file, "secret").unwrap();
        for (mode, open) in [(0o600, false), (0o400, false), (0o640, false), (0o604, true)] {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            let warning = Token::load(file.clone()).unwrap().open_to_others();
            assert_eq!(warning.is_some(), open, "{mode:o}: {warning:?}");
        }
    }

    #[test]
    fn an_empty_token_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("token");
        std::fs::write(&file, "\n").unwrap();
        assert!(Token::load(file).err().unwrap().message.contains("empty"));
    }
}
