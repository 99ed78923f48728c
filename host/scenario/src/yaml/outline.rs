//! Where values stand in a text.

use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StructureStyle};

/// The deepest nesting that is followed.
const MAX_DEPTH: usize = 64;

/// A value, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// The bytes that it takes: from its first to behind its last, without a comment behind it. Of a
    /// block scalar, and of what ends in one, the last line break is its own.
    pub bytes: Range<usize>,
    /// What it is.
    pub shape: Shape,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A text, a number, nothing, or a reference to an anchor.
    Scalar(String),
    /// Keys (where they begin, and what they are) and values.
    Map {
        /// Whether it stands in braces.
        is_flow: bool,
        /// In the order of the text.
        fields: Vec<(usize, String, Outline)>,
    },
    /// Items.
    List {
        /// Whether it stands in brackets.
        is_flow: bool,
        /// In the order of the text.
        items: Vec<Outline>,
    },
}

impl Outline {
    /// The value of a field.
    pub fn field(&self, name: &str) -> Option<&Self> {
        match &self.shape {
            Shape::Map { fields, .. } => {
                fields.iter().find(|(_, key, _)| key == name).map(|(_, _, value)| value)
            }
            Shape::Scalar(_) | Shape::List { .. } => None,
        }
    }

    /// Where the key of a field begins.
    pub fn key(&self, name: &str) -> Option<usize> {
        match &self.shape {
            Shape::Map { fields, .. } => {
                fields.iter().find(|(_, key, _)| key == name).map(|(place, _, _)| *place)
            }
            Shape::Scalar(_) | Shape::List { .. } => None,
        }
    }

    /// Its items; none where it is no list.
    pub fn items(&self) -> &[Self] {
        match &self.shape {
            Shape::List { items, .. } => items,
            Shape::Scalar(_) | Shape::Map { .. } => &[],
        }
    }
}

/// The documents of a text.
///
/// # Errors
/// Where it is no YAML, nests too deep, or has a key that is no scalar.
pub fn documents(text: &str) -> Result<Vec<Outline>, OutlineError> {
    let mut reader = Reader { events: Parser::new_from_str(text), text };
    let mut documents = Vec::new();
    while let Some((event, span)) = reader.next()? {
        match event {
            Event::StreamStart | Event::StreamEnd | Event::DocumentStart(..) | Event::DocumentEnd => {}
            event => documents.push(reader.value(event, span, 0)?),
        }
    }
    Ok(documents)
}

/// Why a text has no outline.
#[derive(Debug, thiserror::Error)]
pub enum OutlineError {
    /// It is no YAML.
    #[error("{0}")]
    NotYaml(#[from] ScanError),
    /// It nests too deep.
    #[error("it is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// It ends in the middle, or has something that is not understood.
    #[error("a value of it can't be placed")]
    Unplaced,
}

struct Reader<'a> {
    events: Parser<'a, granit_parser::StrInput<'a>>,
    text: &'a str,
}

impl<'a> Reader<'a> {
    /// The next event that is no comment.
    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, OutlineError> {
        loop {
            match self.events.next().transpose()? {
                Some((Event::Comment(..) | Event::Anchor(..), _)) => {}
                other => return Ok(other),
            }
        }
    }

    fn expect(&mut self) -> Result<(Event<'a>, Span), OutlineError> {
        self.next()?.ok_or(OutlineError::Unplaced)
    }

