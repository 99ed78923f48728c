//! Grants.

use serde_json::{Value, json};
use suture_core::Grant;

use super::{Dice, pod::COPIED};

impl Dice<'_> {
    /// A grant that allows the kind, and more or less of it; or two that only together allow as
    /// much.
    pub fn grants(&mut self) -> Vec<Grant> {
        let whole = self.grant();
        let grants = if self.one_in(3) { self.halves(whole) } else { vec![whole] };
        grants
            .into_iter()
            .map(|grant| serde_json::from_value(grant).unwrap_or_else(|error| panic!("{error}")))
            .collect()
    }

    fn grant(&mut self) -> Value {
        let (version, _, plural) = self.kind;
        let group = version.split_once('/').map_or("", |(group, _)| group);
        let mut grant = json!({"groups": [group], "resources": [plural], "verbs": ["create", "patch", "delete"],
            "namespaces": [self.namespace], "pods": {"images": ["ghcr.io/good/*"]}});
        if self.one_in(3) {
            grant["verbs"] = json!(["patch"]);
            grant["fields"] = self.fields();
        }
        if self.one_in(4) {
            grant["names"] = json!(["x", self.namespace]);
        }
        if self.one_in(3) {
            grant["pods"]["level"] = json!("baseline");
        }
        for (field, listed) in [
            ("serviceAccounts", "default"),
            ("annotations", "sidecar.istio.io/inject"),
            ("claims", "data-x-0"),
            ("claims", "data-*"),
            ("secrets", "x"),
            ("nodeLabels", "kubernetes.io/hostname"),
            ("tolerations", "dedicated"),
            ("priorityClasses", "system-node-critical"),
        ] {
            if self.one_in(4) {
                grant["pods"][field] = json!([listed]);
            }
        }
        if self.one_in(2) {
            grant["pods"]["from"] = json!([format!("cronjobs/{COPIED}")]);
        }
        grant
    }

    fn fields(&mut self) -> Value {
        let fields = [
            json!(["/data/state"]),
            json!(["/metadata/labels"]),
            json!(["/spec/replicas", "/metadata/annotations/a"]),
            json!(["/spec/template/spec/containers/*/image"]),
            json!(["/spec/template/metadata/annotations", "/spec/ordinals"]),
        ];
        fields[self.rng.usize(..fields.len())].clone()
    }

    /// Two grants, of which each lacks something that the other has.
    fn halves(&mut self, whole: Value) -> Vec<Value> {
        let mut halves = [whole.clone(), whole.clone()];
        if whole.get("fields").is_none() && self.one_in(3) {
            halves[0]["verbs"] = json!(["create", "delete"]);
            halves[1]["verbs"] = json!(["patch"]);
        }
        for half in &mut halves {
            if self.one_in(3) {
                half["verbs"] = json!(["patch"]);
                half["fields"] = self.fields();
            }
        }
        for field in whole["pods"].as_object().into_iter().flat_map(|pods| pods.keys()) {
            let without = self.rng.usize(..3);
            if let Some(pods) = halves.get_mut(without).and_then(|half| half["pods"].as_object_mut()) {
                pods.remove(field);
            }
        }
        halves.to_vec()
    }
}
