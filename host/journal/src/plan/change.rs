//! One change of a plan.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use suture_core::effect::{Apply, Create, Delete, OnObject};
use suture_core::grant::fields::{self, Path, pointer};
use suture_core::{Digest, Effect, Mutation, Reply, object};

use super::mask::Mask;
use super::{canonical, owners, said};
use crate::call::Call;
use crate::recorder::size;

/// The most bytes of a value that is shown whole.
const VALUE: usize = 2048;
/// The most fields of a change that are shown.
const FIELDS: usize = 200;
/// How the annotations begin by which the host knows what it applied.
const MARK: &str = "run.suture.dev/";
/// Fields of `metadata` that the API server writes itself.
const SERVER_OWNED: [&str; 8] = [
    "managedFields",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "uid",
    "selfLink",
];

/// A change, done or planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlannedChange {
    /// The step of the run.
    pub step: u32,
    /// The step that it takes back, where it is an undo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo_of: Option<u32>,
    /// `create`, `patch`, `apply` or `delete`.
    pub verb: String,
    /// The object: `APIVERSION KIND NAMESPACE/NAME`.
    pub object: String,
    /// Its uid; none of what is made.
    pub uid: Option<String>,
    /// Whether it was done; otherwise the API server only said what it would make of it.
    pub performed: bool,
    /// What it does, for people.
    pub summary: String,
    /// The fields that change: of what is made all of them, of what is deleted none.
    pub fields: Vec<FieldDiff>,
    /// How many more fields change, or are too large to be shown with the others. The digest is over
    /// all of them.
    pub more_fields: usize,
    /// Whether the record, of an older version, does not say what the object was before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub before_unknown: bool,
    /// What takes it back at the end of the run, unless the policy keeps it.
    pub undo: Option<String>,
    /// What will set the object back to what stands in Git: `Argo CD (application media)`.
    pub gitops: Option<String>,
    /// Identifies it: the object and what changes of it.
    #[schemars(with = "String")]
    pub digest: Digest,
}

/// A field that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FieldDiff {
    /// Where it is: a JSON pointer.
    pub path: String,
    /// What it is; null where it is not there. A large value is told by its size and digest.
    pub before: Option<Value>,
    /// What it becomes; null where it is removed.
    pub after: Option<Value>,
    /// The field managers that own it, and may set it back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<String>,
}

/// A change with the object before and after it.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// What was asked for, before a name was chosen.
    pub asked: &'a Mutation,
    /// What is done, with everything filled in.
    pub mutation: &'a Mutation,
    /// What the policy wants it to be taken back by.
    pub undo: Option<&'a Mutation>,
    /// None of what is made.
    pub before: Option<&'a Value>,
    /// What it brought.
    pub after: &'a Value,
}

impl<'a> Written<'a> {
    /// What a call changed, or would have, and the field manager that it had; none where it changed nothing.
    pub(super) fn of(call: &'a Call) -> Option<(Self, &'a str)> {
        let Effect::Mutate { mutation: asked, undo } = &call.asked else { return None };
        let (Effect::Mutate { mutation, .. }, Some(Reply::Mutated(after))) = (call.effect(), call.reply())
        else {
            return None;
        };
        let manager = call.prepared.as_ref().map_or("", |prepared| &prepared.manager);
        let (undo, before) = (undo.as_ref(), call.before.as_deref());
        Some((Self { asked, mutation, undo, before, after }, manager))
    }

    /// What identifies it, by all that is masked so far. What it makes is masked from here on.
    pub fn digest(&self, mask: &mut Mask) -> Digest {
        let Self { asked, mutation, undo, before, after } = self;
        let makes = self.makes();
        if makes {
            let generated = asked.reference().name.is_empty().then(|| mutation.reference().name);
            mask.see_made(object::uid(after), generated.as_deref());
        }
        let fields = self.fields();
        let fields: Vec<Value> = fields
            .iter()
            .map(|path| {
                let at = pointer(path);
                let value = |object: Option<&Value>| object.and_then(|object| object.pointer(&at)).cloned();
                json!([at, value(*before), value(Some(after))])
            })
            .collect();
        let (propagation, force) = match mutation {
            Mutation::Delete(Delete { propagation, .. }) => (Some(propagation), false),
            Mutation::Apply(Apply { force, .. }) => (None, *force),
            Mutation::Create(_) | Mutation::Patch(_) => (None, false),
        };
        let all = json!({
            "type": mutation.mutation_type().to_string(),
            "object": mutation.reference().to_string(),
            "prefix": prefix(asked),
            "subresource": mutation.subresource(),
            "uid": if makes { None } else { self.uid() },
            "propagation": propagation,
            "force": force,
            "fields": fields,
            "undo": undo.map(without_version),
        });
        canonical::digest(&all, mask)
    }

    fn uid(&self) -> Option<&str> {
        let of_target = self.mutation.target().and_then(|target| target.uid.as_deref());
        of_target.or_else(|| self.before.and_then(object::uid))
    }

