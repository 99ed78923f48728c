//! `then`: what must happen, what must never, and what must hold at the end.

use std::fmt;

use regex::Regex;
use serde::Deserialize;
use serde_saphyr::{Location, Spanned};
use suture_core::object::Kind;
use suture_core::{Expression, Glob, ObjectRef};

/// What is expected of a run.
#[derive(Clone, Debug, Default)]
pub struct Then {
    /// How the run ends.
    pub outcome: Option<Located<String>>,
    /// What its sentence says.
    pub summary: Option<Located<TextPattern>>,
    /// Mutations that must happen, in this order; others may come in between.
    pub effects: Vec<Located<Expected>>,
    /// Mutations that must not happen.
    pub never: Vec<Located<Expected>>,
    /// What must hold when all is over.
    pub finally: Vec<Located<Expression>>,
    /// Texts that the timeline must show, in this order.
    pub timeline: Vec<Located<TextPattern>>,
}

/// Something that was written in a file, and where.
#[derive(Clone, Debug)]
pub struct Located<T> {
    /// It.
    pub value: T,
    /// The line, from 1.
    pub line: u64,
    /// The column, from 1.
    pub column: u64,
}

impl<T> Located<T> {
    pub(crate) fn new(value: T, location: Location) -> Self {
        Self { value, line: location.line(), column: location.column() }
    }
}

/// A mutation that is expected, or must not be.
#[derive(Clone, Debug)]
pub struct Expected {
    /// `create`, `patch`, `apply` or `delete`.
    pub verb: &'static str,
    /// Of which object.
    pub object: ObjectPattern,
    /// What must hold for it.
    pub condition: Option<Expression>,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.object)?;
        match &self.condition {
            Some(condition) => write!(f, " where {}", condition.source().trim()),
            None => Ok(()),
        }
    }
}

/// Which objects: `APIVERSION KIND NAMESPACE/NAME` with `*` in namespace or name, or `*`
/// for all.
#[derive(Clone, Debug)]
pub enum ObjectPattern {
    /// Every object.
    Any,
    /// Objects of one kind.
    Of {
        /// The kind.
        kind: Kind,
        /// The namespace; none for what has none.
        namespace: Option<Glob>,
        /// The name.
        name: Glob,
    },
}

impl ObjectPattern {
    /// Read one.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim() == "*" {
            return Ok(Self::Any);
        }
        let object: ObjectRef =
            text.parse().map_err(|error| format!("{error}; `*` alone stands for every object"))?;
        let glob = |text: &str| Glob::new(text).map_err(|error| format!("`{text}`: {error}"));
        let ObjectRef { kind, namespace, name } = object;
        if kind.api_version.contains('*') || kind.kind.contains('*') {
            return Err(format!("`{text}`: `*` may stand in the namespace and the name only"));
        }
        Ok(Self::Of { kind, namespace: namespace.as_deref().map(glob).transpose()?, name: glob(&name)? })
    }

    /// The kind; none where every object is meant.
    pub fn kind(&self) -> Option<&Kind> {
        match self {
            Self::Any => None,
            Self::Of { kind, .. } => Some(kind),
        }
    }

    /// Whether an object is meant.
    pub fn matches(&self, object: &ObjectRef) -> bool {
        match self {
            Self::Any => true,
            Self::Of { kind, namespace, name } => {
                let same_namespace = match (namespace, &object.namespace) {
                    (Some(glob), Some(namespace)) => glob.matches(namespace),
                    (None, None) => true,
                    _ => false,
                };
                *kind == object.kind && same_namespace && name.matches(&object.name)
            }
        }
    }

    /// Whether it is certain that every object of `other` is one of these.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) => true,
            (_, Self::Any) => false,
            (
                Self::Of { kind, namespace, name },
                Self::Of { kind: other_kind, namespace: other_namespace, name: other_name },
            ) => {
                let covers = |glob: &Glob, other: &Glob| {
                    glob == other || glob.is_any() || glob.matches(other.as_str())
                };
                kind == other_kind
                    && covers(name, other_name)
                    && match (namespace, other_namespace) {
                        (Some(glob), Some(other)) => covers(glob, other),
                        (None, None) => true,
                        _ => false,
                    }
            }
        }
    }
}

