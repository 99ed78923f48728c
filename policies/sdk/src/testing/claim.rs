//! PersistentVolumeClaims.

use serde_json::json;

use super::Object;

/// A PersistentVolumeClaim of this size (`10Gi`), bound to a volume of the class `standard`.
pub fn claim(namespace: &str, name: &str, size: &str) -> Object {
    Object::new("v1", "PersistentVolumeClaim", namespace, name)
        .set(
            "/spec",
            json!({"accessModes": ["ReadWriteOnce"], "storageClassName": "standard",
            "volumeName": format!("pvc-{name}"), "resources": {"requests": {"storage": size}}}),
        )
        .set(
            "/status",
            json!({"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": size}}),
        )
}

/// Of a claim.
impl Object {
    /// Its storage class.
    pub fn class(self, name: &str) -> Self {
        self.set("/spec/storageClassName", name)
    }

    /// No volume is there for it yet.
    pub fn unbound(self) -> Self {
        self.set("/spec/volumeName", "").set("/status", json!({"phase": "Pending"}))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_has_its_size_and_its_volume() {
        let bound = claim("media", "plex", "10Gi").class("fast").value();
        assert_eq!(bound["spec"]["resources"]["requests"]["storage"], bound["status"]["capacity"]["storage"]);
        assert_eq!(bound["spec"]["storageClassName"], "fast");
        assert_eq!(claim("media", "plex", "10Gi").unbound().value()["status"], json!({"phase": "Pending"}));
    }
}
