//! YAML as a person would write it: short things on one line, long texts as blocks.

use serde_json::Value;

/// A value whose fields stand in an order of their own.
#[derive(Clone, Debug)]
pub enum Yaml {
    /// A scalar, or anything else that is written as it comes.
    Plain(Value),
    /// Fields, in this order.
    Map(Vec<(String, Yaml)>),
    /// Items.
    List(Vec<Yaml>),
}

/// Up to where a value stands on one line, in characters.
const WIDTH: usize = 110;
/// What comes first in a map.
const FIRST: [&str; 15] = [
    "alertname",
    "verb",
    "groups",
    "resources",
    "verbs",
    "apiVersion",
    "kind",
    "name",
    "namespace",
    "target",
    "subresource",
    "type",
    "labels",
    "metadata",
    "spec",
];
/// Words that YAML readers take for something else than text.
const WORDS: [&str; 12] =
    ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf", "infinity"];

impl From<Value> for Yaml {
    fn from(value: Value) -> Self {
        match value {
            Value::Object(fields) => {
                let place = |key: &str| FIRST.iter().position(|first| *first == key).unwrap_or(FIRST.len());
                let mut fields: Vec<_> = fields.into_iter().map(|(key, value)| (key, value.into())).collect();
                fields.sort_by(|(a, _), (b, _)| (place(a), a).cmp(&(place(b), b)));
                Self::Map(fields)
            }
            Value::Array(items) => Self::List(items.into_iter().map(Into::into).collect()),
            plain => Self::Plain(plain),
        }
    }
}

impl From<&str> for Yaml {
    fn from(text: &str) -> Self {
        Self::Plain(text.into())
    }
}

impl From<String> for Yaml {
    fn from(text: String) -> Self {
        Self::Plain(text.into())
    }
}

impl Yaml {
    /// A map of fields in this order.
    pub fn map<const N: usize>(fields: [(&str, Yaml); N]) -> Self {
        Self::Map(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// Write it as the fields of a document.
    pub fn document(&self) -> String {
        let mut text = String::new();
        self.block(&mut text, 0);
        text
    }

    /// Write it on one line, however long that is.
    pub fn on_one_line(&self) -> String {
        match self {
            Self::Plain(value) => scalar(value),
            Self::Map(fields) => {
                let fields: Vec<_> = fields
                    .iter()
                    .map(|(key, value)| format!("{}: {}", word(key), value.on_one_line()))
                    .collect();
                format!("{{{}}}", fields.join(", "))
            }
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(Self::on_one_line).collect();
                format!("[{}]", items.join(", "))
            }
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Map(fields) => fields.is_empty(),
            Self::List(items) => items.is_empty(),
        }
    }

    /// On one line, where it is short and all of it can stand there.
    fn inline(&self, room: usize) -> Option<String> {
        let text = match self {
            Self::Plain(Value::String(text)) if is_block(text) => return None,
            Self::Plain(value) => scalar(value),
            Self::Map(fields) => {
                let inline =
                    |(key, value): &(String, Self)| Some(format!("{}: {}", word(key), value.inline(room)?));
                format!("{{{}}}", fields.iter().map(inline).collect::<Option<Vec<_>>>()?.join(", "))
            }
            Self::List(items) => {
                let items = items.iter().map(|item| item.inline(room)).collect::<Option<Vec<_>>>()?;
                format!("[{}]", items.join(", "))
            }
        };
        let fits = text.chars().count() <= room || matches!(self, Self::Plain(_));
        fits.then_some(text)
    }

    fn block(&self, text: &mut String, indent: usize) {
        match self {
            Self::Plain(_) => {}
            Self::Map(fields) => {
                for (key, value) in fields {
                    pad(text, indent);
                    text.push_str(&word(key));
                    text.push(':');
                    value.after_key(text, indent, key.chars().count());
                }
            }
            Self::List(items) => {
                for item in items {
                    pad(text, indent);
                    text.push('-');
                    item.after_dash(text, indent);
                }
            }
        }
    }

    fn after_key(&self, text: &mut String, indent: usize, key: usize) {
        if let Some(inline) = self.inline(WIDTH.saturating_sub(indent + key + 2)) {
            text.push(' ');
            text.push_str(&inline);
            text.push('\n');
            return;
        }
        match self {
            Self::Plain(Value::String(long)) => literal(long, text, indent + 2),
            // A list stands below its key, not further in.
            Self::List(_) => {
                text.push('\n');
                self.block(text, indent);
            }
            _ => {
                text.push('\n');
                self.block(text, indent + 2);
            }
        }
    }

    fn after_dash(&self, text: &mut String, indent: usize) {
        if let Some(inline) = self.inline(WIDTH.saturating_sub(indent + 2)) {
            text.push(' ');
            text.push_str(&inline);
            text.push('\n');
            return;
        }
        match self {
            Self::Plain(Value::String(long)) => literal(long, text, indent + 2),
            Self::Map(_) if !self.is_empty() => {
                // The first field stands beside the dash.
                let mut fields = String::new();
                self.block(&mut fields, indent + 2);
                text.push(' ');
                text.push_str(fields.trim_start());
            }
            _ => {
                text.push('\n');
                self.block(text, indent + 2);
            }
        }
    }
}

fn pad(text: &mut String, indent: usize) {
    text.extend(std::iter::repeat_n(' ', indent));
}

/// Whether a text is best written as a literal block: it has lines, and nothing that a block
/// can't hold.
fn is_block(text: &str) -> bool {
    let harmless =
        |c: char| c == '\n' || !(c.is_control() || matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}'));
    let lines_hold = text.lines().all(|line| !line.ends_with(' '));
    text.trim_end_matches('\n').contains('\n')
        && text.chars().all(harmless)
        && lines_hold
        && !text.starts_with([' ', '\n', '\t'])
}

fn literal(long: &str, text: &mut String, indent: usize) {
    let body = long.trim_end_matches('\n');
    text.push_str(match long.len() - body.len() {
        0 => " |-\n",
        1 => " |\n",
        _ => " |+\n",
    });
    for line in body.split('\n') {
        if !line.is_empty() {
            pad(text, indent);
            text.push_str(line);
        }
        text.push('\n');
    }
    text.extend(std::iter::repeat_n('\n', (long.len() - body.len()).saturating_sub(1)));
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => word(text),
        other => other.to_string(),
    }
}