impl fmt::Display for ObjectPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Of { kind, namespace: Some(namespace), name } => {
                write!(f, "{kind} {}/{}", namespace.as_str(), name.as_str())
            }
            Self::Of { kind, namespace: None, name } => write!(f, "{kind} {}", name.as_str()),
        }
    }
}

/// A text that must be there: `/…/` is a regular expression, everything else itself.
#[derive(Clone, Debug)]
pub enum TextPattern {
    /// The text.
    Contains(String),
    /// A regular expression.
    Matches(Regex),
}

impl TextPattern {
    fn parse(text: &str) -> Result<Self, String> {
        match text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
            Some(regex) if !regex.is_empty() => {
                Ok(Self::Matches(Regex::new(regex).map_err(|error| error.to_string())?))
            }
            _ if text.is_empty() => Err("an empty text is everywhere; write what must be there".to_owned()),
            _ => Ok(Self::Contains(text.to_owned())),
        }
    }

    /// Whether a text has it.
    pub fn is_in(&self, text: &str) -> bool {
        match self {
            Self::Contains(wanted) => text.contains(wanted),
            Self::Matches(regex) => regex.is_match(text),
        }
    }
}

impl fmt::Display for TextPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contains(text) => write!(f, "`{text}`"),
            Self::Matches(regex) => write!(f, "/{regex}/"),
        }
    }
}

/// `then`, as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawThen {
    outcome: Option<Spanned<String>>,
    summary: Option<Spanned<String>>,
    #[serde(default)]
    effects: Vec<Spanned<RawExpected>>,
    #[serde(default)]
    never: Vec<Spanned<RawExpected>>,
    finally: Option<Spanned<OneOrMany>>,
    #[serde(default)]
    timeline: Vec<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawExpected {
    create: Option<Spanned<String>>,
    patch: Option<Spanned<String>>,
    apply: Option<Spanned<String>>,
    delete: Option<Spanned<String>>,
    #[serde(rename = "where")]
    condition: Option<Spanned<String>>,
}

/// A wrong thing and where it stands.
pub(super) type Wrong = (Location, String);

/// Names that CEL itself knows: types, and the name space of optionals.
const BUILT_IN: [&str; 13] = [
    "bool",
    "bytes",
    "double",
    "duration",
    "int",
    "list",
    "map",
    "null_type",
    "optional",
    "string",
    "timestamp",
    "type",
    "uint",
];

const OUTCOMES: [&str; 6] = ["remediated", "unnecessary", "retry", "escalate", "failed", "planned"];

impl RawThen {
    pub(super) fn check(self) -> Result<Then, Wrong> {
        let outcome = self.outcome.map(outcome).transpose()?;
        let effects = self.effects.into_iter().map(expected).collect::<Result<Vec<_>, _>>()?;
        let never = self.never.into_iter().map(expected).collect::<Result<Vec<_>, _>>()?;
        let finally = self.finally.map(OneOrMany::located).unwrap_or_default();
        let then = Then {
            outcome,
            summary: self.summary.map(text_pattern).transpose()?,
            effects: effects.iter().map(|(located, _)| located.clone()).collect(),
            never: never.iter().map(|(located, _)| located.clone()).collect(),
            finally: finally.into_iter().map(|source| expression(source, &[])).collect::<Result<_, _>>()?,
            timeline: self.timeline.into_iter().map(text_pattern).collect::<Result<_, _>>()?,
        };
        for (effect, location) in &effects {
            let effect = &effect.value;
            if let Some((never, _)) = never.iter().find(|(never, _)| forbids(&never.value, effect)) {
                let message = format!(
                    "`{effect}` can never pass: `never` forbids `{}` (line {})",
                    never.value, never.line
                );
                return Err((*location, message));
            }
        }
        Ok(then)
    }
}

