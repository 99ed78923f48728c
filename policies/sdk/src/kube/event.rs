//! Events: what Kubernetes tells of an object that does not stand in the object.

use std::fmt;

use serde::Deserialize;

use super::{Metadata, Resource, list};
use crate::{Result, Time, text};

/// So many at a time.
const PAGE: u32 = 50;
/// How much of a message is shown, in bytes.
const SHOWN: usize = 1_000;

/// What a component of Kubernetes has to say about an object.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Event {
    /// Its metadata.
    pub metadata: Metadata,
    /// What it is about.
    pub involved_object: InvolvedObject,
    /// Why, in one word: `FailedMount`, `FailedCreate`.
    pub reason: String,
    /// The same, for people.
    pub message: String,
    /// When it was last told, if it is told again and again.
    pub last_timestamp: Option<Time>,
    /// When it was told, where it is told once.
    pub event_time: Option<Time>,
}

crate::resource!("v1", Event);

/// What an event is about.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct InvolvedObject {
    /// Identifies it.
    pub uid: String,
}

impl Event {
    fn at(&self) -> Option<Time> {
        self.last_timestamp.or(self.event_time).or(self.metadata.creation_timestamp)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, text::end(&text::one_line(&self.message), SHOWN))
    }
}

/// Warnings that hold nothing up, and are told again and again beside those that say what does.
const BESIDE: [&str; 3] = ["FailedToRetrieveImagePullSecret", "DNSConfigForming", "PolicyViolation"];

/// The latest warning about an object, of those that hold it up if there are any. Kubernetes keeps
/// events for an hour.
///
/// # Errors
/// What the host says; that events are not granted is one of it.
pub fn last_warning<T: Resource>(about: &T) -> Result<Option<Event>> {
    let Metadata { namespace, name, uid, .. } = about.metadata();
    let selector = format!("involvedObject.kind={},involvedObject.name={name},type=Warning", T::KIND);
    let events = list::<Event>()
        .in_namespace(namespace.as_deref().unwrap_or_default())
        .fields(&selector)
        .pages_of(PAGE)
        .read()?;
    // Another object may have had the name.
    let own = events.into_iter().filter(|event| {
        let of = &event.involved_object.uid;
        of.is_empty() || of == uid
    });
    Ok(own.max_by_key(|event| (!BESIDE.contains(&event.reason.as_str()), event.at())))
}
