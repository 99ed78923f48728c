//! How the API server makes objects.

use serde_json::{Value, json};
use suture_core::clock::{Timestamp, kubernetes_time};
use suture_core::effect::Create;
use suture_core::object::{self, Kind};
use suture_core::{Error, ObjectRef, Reason};

use super::kinds::KindInfo;
use super::store::{Change, Store};
use super::{defaults, identity, rules};
use crate::fixture::ChangeVerb;

impl Store {
    /// Make an object.
    pub fn create(&mut self, create: &Create, at: Timestamp) -> Result<Change, Error> {
        let info = self.info(&create.kind)?;
        if let Some(subresource) = &create.subresource {
            info.part(Some(subresource))?;
            let message = format!("`{}/{subresource}` can't be created", info.plural);
            return Err(Error::new(Reason::METHOD_NOT_ALLOWED, message));
        }
        let mut value = create.object.clone();
        identity::of_new(&mut value, &create.kind, create.namespace.as_deref())?;
        self.check_new(&create.kind, &info.plural, &value)?;
        if info.status {
            rules::set_top(&mut value, "status", initial_status(&create.kind));
        }
        self.insert(value, &info, at)
    }

    /// Make an object, as a controller does it: with a status.
    pub fn create_whole(&mut self, mut value: Value, at: Timestamp) -> Result<Change, Error> {
        let kind = Kind::of(&value).ok_or_else(|| bad_request("the object has no apiVersion or kind"))?;
        let info = self.info(&kind)?;
        if object::name(&value).is_none()
            && let Some(base) = value.pointer("/metadata/generateName").and_then(Value::as_str)
        {
            let name = format!(
                "{}{}",
                suture_cluster::pin::truncated(base),
                suture_cluster::pin::suffix(&self.version())
            );
            rules::set(&mut value, "name", Some(name.into()));
        }
        if info.status && value.get("status").is_none() {
            rules::set_top(&mut value, "status", initial_status(&kind));
        }
        let change = self.insert(value, &info, at)?;
        self.collect(at);
        Ok(change)
    }

    fn insert(&mut self, mut value: Value, info: &KindInfo, at: Timestamp) -> Result<Change, Error> {
        let reference = ObjectRef::of(&value).ok_or_else(|| {
            Error::new(Reason::INVALID, "metadata.name: the object has neither `name` nor `generateName`")
        })?;
        self.checked_info(&reference)?;
        defaults::fill(&reference.kind, &mut value);
        rules::drop_empty_lists(&mut value);
        if let Some(namespace) = &reference.namespace {
            self.check_namespace(namespace)?;
        }
        rules::check_metadata(&value, &reference.kind).map_err(|message| invalid(&reference, message))?;
        if value.pointer("/metadata/resourceVersion").is_some_and(|version| !version.is_null()) {
            return Err(bad_request("metadata.resourceVersion must not be set on an object to be made"));
        }
        if self.objects.contains_key(&reference) {
            return Err(Error::new(Reason::ALREADY_EXISTS, format!("{reference} exists already")));
        }
        self.complete(&reference, &info.plural, None, &mut value)?;
        let uid = self.next_uid();
        for (field, fresh) in [
            ("uid", Some(uid.into())),
            ("creationTimestamp", Some(kubernetes_time(at).into())),
            ("generation", info.generation.then(|| 1.into())),
            ("deletionTimestamp", None),
            ("deletionGracePeriodSeconds", None),
        ] {
            rules::set(&mut value, field, fresh);
        }
        let object = self.put(reference.clone(), value);
        Ok(self.record(ChangeVerb::Create, reference, None, None, Some(object.clone()), object))
    }
}

fn invalid(reference: &ObjectRef, message: impl std::fmt::Display) -> Error {
    Error::new(Reason::INVALID, format!("{reference}: {message}"))
}

fn bad_request(message: impl Into<String>) -> Error {
    Error::new(Reason::BAD_REQUEST, message)
}

/// The status that the API server gives a new object.
fn initial_status(kind: &Kind) -> Option<Value> {
    let phase = match (kind.api_version.as_str(), kind.kind.as_str()) {
        ("v1", "Pod" | "PersistentVolumeClaim" | "PersistentVolume") => "Pending",
        ("v1", "Namespace") => "Active",
        ("batch/v1", "Job") => return Some(json!({})),
        _ => return None,
    };
    Some(json!({"phase": phase}))
}
