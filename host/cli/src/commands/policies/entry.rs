//! An entry of `policies`, and its place in a configuration that a person wrote.

use std::ops::Range;
use std::path::Path;

use serde_json::Value;
use suture_core::{Manifest, Mode};
use suture_registry::Reference;
use suture_scenario::yaml::{Shape, Yaml, documents, flow_text, line_end, line_start};

use crate::commands::grants::{self, Reach};

/// What an entry says.
pub struct Entry<'a> {
    pub name: &'a str,
    pub source: Source<'a>,
    pub mode: Mode,
    pub manifest: &'a Manifest,
    /// As they were given, without defaults; none where none were.
    pub given: Option<Value>,
    /// With defaults: what is asked for goes by them.
    pub settings: &'a Value,
    pub reach: Reach<'a>,
}

/// Where the component comes from, as the configuration has it.
pub enum Source<'a> {
    File(&'a Path),
    Oci { reference: &'a Reference, key: Option<&'a Path>, credentials: Option<&'a Path>, plain_http: bool },
}

impl Source<'_> {
    fn written(&self) -> String {
        let path = |path: &Path| flow_text(&path.display().to_string());
        match self {
            Self::File(file) => format!("{{file: {}}}", path(file)),
            Self::Oci { reference, key: None, credentials: None, plain_http: false } => {
                format!("{{oci: {}}}", flow_text(&reference.to_string()))
            }
            Self::Oci { reference, key, credentials, plain_http } => {
                let mut fields = vec![format!("reference: {}", flow_text(&reference.to_string()))];
                fields.extend(key.map(|key| format!("key: {}", path(key))));
                fields.extend(credentials.map(|file| format!("credentials: {}", path(file))));
                fields.extend(plain_http.then(|| "plainHttp: true".to_owned()));
                format!("{{oci: {{{}}}}}", fields.join(", "))
            }
        }
    }
}

impl Entry<'_> {
    /// Its lines, as an item of a list that is not indented.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![
            format!("- name: {}", flow_text(self.name)),
            format!("  source: {}", self.source.written()),
            format!("  mode: {}", self.mode.as_str()),
        ];
        let is_given = |settings: &&Value| settings.as_object().is_some_and(|fields| !fields.is_empty());
        if let Some(settings) = self.given.as_ref().filter(is_given) {
            lines.push("  settings:".to_owned());
            lines.extend(Yaml::from(settings.clone()).document().lines().map(|line| inside(line, 4)));
        }
        let requested = self.manifest.requested(self.settings);
        lines.push(if requested.is_empty() { "  grants: []".to_owned() } else { "  grants:".to_owned() });
        let grants = requested.iter().flat_map(|permission| grants::entry(permission, &self.reach));
        lines.extend(grants.map(|line| inside(&line, 2)));
        lines
    }
}

fn inside(line: &str, indent: usize) -> String {
    if line.is_empty() { String::new() } else { format!("{:indent$}{line}", "") }
}

/// Why an entry has no place in a text.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPlace {
    /// It is no YAML that can be followed.
    #[error("it can't be read as YAML: {0}")]
    NotYaml(String),
    /// It is one value on one line, or several documents.
    #[error("it is not written as one block of `key: value` lines")]
    NotBlock,
    /// The list is written in brackets.
    #[error("`policies` is written in brackets; write it as a list with a `-` before each entry")]
    Flow,
}

/// A text with an entry behind the last of its `policies`, and the lines (from 1) that it takes there.
///
/// # Errors
/// Where it has no place.
pub fn insert(text: &str, entry: &[String]) -> Result<(String, Range<u64>), NoPlace> {
    let all = documents(text).map_err(|error| NoPlace::NotYaml(error.to_string()))?;
    let [root] = &all[..] else { return Err(NoPlace::NotBlock) };
    let Shape::Map { is_flow: false, fields } = &root.shape else { return Err(NoPlace::NotBlock) };
    let Some((key, policies)) = root.key("policies").zip(root.field("policies")) else {
        let lines: Vec<_> = std::iter::once("policies:".to_owned()).chain(entry.iter().cloned()).collect();
        return Ok(put(text, end_of_all(text), &lines));
    };
    match &policies.shape {
        Shape::List { is_flow: true, items } if items.is_empty() => {
            let begin = text[..policies.bytes.start].trim_end().len();
            let without = format!("{}{}", &text[..begin], &text[policies.bytes.end..]);
            Ok(put(&without, line_end(&without, begin), entry))
        }
        Shape::List { is_flow: true, .. } => Err(NoPlace::Flow),
        Shape::List { is_flow: false, items } => {
            let indent = policies.bytes.start - line_start(text, policies.bytes.start);
            let end = items.last().map_or(policies.bytes.end, |item| item.bytes.end);
            let behind = if text[..end].ends_with('\n') { end } else { line_end(text, end) };
            let next = fields.iter().map(|(place, ..)| *place).find(|place| *place > key && *place >= behind);
            let place = match next {
                None => end_of_all(text).max(behind),
                Some(next) => behind + own_comments(&text[behind..line_start(text, next)], indent),
            };
            let lines: Vec<_> = entry.iter().map(|line| inside(line, indent)).collect();
            Ok(put(text, place, &lines))
        }
        // Nothing stands there, which is null.
        Shape::Scalar(_) if policies.bytes.is_empty() => Ok(put(text, line_end(text, key), entry)),
        Shape::Scalar(_) | Shape::Map { .. } => Err(NoPlace::NotBlock),
    }
}

