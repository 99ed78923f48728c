//! Making a mutation one definite act: the first of an effect's three steps.
//!
//! Pure functions that every cluster shares. A create gets its final name and says
//! which step made it; a change of an existing object is pinned to the uid and version
//! that were seen.

use std::borrow::Cow;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use suture_core::effect::{Create, Delete, Mutation, Patch, PatchType, Target};
use suture_core::object::{self, Kind, RUN_ANNOTATION};
use suture_core::{Error, ObjectRef, Reason, Step};

/// The characters of generated names, as Kubernetes chooses them: no vowels, so no words.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
/// How many of them a name ends in.
const SUFFIX: usize = 5;
/// The longest base of a generated name: what fits into a DNS label with the suffix.
const MAX_BASE: usize = 63 - SUFFIX;
/// Where a JSON patch tests the version.
const VERSION_POINTER: &str = "/metadata/resourceVersion";

/// The end of a generated name: always the same for the same seed.
pub fn suffix(seed: &str) -> String {
    let hash = Sha256::digest(seed);
    let letter = |byte: &u8| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]);
    hash.iter().take(SUFFIX).map(letter).collect()
}

/// The part of a `generateName` that a name begins with.
pub fn truncated(base: &str) -> &str {
    let end = base.char_indices().map(|(index, _)| index).chain([base.len()]);
    &base[..end.take_while(|index| *index <= MAX_BASE).last().unwrap_or(0)]
}

/// The name that a create will have at its n-th try, from 0, where it only says
/// `generateName`; `None` where it has a name already, or neither.
pub fn generated_name(create: &Create, step: &Step, attempt: u32) -> Option<String> {
    if object::name(&create.object).is_some_and(|name| !name.is_empty()) {
        return None;
    }
    let base = create.object.pointer("/metadata/generateName")?.as_str().filter(|base| !base.is_empty())?;
    Some(format!("{}{}", truncated(base), suffix(&format!("{step}/{attempt}"))))
}

/// Give a create its kind, its final name, its namespace, and the annotation that says which
/// step made it.
///
/// # Errors
/// `BadRequest` where the object's shape does not let it.
pub fn create(create: &mut Create, step: &Step, name: Option<String>) -> Result<(), Error> {
    let malformed = |what: &str| Error::new(Reason::BAD_REQUEST, format!("{what} is not a JSON object"));
    let namespace = create.namespace.clone();
    let Kind { api_version, kind } = create.kind.clone();
    let object = create.object.as_object_mut().ok_or_else(|| malformed("the object to be made"))?;
    // What says otherwise stays, and is refused when it is performed.
    object.entry("apiVersion").or_insert_with(|| api_version.into());
    object.entry("kind").or_insert_with(|| kind.into());
    let metadata = object.entry("metadata").or_insert_with(|| json!({}));
    let metadata = metadata.as_object_mut().ok_or_else(|| malformed("`metadata`"))?;
    if let Some(name) = name {
        metadata.insert("name".to_owned(), name.into());
    }
    if let Some(namespace) = namespace {
        metadata.entry("namespace").or_insert_with(|| namespace.into());
    }
    let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
    if annotations.is_null() {
        *annotations = json!({});
    }
    let annotations = annotations.as_object_mut().ok_or_else(|| malformed("`metadata.annotations`"))?;
    annotations.insert(RUN_ANNOTATION.to_owned(), step.to_string().into());
    Ok(())
}

/// Pin a change to an object as it is now.
///
/// # Errors
/// `Conflict` where the policy asked for another uid or version; `Invalid` where the
/// patch is none.
pub fn change(mutation: &mut Mutation, current: &Value) -> Result<(), Error> {
    match mutation {
        Mutation::Create(_) => Ok(()),
        Mutation::Apply(apply) => uid(&mut apply.target, current),
        Mutation::Patch(patch) => {
            uid(&mut patch.target, current)?;
            version(&mut patch.resource_version, current, &patch.target.reference())?;
            lead_with_test(patch);
            Ok(())
        }
        Mutation::Delete(Delete { target, resource_version, .. }) => {
            uid(target, current)?;
            version(resource_version, current, &target.reference())
        }
    }
}

/// A version that no object has: they count from 1.
const NO_VERSION: &str = "9223372036854775807";

/// Pin an apply to there being nothing yet: to what somebody makes meanwhile it is a conflict, and not
/// merged with it unseen. The API server compares the version of an apply with that of the object
/// that is there, and ignores it where there is none (`Update` of apiserver's generic store).
pub fn absent(mutation: &mut Mutation) {
    let Mutation::Apply(apply) = mutation else { return };
    if let Some(object) = apply.object.as_object_mut()
        && let Some(metadata) = object.entry("metadata").or_insert_with(|| json!({})).as_object_mut()
    {
        metadata.insert("resourceVersion".to_owned(), NO_VERSION.into());
    }
}

