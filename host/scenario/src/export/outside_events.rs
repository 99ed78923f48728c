//! What happened during the run without the policy, and when.

use std::time::Duration;

use serde_json::{Value, json};
use suture_core::{HumanDuration, ObjectRef, Timestamp};

use crate::yaml::Yaml;

/// When something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// So long after a change of the policy.
    AfterChange {
        /// Which, of [`OutsideEvents::made`].
        made: usize,
        /// How long after it.
        after: Duration,
    },
    /// So long after the start.
    After(Duration),
    /// Just before a step of the run: no time passed since it was not yet so.
    BeforeStep(u32),
}

/// A change that the policy made, and what can follow from it.
#[derive(Clone, Debug)]
pub(super) struct Made {
    /// The call.
    pub call: usize,
    pub at: Timestamp,
    pub verb: &'static str,
    pub reference: ObjectRef,
    /// By which of its fields it is told from others of the same object.
    pub condition: Option<String>,
    /// The uid that the object had in the record, where the run made it.
    pub uid: Option<String>,
}

/// Everything that happened, and what it followed.
#[derive(Default)]
pub(super) struct OutsideEvents {
    pub made: Vec<Made>,
    all: Vec<(When, Vec<Value>)>,
}

impl OutsideEvents {
    /// Something happened.
    pub fn add(&mut self, when: When, actions: Vec<Value>) {
        match self.all.iter_mut().find(|(known, _)| *known == when) {
            Some((_, known)) => known.extend(actions),
            None => self.all.push((when, actions)),
        }
    }

    /// `reactions`.
    pub fn reactions(&self) -> Vec<Yaml> {
        self.all.iter().filter_map(|(when, actions)| self.reaction(when, actions)).collect()
    }

    fn reaction(&self, when: &When, actions: &[Value]) -> Option<Yaml> {
        let When::AfterChange { made, after } = when else { return None };
        let made = self.made.get(*made)?;
        let ObjectRef { kind, namespace, name } = &made.reference;
        let mut trigger = vec![
            ("verb".to_owned(), Yaml::from(made.verb)),
            ("apiVersion".to_owned(), kind.api_version.as_str().into()),
            ("kind".to_owned(), kind.kind.as_str().into()),
        ];
        trigger.extend(namespace.as_deref().map(|namespace| ("namespace".to_owned(), namespace.into())));
        trigger.push(("name".to_owned(), name.as_str().into()));
        trigger.extend(made.condition.as_deref().map(|condition| ("where".to_owned(), condition.into())));
        let actions = actions.iter().map(|action| of_made(action.clone(), made).into()).collect();
        Some(Yaml::map([
            ("when", Yaml::Map(trigger)),
            ("after", written(*after)),
            ("times", Yaml::Plain(1.into())),
            ("do", Yaml::List(actions)),
        ]))
    }

    /// `given.later`.
    pub fn later(&self) -> Vec<Yaml> {
        let later = |(when, actions): &(When, Vec<Value>)| {
            let when = match when {
                When::AfterChange { .. } => return None,
                When::After(after) => ("after", written(*after)),
                When::BeforeStep(step) => ("step", Yaml::Plain((*step).into())),
            };
            Some(Yaml::map([when, ("do", Yaml::List(actions.iter().cloned().map(Into::into).collect()))]))
        };
        self.all.iter().filter_map(later).collect()
    }
}

/// What a controller writes of an object that the run made has the uid that it gets then.
fn of_made(action: Value, made: &Made) -> Value {
    let Some(uid) = made.uid.as_deref().filter(|uid| !uid.is_empty()) else { return action };
    each_text(action, &|text| text.replace(uid, "${object.metadata.uid}"))
}

/// A value with each of its texts changed.
pub(super) fn each_text(value: Value, change: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => change(&text).into(),
        Value::Array(items) => items.into_iter().map(|item| each_text(item, change)).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(key, value)| (key, each_text(value, change))).collect()
        }
        other => other,
    }
}

/// A value as a template writes it: what looks like an expression is none.
pub(super) fn plain(value: Value) -> Value {
    each_text(value, &|text| text.replace("${", "$${"))
}

/// A duration to the millisecond, upwards: nothing comes before its time.
pub(super) fn written(duration: Duration) -> Yaml {
    let millis = u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
    HumanDuration::from_millis(millis).to_string().into()
}

/// `patch` of a reaction.
pub(super) fn patch(reference: &ObjectRef, body: Value, of_status: bool) -> Value {
    let mut patch = json!({"target": reference.to_string(), "body": plain(body)});
    if of_status {
        patch["subresource"] = "status".into();
    }
    json!({ "patch": patch })
}

/// `create` of a reaction.
pub(super) fn create(object: Value) -> Value {
    json!({"create": {"object": plain(object)}})
}

/// `delete` of a reaction.
pub(super) fn delete(reference: &ObjectRef) -> Value {
    json!({"delete": {"target": reference.to_string()}})
}

/// `log` of a reaction.
pub(super) fn log(pod: &ObjectRef, container: &str, text: &str) -> Value {
    let pod = format!("{}/{}", pod.namespace.as_deref().unwrap_or_default(), pod.name);
    json!({"log": {"pod": pod, "container": container, "text": plain(text.into())}})
}
