//! What was there before the run began, as far as the record shows it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use suture_core::clock::Timestamp;
use suture_core::effect::{OnObject, Page, Query, Waited};
use suture_core::object::{self, Kind, Object};
use suture_core::selector::{FieldSelector, LabelSelector};
use suture_core::{Effect, Ending, Mutation, ObjectRef, Reply};

use super::{Recording, clean, is_said};
use suture_journal::Call;

/// A wait that took longer than this was not over when it began.
pub(super) const AT_ONCE: std::time::Duration = std::time::Duration::from_millis(250);

/// What was there before the run began.
pub(super) struct Initial {
    /// The scenario's `now`.
    pub now: Timestamp,
    pub objects: BTreeMap<ObjectRef, Value>,
    /// Kinds that only the run itself makes objects of, and that a cluster must know.
    pub made_kinds: BTreeMap<Kind, Value>,
}

/// What is learned from the calls, in their order.
#[derive(Default)]
struct Learned {
    objects: BTreeMap<ObjectRef, Value>,
    /// Those of which only the metadata is known.
    partial: BTreeSet<ObjectRef>,
    /// What is known not to have been there at first.
    absent: BTreeSet<ObjectRef>,
    /// What stayed for a while after the run had deleted it.
    lingering: BTreeSet<ObjectRef>,
    /// Lists that were read to their end: what they did not show, and would have shown, was
    /// not there.
    lists: Vec<Query>,
    made: BTreeMap<Kind, Value>,
    /// The uids of what the run itself has made: what they own came later.
    made_uids: BTreeSet<String>,
}

impl Initial {
    pub fn of(calls: &[Call], recording: &Recording<'_>, ending: &Ending) -> Self {
        let mut learned = Learned::default();
        for call in calls {
            learned.learn(call);
        }
        let now = start(calls, recording.run.started_at);
        let said_elsewhere = corpus(calls);
        let keeps_uid = |uid: &str| is_said(calls, ending, uid) || said_elsewhere.contains(uid);
        let Learned { mut objects, made, lingering, .. } = learned;
        for (_, object) in objects.iter_mut().filter(|(reference, _)| lingering.contains(reference)) {
            clean::linger(object);
        }
        let clean = |object: Value| clean::as_given(&object, now, keeps_uid);
        let mut given: BTreeMap<_, _> =
            objects.into_iter().map(|(reference, object)| (reference, clean(object))).collect();
        complete_owners(&mut given);
        let made_kinds =
            made.into_iter().filter(|(kind, _)| !given.keys().any(|known| known.kind == *kind)).collect();
        Self { now, objects: given, made_kinds }
    }
}

/// The time at which the scenario begins, so that the policy sees the time that it saw: what
/// passes in a scenario are the waits alone.
fn start(calls: &[Call], started: Timestamp) -> Timestamp {
    let mut waited = std::time::Duration::ZERO;
    for call in calls {
        match (&call.asked, call.reply()) {
            (Effect::Now, Some(Reply::Now(now))) => {
                return now.checked_sub(waited).unwrap_or(started);
            }
            (effect, _) => waited += passed(call, effect),
        }
    }
    started
}

/// How much virtual time passes during an call.
pub(super) fn passed(call: &Call, effect: &Effect) -> std::time::Duration {
    // A scenario's times have milliseconds, and nothing comes before its time.
    let took = call.took().as_nanos().div_ceil(1_000_000);
    let took = std::time::Duration::from_millis(u64::try_from(took).unwrap_or(u64::MAX));
    let at_most = |ms: u64| std::time::Duration::from_millis(ms);
    match (effect, call.reply()) {
        (Effect::Sleep { duration_ms }, Some(_)) => at_most(*duration_ms),
        (Effect::Wait { timeout_ms, .. }, Some(Reply::Waited(Waited::Timeout))) => at_most(*timeout_ms),
        (Effect::Exclusive { timeout_ms, .. }, None) if call.error().is_some() => at_most(*timeout_ms),
        (Effect::Wait { timeout_ms, .. }, Some(_)) if took > AT_ONCE => took.min(at_most(*timeout_ms)),
        (Effect::Exclusive { timeout_ms, .. }, Some(_)) if took > AT_ONCE => took.min(at_most(*timeout_ms)),
        (Effect::Wait { .. } | Effect::Sleep { .. } | Effect::Exclusive { .. }, None)
            if call.answer.is_none() =>
        {
            took
        }
        _ => std::time::Duration::ZERO,
    }
}

