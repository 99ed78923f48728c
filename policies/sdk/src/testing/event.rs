//! Events.

use serde_json::json;

use super::Object;

/// A warning about an object, told last at a time (RFC 3339).
pub fn event(about: &Object, reason: &str, message: &str, at: &str) -> Object {
    let said = |pointer: &str| about.at(pointer).clone();
    let (namespace, name) = (said("/metadata/namespace"), said("/metadata/name"));
    let name = format!("{}.{}", name.as_str().unwrap_or_default(), reason.to_lowercase());
    // Events of what has no namespace are in this one.
    let place = namespace.as_str().unwrap_or("default");
    Object::new("v1", "Event", place, &name)
        .set(
            "/involvedObject",
            json!({"apiVersion": said("/apiVersion"), "kind": said("/kind"),
            "namespace": namespace, "name": said("/metadata/name"), "uid": said("/metadata/uid")}),
        )
        .set("/type", "Warning")
        .set("/reason", reason)
        .set("/message", message)
        .set("/lastTimestamp", at)
}

#[cfg(test)]
mod tests {
    use super::super::pod;
    use super::*;
    use crate::kube::Event;

    #[test]
    fn an_event_is_about_an_object() {
        let about = pod("media", "a");
        let told: Event = event(&about, "FailedMount", "no such volume", "2026-11-22T04:10:00Z").read();
        assert_eq!(told.to_string(), "FailedMount: no such volume");
        assert_eq!(told.involved_object.uid, about.at("/metadata/uid").as_str().unwrap());
    }
}
