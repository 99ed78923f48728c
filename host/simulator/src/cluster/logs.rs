//! What the containers of a simulated cluster have written.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use suture_core::object::{Kind, Object};
use suture_core::{Error, ObjectRef, Reason};

use super::state::State;
use crate::fixture::{ContainerLog, PodName};

/// The most bytes of a log that a policy gets.
const MOST_BYTES: usize = 1 << 20;
/// The most bytes that a container's log keeps; what was first goes first.
const MOST_KEPT: usize = 4 << 20;

/// The logs, by pod and container.
#[derive(Clone, Debug, Default)]
pub struct Logs(BTreeMap<PodName, BTreeMap<String, String>>);

impl Logs {
    pub fn new(logs: Vec<ContainerLog>) -> Self {
        let mut all = Self::default();
        for log in logs {
            all.write(&log.pod, &log.container, &log.text);
        }
        all
    }

    /// Write to a container's log, on a line of its own.
    fn write(&mut self, pod: &PodName, container: &str, text: &str) {
        let log = self.0.entry(pod.clone()).or_default().entry(container.to_owned()).or_default();
        if !log.is_empty() && !log.ends_with('\n') {
            log.push('\n');
        }
        log.push_str(text);
        if log.len() > MOST_KEPT {
            *log = last_bytes(log, MOST_KEPT).to_owned();
        }
    }

    /// A pod is gone, and its logs with it.
    pub fn forget(&mut self, pod: &ObjectRef) {
        if let Some(namespace) = &pod.namespace {
            self.0.remove(&PodName::new(namespace.clone(), pod.name.clone()));
        }
    }

    fn of(&self, pod: &PodName) -> Option<&BTreeMap<String, String>> {
        self.0.get(pod)
    }
}

impl State {
    /// Write to a container's log. `NotFound` where there is no such pod.
    pub fn write_log(&mut self, pod: &PodName, container: &str, text: &str) -> Result<(), Error> {
        self.store.get(&reference(pod))?;
        self.logs.write(pod, container, text);
        Ok(())
    }

    /// The end of a container's log.
    pub fn read_log(&self, pod: &PodName, container: &str, lines: u32, bytes: u32) -> Result<String, Error> {
        let reference = reference(pod);
        let object = self.store.get(&reference)?;
        let logs = self.logs.of(pod);
        let container = self.container(&reference, &object, logs, container)?;
        let text = match logs.and_then(|logs| logs.get(&container)) {
            Some(text) => text.as_str(),
            // Where there is no node, there is nobody to ask.
            None if !is_on_a_node(&object) || has_started(&object, &container) => "",
            None => {
                let message =
                    format!("container `{container}` of {reference} has not started yet: it has no log");
                return Err(Error::new(Reason::BAD_REQUEST, message));
            }
        };
        let bytes = match usize::try_from(bytes).unwrap_or(usize::MAX) {
            0 => MOST_BYTES,
            bytes => bytes.min(MOST_BYTES),
        };
        Ok(last_bytes(last_lines(text, lines), bytes).to_owned())
    }

    /// Which container is meant.
    fn container(
        &self,
        pod: &ObjectRef,
        object: &Object,
        logs: Option<&BTreeMap<String, String>>,
        asked: &str,
    ) -> Result<String, Error> {
        let mut main: BTreeSet<&str> = names(object, "containers").collect();
        // A fixture's pod need not have a spec to have logs.
        if main.is_empty() {
            main.extend(logs.into_iter().flat_map(|logs| logs.keys().map(String::as_str)));
        }
        let mut all = main.clone();
        all.extend(names(object, "initContainers").chain(names(object, "ephemeralContainers")));
        let listed = || all.iter().copied().collect::<Vec<_>>().join(", ");
        match (asked, main.first()) {
            ("", Some(only)) if main.len() == 1 => Ok((*only).to_owned()),
            ("", _) => {
                let message =
                    format!("{pod} has more than one container, or none; name one of: {}", listed());
                Err(Error::new(Reason::BAD_REQUEST, message))
            }
            (name, _) if all.contains(name) => Ok(name.to_owned()),
            (name, _) => {
                let name = suture_core::names::shortened(name);
                let message = format!("{pod} has no container `{name}`; it has: {}", listed());
                Err(Error::new(Reason::BAD_REQUEST, message))
            }
        }
    }
}

fn reference(pod: &PodName) -> ObjectRef {
    ObjectRef { kind: Kind::new("v1", "Pod"), namespace: Some(pod.namespace.clone()), name: pod.name.clone() }
}

fn names<'a>(pod: &'a Value, list: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    let containers = pod.pointer(&format!("/spec/{list}")).and_then(Value::as_array);
    containers.into_iter().flatten().filter_map(|container| container.get("name")?.as_str())
}

/// Whether a pod has a node, as far as it tells: where none is named, somebody still wrote
/// the status of its containers.
fn is_on_a_node(pod: &Value) -> bool {
    let names_one =
        pod.pointer("/spec/nodeName").and_then(Value::as_str).is_some_and(|node| !node.is_empty());
    names_one
        || pod.pointer("/status/containerStatuses").or(pod.pointer("/status/initContainerStatuses")).is_some()
}

/// Whether a container has run, as far as the pod's status tells.
fn has_started(pod: &Value, container: &str) -> bool {
    let statuses = ["containerStatuses", "initContainerStatuses"]
        .iter()
        .filter_map(|list| pod.pointer(&format!("/status/{list}"))?.as_array())
        .flatten();
    let status =
        statuses.into_iter().find(|status| status.get("name").and_then(Value::as_str) == Some(container));
    match status {
        Some(status) => status.pointer("/state/waiting").is_none(),
        None => pod.pointer("/status/phase").and_then(Value::as_str) != Some("Pending"),
    }
}

fn last_lines(text: &str, lines: u32) -> &str {
    if lines == 0 {
        return text;
    }
    let body = text.strip_suffix('\n').unwrap_or(text);
    let breaks = body.rmatch_indices('\n').map(|(index, _)| index + 1);
    let wanted = usize::try_from(lines).unwrap_or(usize::MAX);
    breaks.take(wanted).nth(wanted - 1).map_or(text, |start| &text[start..])
}

fn last_bytes(text: &str, bytes: usize) -> &str {
    let mut start = text.len().saturating_sub(bytes);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_text_is_whole_lines_and_whole_characters() {
        assert_eq!(last_lines("a\nb\nc\n", 2), "b\nc\n");
        assert_eq!(last_lines("a\nb", 1), "b");
        assert_eq!(last_lines("a\nb", 2), "a\nb");
        assert_eq!(last_lines("a\nb", 9), "a\nb");
        assert_eq!(last_lines("a\nb", 0), "a\nb");
        assert_eq!(last_lines("", 3), "");
        assert_eq!(last_bytes("aäb", 2), "b");
        assert_eq!(last_bytes("aäb", 3), "äb");
        assert_eq!(last_bytes("ab", 9), "ab");
    }
}
