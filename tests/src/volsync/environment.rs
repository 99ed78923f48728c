//! The environment of a container, as the kubelet puts it together.

use anyhow::{Context, bail};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{Container, Secret};
use kube::{Api, Client};

/// The variables of a container: those of `envFrom` first, then those of `env`.
///
/// # Errors
/// What the real kubelet would not start the container for (`CreateContainerConfigError`),
/// and what this one does not know.
pub async fn resolve(
    client: &Client,
    namespace: &str,
    container: &Container,
) -> anyhow::Result<Vec<(String, String)>> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let mut variables = Vec::new();
    for from in container.env_from.iter().flatten() {
        let Some(source) = &from.secret_ref else {
            bail!("this kubelet knows only `secretRef` in `envFrom`")
        };
        let Some(secret) = secrets.get_opt(&source.name).await? else {
            if source.optional == Some(true) {
                continue;
            }
            bail!("secret \"{}\" not found", source.name);
        };
        let prefix = from.prefix.as_deref().unwrap_or_default();
        for (key, value) in secret.data.unwrap_or_default() {
            variables.push((format!("{prefix}{key}"), text(value)?));
        }
    }
    for variable in container.env.iter().flatten() {
        let Some(source) = &variable.value_from else {
            variables.push((variable.name.clone(), variable.value.clone().unwrap_or_default()));
            continue;
        };
        let key = source.secret_key_ref.as_ref();
        let key =
            key.with_context(|| format!("{}: this kubelet knows only `secretKeyRef`", variable.name))?;
        let secret = secrets.get_opt(&key.name).await?;
        let value = secret.and_then(|secret| secret.data.unwrap_or_default().remove(&key.key));
        match value {
            Some(value) => variables.push((variable.name.clone(), text(value)?)),
            None if key.optional == Some(true) => {}
            None => bail!("couldn't find key {} in Secret {namespace}/{}", key.key, key.name),
        }
    }
    if let Some((name, _)) = variables.iter().find(|(_, value)| value.contains("$(")) {
        bail!("{name}: this kubelet does not expand `$(VARIABLE)`");
    }
    Ok(variables)
}

fn text(value: ByteString) -> anyhow::Result<String> {
    String::from_utf8(value.0).context("a Secret's value is not UTF-8")
}
