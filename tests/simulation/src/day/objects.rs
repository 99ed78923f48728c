//! The objects that break, and the controllers that look after them.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use suture_core::effect::Target;
use suture_core::object::Kind;
use suture_core::{Labels, ObjectRef};
use suture_simulator::SimulatedCluster;

use crate::heal::ALERTNAME;
use crate::plan::Cause;

/// Namespaces that objects are in.
pub(crate) const NAMESPACES: usize = 3;

/// A namespace's name.
pub(crate) fn namespace(number: usize) -> String {
    format!("ns-{number}")
}

/// An object's namespace and name.
pub(crate) fn names(object: usize) -> (String, String) {
    (namespace(object % NAMESPACES), format!("app-{object}"))
}

/// The labels of an object's alert, as its rule makes them.
pub(crate) fn labels(object: usize) -> Labels {
    let (namespace, name) = names(object);
    let labels = [
        ("alertname", ALERTNAME),
        ("namespace", namespace.as_str()),
        ("name", name.as_str()),
        ("replica", "a"),
    ];
    labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// An object that is well.
pub(super) fn healthy(object: usize) -> Value {
    let (namespace, name) = names(object);
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace},
        "data": {"state": "healthy"}})
}

fn reference(object: usize) -> ObjectRef {
    let (namespace, name) = names(object);
    Target {
        kind: Kind::new("v1", "ConfigMap"),
        namespace: Some(namespace),
        name,
        uid: None,
        subresource: None,
    }
    .reference()
}

/// All of them.
pub(super) struct Objects {
    cluster: SimulatedCluster,
    count: usize,
    /// What they hold as of a version of the cluster: most of a day nothing changes.
    seen: (u64, Vec<Value>),
    /// Those whose controllers are at work.
    asked: BTreeSet<usize>,
}

impl Objects {
    pub fn new(cluster: SimulatedCluster, count: usize) -> Self {
        Self { cluster, count, seen: (u64::MAX, Vec::new()), asked: BTreeSet::new() }
    }

    /// Their numbers.
    pub fn all(&self) -> std::ops::Range<usize> {
        0..self.count
    }

    /// Break one, unless it is broken.
    pub fn break_(&self, object: usize, cause: Cause) {
        if self.data(object)["state"] != "healthy" {
            return;
        }
        self.edit(object, |data| {
            *data = json!({"state": "broken", "cause": cause.as_str(), "lock": data["lock"]});
        });
    }

    /// One is well again.
    pub fn mend(&self, object: usize) {
        self.edit(object, |data| data["state"] = json!("healthy"));
    }

    /// Those that are not well.
    pub fn broken(&mut self) -> Vec<usize> {
        self.look();
        self.all().filter(|object| self.seen.1[*object]["state"] != "healthy").collect()
    }

    /// Those whose controllers have been asked to mend them, and begin to do so now.
    pub fn newly_asked(&mut self) -> Vec<usize> {
        self.look();
        let is_asked = |data: &Value| data["asked"] == "yes" && data["state"] != "healthy";
        let asked: Vec<usize> = self.all().filter(|object| is_asked(&self.seen.1[*object])).collect();
        asked.into_iter().filter(|object| self.asked.insert(*object)).collect()
    }

    /// A controller has done what it was asked for.
    pub fn obey(&mut self, object: usize) {
        self.asked.remove(&object);
        if self.data(object)["asked"] == "yes" {
            self.edit(object, |data| {
                data["state"] = json!("healthy");
                data["asked"] = json!("done");
            });
        }
    }

    /// What one holds.
    pub fn data(&self, object: usize) -> Value {
        self.cluster.object(&reference(object)).map(|object| object["data"].clone()).unwrap_or_default()
    }

    fn look(&mut self) {
        let version = self.cluster.version();
        if self.seen.0 != version {
            self.seen = (version, self.all().map(|object| self.data(object)).collect());
        }
    }

    fn edit(&self, object: usize, change: impl FnOnce(&mut Value)) {
        #[expect(clippy::unwrap_used, reason = "nobody deletes it")]
        self.cluster
            .edit(&reference(object), |object| {
                change(&mut object["data"]);
                if let Some(data) = object["data"].as_object_mut() {
                    data.retain(|_, value| !value.is_null());
                }
            })
            .unwrap();
    }
}
