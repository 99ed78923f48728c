//! What the grants say of pods, and how the fields of a pod are read.

use serde_json::{Map, Value};
use suture_core::grant::{Glob, PodGrant, PodLevel, PodMap};

pub(super) type Fields = Map<String, Value>;

/// What the grants that allow a change say of pods, together.
pub(in super::super) struct Rules<'a>(&'a [&'a PodGrant]);

impl<'a> Rules<'a> {
    pub fn of(grants: &'a [&'a PodGrant]) -> Self {
        Self(grants)
    }

    /// Whether one of them lists a name.
    pub fn lists(&self, list: fn(&PodGrant) -> &Vec<Glob>, name: &str) -> bool {
        self.0.iter().any(|grant| list(grant).iter().any(|glob| glob.matches(name)))
    }

    /// Whether one of them lists a label or an annotation.
    pub fn lists_mark(&self, map: PodMap, name: &str) -> bool {
        match map {
            PodMap::Labels => self.lists(|grant| &grant.labels, name),
            PodMap::Annotations => self.lists(|grant| &grant.annotations, name),
        }
    }

    /// That one of them lists a name.
    pub fn require(
        &self,
        list: fn(&PodGrant) -> &Vec<Glob>,
        name: &str,
        what: &str,
        key: &str,
    ) -> Result<(), String> {
        if self.lists(list, name) {
            return Ok(());
        }
        Err(format!("the pod uses {what} `{name}`, which `pods.{key}` of the grant does not list"))
    }

    /// Whether a pod must satisfy the standard `restricted`.
    pub fn are_restricted(&self) -> bool {
        !self.0.iter().any(|grant| grant.level == PodLevel::Baseline)
    }

    /// The variables that copies may be given; none where any may that is data.
    pub fn variables(&self) -> Vec<&'a Glob> {
        self.0.iter().flat_map(|grant| &grant.variables).collect()
    }

    /// The CronJobs whose template passes.
    pub fn sources(&self) -> impl Iterator<Item = &'a Glob> {
        self.0.iter().flat_map(|grant| &grant.from).map(|source| &source.cron_job)
    }
}

/// Whether a field says nothing: the API server drops what is null or empty.
pub(in super::super) fn absent(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(fields)) => fields.is_empty(),
        Some(Value::Bool(_) | Value::Number(_)) => false,
    }
}

/// Whether a field that is not known says nothing. An empty object may: `emptyDir: {}`.
fn says_nothing(value: &Value) -> bool {
    absent(Some(value)) && !value.is_object()
}

/// The fields of what must be an object.
pub(super) fn fields_of<'a>(value: &'a Value, what: &str) -> Result<&'a Fields, String> {
    value.as_object().ok_or_else(|| format!("{what} is no JSON object"))
}

/// The fields of an object in another; none where it says nothing.
pub(super) fn inner<'a>(fields: &'a Fields, name: &str, what: &str) -> Result<Option<&'a Fields>, String> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => fields_of(value, &format!("{what}'s `{name}`")).map(Some),
    }
}

/// The items of a list; none where it says nothing.
pub(super) fn items<'a>(fields: &'a Fields, name: &str, what: &str) -> Result<&'a [Value], String> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(format!("{what}'s `{name}` is no list")),
    }
}

/// A text; none where it is empty.
pub(super) fn text<'a>(fields: &'a Fields, name: &str) -> Result<Option<&'a str>, String> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
        Some(_) => Err(format!("`{name}` is no text")),
    }
}

/// That an object has no fields but these: what is not known can't be told to be harmless.
pub(super) fn only(fields: &Fields, known: &[&str], what: &str) -> Result<(), String> {
    match fields.iter().find(|(name, value)| !known.contains(&name.as_str()) && !says_nothing(value)) {
        None => Ok(()),
        Some((name, _)) => Err(format!(
            "{what} has `{}`, which is not among what policies may use",
            suture_core::names::shortened(name)
        )),
    }
}
