//! Fields by which other programs act in ways that a grant of their object does not speak of: a policy
//! touches them only where `fields` of the grant spells them.

use std::fmt;

use serde_json::{Map, Value};

use super::fields::{self, Path, pointer};
use super::{Glob, Grant, Verb};
use crate::object::{Kind, is_own_annotation};

mod table;

use table::{FREE, Of, Row, rows};

/// What else than its name in `fields` allows a field to be touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instead {
    /// Nothing does.
    Nothing,
    /// The right to delete the object.
    Delete,
    /// That `pods.labels` or `pods.annotations` lists it.
    Listed(PodMap),
}

/// One of the two maps of a pod's metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PodMap {
    /// Its labels.
    Labels,
    /// Its annotations.
    Annotations,
}

/// A field that a change touches and that must be spelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedField {
    /// What an entry of `fields` must spell, or lead further from.
    pub spelled: Path,
    /// What else would do.
    pub instead: Instead,
    touched: Path,
    why: &'static str,
    is_made: bool,
}

impl NamedField {
    /// A field of a status, which the object's controller writes.
    pub fn of_status(touched: Path) -> Self {
        let spelled = touched.iter().take(2).cloned().collect();
        let why = "its controllers act by what they have seen";
        Self { spelled, instead: Instead::Delete, touched, why, is_made: false }
    }

    /// Whether a grant allows it to be touched, the right to delete aside. Of what is made `where` must
    /// say what it may hold: `fields` is about what is there.
    pub fn is_allowed_by(&self, grant: &Grant) -> bool {
        if self.is_made {
            return grant.condition.as_ref().is_some_and(|condition| condition.reads("object"));
        }
        let lists = |globs: &[Glob]| {
            self.touched.last().is_some_and(|name| globs.iter().any(|glob| glob.matches(name)))
        };
        grant.fields.iter().any(|field| field.spells(&self.spelled, &self.touched))
            || match self.instead {
                Instead::Listed(PodMap::Labels) => lists(&grant.pods.labels),
                Instead::Listed(PodMap::Annotations) => lists(&grant.pods.annotations),
                Instead::Nothing | Instead::Delete => false,
            }
    }
}

impl fmt::Display for NamedField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = crate::names::shortened(&pointer(&self.spelled)).to_string();
        if self.is_made {
            return write!(
                f,
                "it has no `where` about `object`, which must say what `{at}` may be of what is made: {}",
                self.why
            );
        }
        write!(
            f,
            "`{at}` must be spelled in its `fields` (`fields: [{at}]`; neither `*` nor what it stands in will do): {}",
            self.why
        )
    }
}

/// Keys with a domain by which nobody acts on what is there, or no otherwise than by a new pod.
const HARMLESS: [&str; 4] = [
    // What a controller of Flux does at its next interval anyway.
    "reconcile.fluxcd.io/requestedAt",
    "kubectl.kubernetes.io/restartedAt",
    "kubectl.kubernetes.io/default-container",
    "kubernetes.io/change-cause",
];
const MARK: &str = "by labels and annotations with a domain other programs own, keep, adopt or delete it";

/// Kinds that are made with marks by which other programs act in more than their namespace, or at once.
const MADE_WITH_MARKS: [(&str, &str); 3] =
    [("networking.k8s.io", "Ingress"), ("", "PersistentVolumeClaim"), ("", "ConfigMap")];

/// The fields that a change touches and that must be spelled. `pod` is where objects of the kind have a
/// pod, or the template of one, as a JSON pointer.
pub fn named_fields(
    kind: &Kind,
    pod: Option<&str>,
    before: Option<&Value>,
    after: Option<&Value>,
) -> Vec<NamedField> {
    let Some(after) = after else { return Vec::new() };
    let nothing = Value::Object(Map::new());
    let touched = fields::changed(&without_nothing(before.unwrap_or(&nothing)), &without_nothing(after));
    let is_made = before.is_none();
    let named = touched
        .into_iter()
        .filter_map(|path| of_table(kind, &path, is_made).or_else(|| of_marks(kind, pod, before, &path)));
    named.collect()
}

fn of_table(kind: &Kind, touched: &[String], is_made: bool) -> Option<NamedField> {
    let is_free = |(group, of, at): &(&str, &str, &str)| {
        kind.group() == *group && kind.kind == *of && begins(touched, at)
    };
    if FREE.iter().any(is_free) {
        return None;
    }
    let is_about = |row: &&Row| {
        (row.group == "*" || row.group == kind.group())
            && row.only.is_none_or(|(only, _)| only == kind.kind)
            && (row.of == Of::All || !is_made)
    };
    rows().filter(is_about).find_map(|row| {
        let spelled = row.paths.iter().find_map(|path| spelled(path, touched))?;
        if spelled.last().is_some_and(|name| is_own_annotation(name)) {
            return None;
        }
        Some(NamedField { spelled, instead: row.instead, touched: touched.to_vec(), why: row.why, is_made })
    })
}

