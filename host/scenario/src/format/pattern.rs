//! How expectations name objects and texts.

use std::fmt;

use regex::Regex;
use suture_core::object::Kind;
use suture_core::{Glob, ObjectRef, pattern};

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
    /// Read one.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
            Some(regex) if !regex.is_empty() => Ok(Self::Matches(pattern::regex(regex)?)),
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
