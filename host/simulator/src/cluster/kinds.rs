//! The kinds that a simulated cluster serves: its discovery.

use std::collections::BTreeMap;

use serde_json::Value;
use suture_core::handler::Resource;
use suture_core::object::{Kind, Object};
use suture_core::{Error, ObjectRef, Reason};

use super::builtin;

/// What is known of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KindInfo {
    /// Its name in URLs.
    pub plural: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// Whether `status` is a subresource, and so not changed through the object itself.
    pub status: bool,
    /// Whether `metadata.generation` counts the changes of its spec.
    pub generation: bool,
    /// Whether it has the subresource `scale`.
    pub scale: bool,
}

impl KindInfo {
    /// As discovery tells it.
    pub fn resource(&self) -> Resource {
        Resource { plural: self.plural.clone(), namespaced: self.namespaced }
    }
}

/// The kinds of one cluster: built-in ones, those that its fixture taught it, and those
/// of the CustomResourceDefinitions in it.
#[derive(Clone, Debug, Default)]
pub struct Kinds {
    learned: BTreeMap<Kind, KindInfo>,
}

impl Kinds {
    /// Learn a kind from one of its objects, if it is not known. Custom resources of
    /// today have a `status` subresource and a generation.
    ///
    /// # Errors
    /// Where one object of the kind has a namespace and another has none.
    pub fn learn(
        &mut self,
        kind: &Kind,
        namespaced: bool,
        objects: &BTreeMap<ObjectRef, Object>,
    ) -> Result<(), String> {
        if builtin::find(kind).is_some() || find_defined(kind, objects).is_some() {
            return Ok(());
        }
        let plural = plural_of(&kind.kind);
        let fresh = KindInfo { plural, namespaced, status: true, generation: true, scale: false };
        let info = self.learned.entry(kind.clone()).or_insert(fresh);
        if info.namespaced == namespaced {
            Ok(())
        } else {
            Err(format!("some objects of {kind} have a namespace and others have none"))
        }
    }

    /// What is known of a kind, given the objects that are there (the definitions among
    /// them).
    pub fn find(&self, kind: &Kind, objects: &BTreeMap<ObjectRef, Object>) -> Option<KindInfo> {
        builtin::find(kind)
            .or_else(|| find_defined(kind, objects))
            .or_else(|| self.learned.get(kind).cloned())
    }

    /// The same; `NotServed` where the cluster has none.
    pub fn get(&self, kind: &Kind, objects: &BTreeMap<ObjectRef, Object>) -> Result<KindInfo, Error> {
        self.find(kind, objects).ok_or_else(|| {
            Error::new(Reason::NOT_SERVED, format!("the simulated cluster does not serve {kind}"))
        })
    }

    /// The API versions under which a kind of this name is served.
    pub fn versions(&self, kind: &str, objects: &BTreeMap<ObjectRef, Object>) -> Vec<String> {
        let mut versions: Vec<String> = builtin::versions(kind).map(str::to_owned).collect();
        versions
            .extend(self.learned.keys().filter(|known| known.kind == kind).map(|k| k.api_version.clone()));
        for definition in definitions(objects).filter(|definition| kind_name(definition) == Some(kind)) {
            versions.extend(served(definition).map(|(api_version, _)| api_version));
        }
        versions
    }
}

fn definitions(objects: &BTreeMap<ObjectRef, Object>) -> impl Iterator<Item = &Value> {
    objects
        .iter()
        .filter(|(reference, _)| {
            reference.kind.kind == "CustomResourceDefinition"
                && reference.kind.api_version == "apiextensions.k8s.io/v1"
        })
        .map(|(_, object)| &**object)
}

fn kind_name(definition: &Value) -> Option<&str> {
    definition.pointer("/spec/names/kind")?.as_str()
}

/// The API versions that a definition serves, and what it says of each.
fn served(definition: &Value) -> impl Iterator<Item = (String, &Value)> {
    let group = definition.pointer("/spec/group").and_then(Value::as_str).unwrap_or_default();
    let versions = definition.pointer("/spec/versions").and_then(Value::as_array);
    versions.into_iter().flatten().filter_map(move |version| {
        let is_served = version.get("served").and_then(Value::as_bool) == Some(true);
        let name = version.get("name")?.as_str()?;
        is_served.then(|| (format!("{group}/{name}"), version))
    })
}

fn find_defined(kind: &Kind, objects: &BTreeMap<ObjectRef, Object>) -> Option<KindInfo> {
    definitions(objects).find_map(|definition| defined(definition, kind))
}

fn defined(definition: &Value, kind: &Kind) -> Option<KindInfo> {
    if kind_name(definition) != Some(&kind.kind) {
        return None;
    }
    let (_, version) = served(definition).find(|(api_version, _)| *api_version == kind.api_version)?;
    Some(KindInfo {
        plural: definition.pointer("/spec/names/plural")?.as_str()?.to_owned(),
        namespaced: definition.pointer("/spec/scope").and_then(Value::as_str) == Some("Namespaced"),
        status: version.pointer("/subresources/status").is_some(),
        generation: true,
        scale: version.pointer("/subresources/scale").is_some(),
    })
}

fn plural_of(kind: &str) -> String {
    let singular = kind.to_lowercase();
    let vowel_before_y = || singular.chars().rev().nth(1).is_some_and(|c| "aeiou".contains(c));
    if ["s", "x", "z", "ch", "sh"].iter().any(|ending| singular.ends_with(ending)) {
        format!("{singular}es")
    } else if singular.ends_with('y') && !vowel_before_y() {
        format!("{}ies", &singular[..singular.len() - 1])
    } else {
        format!("{singular}s")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    #[test]
    fn kinds_that_nobody_defined_get_the_usual_plural() {
        for (kind, plural) in
            [("Widget", "widgets"), ("Policy", "policies"), ("Gateway", "gateways"), ("Mesh", "meshes")]
        {
            assert_eq!(plural_of(kind), plural);
        }
    }

    #[test]
    fn a_definition_in_the_cluster_says_what_its_kind_is() {
        let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "mice.zoo.io"},
            "spec": {"group": "zoo.io", "scope": "Cluster", "names": {"kind": "Mouse", "plural": "mice"},
                "versions": [{"name": "v1", "served": true}, {"name": "v0", "served": false}]}});
        let objects = BTreeMap::from([(ObjectRef::of(&definition).unwrap(), Arc::new(definition))]);
        let kinds = Kinds::default();
        let mouse = kinds.find(&Kind::new("zoo.io/v1", "Mouse"), &objects).unwrap();
        assert_eq!((mouse.plural.as_str(), mouse.namespaced, mouse.status), ("mice", false, false));
        assert_eq!(kinds.find(&Kind::new("zoo.io/v0", "Mouse"), &objects), None);
        assert_eq!(kinds.versions("Mouse", &objects), ["zoo.io/v1"]);
    }

    #[test]
    fn a_kind_is_namespaced_or_it_is_not() {
        let mut kinds = Kinds::default();
        let kind = Kind::new("zoo.io/v1", "Cat");
        kinds.learn(&kind, true, &BTreeMap::new()).unwrap();
        assert!(kinds.learn(&kind, false, &BTreeMap::new()).unwrap_err().contains("zoo.io/v1 Cat"));
    }
}
