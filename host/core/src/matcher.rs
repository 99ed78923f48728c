//! Alertmanager's matchers: `alertname="X"`, `role=~"a|b"`, `{a="b", c!="d"}`.

use std::fmt;

use regex::Regex;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::alert::Labels;
use crate::{names, pattern};

/// A set of matchers, all of which must match. A label that is not there has the
/// empty value, as in Alertmanager.
#[derive(Clone, Debug, Default)]
pub struct Matchers {
    sources: Vec<String>,
    matchers: Vec<Matcher>,
}

#[derive(Clone, Debug)]
struct Matcher {
    label: String,
    negated: bool,
    pattern: Pattern,
}

#[derive(Clone, Debug)]
enum Pattern {
    Equals(String),
    Matches(Regex),
}

impl Matcher {
    fn matches(&self, labels: &Labels) -> bool {
        self.accepts(labels.get(&self.label).map_or("", String::as_str))
    }

    fn accepts(&self, value: &str) -> bool {
        let hit = match &self.pattern {
            Pattern::Equals(wanted) => value == wanted,
            Pattern::Matches(regex) => regex.is_match(value),
        };
        hit != self.negated
    }

    /// The expression, as it was written.
    fn expression(regex: &Regex) -> Option<&str> {
        regex.as_str().strip_prefix(ANCHORS.0)?.strip_suffix(ANCHORS.1)
    }

    /// All values that it accepts, where they can be listed.
    fn words(&self) -> Option<Vec<String>> {
        if self.negated {
            return None;
        }
        match &self.pattern {
            Pattern::Equals(wanted) => Some(vec![wanted.clone()]),
            Pattern::Matches(regex) => {
                let inner = Self::expression(regex)?;
                let is_plain = |c: char| c.is_alphanumeric() || "_- :/|".contains(c);
                inner.chars().all(is_plain).then(|| inner.split('|').map(str::to_owned).collect())
            }
        }
    }
}

/// What is put around a regular expression: it must match all of a value, as in Alertmanager.
impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (operator, value) = match (&self.pattern, self.negated) {
            (Pattern::Equals(value), false) => ("=", value.as_str()),
            (Pattern::Equals(value), true) => ("!=", value.as_str()),
            (Pattern::Matches(regex), false) => ("=~", Self::expression(regex).unwrap_or_default()),
            (Pattern::Matches(regex), true) => ("!~", Self::expression(regex).unwrap_or_default()),
        };
        write!(f, "{}{operator}{value:?}", self.label)
    }
}

const ANCHORS: (&str, &str) = ("^(?s:", ")$");

impl Matchers {
    /// Read several texts, each one matcher or a list of them.
    ///
    /// # Errors
    /// What is wrong with the first that can't be read.
    pub fn parse_all<S: AsRef<str>>(texts: &[S]) -> Result<Self, String> {
        let mut all = Self::default();
        for text in texts {
            all.matchers.extend(parse_list(text.as_ref())?);
            all.sources.push(text.as_ref().to_owned());
        }
        Ok(all)
    }

    /// The first that does not match, and what there is of its label; none where all do.
    pub fn unmet(&self, labels: &Labels) -> Option<String> {
        let matcher = self.matchers.iter().find(|matcher| !matcher.matches(labels))?;
        Some(match labels.get(&matcher.label) {
            Some(value) => format!("`{matcher}` does not match {value:?}"),
            None => format!("`{matcher}` wants a label that it does not have"),
        })
    }

    /// Whether all match.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.matchers.iter().all(|matcher| matcher.matches(labels))
    }

    /// Whether nothing stands against labels to which others may yet be added.
    pub fn allow(&self, known: &Labels) -> bool {
        self.matchers
            .iter()
            .all(|matcher| known.get(&matcher.label).is_none_or(|value| matcher.accepts(value)))
    }

    /// A label of which these matchers and others want different things, so that no alert can
    /// match both; none where that is not found. Expressions are looked at as far as they are
    /// lists of plain words (`a|b`).
    pub fn excludes<'a>(&'a self, other: &'a Self) -> Option<&'a str> {
        let all = || self.matchers.iter().chain(&other.matchers);
        let is_impossible = |matcher: &&Matcher| {
            let accepted = |word: &String| {
                all().filter(|other| other.label == matcher.label).all(|other| other.accepts(word))
            };
            matcher.words().is_some_and(|words| !words.iter().any(accepted))
        };
        self.matchers.iter().chain(&other.matchers).find(is_impossible).map(|matcher| matcher.label.as_str())
    }

    /// Whether there are none: everything matches.
    pub fn is_empty(&self) -> bool {
        self.matchers.is_empty()
    }
}

