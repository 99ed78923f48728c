//! What containers had written, as far as it was read.

use std::collections::BTreeMap;

use serde_json::Value;
use suture_core::{Effect, ObjectRef, Reply};

use super::outside_events;
use super::reconstruction::{Reconstruction, Seen};
use suture_journal::Call;

/// A container of a pod.
type Place = (ObjectRef, String);

/// One read of a log.
struct Read {
    lines: u32,
    bytes: u32,
    text: String,
}

/// The logs of all containers that were read.
#[derive(Default)]
pub(super) struct Logs {
    /// As they were at first.
    pub initial: BTreeMap<Place, String>,
    /// As they are by now.
    current: BTreeMap<Place, String>,
    /// When they were last read.
    read: BTreeMap<Place, Seen>,
}

impl Logs {
    /// The logs as they were first read. Where a later read shows more of what was before, that
    /// was there already.
    pub fn of(calls: &[Call]) -> Self {
        let mut reads: BTreeMap<Place, Vec<Read>> = BTreeMap::new();
        for call in calls {
            if let (Effect::Logs { pod, container, tail_lines, limit_bytes }, Some(Reply::Logs(text))) =
                (&call.asked, call.reply())
            {
                let read = Read { lines: *tail_lines, bytes: *limit_bytes, text: text.clone() };
                reads.entry((pod.reference(), container.clone())).or_default().push(read);
            }
        }
        let mut logs = Self::default();
        for (place, reads) in reads {
            let mut whole = String::new();
            for (number, read) in reads.iter().enumerate() {
                let is_longer = read.text.len() > whole.len() && read.text.ends_with(&whole);
                let earlier = reads.iter().take(number);
                if is_longer && earlier.into_iter().all(|earlier| earlier.shows(&read.text) == earlier.text) {
                    whole.clone_from(&read.text);
                }
            }
            logs.initial.insert(place, whole);
        }
        logs
    }

    /// Only what is there from the start has written anything by then.
    pub fn begin_with(&mut self, objects: &[Value]) {
        let there: Vec<ObjectRef> = objects.iter().filter_map(ObjectRef::of).collect();
        self.initial.retain(|(pod, _), _| there.contains(pod));
        self.current.clone_from(&self.initial);
    }
}

impl Read {
    /// What it shows of a whole log.
    fn shows<'a>(&self, whole: &'a str) -> &'a str {
        let mut text = whole;
        if self.lines > 0 {
            let body = text.strip_suffix('\n').unwrap_or(text);
            let wanted = usize::try_from(self.lines).unwrap_or(usize::MAX);
            let start = body.rmatch_indices('\n').nth(wanted - 1).map_or(0, |(index, _)| index + 1);
            text = &text[start..];
        }
        if self.bytes > 0 {
            let wanted = usize::try_from(self.bytes).unwrap_or(usize::MAX);
            let mut start = text.len().saturating_sub(wanted);
            while !text.is_char_boundary(start) {
                start += 1;
            }
            text = &text[start..];
        }
        text
    }
}

impl Reconstruction {
    /// A log was read: whatever it shows beyond what was there has been written since.
    pub(super) fn read_log(&mut self, index: usize, call: &Call, pod: &ObjectRef, text: &str) {
        let Effect::Logs { container, tail_lines, limit_bytes, .. } = &call.asked else { return };
        let place = (pod.clone(), container.clone());
        let read = Read { lines: *tail_lines, bytes: *limit_bytes, text: text.to_owned() };
        let here = self.logs.current.get(&place).cloned().unwrap_or_default();
        let seen = Seen { call: index, at: self.now() };
        let last = self.logs.read.insert(place.clone(), seen);
        if read.shows(&here) == text {
            return;
        }
        let more = beyond(&here, text);
        // It begins on a line of its own.
        let (mut whole, mut written) = (here, more);
        if !whole.is_empty() && !whole.ends_with('\n') {
            written = written.strip_prefix('\n').unwrap_or(written);
            whole.push('\n');
        }
        whole.push_str(written);
        if read.shows(&whole) != text {
            self.doubt(call, "the log was not only written to since it was read before");
            return;
        }
        let name = self.container(pod, container);
        let when = self.since(last, call, pod);
        self.outside_events.add(when, vec![outside_events::log(pod, &name, written)]);
        self.logs.current.insert(place, whole);
    }

    /// The name of the container that is meant.
    pub(super) fn container(&self, pod: &ObjectRef, asked: &str) -> String {
        if !asked.is_empty() {
            return asked.to_owned();
        }
        let given = self.fixture.objects.iter().find(|object| ObjectRef::of(object).as_ref() == Some(pod));
        let here = self.cluster.object(pod);
        let name = |pod: &Value| pod.pointer("/spec/containers/0/name")?.as_str().map(str::to_owned);
        given.and_then(name).or_else(|| name(here.as_deref()?)).unwrap_or_else(|| "main".to_owned())
    }

    /// The logs that a fixture begins with.
    pub(super) fn given_logs(&self) -> Vec<(ObjectRef, String, String)> {
        let here = self.logs.initial.iter().filter(|(_, text)| !text.is_empty());
        here.map(|((pod, container), text)| (pod.clone(), self.container(pod, container), text.clone()))
            .collect()
    }
}

/// What a text shows beyond what is known already: all after the longest end of that with which
/// it begins.
fn beyond<'a>(known: &str, text: &'a str) -> &'a str {
    let mut starts = text.char_indices().map(|(index, _)| index).chain([text.len()]).rev();
    let overlap = starts.find(|end| known.ends_with(&text[..*end])).unwrap_or(0);
    &text[overlap..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_new_counts() {
        assert_eq!(beyond("a\nb\n", "a\nb\nc\n"), "c\n");
        assert_eq!(beyond("a\nb\nc\n", "b\nc\nd\n"), "d\n");
        assert_eq!(beyond("a\n", "x\n"), "x\n");
        assert_eq!(beyond("", "ä"), "ä");
        assert_eq!(beyond("ä", "ä"), "");
    }

    #[test]
    fn a_read_shows_whole_lines_and_whole_characters() {
        let read = |lines, bytes| Read { lines, bytes, text: String::new() };
        assert_eq!(read(2, 0).shows("a\nb\nc\n"), "b\nc\n");
        assert_eq!(read(9, 0).shows("a\nb"), "a\nb");
        assert_eq!(read(1, 0).shows("a"), "a");
        assert_eq!(read(0, 2).shows("aäb"), "b");
    }
}
