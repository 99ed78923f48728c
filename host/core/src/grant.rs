//! What the operator allows.

mod closed;
pub mod fields;
pub mod metrics;
mod missing;
mod named;
mod namespace;
mod pods;
mod risk;
mod shortfall;
mod spelled;
mod unusable;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::expression::Expression;
pub use closed::{closed_kind, closed_object, why_never_deleted};
pub use fields::FieldPattern;
pub use missing::not_granted;
pub use named::{Instead, NamedField, PodMap, named_fields};
pub use namespace::NamespaceSelector;
pub use pods::{PodGrant, PodLevel, TemplateSource};
pub(crate) use risk::makes_pods;
pub use risk::risks;
pub use shortfall::Shortfall;

/// What may be done to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Verb {
    /// Read one object, wait on it, read a log.
    Get,
    /// Read many.
    List,
    /// Accepted because RBAC knows it; waiting needs [`Verb::Get`].
    Watch,
    /// Make.
    Create,
    /// Change, server-side apply included.
    Patch,
    /// Delete.
    Delete,
}

impl Verb {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Verb {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Get, Self::List, Self::Watch, Self::Create, Self::Patch, Self::Delete]
            .into_iter()
            .find(|verb| verb.as_str() == text)
            .ok_or_else(|| {
                format!("`{text}` is not a verb; there are get, list, watch, create, patch, delete")
            })
    }
}

/// A pattern for names: `*` stands for any characters, `?` for one, `[ab]` and
/// `{a,b}` as in a shell.
#[derive(Clone, Debug)]
pub struct Glob {
    text: Arc<str>,
    /// None where comparing is enough. Shared, for every run has the grants of its policy.
    matcher: Option<Arc<GlobMatcher>>,
}

impl Glob {
    /// The longest pattern, in bytes. An image's reference with tag and digest has at most 455.
    pub const MAX_BYTES: usize = 512;
    /// The deepest braces: `{a,{b,c}}` has two levels. The library recurses over them.
    const MAX_DEPTH: usize = 4;
    /// The most braces, commas and brackets.
    const MAX_CHOICES: usize = 64;

    /// A pattern from its text.
    ///
    /// # Errors
    /// What is wrong with it, or which bound it breaks.
    pub fn new(text: &str) -> Result<Self, String> {
        bounded(text)?;
        let mut glob = Self { text: text.into(), matcher: None };
        if !glob.is_any() && glob.exact().is_none() {
            // Image references have slashes, and `*` is to cover them.
            let built =
                GlobBuilder::new(text).literal_separator(false).build().map_err(|error| error.to_string())?;
            glob.matcher = Some(Arc::new(built.compile_matcher()));
        }
        Ok(glob)
    }

    /// The pattern that matches everything.
    pub fn any() -> Self {
        Self { text: "*".into(), matcher: None }
    }

    /// Whether it matches.
    pub fn matches(&self, text: &str) -> bool {
        match &self.matcher {
            Some(matcher) => matcher.is_match(text),
            None => self.is_any() || *self.text == *text,
        }
    }

    /// The pattern's text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it matches everything.
    pub fn is_any(&self) -> bool {
        self.as_str() == "*"
    }

    /// The one text that it matches, where it is no pattern.
    pub fn exact(&self) -> Option<&str> {
        Some(self.as_str()).filter(|text| !text.contains(['*', '?', '[', ']', '{', '}', '\\']))
    }
}

/// Whether a pattern is small enough to be read: whoever builds its automaton asserts that it
/// can, and so must never be asked for one that it can't.
fn bounded(text: &str) -> Result<(), String> {
    let length = text.len();
    if length > Glob::MAX_BYTES {
        return Err(format!("the pattern has {length} bytes, at most {} are allowed", Glob::MAX_BYTES));
    }
    let (mut depth, mut choices) = (0_usize, 0);
    // As if nothing were escaped: then no reading of it has more.
    for byte in text.bytes() {
        choices += usize::from(matches!(byte, b'{' | b',' | b'['));
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > Glob::MAX_DEPTH {
            return Err(format!("braces in a pattern may be nested {} deep", Glob::MAX_DEPTH));
        }
    }
    if choices > Glob::MAX_CHOICES {
        return Err(format!(
            "the pattern has {choices} choices (`{{`, `,`, `[`), at most {} are allowed: write several patterns",
            Glob::MAX_CHOICES
        ));
    }
    Ok(())
}

