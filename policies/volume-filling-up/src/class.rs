//! The storage class of a claim: whether its volumes can grow.

use serde::Deserialize;
use suture_policy::kube::{Metadata, Ref};
use suture_policy::stop::Stop;

use crate::claim::PersistentVolumeClaim;
use crate::evidence::Evidence;
use crate::tell;

/// Provisioners of folders, whose volumes have no size of their own, whatever their class says.
const FOLDERS: [&str; 5] = [
    "kubernetes.io/no-provisioner",
    "rancher.io/local-path",
    "openebs.io/local",
    "k8s.io/minikube-hostpath",
    "microk8s.io/hostpath",
];

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct StorageClass {
    metadata: Metadata,
    provisioner: String,
    allow_volume_expansion: Option<bool>,
}

suture_policy::resource!("storage.k8s.io/v1", StorageClass);

/// That volumes of its class can grow.
pub fn must_allow_growth(claim: &PersistentVolumeClaim, evidence: &Evidence) -> Result<(), Stop> {
    let (name, class) = (claim.name(), &claim.spec.storage_class_name);
    if class.is_empty() {
        return tell(
            &format!(
                "claim {name} has no storage class: its volume was made by hand, and must be grown by hand"
            ),
            evidence,
        );
    }
    let Some(found) = Ref::<StorageClass>::cluster(class).find()? else {
        return tell(
            &format!(
                "the storage class {class} of claim {name} is not there any more, and without it no volume grows"
            ),
            evidence,
        );
    };
    if FOLDERS.contains(&found.provisioner.as_str()) {
        return tell(
            &format!(
                "volumes of the storage class {class} (`{}`) are folders on a disk that others use, too; growing claim {name} would give it no room",
                found.provisioner
            ),
            evidence,
        );
    }
    if found.allow_volume_expansion != Some(true) {
        return tell(
            &format!(
                "the storage class {class} does not allow volumes to grow (`allowVolumeExpansion`); claim {name} must move to \
                 a larger volume, or, where the driver `{}` can grow them, the class must say so",
                found.provisioner
            ),
            evidence,
        );
    }
    Ok(())
}
