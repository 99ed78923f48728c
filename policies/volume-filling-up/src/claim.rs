//! PersistentVolumeClaims, as far as this policy looks at them.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use suture_policy::kube::{Condition, Metadata, Ref};
use suture_policy::stop::{Stop, escalate};
use suture_policy::{Incident, Result, Value, text};

use crate::quantity::Quantity;

/// What amounts are keyed by.
const STORAGE: &str = "storage";
/// How much of somebody else's message is shown, in bytes.
const SHOWN: usize = 500;

/// Which claim the alert is about.
#[derive(Clone, Debug)]
pub struct Name {
    pub namespace: String,
    pub name: String,
}

impl Name {
    pub fn of(incident: &Incident) -> Result<Self> {
        let part = |label: &str| incident.key(label).map(str::to_owned);
        Ok(Self { namespace: part("namespace")?, name: part("persistentvolumeclaim")? })
    }

    pub fn reference(&self) -> Ref<PersistentVolumeClaim> {
        Ref::new(&self.namespace, &self.name)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// A claim to a volume.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PersistentVolumeClaim {
    pub metadata: Metadata,
    pub spec: Spec,
    pub status: Status,
}

suture_policy::resource!("v1", PersistentVolumeClaim);

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Spec {
    pub storage_class_name: String,
    pub volume_mode: String,
    pub resources: Resources,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Resources {
    pub requests: BTreeMap<String, Value>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    pub phase: String,
    pub capacity: BTreeMap<String, Value>,
    /// How far the growth of each resource is, where the cluster says so (1.32 and later).
    pub allocated_resource_statuses: BTreeMap<String, String>,
    pub conditions: Vec<Condition>,
}

impl PersistentVolumeClaim {
    pub fn name(&self) -> Name {
        let namespace = self.metadata.namespace.clone().unwrap_or_default();
        Name { namespace, name: self.metadata.name.clone() }
    }

    /// That there is a file system of a size that is known.
    pub fn must_be_bound(&self) -> Result<(), Stop> {
        let name = self.name();
        if self.status.phase != "Bound" {
            let phase = if self.status.phase.is_empty() { "not bound" } else { &self.status.phase };
            return escalate(format!(
                "claim {name} is {phase}: there is no volume to grow. `kubectl -n {} describe pvc {}` says why",
                name.namespace, name.name
            ));
        }
        if self.spec.volume_mode == "Block" {
            return escalate(format!(
                "claim {name} is a block device without a file system; it was not grown, for how full it is can't be measured"
            ));
        }
        self.size().and(self.asked()).map(|_| ())
    }

    /// How large it is.
    pub fn size(&self) -> Result<Quantity, Stop> {
        self.amount(&self.status.capacity, "status.capacity.storage")
    }

    /// How large it was asked to be.
    pub fn asked(&self) -> Result<Quantity, Stop> {
        self.amount(&self.spec.resources.requests, "spec.resources.requests.storage")
    }

    fn amount(&self, of: &BTreeMap<String, Value>, field: &str) -> Result<Quantity, Stop> {
        let value = of.get(STORAGE).cloned().unwrap_or_default();
        match serde_json::from_value(value) {
            Ok(amount) if amount > Quantity::default() => Ok(amount),
            _ => escalate(format!("`{field}` of claim {} can't be read; nothing was grown", self.name())),
        }
    }

    /// The size as its status says it, to wait for another.
    pub fn written_size(&self) -> Value {
        self.status.capacity.get(STORAGE).cloned().unwrap_or_default()
    }

    /// The size as it asks for it, to change only that.
    pub fn written_request(&self) -> Value {
        self.spec.resources.requests.get(STORAGE).cloned().unwrap_or_default()
    }

    /// Whether it was asked to be larger than it is.
    pub fn is_growing(&self) -> bool {
        let (Ok(size), Ok(asked)) = (self.size(), self.asked()) else { return false };
        asked > size
    }

    /// Whether the storage driver or the node has said that it can't grow so far.
    pub fn is_infeasible(&self) -> bool {
        let status = self.status.allocated_resource_statuses.get(STORAGE);
        status.is_some_and(|status| INFEASIBLE.contains(&status.as_str()))
    }

    /// What its conditions say of a growth that is not done, in the words of who does it.
    pub fn why_not_grown(&self) -> Option<String> {
        let condition = WHY.into_iter().find_map(|name| self.condition(name))?;
        let message = text::one_line(&condition.message);
        Some(match message.as_str() {
            "" => condition.name.clone(),
            message => format!("{}: {}", condition.name, text::start(message, SHOWN)),
        })
    }

    /// Whether only the file system is still to grow.
    pub fn waits_for_its_node(&self) -> bool {
        self.condition("FileSystemResizePending").is_some()
    }

    fn condition(&self, name: &str) -> Option<&Condition> {
        self.status.conditions.iter().find(|condition| condition.name == name && condition.is_true())
    }
}

/// What a cluster says of a growth that will never be done.
pub const INFEASIBLE: [&str; 2] = ["ControllerResizeInfeasible", "NodeResizeInfeasible"];
/// The conditions of a growth, those that say most first.
const WHY: [&str; 4] = ["ControllerResizeError", "NodeResizeError", "FileSystemResizePending", "Resizing"];

#[cfg(test)]
mod tests {
    use suture_policy::json;

    use super::*;

    #[test]
    fn a_claim_that_asks_for_more_than_it_has_is_growing() {
        let claim = |asked: &str, size: &str| -> PersistentVolumeClaim {
            serde_json::from_value(json!({"metadata": {"name": "x"},
                "spec": {"resources": {"requests": {"storage": asked}}}, "status": {"capacity": {"storage": size}}}))
            .unwrap()
        };
        assert!(claim("12Gi", "10Gi").is_growing());
        assert!(!claim("10Gi", "10240Mi").is_growing() && !claim("9G", "10Gi").is_growing());
        assert!(!claim("12Gi", "?").is_growing() && claim("12Gi", "?").size().is_err());
    }
}
