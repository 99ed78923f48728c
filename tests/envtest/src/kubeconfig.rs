//! Kubeconfig files.

use std::path::Path;

use anyhow::Context;
use serde_json::{Value, json};

use crate::certificates::Identity;

/// Write a kubeconfig for a user who shows a certificate.
pub fn for_certificate(file: &Path, url: &str, authority: &Path, user: &Identity) -> anyhow::Result<()> {
    let (certificate, key) = (file.with_extension("crt"), file.with_extension("key"));
    std::fs::write(&certificate, &user.certificate)?;
    std::fs::write(&key, &user.key)?;
    write(file, url, authority, json!({"client-certificate": certificate, "client-key": key}))
}

/// Write a kubeconfig for a user who shows a token, and the token into a file beside it.
pub fn for_token(file: &Path, url: &str, authority: &Path, token: &str) -> anyhow::Result<()> {
    let token_file = file.with_extension("token");
    std::fs::write(&token_file, token)?;
    write(file, url, authority, json!({"tokenFile": token_file}))
}

fn write(file: &Path, url: &str, authority: &Path, user: Value) -> anyhow::Result<()> {
    // JSON is YAML.
    let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "tests",
        "clusters": [{"name": "tests", "cluster": {"server": url, "certificate-authority": authority}}],
        "users": [{"name": "tests", "user": user}],
        "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "tests"}}]});
    std::fs::write(file, format!("{config:#}"))
        .with_context(|| format!("{} can't be written", file.display()))
}