/// A prepared mutation as it is sent: what is applied carries a mark, by which it is known
/// whether it was. The mark is one for each manager: the annotation of a create would be a
/// field that two policies dispute.
pub fn marked<'a>(mutation: &'a Mutation, manager: &str, step: &Step) -> Cow<'a, Mutation> {
    let Mutation::Apply(apply) = mutation else { return Cow::Borrowed(mutation) };
    let mut apply = apply.clone();
    let annotations = apply.object.as_object_mut().and_then(|object| {
        let metadata = object.entry("metadata").or_insert_with(|| json!({})).as_object_mut()?;
        metadata.entry("annotations").or_insert_with(|| json!({})).as_object_mut()
    });
    // Another shape than this is refused by the API server.
    if let Some(annotations) = annotations {
        annotations.insert(mark(manager), step.to_string().into());
    }
    Cow::Owned(Mutation::Apply(apply))
}

/// The annotation in which a manager's last apply says which step it was.
fn mark(manager: &str) -> String {
    format!("run.suture.dev/{}", manager.strip_prefix("suture-").unwrap_or("suture"))
}

/// Whether a step made an object.
pub fn made_by(object: &Value, step: &Step) -> bool {
    object::annotation(object, RUN_ANNOTATION) == Some(&step.to_string())
}

/// Whether a step was the last in which a manager applied an object.
pub fn applied_by(object: &Value, manager: &str, step: &Step) -> bool {
    object::annotation(object, &mark(manager)) == Some(&step.to_string())
}

fn uid(target: &mut Target, current: &Value) -> Result<(), Error> {
    let now = object::uid(current);
    if target.uid.is_some() && target.uid.as_deref() != now {
        let message = format!("{} is not the object with the uid that was asked for", target.reference());
        return Err(Error::new(Reason::CONFLICT, message));
    }
    target.uid = now.map(str::to_owned);
    Ok(())
}

fn version(wanted: &mut Option<String>, current: &Value, reference: &ObjectRef) -> Result<(), Error> {
    let now = object::resource_version(current);
    if wanted.is_some() && wanted.as_deref() != now {
        let message = format!("{reference} is not at the version that was asked for; look at it again");
        return Err(Error::new(Reason::CONFLICT, message));
    }
    *wanted = now.map(str::to_owned);
    Ok(())
}

/// A JSON patch carries its version within it.
fn lead_with_test(patch: &mut Patch) {
    if patch.patch_type == PatchType::Json
        && let (Some(version), Some(operations)) = (&patch.resource_version, patch.body.as_array_mut())
    {
        operations.insert(0, json!({"op": "test", "path": VERSION_POINTER, "value": version}));
    }
}

/// A pinned patch without the leading test of its version: what the policy asked for.
pub fn unpinned(patch: &Patch) -> Patch {
    let mut bare = Patch { resource_version: None, ..patch.clone() };
    if patch.patch_type == PatchType::Json
        && let Some(operations) = bare.body.as_array_mut()
        && operations.first().is_some_and(|first| {
            first.get("op").and_then(Value::as_str) == Some("test")
                && first.get("path").and_then(Value::as_str) == Some(VERSION_POINTER)
        })
    {
        operations.remove(0);
    }
    bare
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(patch_type: PatchType, body: Value) -> Patch {
        let target = Target {
            kind: Kind::new("v1", "ConfigMap"),
            namespace: Some("media".to_owned()),
            name: "notes".to_owned(),
            uid: None,
            subresource: None,
        };
        Patch { target, patch_type, body, resource_version: None }
    }

    #[test]
    fn a_json_patch_carries_its_version_and_loses_only_that() {
        let current = json!({"metadata": {"uid": "u", "resourceVersion": "7"}});
        let asked = patch(PatchType::Json, json!([{"op": "test", "path": "/a", "value": 1}]));
        let mut pinned = Mutation::Patch(asked.clone());
        change(&mut pinned, &current).unwrap();
        let Mutation::Patch(pinned) = pinned else { panic!("no patch") };
        let lead = json!({"op": "test", "path": "/metadata/resourceVersion", "value": "7"});
        assert_eq!(pinned.body[0], lead);
        assert_eq!(unpinned(&pinned).body, asked.body);
        assert_eq!(
            (pinned.target.uid.as_deref(), pinned.resource_version.as_deref()),
            (Some("u"), Some("7"))
        );
    }

    #[test]
    fn another_uid_or_version_than_was_asked_for_is_a_conflict() {
        let current = json!({"metadata": {"uid": "u", "resourceVersion": "7"}});
        let mut old = patch(PatchType::Merge, json!({}));
        old.resource_version = Some("6".to_owned());
        let mut other = patch(PatchType::Merge, json!({}));
        other.target.uid = Some("v".to_owned());
        for wrong in [old, other] {
            let error = change(&mut Mutation::Patch(wrong), &current).unwrap_err();
            assert_eq!(error.reason, Reason::CONFLICT);
        }
    }

    #[test]
    fn the_base_of_a_generated_name_is_cut_between_characters() {
        assert_eq!(truncated("unlock-"), "unlock-");
        assert_eq!(truncated(&"x".repeat(58)).len(), 58);
        assert_eq!(truncated(&"x".repeat(59)).len(), 58);
        assert_eq!(truncated(&format!("{}ä", "x".repeat(57))).len(), 57);
        assert_eq!(truncated(""), "");
    }
}
