//! What must have happened in the meantime, where the record shows something else than the
//! cluster has.

use serde_json::Value;
use suture_core::clock::kubernetes_time;
use suture_core::effect::Query;
use suture_core::{Error, ObjectRef, object};

use super::super::changes::{self, Shown};
use super::super::initial::shows;
use super::super::outside_events::{Made, When, each_text};
use super::{Reconstruction, Seen};
use suture_journal::Call;

impl Reconstruction {
    /// The record shows an object: as it is, or that it is not there. What differs happened in
    /// the meantime.
    pub fn reconcile(&mut self, index: usize, call: &Call, reference: &ObjectRef, shown: Option<Shown<'_>>) {
        if self.planned.contains(reference) {
            return;
        }
        let now = self.cluster.object(reference);
        let uid = shown.and_then(|shown| object::uid(shown.object));
        let is_replaced = uid.zip(self.uids.get(reference)).is_some_and(|(uid, known)| uid != known);
        let has_status = self.fixture.has_status_subresource(&reference.kind).unwrap_or(true);
        let actions = changes::between(reference, now.as_deref(), shown, is_replaced, has_status);
        if !actions.is_empty() {
            let when = self.placed(index, call, reference, shown.map(|shown| shown.object));
            if let Err(error) = self.enact(reference, &actions) {
                self.doubt(call, &format!("{reference} can't become what it was seen as: {error}"));
            }
            let now = Value::from(kubernetes_time(self.now()));
            let at = |text: &str| if now == text { "${now}".to_owned() } else { text.to_owned() };
            self.outside_events.add(when, actions.into_iter().map(|action| each_text(action, &at)).collect());
        }
        self.identify(reference, shown.map(|shown| shown.object));
        self.saw(index, reference);
    }

    /// An object was seen as it is.
    pub fn saw(&mut self, index: usize, reference: &ObjectRef) {
        self.seen.insert(reference.clone(), Seen { call: index, at: self.now() });
    }

    /// Whether a uid of the record is that of an object.
    pub fn is_uid(&self, reference: &ObjectRef, uid: Option<&str>) -> bool {
        self.uids.get(reference).map(String::as_str) == uid
    }

    /// What uid and version of the record an object has.
    pub(super) fn identify(&mut self, reference: &ObjectRef, shown: Option<&Value>) {
        match shown.and_then(object::uid) {
            Some(uid) => _ = self.uids.insert(reference.clone(), uid.to_owned()),
            None => _ = self.uids.remove(reference),
        }
        let here = self.cluster.object(reference);
        let here = here.as_deref().and_then(object::resource_version);
        if let (Some(theirs), Some(here)) = (shown.and_then(object::resource_version), here) {
            self.versions.insert((reference.clone(), theirs.to_owned()), here.to_owned());
        }
    }

    /// A list showed everything that fits a query.
    pub fn listed(&mut self, index: usize, query: &Query) {
        self.lists.push((query.clone(), Seen { call: index, at: self.now() }));
    }

    /// When something happened that an call shows: after the change before it, where it was not
    /// yet so for some time; otherwise just before that call.
    fn placed(&self, index: usize, call: &Call, reference: &ObjectRef, shown: Option<&Value>) -> When {
        let listed =
            |(query, seen): &(Query, Seen)| shown.is_some_and(|shown| shows(query, shown)).then_some(*seen);
        let last = self.seen.get(reference).copied().into_iter().chain(self.lists.iter().filter_map(listed));
        let last = last.filter(|seen| seen.call < index).max_by_key(|seen| seen.call);
        self.since(last, call, reference)
    }

    /// When something happened that was last seen not to be so.
    pub fn since(&self, last: Option<Seen>, call: &Call, reference: &ObjectRef) -> When {
        let now = self.now();
        let has_passed = last.is_none_or(|last| last.at < now);
        let since = |made: &&(usize, &Made)| has_passed || last.is_none_or(|last| last.call < made.1.call);
        let made: Vec<_> = self.outside_events.made.iter().enumerate().collect();
        let candidates: Vec<_> = made.iter().filter(since).collect();
        let own = candidates.iter().rev().find(|(_, made)| made.reference == *reference);
        match own.or(candidates.last()) {
            Some((number, made)) => {
                let after = made.at.duration_until(now).try_into().unwrap_or_default();
                When::AfterChange { made: *number, after }
            }
            None if has_passed && now > self.fixture.now => When::After(self.elapsed()),
            None => When::BeforeStep(call.step),
        }
    }

    /// Let it happen here, too.
    fn enact(&self, reference: &ObjectRef, actions: &[Value]) -> Result<(), Error> {
        for action in actions {
            if let Some(patch) = action.get("patch") {
                let body = unescaped(patch.get("body").cloned().unwrap_or_default());
                self.cluster.edit(reference, |object| merge(object, &body))?;
            } else if let Some(created) = action.pointer("/create/object") {
                self.cluster.create(unescaped(created.clone()))?;
            } else if action.get("delete").is_some() {
                self.cluster.delete(reference)?;
            }
        }
        Ok(())
    }
}

fn merge(object: &mut Value, patch: &Value) {
    match (object, patch) {
        (object @ Value::Object(_), Value::Object(changes)) => {
            let Some(fields) = object.as_object_mut() else { return };
            for (key, change) in changes {
                match change {
                    Value::Null => _ = fields.remove(key),
                    change => merge(fields.entry(key.clone()).or_insert(Value::Null), change),
                }
            }
        }
        (object, Value::Object(_)) => {
            *object = Value::Object(serde_json::Map::new());
            merge(object, patch);
        }
        (object, patch) => *object = patch.clone(),
    }
}

fn unescaped(value: Value) -> Value {
    each_text(value, &|text| text.replace("$${", "${"))
}