/// Every text in the record's objects that could be the uid of another one: but for the uids
/// themselves, and those in references to owners, which a fixture fills in.
fn corpus(calls: &[Call]) -> String {
    let mut text = String::new();
    for call in calls {
        for object in objects_of(call) {
            text.push_str(&clean::comparable(object, false).to_string());
        }
    }
    text
}

/// The objects that an call showed.
pub(super) fn objects_of(call: &Call) -> Vec<&Object> {
    match call.reply() {
        Some(Reply::Object(object) | Reply::Mutated(object) | Reply::Waited(Waited::Met(object))) => {
            vec![object]
        }
        Some(Reply::Page(page)) => page.items.iter().collect(),
        _ => Vec::new(),
    }
}

impl Learned {
    fn learn(&mut self, call: &Call) {
        match (call.effect(), call.reply()) {
            // What only a plan knows was never there.
            (_, Some(_))
                if call.is_dry_run()
                    && matches!(&call.asked, Effect::Mutate { mutation, .. } if mutation.on_object() == OnObject::Creates) =>
            {
                if let Effect::Mutate { mutation, .. } = call.effect() {
                    self.absent.insert(mutation.reference());
                }
            }
            (Effect::Get { target }, Some(Reply::Object(object))) if target.subresource.is_none() => {
                self.see(object, false);
            }
            (Effect::Get { target }, None) if is_missing(call) => self.misses(target.reference()),
            (Effect::List(query), Some(Reply::Page(page))) => self.list(query, page),
            (Effect::Wait { target, .. }, Some(Reply::Waited(waited))) => match waited {
                Waited::Met(object) if call.took() <= AT_ONCE => self.see(object, false),
                // It is not known how it was before; only that it was not so.
                Waited::Met(_) | Waited::Timeout => self.misses(target.reference()),
                Waited::Deleted if call.took() <= AT_ONCE => self.misses(target.reference()),
                Waited::Deleted => {}
            },
            (Effect::Logs { pod, .. }, Some(Reply::Logs(_))) => {
                let pod = pod.reference();
                if !self.absent.contains(&pod) && !self.objects.contains_key(&pod) {
                    self.partial.insert(pod.clone());
                    self.objects.insert(pod.clone(), bare(&pod));
                }
            }
            (Effect::Mutate { mutation, .. }, Some(Reply::Mutated(object))) => self.changed(mutation, object),
            _ => {}
        }
    }