/// Labels and annotations with a domain. Those that are new on a pod, `pods` of the grant is about.
fn of_marks(
    kind: &Kind,
    pod: Option<&str>,
    before: Option<&Value>,
    touched: &[String],
) -> Option<NamedField> {
    let of = |at: &str| {
        let under = touched.strip_prefix(split(at).as_slice())?;
        match under {
            [metadata, map, rest @ ..] if metadata == "metadata" => {
                let map = match map.as_str() {
                    "labels" => PodMap::Labels,
                    "annotations" => PodMap::Annotations,
                    _ => return None,
                };
                Some((map, rest.first()))
            }
            _ => None,
        }
    };
    let of_pod = pod.and_then(of);
    let (map, key) = of_pod.or_else(|| of(""))?;
    let has_domain = key.is_none_or(|key| key.contains(['/', '.']) && !is_own_annotation(key));
    let is_harmless = key.is_some_and(|key| HARMLESS.contains(&key.as_str()) || key.starts_with("checksum/"));
    if !has_domain || is_harmless || key.is_some_and(|key| is_of_its_controller(kind, key)) {
        return None;
    }
    let was_there = before.is_some_and(|before| before.pointer(&pointer(touched)).is_some());
    let instead = match of_pod {
        Some(_) if !was_there => return None,
        Some(_) => Instead::Listed(map),
        None => Instead::Nothing,
    };
    let is_made = before.is_none();
    if is_made {
        let tells =
            |key: &String| ["app.kubernetes.io/", "helm.sh/"].iter().any(|domain| key.starts_with(domain));
        let acts = MADE_WITH_MARKS.contains(&(kind.group(), kind.kind.as_str())) && !key.is_some_and(tells);
        if !acts {
            return None;
        }
    }
    Some(NamedField { spelled: touched.to_vec(), instead, touched: touched.to_vec(), why: MARK, is_made })
}

/// Whether a key has the domain of the custom resource's own group: its controller reads it as it reads
/// the spec. Flux keeps or deletes by its own, also what is its own.
fn is_of_its_controller(kind: &Kind, key: &str) -> bool {
    let domain = key.split_once('/').map(|(domain, _)| domain);
    !kind.is_of_kubernetes() && domain == Some(kind.group()) && domain != Some("kustomize.toolkit.fluxcd.io")
}

/// What must be spelled where a path is one of a row's: its own tokens for the row's `*`. What leads to
/// the row's field without reaching it touches it as well.
fn spelled(path: &str, touched: &[String]) -> Option<Path> {
    let tokens = split(path);
    let fits = tokens.iter().zip(touched).all(|(token, name)| token == "*" || token == name);
    let spelled = |(index, token): (usize, &String)| touched.get(index).unwrap_or(token).clone();
    fits.then(|| tokens.iter().enumerate().map(spelled).collect())
}

fn begins(path: &[String], pointer: &str) -> bool {
    path.starts_with(&split(pointer))
}

fn split(pointer: &str) -> Path {
    pointer.split('/').skip(1).map(str::to_owned).collect()
}

/// An object without nulls, which the API server drops, and without labels and annotations that are none.
fn without_nothing(object: &Value) -> Value {
    let mut object = object.clone();
    drop_nulls(&mut object);
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        let is_empty = |value: &Value| {
            value.as_object().map_or_else(|| value.as_array().is_some_and(Vec::is_empty), Map::is_empty)
        };
        metadata.retain(|_, value| !is_empty(value));
    }
    object
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

impl Grant {
    /// What this grant can't change although it allows to patch its object, for want of names in
    /// `fields`: a sentence each. Labels and annotations aside.
    pub fn unnamed(&self) -> Vec<String> {
        let has = |verb| self.verbs.contains(&verb);
        let is_of = |row: &&Row| {
            self.groups.iter().any(|group| group == row.group)
                && row.only.is_none_or(|(_, resource)| self.resources.iter().any(|one| one == resource))
        };
        let mut sentences = Vec::new();
        // Of others a part must be spelled, which few grants are meant for.
        let is_whole = |row: &&Row| row.paths.contains(&"/spec/*");
        for row in rows().filter(is_of).filter(is_whole) {
            let what = row.only.map_or_else(
                || format!("what is of `{}`", row.group),
                |(_, resource)| format!("`{resource}`"),
            );
            let judges = self.condition.as_ref().is_some_and(|condition| condition.reads("object"));
            if has(Verb::Create) && row.of == Of::All && !judges {
                sentences.push(format!("this grant lets nobody make {what}: a `where` about `object` must say what it may be, because {}", row.why));
            }
            // A grant with `fields` that names none of them is narrow on purpose.
            if has(Verb::Patch) && self.fields.is_empty() {
                let paths: Vec<_> =
                    row.paths.iter().map(|path| format!("`{}`", path.replace('*', "NAME"))).collect();
                sentences.push(format!("of {what} this grant lets nobody change {}: `fields` must spell each that is meant, because {}", paths.join(", "), row.why));
            }
        }
        sentences
    }
}

#[cfg(test)]
mod tests;
