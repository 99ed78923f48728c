//! What identifies the broken thing: the key labels of an alert.

use suture_core::{Labels, Manifest, names};

/// The labels of an alert that the manifest's `key` names, checked: whoever can write
/// a rule chooses them, and they become names in the cluster.
///
/// # Errors
/// Which label is missing, or is no Kubernetes name.
pub fn key(manifest: &Manifest, labels: &Labels) -> Result<Labels, String> {
    let mut key = Labels::new();
    for name in &manifest.key {
        let value = labels.get(name).filter(|value| !value.is_empty()).ok_or_else(|| {
            format!("the alert has no label `{name}`, which policy `{}` needs as its key", manifest.name)
        })?;
        names::dns_subdomain(value).map_err(|error| format!("label `{name}`: {error}"))?;
        key.insert(name.clone(), value.clone());
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::bed::manifest;

    #[test]
    fn a_key_label_that_is_missing_or_no_name_is_refused() {
        let labels = |namespace: &str| -> Labels { [("obj_namespace".into(), namespace.into())].into() };
        assert_eq!(key(&manifest(), &labels("media")).unwrap(), labels("media"));
        for hostile in ["", "../kube-system", "a b", "Media", "x\ny"] {
            assert!(key(&manifest(), &labels(hostile)).is_err(), "{hostile}");
        }
        assert!(key(&manifest(), &Labels::new()).unwrap_err().contains("obj_namespace"));
    }
}