    /// Whether there was no such object before.
    fn makes(&self) -> bool {
        match self.mutation {
            Mutation::Create(Create { subresource, .. }) => subresource.is_none(),
            Mutation::Apply(apply) => self.before.is_none() && apply.target.uid.is_none(),
            Mutation::Patch(_) | Mutation::Delete(_) => false,
        }
    }

    fn is_before_unknown(&self) -> bool {
        self.before.is_none() && !self.makes() && self.mutation.on_object() != OnObject::Deletes
    }

    /// The fields that change, without those that are the host's or the API server's own.
    fn fields(&self) -> Vec<Path> {
        if self.mutation.on_object() == OnObject::Deletes || self.is_before_unknown() {
            return Vec::new();
        }
        let nothing = json!({});
        let mut changed = fields::changed(self.before.unwrap_or(&nothing), self.after);
        // Controllers write it all the time; what the policy itself writes of it counts.
        let of_status = self.mutation.subresource() == Some("status") || writes_status(self.asked);
        changed.retain(|path| {
            let words: Vec<&str> = path.iter().map(String::as_str).collect();
            match words[..] {
                ["apiVersion" | "kind"] | ["metadata", "name" | "namespace" | "generateName"] => false,
                ["metadata", field, ..] if SERVER_OWNED.contains(&field) => false,
                ["metadata", "annotations", object::RUN_ANNOTATION] => false,
                ["metadata", "annotations", name] => !name.starts_with(MARK),
                ["status", ..] => of_status,
                _ => true,
            }
        });
        changed
    }
}

impl PlannedChange {
    pub(super) fn of(
        call: &Call,
        written: &Written<'_>,
        manager: &str,
        digest: Digest,
        room: &mut usize,
    ) -> Self {
        let paths = written.fields();
        let mut fields = Vec::new();
        for path in paths.iter().take(FIELDS) {
            let field = FieldDiff::of(path, written, manager);
            let size = size::of(&field);
            let Some(left) = usize::try_from(size).ok().and_then(|size| room.checked_sub(size)) else {
                break;
            };
            *room = left;
            fields.push(field);
        }
        let owners: Vec<&str> = fields.iter().flat_map(|field| &field.owners).map(String::as_str).collect();
        let gitops = written.before.and_then(|before| owners::gitops(before, &owners));
        let undo = match call.effect() {
            Effect::Mutate { undo: Some(undo), .. } => {
                Some(said(&Effect::Mutate { mutation: undo.clone(), undo: None }))
            }
            _ => None,
        };
        Self {
            step: call.step,
            undo_of: call.undo_of,
            verb: call.effect().verb().to_owned(),
            object: written.mutation.reference().to_string(),
            uid: written.uid().filter(|_| !written.makes()).map(str::to_owned),
            performed: !call.is_dry_run(),
            summary: said(call.effect()),
            more_fields: paths.len() - fields.len(),
            fields,
            before_unknown: written.is_before_unknown(),
            undo,
            gitops,
            digest,
        }
    }
}

impl fmt::Display for PlannedChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary)
    }
}

impl FieldDiff {
    fn of(path: &Path, written: &Written<'_>, manager: &str) -> Self {
        let at = pointer(path);
        let value = |object: Option<&Value>| object.and_then(|object| object.pointer(&at)).map(shown);
        Self {
            before: value(written.before),
            after: value(Some(written.after)),
            owners: written.before.map_or_else(Vec::new, |before| owners::of(before, path, manager)),
            path: at,
        }
    }
}

/// What the name begins with that the host is to choose.
fn prefix(asked: &Mutation) -> Option<&str> {
    match asked {
        Mutation::Create(create) => create.object.pointer("/metadata/generateName")?.as_str(),
        Mutation::Patch(_) | Mutation::Apply(_) | Mutation::Delete(_) => None,
    }
}

/// Whether the `status` of the object is a part of what is written.
fn writes_status(asked: &Mutation) -> bool {
    let begins =
        |path: &Value| path.as_str().is_some_and(|path| path.is_empty() || path.starts_with("/status"));
    match asked {
        Mutation::Create(create) => create.object.get("status").is_some(),
        Mutation::Apply(apply) => apply.object.get("status").is_some(),
        Mutation::Patch(patch) => match &patch.body {
            Value::Array(operations) => operations.iter().any(|operation| begins(&operation["path"])),
            body => body.get("status").is_some(),
        },
        Mutation::Delete(_) => false,
    }
}

/// What takes a change back, but for the version that it insists on: any other change moves that.
fn without_version(undo: &Mutation) -> Value {
    let mut undo = json!(undo);
    drop_versions(&mut undo);
    undo
}

fn drop_versions(value: &mut Value) {
    if let Value::Object(fields) = value {
        fields.remove("resourceVersion");
        fields.values_mut().for_each(drop_versions);
    }
}

/// A value as it is shown.
fn shown(value: &Value) -> Value {
    let bytes = value.to_string();
    if bytes.len() <= VALUE {
        return value.clone();
    }
    format!("({} bytes, {})", bytes.len(), Digest::of(bytes.as_bytes())).into()
}