/// A text: as it is where nobody can take it for anything else, otherwise quoted: with single
/// quotes where there is nothing to escape, or as in JSON, which is YAML too.
pub(super) fn word(text: &str) -> String {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_./-".contains(&byte))
    };
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.split(' ').all(is_word)
        && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    if is_plain || is_time(text) || is_duration(text) {
        text.to_owned()
    } else if text.contains(['"', '\\'])
        && !text.contains(['\''])
        && !text.contains(|c: char| c.is_control() || !c.is_ascii())
    {
        format!("'{text}'")
    } else {
        Value::from(text).to_string()
    }
}

/// `1h30m`: a number for no reader of YAML.
fn is_duration(text: &str) -> bool {
    text.len() >= 2 && text.parse::<suture_core::HumanDuration>().is_ok()
}

/// `2026-11-22T04:10:00Z`, with or without a fraction.
fn is_time(text: &str) -> bool {
    text.len() >= 20
        && text.ends_with('Z')
        && text.as_bytes().get(10) == Some(&b'T')
        && text.parse::<suture_core::Timestamp>().is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whatever_is_written_reads_back() {
        let hostile = [
            "",
            " ",
            "a",
            "no",
            "True",
            "null",
            "~",
            "0x1f",
            "1e3",
            ".5",
            "-",
            "- a",
            "a: b",
            "a #b",
            "#",
            "'",
            "\"",
            "\\",
            "{a}",
            "[",
            "!x",
            "&a",
            "*a",
            "%",
            "@",
            "`",
            "?",
            "|",
            ">",
            "a\nb",
            "a\nb\n",
            "a\nb\n\n",
            "\na",
            " a\nb",
            "a \nb",
            "a\n  b\n c\n",
            "a\r\nb",
            "tab\there\nx",
            "\u{1b}[31m\nx",
            "ä\u{2028}b\nc",
            "\u{0}",
            "2026-11-22T04:10:00Z",
            "04:10:00",
            "a\n\n\nb",
            "---\nx",
            "...\nx",
            "a\n---\nb",
            "${x}",
            "=",
            "<<",
            "key:",
            "a,b",
        ];
        for text in hostile {
            let value = json!({"key": text, "list": [text, {"deep": text, "more": [[text]]}], "long": "x".repeat(200), text: 1});
            let yaml = Yaml::from(value.clone()).document();
            let read: Value =
                serde_saphyr::from_str(&yaml).unwrap_or_else(|error| panic!("{text:?}: {error}\n{yaml}"));
            assert_eq!(read, value, "{text:?}\n{yaml}");
        }
    }

    #[test]
    fn numbers_and_empty_things_read_back_too() {
        let value = json!({"a": {}, "b": [], "c": [{}, [], null], "d": 1.5, "e": -7, "f": u64::MAX, "g": true,
            "h": {"x": "y".repeat(150), "z": {"q": [{"w": "y".repeat(150), "n": []}]}}});
        let yaml = Yaml::from(value.clone()).document();
        assert_eq!(serde_saphyr::from_str::<Value>(&yaml).unwrap(), value, "{yaml}");
    }

    #[test]
    fn it_looks_as_a_person_writes_it() {
        let yaml = Yaml::from(
            json!({"metadata": {"name": "plex", "namespace": "media"}, "kind": "Pod", "apiVersion": "v1",
            "log": "one\ntwo\n", "items": [{"text": "a long text ".repeat(12), "count": 1}]}),
        );
        assert_eq!(
            yaml.document(),
            format!(
                "apiVersion: v1\nkind: Pod\nmetadata: {{name: plex, namespace: media}}\nitems:\n- count: 1\n  text: \"{}\"\n\
                 log: |\n  one\n  two\n",
                "a long text ".repeat(12)
            )
        );
    }
}
