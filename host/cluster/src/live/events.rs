//! Kubernetes Events: what was done to an object, and why.

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::PostParams;
use kube::{Api, Client};
use suture_core::{Clock, ObjectRef, display};

/// Who reports them.
const CONTROLLER: &str = "suture.dev/suture";
/// The longest note that the API server takes, in bytes (events.k8s.io/v1).
const MAX_NOTE: usize = 1024;
/// The longest `reportingInstance`, in bytes.
const MAX_INSTANCE: usize = 128;
/// Where Events on objects without a namespace stand.
const CLUSTER_SCOPED: &str = "default";

/// Writes Events.
#[derive(Clone)]
pub struct EventWriter {
    client: Client,
    instance: String,
}

/// What one Event says.
#[derive(Clone, Copy, Debug)]
pub struct Note<'a> {
    /// The object.
    pub about: &'a ObjectRef,
    /// Its uid, where it is known. Without it `kubectl describe` does not find the Event.
    pub uid: Option<&'a str>,
    /// `Warning`, not `Normal`.
    pub warning: bool,
    /// One word for machines.
    pub reason: &'a str,
    /// What was being done.
    pub action: &'a str,
    /// For people. What is too long is cut.
    pub text: &'a str,
}

impl EventWriter {
    /// A writer; `instance` is the name of this host's pod.
    pub fn new(client: Client, instance: &str) -> Self {
        Self { client, instance: cut(instance, MAX_INSTANCE) }
    }

    /// Write one.
    ///
    /// # Errors
    /// What the API server says.
    pub async fn write(&self, note: Note<'_>, clock: &dyn Clock) -> Result<(), kube::Error> {
        let namespace = note.about.namespace.as_deref().unwrap_or(CLUSTER_SCOPED);
        let events: Api<Event> = Api::namespaced(self.client.clone(), namespace);
        events.create(&PostParams::default(), &self.event(note, namespace, clock)).await.map(drop)
    }

    fn event(&self, note: Note<'_>, namespace: &str, clock: &dyn Clock) -> Event {
        let text = |text: &str| Some(text.to_owned());
        Event {
            metadata: ObjectMeta {
                generate_name: text("suture-"),
                namespace: text(namespace),
                ..ObjectMeta::default()
            },
            action: text(note.action),
            event_time: Some(MicroTime(clock.now())),
            // `kubectl describe` prints it as it is.
            note: Some(cut(&display::lines(note.text), MAX_NOTE)),
            reason: text(note.reason),
            regarding: Some(ObjectReference {
                api_version: Some(note.about.kind.api_version.clone()),
                kind: Some(note.about.kind.kind.clone()),
                name: Some(note.about.name.clone()),
                namespace: note.about.namespace.clone(),
                uid: note.uid.map(str::to_owned),
                ..ObjectReference::default()
            }),
            reporting_controller: text(CONTROLLER),
            reporting_instance: Some(self.instance.clone()),
            type_: text(if note.warning { "Warning" } else { "Normal" }),
            ..Event::default()
        }
    }
}

/// The beginning of a text, cut between characters, with a sign where something is missing.
fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let ellipsis = '…';
    let end = text.floor_char_boundary(most - ellipsis.len_utf8());
    format!("{}{ellipsis}", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_that_is_too_long_is_cut_between_characters() {
        assert_eq!(cut("short", 10), "short");
        let long = cut(&"ä".repeat(600), MAX_NOTE);
        assert!(long.len() <= MAX_NOTE && long.ends_with("ä…"), "{}", long.len());
    }
}
