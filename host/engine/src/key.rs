//! What identifies the broken thing: the key labels of an alert.

use suture_core::{Labels, Manifest, fingerprint_of, names};

/// What stands in the key of an alert that all its labels together identify.
pub const FINGERPRINT: &str = "fingerprint";

/// The labels of an alert that the manifest's `key` names, checked: whoever can write
/// a rule chooses them, and they become names in the cluster. Where it names none, each
/// alert is an incident of its own, and the key is its [`FINGERPRINT`].
///
/// # Errors
/// Which label is missing, or is no Kubernetes name.
pub fn key(manifest: &Manifest, labels: &Labels) -> Result<Labels, String> {
    if manifest.key.is_empty() {
        return Ok([(FINGERPRINT.to_owned(), fingerprint_of(labels))].into());
    }
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
    use crate::run::harness::manifest;

    #[test]
    fn a_key_label_that_is_missing_or_no_name_is_refused() {
        let labels = |namespace: &str| -> Labels { [("obj_namespace".into(), namespace.into())].into() };
        assert_eq!(key(&manifest(), &labels("media")).unwrap(), labels("media"));
        for hostile in ["", "../kube-system", "a b", "Media", "x\ny"] {
            assert!(key(&manifest(), &labels(hostile)).is_err(), "{hostile}");
        }
        assert!(key(&manifest(), &Labels::new()).unwrap_err().contains("obj_namespace"));
    }

    #[test]
    fn without_key_labels_every_alert_is_of_its_own_whatever_its_labels_hold() {
        let mut manifest = manifest();
        manifest.key.clear();
        let alert = |name: &str| -> Labels { [("alertname".into(), name.into())].into() };
        let of = |name: &str| key(&manifest, &alert(name)).unwrap();
        assert_eq!(of("../A b"), of("../A b"));
        assert_ne!(of("../A b"), of("../A c"));
        names::dns_label(&of("../A b")[FINGERPRINT]).unwrap();
    }
}