fn parse_list(text: &str) -> Result<Vec<Matcher>, String> {
    let wrong = |why: &str| {
        format!(
            "`{}` is not a matcher ({why}); write `label=\"value\"`, with `=`, `!=`, `=~` or `!~`",
            names::shortened(text)
        )
    };
    let mut rest = text.trim();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner.strip_suffix('}').ok_or_else(|| wrong("`{` without `}`"))?.trim();
    }
    let mut matchers = Vec::new();
    loop {
        let operator = rest.find(['=', '!']).ok_or_else(|| wrong("no operator"))?;
        let label = unquoted(rest[..operator].trim());
        if label.is_empty() {
            return Err(wrong("no label name"));
        }
        rest = &rest[operator..];
        let (symbol, negated, is_regex) =
            [("=~", false, true), ("!~", true, true), ("!=", true, false), ("=", false, false)]
                .into_iter()
                .find(|(symbol, ..)| rest.starts_with(symbol))
                .ok_or_else(|| wrong("`!` is no operator"))?;
        rest = rest[symbol.len()..].trim_start();
        let (value, after) = parse_value(rest).ok_or_else(|| wrong("the quoted value does not end"))?;
        let pattern = if is_regex {
            let anchored = format!("{}{value}{}", ANCHORS.0, ANCHORS.1);
            Pattern::Matches(pattern::regex(&anchored).map_err(|error| wrong(&error))?)
        } else {
            Pattern::Equals(value)
        };
        matchers.push(Matcher { label, negated, pattern });
        rest = after.trim_start();
        match rest.strip_prefix(',') {
            Some(more) if more.trim().is_empty() => return Ok(matchers),
            Some(more) => rest = more.trim_start(),
            None if rest.is_empty() => return Ok(matchers),
            None => return Err(wrong("text after the value")),
        }
    }
}

fn unquoted(text: &str) -> String {
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text).to_owned()
}

/// A value, quoted or bare, and what follows it.
fn parse_value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(',').unwrap_or(text.len());
        return Some((text[..end].trim_end().to_owned(), &text[end..]));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return Some((value, &quoted[index + 1..])),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                escaped @ ('"' | '\\') => value.push(escaped),
                // A regular expression's own escape, such as `\.`.
                other => value.extend(['\\', other]),
            },
            _ => value.push(character),
        }
    }
    None
}

impl fmt::Display for Matchers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sources.join(", "))
    }
}

impl Serialize for Matchers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.sources.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Matchers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse_all(&Vec::<String>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Matchers {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Matchers".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "array", "items": {"type": "string"},
            "description": "Alertmanager's matchers, all of which must match.", "examples": [["alertname=\"A\""]]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(matcher: &str, labels: &[(&str, &str)]) -> bool {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Matchers::parse_all(&[matcher]).unwrap().matches(&labels)
    }

    #[test]
    fn matchers_mean_what_they_mean_in_alertmanager() {
        assert!(matches(r#"alertname="X""#, &[("alertname", "X")]));
        assert!(matches("alertname=X", &[("alertname", "X")]));
        assert!(matches(r#"{a="1", b=~"x|y"}"#, &[("a", "1"), ("b", "y")]));
        assert!(!matches(r#"b=~"x|y""#, &[("b", "xy")]), "regular expressions are anchored");
        assert!(matches(r#"missing="""#, &[]), "a missing label is empty");
        assert!(matches(r#"missing!="x""#, &[]));
        assert!(matches(r#"v!~"1\.2""#, &[("v", "1x2")]));
        assert!(matches(r#"a="x, \"y\"", b = z"#, &[("a", "x, \"y\""), ("b", "z")]));
    }

    #[test]
    fn matchers_that_no_alert_can_match_together_are_found() {
        let matchers = |text: &str| Matchers::parse_all(&[text]).unwrap();
        for (one, other, label) in [
            (
                r#"alertname="VolSyncBackupStale""#,
                r#"alertname=~"VolSyncVolumeOutOfSync|Kopia.*""#,
                Some("alertname"),
            ),
            (r#"alertname=~"A|B", role="x""#, r#"alertname=~"C|D""#, Some("alertname")),
            (r#"a="1""#, r#"a!="1""#, Some("a")),
            (r#"a="1""#, r#"a!~"1|2""#, Some("a")),
            (r#"a=~"x|y""#, r#"a="y""#, None),
            (r#"a="1""#, r#"b="2""#, None),
            (r#"a=~"x.*""#, r#"a=~"y.*""#, None),
        ] {
            assert_eq!(matchers(one).excludes(&matchers(other)), label, "{one} {other}");
            assert_eq!(matchers(other).excludes(&matchers(one)), label, "{other} {one}");
        }
    }

    #[test]
    fn what_is_no_matcher_says_why() {
        for wrong in ["alertname", "=x", r#"a="x"#, r#"a="x" b"#, r#"{a="x""#, r#"a=~"(""#, "a!x", ""] {
            let error = Matchers::parse_all(&[wrong]).unwrap_err();
            assert!(error.contains("is not a matcher"), "{error}");
        }
    }
}
