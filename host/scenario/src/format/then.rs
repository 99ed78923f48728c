//! `then`: what must happen, what must never, and what must hold at the end.

use std::fmt;

use serde::Deserialize;
use serde_saphyr::{Location, Spanned};
use suture_core::Expression;
use suture_core::effect::{MutationType, OnObject};

use super::pattern::{ObjectPattern, TextPattern};

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
    /// What is in doubt afterwards: each text in one of the doubts, and no doubt without one.
    /// Nothing is expected where this is left out.
    pub doubts: Option<Vec<Located<TextPattern>>>,
}

/// Something that was written in a file, and where.
#[derive(Clone, Debug)]
pub struct Located<T> {
    /// What was written.
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
    /// What is done.
    pub mutation: MutationType,
    /// Of which object.
    pub object: ObjectPattern,
    /// What must hold for it.
    pub condition: Option<Expression>,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.mutation, self.object)?;
        match &self.condition {
            Some(condition) => write!(f, " where {}", condition.source().trim()),
            None => Ok(()),
        }
    }
}

/// `then`, as it is written.
#[derive(Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawThen {
    #[schemars(with = "Option<String>")]
    outcome: Option<Spanned<String>>,
    #[schemars(with = "Option<String>")]
    summary: Option<Spanned<String>>,
    #[serde(default)]
    #[schemars(with = "Vec<RawExpected>")]
    effects: Vec<Spanned<RawExpected>>,
    #[serde(default)]
    #[schemars(with = "Vec<RawExpected>")]
    never: Vec<Spanned<RawExpected>>,
    #[schemars(with = "Option<OneOrMany>")]
    finally: Option<Spanned<OneOrMany>>,
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    timeline: Vec<Spanned<String>>,
    #[schemars(with = "Option<Vec<String>>")]
    doubts: Option<Vec<Spanned<String>>>,
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawExpected {
    #[schemars(with = "Option<String>")]
    create: Option<Spanned<String>>,
    #[schemars(with = "Option<String>")]
    patch: Option<Spanned<String>>,
    #[schemars(with = "Option<String>")]
    apply: Option<Spanned<String>>,
    #[schemars(with = "Option<String>")]
    delete: Option<Spanned<String>>,
    #[serde(rename = "where")]
    #[schemars(with = "Option<String>")]
    condition: Option<Spanned<String>>,
}

impl RawExpected {
    fn object_of(&self, mutation: MutationType) -> Option<&Spanned<String>> {
        match mutation {
            MutationType::Create => self.create.as_ref(),
            MutationType::Patch => self.patch.as_ref(),
            MutationType::Apply => self.apply.as_ref(),
            MutationType::Delete => self.delete.as_ref(),
        }
    }
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
            doubts: self
                .doubts
                .map(|doubts| doubts.into_iter().map(text_pattern).collect::<Result<_, _>>())
                .transpose()?,
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
    never.mutation == effect.mutation && never.object.covers(&effect.object) && same_condition
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
    let mut said = MutationType::ALL.iter().filter_map(|one| Some((*one, raw.value.object_of(*one)?)));
    let Some((mutation, object)) = said.next() else {
        let all: Vec<_> = MutationType::ALL.iter().map(|one| one.as_str()).collect();
        return Err((location, format!("one of {} must say which object is meant", all.join(", "))));
    };
    if let Some((second, object)) = said.next() {
        let message = format!("`{mutation}` and `{second}` in one: write two, each with its own `-`");
        return Err((object.referenced, message));
    }
    let pattern = ObjectPattern::parse(&object.value).map_err(|error| (object.referenced, error))?;
    let variables: &[&str] = match mutation.on_object() {
        OnObject::Creates => &["object", "now"],
        OnObject::Deletes => &["object", "before", "now"],
        OnObject::Changes | OnObject::CreatesOrChanges => &["object", "before", "patch", "now"],
    };
    let condition = raw.value.condition.map(|source| expression(source, variables)).transpose()?;
    let expected =
        Expected { mutation, object: pattern, condition: condition.map(|condition| condition.value) };
    Ok((Located::new(expected, location), location))
}

fn expression(source: Spanned<String>, variables: &[&str]) -> Result<Located<Expression>, Wrong> {
    let wrong = |message: String| (source.referenced, message);
    let expression = Expression::compile(&source.value).map_err(|error| wrong(error.to_string()))?;
    let known = |name: &str| variables.contains(&name) || BUILT_IN.contains(&name);
    if let Some(unknown) = expression.variables().iter().find(|name| !known(name)) {
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

impl schemars::JsonSchema for OneOrMany {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "OneOrMany".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
            "description": "CEL that holds in the end; or several."})
    }
}