/// Where the last line ends that is not empty.
fn end_of_all(text: &str) -> usize {
    let content = text.trim_end().len();
    line_end(text, content)
}

/// How many bytes of what stands behind an entry are comments that belong to it: those up to an empty line;
/// without one, those that are indented. The rest is about what comes next.
fn own_comments(between: &str, indent: usize) -> usize {
    let mut length = 0;
    let mut indented = 0;
    for line in between.split_inclusive('\n') {
        if line.trim().is_empty() {
            return length;
        }
        length += line.len();
        if line.len() - line.trim_start().len() > indent && indented + line.len() == length {
            indented = length;
        }
    }
    indented
}

/// A text with lines before what stands at a byte.
fn put(text: &str, at: usize, lines: &[String]) -> (String, Range<u64>) {
    let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let (before, after) = text.split_at(at);
    let mut whole = before.to_owned();
    if !before.is_empty() && !before.ends_with('\n') {
        whole.push_str(line_break);
    }
    let first = whole.matches('\n').count() as u64 + 1;
    for line in lines {
        whole.push_str(line);
        whole.push_str(line_break);
    }
    whole.push_str(after);
    (whole, first..first + lines.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(text: &str) -> Result<String, NoPlace> {
        insert(text, &["- name: new".to_owned(), "  x: 1".to_owned()]).map(|(text, _)| text)
    }

    #[test]
    fn it_comes_behind_the_last_entry_and_its_comments_and_before_what_comes_next() {
        for (before, after) in [
            ("a: 1\n", "a: 1\npolicies:\n- name: new\n  x: 1\n"),
            ("a: 1", "a: 1\npolicies:\n- name: new\n  x: 1\n"),
            ("policies: [] # none\nb: 1\n", "policies: # none\n- name: new\n  x: 1\nb: 1\n"),
            ("policies: # none\nb: 1\n", "policies: # none\n- name: new\n  x: 1\nb: 1\n"),
            (
                "policies:\n- name: a   # one\n  # - more\n# b is\nb: 1\n",
                "policies:\n- name: a   # one\n  # - more\n- name: new\n  x: 1\n# b is\nb: 1\n",
            ),
            (
                "policies:\n- name: a\n# - grant\n\n# b is\nb: 1\n",
                "policies:\n- name: a\n# - grant\n- name: new\n  x: 1\n\n# b is\nb: 1\n",
            ),
            (
                "policies:\n  - name: a\n    s: |\n      t\n\n  # the end\n\n",
                "policies:\n  - name: a\n    s: |\n      t\n\n  # the end\n  - name: new\n    x: 1\n\n",
            ),
            (
                "policies:\r\n- {name: a}\r\nb: 1\r\n",
                "policies:\r\n- {name: a}\r\n- name: new\r\n  x: 1\r\nb: 1\r\n",
            ),
        ] {
            assert_eq!(with(before).unwrap(), after);
        }
    }

    #[test]
    fn the_lines_that_it_takes_are_told() {
        let (text, lines) = insert("policies:\n- name: a\nb: 1\n", &["- name: new".to_owned()]).unwrap();
        assert_eq!(lines, 3..4);
        assert_eq!(text.lines().nth(2), Some("- name: new"));
    }

    #[test]
    fn what_is_not_written_in_blocks_is_not_changed() {
        assert_eq!(with("{policies: []}"), Err(NoPlace::NotBlock));
        assert_eq!(with("a: 1\n---\nb: 1\n"), Err(NoPlace::NotBlock));
        assert_eq!(with("policies: [{name: a}]\n"), Err(NoPlace::Flow));
        assert_eq!(with("policies: 3\n"), Err(NoPlace::NotBlock));
        assert!(matches!(with("policies: ["), Err(NoPlace::NotYaml(_))));
    }
}