impl PartialEq for Glob {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Serialize for Glob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Glob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// One thing that the operator allows. Nothing is allowed that no grant names.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Grant {
    /// API groups; the core group is the empty string.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Plural resources; a subresource is `pods/log`.
    #[serde(default)]
    pub resources: Vec<String>,
    /// Verbs.
    #[serde(default)]
    pub verbs: Vec<Verb>,
    /// The names of metrics that may be queried in Prometheus. A grant has these or resources.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<Glob>,
    /// Namespaces. None, here and by `namespaceSelector`: only objects that have no namespace.
    #[serde(default)]
    pub namespaces: Vec<Glob>,
    /// More namespaces, by their labels. RBAC knows no such thing: the host then needs the
    /// right in every namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<NamespaceSelector>,
    /// Names of objects. Listing needs `*`, because a list shows them all; deleting what holds
    /// others (a Namespace, a NetworkPolicy) needs the name without a pattern.
    #[serde(default = "any_name")]
    pub names: Vec<Glob>,
    /// The fields that a patch or an apply may touch; none for all of them, but those by which
    /// other programs act: they must be spelled here. A patch is judged by what it changes; an
    /// apply by what it sets, too.
    #[serde(default, deserialize_with = "fields::some", skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldPattern>,
    /// What must hold of a change, in CEL over `object` (as it will be; null for a delete),
    /// `oldObject` (as it is; null for what is made), `incident` and `settings`. An error is
    /// a no.
    #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<Expression>,
    /// What pods that are created or changed under this grant may use.
    #[serde(default, skip_serializing_if = "PodGrant::is_empty")]
    pub pods: PodGrant,
    /// Where in objects of a kind that Suture does not know pod templates stand, which
    /// `pods` is then about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pod_templates: Vec<FieldPattern>,
    /// Whether a person must approve each change that no other grant allows, also in mode
    /// `enforce`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub approve: bool,
}

impl PartialEq for Grant {
    fn eq(&self, other: &Self) -> bool {
        let source = |grant: &Self| grant.condition.as_ref().map(|condition| condition.source().to_owned());
        self.groups == other.groups
            && self.resources == other.resources
            && self.verbs == other.verbs
            && self.metrics == other.metrics
            && self.namespaces == other.namespaces
            && self.namespace_selector == other.namespace_selector
            && self.names == other.names
            && self.fields == other.fields
            && source(self) == source(other)
            && self.pods == other.pods
            && self.pod_templates == other.pod_templates
            && self.approve == other.approve
    }
}

fn any_name() -> Vec<Glob> {
    vec![Glob::any()]
}

/// What an effect needs to be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access<'a> {
    /// The API group.
    pub group: &'a str,
    /// The plural resource, without subresource.
    pub resource: &'a str,
    /// The subresource, if any.
    pub subresource: Option<&'a str>,
    /// What is to be done.
    pub verb: Verb,
    /// The namespace; none for all of them, or for what has none.
    pub namespace: Option<&'a str>,
    /// Whether the resource has namespaces at all.
    pub namespaced: bool,
    /// The object; none for a list, or a create whose name the server chooses.
    pub name: Option<&'a str>,
}

impl Access<'_> {
    /// Whether a rule's resource, `pods` or `pods/log`, is the one that it is about.
    pub fn is_about(&self, resource: &str) -> bool {
        let rest = resource.strip_prefix(self.resource);
        match self.subresource {
            Some(subresource) => rest.and_then(|rest| rest.strip_prefix('/')) == Some(subresource),
            None => rest == Some(""),
        }
    }

    /// `pods` or `pods/log`.
    pub fn full_resource(&self) -> String {
        match self.subresource {
            Some(subresource) => format!("{}/{subresource}", self.resource),
            None => self.resource.to_owned(),
        }
    }
}

impl fmt::Display for Access<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.full_resource())?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        if let Some(name) = self.name {
            write!(f, " `{name}`")?;
        }
        match self.namespace {
            Some(namespace) => write!(f, " in namespace `{namespace}`"),
            None if self.namespaced => f.write_str(" in all namespaces"),
            None => Ok(()),
        }
    }
}

/// Whether a rule's groups, resources and verbs cover an access: the part that grants
/// share with a manifest's permissions.
pub fn covers(groups: &[String], resources: &[String], verbs: &[Verb], access: &Access<'_>) -> bool {
    groups.iter().any(|group| group == access.group || group == "*")
        && resources.iter().any(|resource| access.is_about(resource))
        && verbs.contains(&access.verb)
}