    fn value(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Outline, OutlineError> {
        if depth > MAX_DEPTH {
            return Err(OutlineError::TooDeep);
        }
        let bytes = span.byte_range().ok_or(OutlineError::Unplaced)?;
        match event {
            Event::Scalar(text, style, ..) => {
                let bytes = self.scalar(bytes, style);
                Ok(Outline { bytes, shape: Shape::Scalar(text.into_owned()) })
            }
            Event::Alias(_) => Ok(Outline { bytes, shape: Shape::Scalar(String::new()) }),
            Event::SequenceStart(style, ..) => {
                let mut items = Vec::new();
                let end = loop {
                    match self.expect()? {
                        (Event::SequenceEnd, span) => break span,
                        (event, span) => items.push(self.value(event, span, depth + 1)?),
                    }
                };
                let is_flow = style == StructureStyle::Flow;
                let last = items.last().map(|item| item.bytes.end);
                let dash = items.first().and_then(|item| self.text.get(..item.bytes.start)?.rfind('-'));
                let begin = if is_flow { bytes.start } else { dash.unwrap_or(bytes.start) };
                let bytes = self.whole(begin..bytes.end, end, is_flow, last)?;
                Ok(Outline { bytes, shape: Shape::List { is_flow, items } })
            }
            Event::MappingStart(style, ..) => {
                let mut fields = Vec::new();
                let end = loop {
                    match self.expect()? {
                        (Event::MappingEnd, span) => break span,
                        (Event::Scalar(key, ..), span) => {
                            let place = span.byte_range().ok_or(OutlineError::Unplaced)?.start;
                            let (event, span) = self.expect()?;
                            fields.push((place, key.into_owned(), self.value(event, span, depth + 1)?));
                        }
                        _ => return Err(OutlineError::Unplaced),
                    }
                };
                let is_flow = style == StructureStyle::Flow;
                let first = fields.first().map(|(place, ..)| *place);
                let last = fields.last().map(|(_, _, value)| value.bytes.end);
                let begin = if is_flow { bytes.start } else { first.unwrap_or(bytes.start) };
                let bytes = self.whole(begin..bytes.end, end, is_flow, last)?;
                Ok(Outline { bytes, shape: Shape::Map { is_flow, fields } })
            }
            _ => Err(OutlineError::Unplaced),
        }
    }

    /// A scalar's own bytes. A block scalar's end is told where the next thing begins; nothing, which stands
    /// for null, is told before the colon that it stands behind.
    fn scalar(&self, bytes: Range<usize>, style: ScalarStyle) -> Range<usize> {
        let text = self.text.get(bytes.clone()).unwrap_or_default();
        match style {
            ScalarStyle::Literal | ScalarStyle::Folded => {
                let length = text.trim_end().len();
                let has_break = text.get(length..).is_some_and(|rest| rest.contains('\n'));
                let end = bytes.start + length;
                if has_break { bytes.start..line_end(self.text, end) } else { bytes.start..end }
            }
            _ if text.is_empty() && self.text.get(bytes.end..).is_some_and(|rest| rest.starts_with(':')) => {
                bytes.end + 1..bytes.end + 1
            }
            _ => bytes,
        }
    }

    /// A block's end is told where the next thing begins: it ends with the last that it holds.
    fn whole(
        &self,
        begin: Range<usize>,
        end: Span,
        is_flow: bool,
        last: Option<usize>,
    ) -> Result<Range<usize>, OutlineError> {
        let told = end.byte_range().ok_or(OutlineError::Unplaced)?.end.min(self.text.len());
        let end = if is_flow { told } else { last.unwrap_or(begin.end) };
        Ok(begin.start..end.max(begin.start))
    }
}

/// Where the line of a byte begins.
pub fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
}

/// Behind the line of a byte, its line break included.
pub fn line_end(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |newline| at + newline + 1)
}

/// How far in the line of a byte begins, in spaces.
pub fn indentation(text: &str, at: usize) -> usize {
    let line = text.get(line_start(text, at)..).unwrap_or_default();
    line.bytes().take_while(|byte| *byte == b' ').count()
}

/// A text on one line, quoted where YAML would take it for something else.
pub fn flow_text(text: &str) -> String {
    super::writer::word(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# head
listen: 127.0.0.1:0   # where
policies:
# the first
- name: a
  settings:
    script: |
      one
      two
- {name: b, grants: [x, \"y z\"]}   # behind
- name: ä
  empty:
last: {}
";

    fn shown<'a>(text: &'a str, outline: &Outline) -> &'a str {
        &text[outline.bytes.clone()]
    }

    #[test]
    fn each_value_is_where_it_stands() {
        let all = documents(TEXT).unwrap();
        let [root] = &all[..] else { panic!("{all:?}") };
        assert_eq!(shown(TEXT, root.field("listen").unwrap()), "127.0.0.1:0");
        let policies = root.field("policies").unwrap();
        let items: Vec<_> = policies.items().iter().map(|item| shown(TEXT, item)).collect();
        assert_eq!(
            items,
            [
                "name: a\n  settings:\n    script: |\n      one\n      two\n",
                "{name: b, grants: [x, \"y z\"]}",
                "name: ä\n  empty:"
            ]
        );
        assert!(shown(TEXT, policies).starts_with("- name: a"), "{}", shown(TEXT, policies));
        let grants = policies.items()[1].field("grants").unwrap();
        assert_eq!(shown(TEXT, &grants.items()[1]), "\"y z\"");
        assert_eq!(shown(TEXT, root.field("last").unwrap()), "{}");
        assert_eq!(indentation(TEXT, policies.items()[0].field("settings").unwrap().bytes.start), 4);
        assert_eq!(&TEXT[root.key("last").unwrap()..][..4], "last");
    }

    #[test]
    fn several_documents_stand_one_after_another_and_what_is_no_yaml_is_said() {
        assert_eq!(documents("a: 1\n---\nb: 2\n").unwrap().len(), 2);
        assert!(documents("a: [").is_err());
        assert!(documents("? {a: b}\n: c\n").is_err());
        assert!(documents(&"[".repeat(200)).is_err());
    }
}