    fn changed(&mut self, mutation: &Mutation, object: &Object) {
        let reference = mutation.reference();
        let is_new = match mutation.on_object() {
            OnObject::Creates => true,
            // One that existed is pinned by its uid.
            OnObject::CreatesOrChanges => mutation.target().is_some_and(|target| target.uid.is_none()),
            OnObject::Changes | OnObject::Deletes => false,
        };
        if is_new {
            self.made_uids.extend(object::uid(object).map(str::to_owned));
            self.made.entry(reference.kind.clone()).or_insert_with(|| Value::clone(object));
            self.misses(reference);
            return;
        }
        let mut object = Value::clone(object);
        if mutation.on_object() == OnObject::Deletes
            && let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut)
            && metadata.remove("deletionTimestamp").is_some()
        {
            self.lingering.insert(reference);
        }
        self.see(&object, false);
    }

    fn misses(&mut self, reference: ObjectRef) {
        if !self.objects.contains_key(&reference) {
            self.absent.insert(reference);
        }
    }

    fn see(&mut self, object: &Value, only_metadata: bool) {
        let Some(reference) = ObjectRef::of(object) else { return };
        if self.absent.contains(&reference)
            || self.is_made_since(object)
            || self.lists.iter().any(|list| shows(list, object))
        {
            self.absent.insert(reference);
            return;
        }
        match self.objects.get_mut(&reference) {
            None => {
                if only_metadata {
                    self.partial.insert(reference.clone());
                }
                self.objects.insert(reference, object.clone());
            }
            Some(known) if !only_metadata && self.partial.remove(&reference) => {
                // The metadata is from when it was first seen.
                let metadata = known.get("metadata").cloned().unwrap_or_default();
                *known = object.clone();
                if let Some(fields) = known.as_object_mut() {
                    fields.insert("metadata".to_owned(), metadata);
                }
            }
            Some(_) => {}
        }
    }

    /// Whether an object belongs to one that the run has made.
    fn is_made_since(&self, object: &Value) -> bool {
        let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
        let mut uids = owners.into_iter().flatten().filter_map(|owner| owner.get("uid")?.as_str());
        uids.any(|uid| self.made_uids.contains(uid))
    }

    fn list(&mut self, query: &Query, page: &Page) {
        for item in &page.items {
            if !self.objects.contains_key(&ObjectRef::of(item).unwrap_or_else(unnamed)) {
                self.see(item, query.metadata_only);
            } else if !query.metadata_only {
                self.see(item, false);
            }
        }
        if page.next.is_none() && query.next.is_none() {
            self.lists.push(query.clone());
        }
    }
}

fn unnamed() -> ObjectRef {
    ObjectRef { kind: Kind::new("", ""), namespace: None, name: String::new() }
}

fn is_missing(call: &Call) -> bool {
    call.error().is_some_and(|error| error.is_absence())
}

/// Whether a list of everything that a query asks for has an object.
pub(super) fn shows(query: &Query, object: &Value) -> bool {
    let fits =
        |labels: &LabelSelector, fields: &FieldSelector| labels.matches(object) && fields.matches(object);
    Kind::of(object).as_ref() == Some(&query.kind)
        && (query.namespace.is_none() || query.namespace.as_deref() == object::namespace(object))
        && match (LabelSelector::parse(&query.labels), FieldSelector::parse(&query.fields)) {
            (Ok(labels), Ok(fields)) => fits(&labels, &fields),
            _ => false,
        }
}

fn bare(reference: &ObjectRef) -> Value {
    let ObjectRef { kind, namespace, name } = reference;
    let mut object = json!({"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": name}});
    if let (Some(namespace), Some(metadata)) = (namespace, object.get_mut("metadata")) {
        metadata["namespace"] = namespace.as_str().into();
    }
    object
}

/// A reference to an owner that is here too needs no uid.
fn complete_owners(objects: &mut BTreeMap<ObjectRef, Value>) {
    let known: BTreeSet<ObjectRef> = objects.keys().cloned().collect();
    for (reference, object) in objects {
        let owners = object.pointer_mut("/metadata/ownerReferences").and_then(Value::as_array_mut);
        for owner in owners.into_iter().flatten() {
            let named = Kind::of(owner).zip(owner.get("name").and_then(Value::as_str).map(str::to_owned));
            let Some((kind, name)) = named else { continue };
            let owned_by = |namespace: &Option<String>| {
                let (kind, name, namespace) = (kind.clone(), name.clone(), namespace.clone());
                known.contains(&ObjectRef { kind, namespace, name })
            };
            if (owned_by(&reference.namespace) || owned_by(&None))
                && let Some(owner) = owner.as_object_mut()
            {
                owner.remove("uid");
            }
        }
    }
}