impl Grant {
    /// A grant of verbs on resources in namespaces, for every name and with nothing more.
    pub fn of(groups: Vec<String>, resources: Vec<String>, verbs: Vec<Verb>, namespaces: Vec<Glob>) -> Self {
        Self {
            groups,
            resources,
            verbs,
            metrics: Vec::new(),
            namespaces,
            namespace_selector: None,
            names: any_name(),
            fields: Vec::new(),
            condition: None,
            pods: PodGrant::default(),
            pod_templates: Vec::new(),
            approve: false,
        }
    }

    /// Whether this grant alone allows an access, where the labels of namespaces are not
    /// known.
    pub fn allows(&self, access: &Access<'_>) -> bool {
        self.shortfall(access, None).is_none()
    }
}

impl schemars::JsonSchema for Glob {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Glob".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "description": "A name, or a pattern for names.", "examples": ["media", "*"]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant() -> Grant {
        serde_json::from_value(serde_json::json!({"groups": [""], "resources": ["pods", "pods/log"],
            "verbs": ["get", "list"], "namespaces": ["media", "home-*"], "names": ["volsync-*"]}))
        .unwrap()
    }

    fn access() -> Access<'static> {
        Access {
            group: "",
            resource: "pods",
            subresource: None,
            verb: Verb::Get,
            namespace: Some("media"),
            namespaced: true,
            name: Some("volsync-src-plex"),
        }
    }

    #[test]
    fn a_pattern_without_signs_is_compared_and_one_with_them_is_matched() {
        let matches = |pattern: &str, text: &str| Glob::new(pattern).unwrap().matches(text);
        assert!(matches("media", "media") && !matches("media", "media-2") && !matches("media", ""));
        assert!(matches("*", "") && matches("*", "a/b") && Glob::any().matches("x"));
        assert!(matches("a?c", "abc") && matches("{a,b}", "b") && matches("registry/*", "registry/a/b"));
        assert!(matches(r"a\*", "a*") && !matches(r"a\*", "ab"));
        assert!(Glob::new("[").is_err() && Glob::new("{a").is_err());
    }

    #[test]
    fn a_pattern_that_is_too_long_too_deep_or_too_wide_is_an_error() {
        for hostile in [
            "{".repeat(10_000),
            format!("{}a{}", "{".repeat(10_000), "}".repeat(10_000)),
            format!("{}a{}", "{".repeat(200), "}".repeat(200)),
            format!(r"{}{{a", r"\}{".repeat(20)),
            format!("{{{}}}", vec!["a*"; 100].join(",")),
            "[a-z]".repeat(100),
            "*".repeat(513),
            "a".repeat(513),
        ] {
            assert!(Glob::new(&hostile).is_err(), "{hostile}");
        }
        for fits in ["{a,{b,{c,{d,e}}}}*", &"?".repeat(512), &"*a".repeat(256), &"[!a-z]".repeat(64)] {
            Glob::new(fits).unwrap().matches(&"a".repeat(300));
        }
    }

    #[test]
    fn a_grant_allows_only_what_it_names() {
        let grant = grant();
        assert!(grant.allows(&access()));
        assert!(grant.allows(&Access { subresource: Some("log"), ..access() }));
        assert!(grant.allows(&Access { namespace: Some("home-lab"), ..access() }));
        for denied in [
            Access { group: "apps", ..access() },
            Access { resource: "secrets", ..access() },
            Access { subresource: Some("exec"), ..access() },
            Access { verb: Verb::Delete, ..access() },
            Access { namespace: Some("kube-system"), ..access() },
            Access { namespace: None, ..access() },
            Access { name: Some("plex"), ..access() },
            Access { name: None, verb: Verb::List, ..access() },
        ] {
            assert!(!grant.allows(&denied), "{denied}");
        }
    }

    #[test]
    fn only_a_text_without_wildcards_is_exact() {
        assert_eq!(Glob::new("home-lab").unwrap().exact(), Some("home-lab"));
        for pattern in ["*", "home-?", "{media,home}", "[ab]", r"a\*"] {
            assert_eq!(Glob::new(pattern).unwrap().exact(), None, "{pattern}");
        }
    }

    #[test]
    fn a_grant_with_a_typo_is_refused() {
        let typo = serde_json::json!({"groups": [], "resources": [], "verbs": [], "namespace": ["x"]});
        assert!(serde_json::from_value::<Grant>(typo).unwrap_err().to_string().contains("namespace"));
    }
}
