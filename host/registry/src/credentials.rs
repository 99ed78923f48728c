//! Who asks a registry: from a docker config file.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::OciError;

/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Who asks.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// A name and a password.
    Basic { user: String, password: String },
    /// A token that is exchanged for others (`identitytoken`).
    Refresh(String),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct DockerConfig {
    auths: BTreeMap<String, Auth>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Auth {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
}

/// The credentials for a registry in a docker config file; none where it has none.
///
/// # Errors
/// Where the file can't be used. Helpers are programs, and none is run.
pub(crate) fn read(file: &Path, registry: &str) -> Result<Option<Credentials>, OciError> {
    let wrong = |why: String| OciError::Credentials { file: file.to_owned(), why };
    let text = suture_core::file::read(file, MAX_BYTES).map_err(|error| wrong(error.to_string()))?;
    // What serde says may quote a password.
    let config: DockerConfig = serde_json::from_slice(&text).map_err(|error| {
        wrong(format!("not a docker config file (line {}, column {})", error.line(), error.column()))
    })?;
    let entry = config.auths.iter().find(|(name, _)| host(name) == host(registry)).map(|(_, auth)| auth);
    let has_secret =
        |auth: &&Auth| !(auth.auth.is_empty() && auth.password.is_empty() && auth.identitytoken.is_empty());
    let Some(auth) = entry.filter(has_secret) else {
        if !config.creds_store.is_empty() || config.cred_helpers.contains_key(registry) {
            let why = format!(
                "the credentials of {registry} are with a helper, and no program is run here; write them as `auth`"
            );
            return Err(wrong(why));
        }
        return Ok(None);
    };
    if !auth.identitytoken.is_empty() {
        return Ok(Some(Credentials::Refresh(auth.identitytoken.clone())));
    }
    if auth.auth.is_empty() {
        return Ok(Some(Credentials::Basic { user: auth.username.clone(), password: auth.password.clone() }));
    }
    let unreadable = || wrong(format!("`auth` of {registry} is not base64 of USER:PASSWORD"));
    let decoded = STANDARD.decode(&auth.auth).map_err(|_| unreadable())?;
    let decoded = String::from_utf8(decoded).map_err(|_| unreadable())?;
    let (user, password) = decoded.split_once(':').ok_or_else(unreadable)?;
    Ok(Some(Credentials::Basic {
        user: user.to_owned(),
        password: password.trim_end_matches('\0').to_owned(),
    }))
}

/// The host of a key of `auths`, which may be a URL; Docker Hub has several names.
fn host(name: &str) -> &str {
    let name = name.trim_start_matches("https://").trim_start_matches("http://");
    match name.split('/').next().unwrap_or_default() {
        "index.docker.io" | "registry-1.docker.io" => "docker.io",
        host => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, registry: &str) -> Result<Option<Credentials>, String> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.json");
        std::fs::write(&file, text).unwrap();
        read(&file, registry).map_err(|error| error.to_string())
    }

    fn basic(user: &str, password: &str) -> Option<Credentials> {
        Some(Credentials::Basic { user: user.into(), password: password.into() })
    }

    #[test]
    fn credentials_are_found_by_their_registry_however_docker_wrote_it() {
        let auth = STANDARD.encode("anna:pa:ss");
        let text = format!(
            r#"{{"auths": {{"ghcr.io": {{"auth": "{auth}"}}, "https://index.docker.io/v1/": {{"username": "x", "password": "y"}},
            "quay.io": {{"identitytoken": "t"}}, "empty.io": {{}}}}}}"#
        );
        assert_eq!(of(&text, "ghcr.io").unwrap(), basic("anna", "pa:ss"));
        assert_eq!(of(&text, "docker.io").unwrap(), basic("x", "y"));
        assert_eq!(of(&text, "quay.io").unwrap(), Some(Credentials::Refresh("t".into())));
        assert_eq!(of(&text, "empty.io").unwrap(), None);
        assert_eq!(of(&text, "ghcr.io.evil.org").unwrap(), None);
    }

    #[test]
    fn no_helper_is_run_and_nothing_secret_is_said() {
        assert!(of(r#"{"credsStore": "pass"}"#, "ghcr.io").unwrap_err().contains("no program is run"));
        let error = of(r#"{"auths": {"ghcr.io": {"auth": "hunter2!"}}}"#, "ghcr.io").unwrap_err();
        assert!(error.contains("base64") && !error.contains("hunter2"), "{error}");
        let error =
            of(r#"{"auths": {"ghcr.io": {"password": 5, "auth": "hunter2"}}}"#, "ghcr.io").unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
        assert!(!format!("{:?}", basic("a", "hunter2")).contains("hunter2"));
    }
}
