//! Basic authentication, with a password from a file.

use std::path::PathBuf;

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parking_lot::RwLock;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::secret_file::{FileError, SecretFile, Stamp};
use crate::token::authorization;

/// A name, and a password in a file. It is read again when the file is another.
pub(crate) struct Basic {
    username: [u8; 32],
    file: SecretFile,
    known: RwLock<Known>,
}

struct Known {
    stamp: Option<Stamp>,
    password: [u8; 32],
}

fn digest(text: &[u8]) -> [u8; 32] {
    Sha256::digest(text).into()
}

fn read(file: &SecretFile) -> Result<Known, FileError> {
    let stamp = file.stamp();
    // An editor ends a file with a line break; other blanks may be meant.
    let password = file.read(|text| text.trim_end_matches(['\r', '\n']))?;
    Ok(Known { stamp, password: digest(password.as_bytes()) })
}

impl Basic {
    /// Read a password.
    ///
    /// # Errors
    /// Why it can't be read.
    pub fn load(username: &str, file: PathBuf) -> Result<Self, FileError> {
        let file = SecretFile { what: "password", path: file };
        let known = RwLock::new(read(&file)?);
        Ok(Self { username: digest(username.as_bytes()), file, known })
    }

    /// A warning, where everybody on the machine can read the password.
    pub fn open_to_others(&self) -> Option<String> {
        self.file.open_to_others()
    }

    /// Whether a request carries the name and the password. Compared as digests and in constant
    /// time: how long it takes says nothing about them.
    pub fn admits(&self, headers: &HeaderMap) -> bool {
        self.refresh();
        let Some((scheme, encoded)) = authorization(headers) else { return false };
        if !scheme.eq_ignore_ascii_case("basic") {
            return false;
        }
        let Ok(decoded) = STANDARD.decode(encoded) else { return false };
        let Some(colon) = decoded.iter().position(|byte| *byte == b':') else { return false };
        let (username, password) = decoded.split_at(colon);
        let password = password.get(1..).unwrap_or_default();
        let known = self.known.read();
        (digest(username).ct_eq(&self.username) & digest(password).ct_eq(&known.password)).into()
    }

    /// The digest of the password that is in force.
    pub fn fingerprint(&self) -> [u8; 32] {
        self.refresh();
        self.known.read().password
    }

    fn refresh(&self) {
        let found = self.file.stamp();
        if found.is_none() || found == self.known.read().stamp {
            // A file that is gone for a moment (a rotation) leaves the last password in force.
            return;
        }
        match read(&self.file) {
            Ok(known) => *self.known.write() = known,
            Err(error) => {
                // Said once: it is looked at again when it is another.
                self.known.write().stamp = found;
                tracing::warn!(error = error.message, "the last password stays in force");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use axum::http::header::AUTHORIZATION;

    use super::*;

    fn offered(text: &str) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, text.parse().unwrap())])
    }

    fn pair(text: &str) -> HeaderMap {
        offered(&format!("Basic {}", STANDARD.encode(text)))
    }

    #[test]
    fn only_the_name_with_its_password_is_admitted() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("password");
        std::fs::write(&file, "pass:word\n").unwrap();
        let basic = Basic::load("am", file).unwrap();
        assert!(basic.admits(&pair("am:pass:word")));
        assert!(basic.admits(&offered(&format!("bASIC {}", STANDARD.encode("am:pass:word")))));
        for wrong in ["am:", "am", ":pass:word", "am:pass", "am:pass:word\n", "AM:pass:word", "am:pass:wordx"]
        {
            assert!(!basic.admits(&pair(wrong)), "{wrong:?}");
        }
        for wrong in ["Basic", "Basic ", "Basic !!", "Bearer pass:word", "am:pass:word"] {
            assert!(!basic.admits(&offered(wrong)), "{wrong:?}");
        }
        assert!(!basic.admits(&HeaderMap::new()));
    }

    #[test]
    fn another_password_takes_over_also_where_a_link_is_exchanged() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        for (folder, password) in [("..1", "first"), ("..2", "other")] {
            std::fs::create_dir(path(folder)).unwrap();
            let file = path(folder).join("password");
            std::fs::write(&file, password).unwrap();
            // As old, and as long.
            let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1);
            std::fs::File::options().append(true).open(&file).unwrap().set_modified(time).unwrap();
        }
        symlink("..1", path("..data")).unwrap();
        symlink("..data/password", path("password")).unwrap();
        let basic = Basic::load("am", path("password")).unwrap();
        assert!(basic.admits(&pair("am:first")) && !basic.admits(&pair("am:other")));
        symlink("..2", path("..data_tmp")).unwrap();
        std::fs::rename(path("..data_tmp"), path("..data")).unwrap();
        assert!(basic.admits(&pair("am:other")) && !basic.admits(&pair("am:first")));
        std::fs::write(path("..2/password"), "").unwrap();
        assert!(basic.admits(&pair("am:other")), "an empty file leaves the last one in force");
    }
}
