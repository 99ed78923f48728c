//! Volumes whose files the kubelet writes itself.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::bail;
use k8s_openapi::api::core::v1::{ConfigMap, KeyToPath, Secret, Volume};
use kube::{Api, Client};

/// Write what a Secret or a ConfigMap holds into a folder, as a volume asks for it. False
/// where the volume is of another kind.
///
/// # Errors
/// What the real kubelet would not start the container for.
pub async fn write(client: &Client, namespace: &str, volume: &Volume, folder: &Path) -> anyhow::Result<bool> {
    let (name, items, is_optional, found) = if let Some(source) = &volume.secret {
        let name = source.secret_name.clone().unwrap_or_default();
        let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
        let found = secrets.get_opt(&name).await?.map(|secret| {
            let data = secret.data.unwrap_or_default().into_iter();
            data.map(|(key, value)| (key, value.0)).collect::<BTreeMap<_, _>>()
        });
        (name, &source.items, source.optional, found)
    } else if let Some(source) = &volume.config_map {
        let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
        let found = maps.get_opt(&source.name).await?.map(|map| {
            let data = map.data.unwrap_or_default().into_iter();
            data.map(|(key, value)| (key, value.into_bytes())).collect()
        });
        (source.name.clone(), &source.items, source.optional, found)
    } else {
        return Ok(false);
    };
    std::fs::create_dir_all(folder)?;
    let is_optional = is_optional == Some(true);
    let Some(found) = found else {
        if is_optional {
            return Ok(true);
        }
        bail!("{name}: not found");
    };
    let all = || {
        found
            .keys()
            .map(|key| KeyToPath { key: key.clone(), path: key.clone(), ..KeyToPath::default() })
            .collect()
    };
    for KeyToPath { key, path, .. } in items.clone().unwrap_or_else(all) {
        match found.get(&key) {
            Some(value) => std::fs::write(folder.join(path), value)?,
            None if is_optional => {}
            None => bail!("references non-existent key of {name}: {key}"),
        }
    }
    Ok(true)
}
