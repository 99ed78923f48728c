//! What Kubernetes warns of about a pod: an hour of it.

use suture_policy::kube::{self, Event};
use suture_policy::{Error, Time};

use crate::pod::Pod;

/// So many at a time.
const PAGE: u32 = 100;
/// Warnings that hold nothing up.
const BESIDE: [&str; 3] = ["FailedToRetrieveImagePullSecret", "DNSConfigForming", "PolicyViolation"];

/// The warnings about a pod, oldest first; or why they can't be read.
pub struct Warnings(Result<Vec<Event>, Error>);

impl Warnings {
    pub fn of(pod: &Pod) -> Self {
        let metadata = &pod.metadata;
        let selector = format!("involvedObject.kind=Pod,involvedObject.name={},type=Warning", metadata.name);
        let list = kube::list::<Event>().in_namespace(metadata.namespace.as_deref().unwrap_or_default());
        let events = list.fields(&selector).pages_of(PAGE).read().map(|mut events| {
            // Another pod may have had the name.
            events.retain(|event| {
                let of = &event.involved_object.uid;
                (of.is_empty() || *of == metadata.uid) && !BESIDE.contains(&event.reason.as_str())
            });
            events.sort_by_key(at);
            events
        });
        Self(events)
    }

    /// The latest with one of these reasons.
    pub fn latest(&self, reasons: &[&str]) -> Option<&Event> {
        self.all().iter().rev().find(|event| reasons.contains(&event.reason.as_str()))
    }

    /// The latest whose message says one of these.
    pub fn saying(&self, reason: &str, words: &str) -> Option<&Event> {
        self.all().iter().rev().find(|event| event.reason == reason && event.message.contains(words))
    }

    /// The latest of all.
    pub fn last(&self) -> Option<&Event> {
        self.all().last()
    }

    /// The last few for the timeline, each reason once; or why there is none.
    pub fn shown(&self) -> Option<String> {
        let events = match &self.0 {
            Err(error) => return Some(format!("its events can't be read: {error}")),
            Ok(events) => events,
        };
        let mut shown: Vec<&Event> = Vec::new();
        for event in events.iter().rev() {
            if shown.len() < 4 && shown.iter().all(|other| other.reason != event.reason) {
                shown.push(event);
            }
        }
        let lines: Vec<_> = shown.iter().rev().map(ToString::to_string).collect();
        Some(format!("warnings about it: {}", lines.join("; "))).filter(|_| !lines.is_empty())
    }

    fn all(&self) -> &[Event] {
        self.0.as_deref().unwrap_or_default()
    }
}

fn at(event: &Event) -> Option<Time> {
    event.last_timestamp.or(event.event_time).or(event.metadata.creation_timestamp)
}
