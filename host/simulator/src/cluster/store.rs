//! The objects of a simulated cluster, and what has become of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use suture_core::clock::{Timestamp, kubernetes_time};
use suture_core::object::{self, Kind, Object};
use suture_core::{Error, ObjectRef, Reason};

use super::kinds::{KindInfo, Kinds};
use super::ownership::Ownership;
use super::{defaults, rules};
use crate::fixture::{ChangeVerb, Fixture, FixtureError, known_kinds};

/// All objects. Cloning is cheap, and a clone is a snapshot: a dry run changes one and
/// drops it.
#[derive(Clone)]
pub struct Store {
    pub objects: Arc<BTreeMap<ObjectRef, Object>>,
    pub kinds: Arc<Kinds>,
    /// Who owns the fields of the objects that somebody has applied to.
    pub managed: Arc<BTreeMap<ObjectRef, Ownership>>,
    /// Changes that nobody has looked at yet, oldest first.
    pub changes: Vec<Change>,
    /// The objects that were changed since those who wait were told.
    pub touched: Vec<ObjectRef>,
    /// The uids of objects that went, whose dependents are still to be looked at.
    pub gone: Vec<String>,
    /// Whether a namespace exists only where its object does.
    strict_namespaces: bool,
    /// The first part of every uid, made from the fixture: a run that was begun on one
    /// cluster is not taken up on another.
    origin: String,
    version: u64,
    uids: u64,
}

/// Something that happened to an object.
#[derive(Clone, Debug)]
pub struct Change {
    pub verb: ChangeVerb,
    pub reference: ObjectRef,
    pub subresource: Option<String>,
    pub before: Option<Object>,
    /// None where the object is gone.
    pub after: Option<Object>,
    /// The object after the change; where it is gone, as it was last.
    pub shown: Object,
}

impl Store {
    /// The objects of a fixture, which has been validated.
    pub fn new(fixture: &Fixture) -> Result<Self, FixtureError> {
        let is_namespace = |value: &Value| Kind::of(value) == Some(namespace_kind());
        let mut store = Self {
            objects: Arc::default(),
            kinds: Arc::new(known_kinds(fixture)?),
            managed: Arc::default(),
            changes: Vec::new(),
            touched: Vec::new(),
            gone: Vec::new(),
            strict_namespaces: fixture.objects.iter().any(is_namespace),
            origin: origin(fixture),
            version: 0,
            uids: 0,
        };
        // By its uid a cluster is known, so there always is one.
        let system = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system"}});
        let has_system = fixture
            .objects
            .iter()
            .any(|value| is_namespace(value) && object::name(value) == Some("kube-system"));
        let extra = (!has_system).then_some(system);
        for value in extra.iter().chain(&fixture.objects) {
            store.seed(value.clone(), fixture.now);
        }
        // Nobody waits yet.
        store.touched.clear();
        let objects = store.objects.clone();
        for (reference, object) in objects.iter() {
            let mut completed = Value::clone(object);
            rules::complete_owners(&mut completed, |owner| {
                object::uid(objects.get(owner)?).map(str::to_owned)
            });
            if completed != **object {
                Arc::make_mut(&mut store.objects).insert(reference.clone(), Arc::new(completed));
            }
        }
        Ok(store)
    }

    fn seed(&mut self, mut value: Value, now: Timestamp) {
        let Some(reference) = ObjectRef::of(&value) else { return };
        let generation = self.info(&reference.kind).is_ok_and(|info| info.generation);
        let defaults = [
            ("uid", Value::from(self.next_uid())),
            ("creationTimestamp", kubernetes_time(now).into()),
            ("generation", 1.into()),
        ];
        for (field, default) in defaults {
            if value.pointer(&format!("/metadata/{field}")).is_none() && (field != "generation" || generation)
            {
                rules::set(&mut value, field, Some(default));
            }
        }
        defaults::fill(&reference.kind, &mut value);
        self.put(reference, value);
    }

    /// The object, where it exists.
    pub fn find(&self, reference: &ObjectRef) -> Option<Object> {
        self.objects.get(reference).cloned()
    }

    /// The object; `NotFound` where it does not exist.
    pub fn get(&self, reference: &ObjectRef) -> Result<Object, Error> {
        self.find(reference).ok_or_else(|| rules::not_found(reference))
    }

    /// What is known of a kind; `NotServed` where there is none.
    pub fn info(&self, kind: &Kind) -> Result<KindInfo, Error> {
        self.kinds.get(kind, &self.objects)
    }

    /// What is known of the kind of an object that is asked for, whose namespace and name
    /// must make sense.
    pub fn checked_info(&self, reference: &ObjectRef) -> Result<KindInfo, Error> {
        let info = self.info(&reference.kind)?;
        let bad = |message: String| Err(Error::new(Reason::BAD_REQUEST, message));
        match &reference.namespace {
            None if info.namespaced => bad(format!("a {} has a namespace; say which", reference.kind.kind)),
            Some(_) if !info.namespaced => {
                bad(format!("a {} has no namespace; ask without one", reference.kind.kind))
            }
            _ => Ok(info),
        }
    }

    /// Whether objects can be made in a namespace.
    pub fn check_namespace(&self, name: &str) -> Result<(), Error> {
        let reference = ObjectRef { kind: namespace_kind(), namespace: None, name: name.to_owned() };
        match self.find(&reference) {
            None if self.strict_namespaces => Err(rules::not_found(&reference)),
            Some(namespace) if object::is_terminating(&namespace) => Err(Error::new(
                Reason::FORBIDDEN,
                format!("nothing can be made in the namespace {name}: it is being deleted"),
            )),
            _ => Ok(()),
        }
    }

    /// The version of the whole.
    pub fn version(&self) -> String {
        self.version.to_string()
    }

    /// The same, as a number.
    pub fn version_number(&self) -> u64 {
        self.version
    }

    /// A uid that no object has.
    pub fn next_uid(&mut self) -> String {
        self.uids += 1;
        format!("{}-0000-4000-8000-{:012x}", self.origin, self.uids)
    }

    /// Store an object under a new version.
    pub fn put(&mut self, reference: ObjectRef, mut value: Value) -> Object {
        self.version += 1;
        rules::set(&mut value, "resourceVersion", Some(self.version().into()));
        let object = Arc::new(value);
        self.touched.push(reference.clone());
        Arc::make_mut(&mut self.objects).insert(reference, object.clone());
        object
    }

    /// Let an object go.
    pub fn remove(&mut self, reference: &ObjectRef) {
        if let Some(object) = Arc::make_mut(&mut self.objects).remove(reference) {
            self.version += 1;
            self.touched.push(reference.clone());
            if self.managed.contains_key(reference) {
                Arc::make_mut(&mut self.managed).remove(reference);
            }
            self.gone.extend(object::uid(&object).map(str::to_owned));
        }
    }
}

fn origin(fixture: &Fixture) -> String {
    // A fixture that can't be written as JSON (it has a NaN) still is a fixture.
    let text = serde_json::to_vec(fixture).unwrap_or_default();
    Sha256::digest(text).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// `apiextensions.k8s.io/v1 CustomResourceDefinition`.
pub fn definition_kind() -> Kind {
    Kind::new("apiextensions.k8s.io/v1", "CustomResourceDefinition")
}

/// `v1 Namespace`.
pub fn namespace_kind() -> Kind {
    Kind::new("v1", "Namespace")
}