fn forbids(never: &Expected, effect: &Expected) -> bool {
    let same_condition = match (&never.condition, &effect.condition) {
        (None, _) => true,
        (Some(never), Some(effect)) => never.source().trim() == effect.source().trim(),
        (Some(_), None) => false,
    };
    never.verb == effect.verb && never.object.covers(&effect.object) && same_condition
}

fn outcome(text: Spanned<String>) -> Result<Located<String>, Wrong> {
    if OUTCOMES.contains(&text.value.as_str()) {
        return Ok(Located::new(text.value, text.referenced));
    }
    Err((text.referenced, format!("`{}` is not an outcome; there are {}", text.value, OUTCOMES.join(", "))))
}

fn text_pattern(text: Spanned<String>) -> Result<Located<TextPattern>, Wrong> {
    let pattern = TextPattern::parse(&text.value).map_err(|error| (text.referenced, error))?;
    Ok(Located::new(pattern, text.referenced))
}

fn expected(raw: Spanned<RawExpected>) -> Result<(Located<Expected>, Location), Wrong> {
    let location = raw.referenced;
    let RawExpected { create, patch, apply, delete, condition } = raw.value;
    let mut verbs = [("create", create), ("patch", patch), ("apply", apply), ("delete", delete)]
        .into_iter()
        .filter_map(|(verb, object)| Some((verb, object?)));
    let Some((verb, object)) = verbs.next() else {
        return Err((
            location,
            "one of create, patch, apply, delete must say which object is meant".to_owned(),
        ));
    };
    if let Some((second, object)) = verbs.next() {
        let message = format!("`{verb}` and `{second}` in one: write two, each with its own `-`");
        return Err((object.referenced, message));
    }
    let pattern = ObjectPattern::parse(&object.value).map_err(|error| (object.referenced, error))?;
    let variables: &[&str] = match verb {
        "create" => &["object"],
        "delete" => &["object", "before"],
        _ => &["object", "before", "patch"],
    };
    let condition = condition.map(|source| expression(source, variables)).transpose()?;
    let expected = Expected { verb, object: pattern, condition: condition.map(|condition| condition.value) };
    Ok((Located::new(expected, location), location))
}

fn expression(source: Spanned<String>, variables: &[&str]) -> Result<Located<Expression>, Wrong> {
    let wrong = |message: String| (source.referenced, message);
    let expression = Expression::compile(&source.value).map_err(|error| wrong(error.to_string()))?;
    let known = |name: &str| variables.contains(&name) || BUILT_IN.contains(&name);
    if let Some(unknown) = expression.variables().into_iter().find(|name| !known(name)) {
        let here = match variables {
            [] => {
                "there are no variables here, only the function `object(apiVersion, kind, namespace, name)`"
                    .to_owned()
            }
            variables => format!("known here: {}", variables.join(", ")),
        };
        return Err(wrong(format!("`{unknown}` is not known ({here})")));
    }
    Ok(Located::new(expression, source.referenced))
}

/// A text, or a list of texts.
#[derive(Debug)]
struct OneOrMany(Vec<Spanned<String>>);

impl OneOrMany {
    fn located(spanned: Spanned<Self>) -> Vec<Spanned<String>> {
        let mut texts = spanned.value.0;
        // A single text does not know where it stands; what holds it does.
        for text in texts.iter_mut().filter(|text| text.referenced == Location::UNKNOWN) {
            text.referenced = spanned.referenced;
        }
        texts
    }
}

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // `untagged` would lose where the texts stand; a visitor sees the list itself.
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = OneOrMany;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an expression, or a list of expressions")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<OneOrMany, E> {
                let unknown = Location::UNKNOWN;
                Ok(OneOrMany(vec![Spanned { value: text.to_owned(), referenced: unknown, defined: unknown }]))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<OneOrMany, A::Error> {
                let mut many = Vec::new();
                while let Some(text) = list.next_element()? {
                    many.push(text);
                }
                Ok(OneOrMany(many))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}
