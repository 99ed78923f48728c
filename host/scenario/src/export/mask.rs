//! What is confidential in a record, and leaves with no export: masked before anything is made of
//! it, so that objects, logs, changes and expectations say the same in its place.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;
use suture_core::object::Kind;
use suture_core::{ObjectRef, display};
use suture_journal::Entry;

use super::clean::LAST_APPLIED;

/// Stands where something confidential stood.
const MASK: &str = "REDACTED";
/// A shorter value is masked where it is set, but not looked for elsewhere.
const SHORTEST: usize = 8;
/// How many names are said of many.
const NAMES: usize = 8;

/// Names of variables and keys whose values are confidential.
static CONFIDENTIAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let words = "password|passwd|passphrase|token|secret|credentials?|(api|access|private|encryption|signing)[_.-]?key";
    Regex::new(&format!("(?i)(({words})s?|(^|[_.-])(pass|pwd))$")).ok()
});

/// Texts that are confidential by their looks: what stands in the group `secret`.
static LOOKS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let looks = [
        r"(?P<secret>\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*)",
        r"(?i)\bbearer\s+(?P<secret>[\w.~+/-]{12,}=*)",
        r"(?i)\bauthorization:\s*basic\s+(?P<secret>[\w+/-]{6,}=*)",
        r"://[^\s/:@]*:(?P<secret>[^\s/@]+)@",
        r"(?P<secret>-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$))",
        r"(?P<secret>\b(gh[pousr]_\w{20,}|AKIA[0-9A-Z]{16}\b|glpat-[\w-]{20,}|xox[abprs]-[\w-]{10,}))",
        r#"(?i)(password|passwd|passphrase|token|api[_-]?key)=(?P<secret>[^\s"',;&]{6,})"#,
    ];
    looks.iter().filter_map(|look| Regex::new(look).ok()).collect()
});

/// What an export leaves out of what its run saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Masked {
    /// The Secrets that were read. Their values were never on record.
    pub secrets: BTreeSet<String>,
    /// The objects without the annotation in which kubectl keeps what was last applied.
    pub annotated: BTreeSet<String>,
    /// The environment variables, and keys of ConfigMaps, whose values are masked.
    pub variables: BTreeSet<String>,
    /// The texts in which something is masked that looks like a token, a password or a private key.
    pub texts: usize,
}

impl Masked {
    /// Whether there was nothing to leave out.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A sentence for people, without an end.
impl fmt::Display for Masked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { secrets, annotated, variables, texts } = self;
        let mut parts = Vec::new();
        if !secrets.is_empty() {
            parts.push(format!("the values of {}", listed(secrets)));
        }
        if !annotated.is_empty() {
            parts.push(format!("what was last applied to {}", listed(annotated)));
        }
        if !variables.is_empty() {
            parts.push(format!("the values of {}", listed(variables)));
        }
        if *texts > 0 {
            parts.push(format!("what looks like a token, a password or a private key in {texts} texts"));
        }
        match parts.is_empty() {
            true => f.write_str("nothing, as it held nothing that looks confidential"),
            false => f.write_str(&parts.join("; ")),
        }
    }
}

fn listed(names: &BTreeSet<String>) -> String {
    let shown: Vec<_> = names.iter().take(NAMES).map(|name| display::one_line(name)).collect();
    match names.len().saturating_sub(NAMES) {
        0 => shown.join(", "),
        more => format!("{}, and {more} more", shown.join(", ")),
    }
}

/// A record without what is confidential, and what that was.
///
/// # Errors
/// That an entry does not read back.
pub(super) fn masked(entries: &[Entry]) -> Result<(Vec<Entry>, Masked), serde_json::Error> {
    let mut record = serde_json::to_value(entries)?;
    let mut found = Found::default();
    found.look_through(&record);
    found.mask(&mut record);
    Ok((serde_json::from_value(record)?, found.masked))
}

/// What was found, and is to be masked.
#[derive(Default)]
struct Found {
    masked: Masked,
    /// Confidential values that are looked for everywhere.
    values: BTreeSet<String>,
}

impl Found {
    fn look_through(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.look_through(item)),
            Value::Object(fields) => {
                self.look_at_object(value);
                if let Some((name, set)) = variable(value) {
                    self.found(name, set);
                }
                fields.values().for_each(|value| self.look_through(value));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn look_at_object(&mut self, object: &Value) {
        let Some(reference) = ObjectRef::of(object) else { return };
        let known = format!("{reference}");
        if reference.kind.is_secret() {
            self.masked.secrets.insert(known.clone());
        }
        if object.pointer("/metadata/annotations").is_some_and(|all| all.get(LAST_APPLIED).is_some()) {
            self.masked.annotated.insert(known);
        }
        if is_config_map(object) {
            let data = object.get("data").and_then(Value::as_object).into_iter().flatten();
            for (key, value) in data.filter(|(key, _)| is_confidential(key)) {
                self.found(key, value.as_str().unwrap_or_default());
            }
        }
    }

    fn found(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        self.masked.variables.insert(name.to_owned());
        // A plain word is masked where it is set: elsewhere it may be the name of something.
        let is_word = value.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '-' | '.' | '_'));
        if value.len() >= SHORTEST && !is_word {
            self.values.insert(value.to_owned());
        }
    }

    fn mask(&mut self, value: &mut Value) {
        let is_set = variable(value).is_some_and(|(_, set)| !set.is_empty());
        let is_config_map = is_config_map(value);
        match value {
            Value::String(text) => self.mask_text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.mask(item)),
            Value::Object(fields) => {
                if is_set {
                    fields.insert("value".to_owned(), MASK.into());
                }
                let data = fields.get_mut("data").filter(|_| is_config_map).and_then(Value::as_object_mut);
                for (_, value) in data.into_iter().flatten().filter(|(key, _)| is_confidential(key)) {
                    if value.as_str().is_some_and(|value| !value.is_empty()) {
                        *value = MASK.into();
                    }
                }
                fields.values_mut().for_each(|value| self.mask(value));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn mask_text(&mut self, text: &mut String) {
        let mut clean = text.clone();
        for value in self.values.iter().rev().filter(|value| text.contains(value.as_str())) {
            clean = clean.replace(value.as_str(), MASK);
        }
        for look in LOOKS.iter() {
            let instead = |found: &Captures<'_>| match (found.get(0), found.name("secret")) {
                (Some(all), Some(secret)) => {
                    let (from, to) = (secret.start() - all.start(), secret.end() - all.start());
                    let all = all.as_str();
                    let (before, after) = (all.get(..from), all.get(to..));
                    format!("{}{MASK}{}", before.unwrap_or_default(), after.unwrap_or_default())
                }
                _ => MASK.to_owned(),
            };
            clean = look.replace_all(&clean, instead).into_owned();
        }
        if clean != *text {
            self.masked.texts += 1;
            *text = clean;
        }
    }
}

/// A variable with a confidential name, and its value: `{name: DB_PASSWORD, value: …}`.
fn variable(value: &Value) -> Option<(&str, &str)> {
    let (name, set) = (value.get("name")?.as_str()?, value.get("value")?.as_str()?);
    is_confidential(name).then_some((name, set))
}

fn is_confidential(name: &str) -> bool {
    CONFIDENTIAL.as_ref().is_some_and(|names| names.is_match(name))
}

fn is_config_map(object: &Value) -> bool {
    Kind::of(object).is_some_and(|kind| kind == Kind::new("v1", "ConfigMap"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(mut value: Value) -> (Value, Masked) {
        let mut found = Found::default();
        found.look_through(&value);
        found.mask(&mut value);
        (value, found.masked)
    }

    #[test]
    fn a_variable_that_is_named_like_a_password_is_masked_wherever_its_value_is_said() {
        let (clean, masked) = of(json!([
            {"env": [{"name": "DB_PASSWORD", "value": "Hunter2-and-more"}, {"name": "PASSWORD_FILE", "value": "/run/x"},
                {"name": "MODE", "value": "fast"}, {"name": "API_TOKEN", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}}]},
            "login with Hunter2-and-more failed",
        ]));
        assert_eq!(clean[0]["env"][0]["value"], MASK);
        assert_eq!(clean[0]["env"][1]["value"], "/run/x");
        assert_eq!(clean[0]["env"][2]["value"], "fast");
        assert_eq!(clean[0]["env"][3]["valueFrom"]["secretKeyRef"]["name"], "a");
        assert_eq!(clean[1], "login with REDACTED failed");
        assert_eq!(masked.variables, BTreeSet::from(["DB_PASSWORD".to_owned()]));
    }

    #[test]
    fn a_plain_word_that_is_a_password_does_not_rename_what_is_called_so() {
        let (clean, _) = of(json!([{"name": "TOKEN", "value": "kubernetes"}, {"namespace": "kubernetes"}]));
        assert_eq!(clean, json!([{"name": "TOKEN", "value": MASK}, {"namespace": "kubernetes"}]));
    }

    #[test]
    fn tokens_and_passwords_in_texts_are_masked_and_what_stands_around_them_stays() {
        let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJlIn0.c2lnbmF0dXJl";
        for (text, clean) in [
            (format!("got {jwt}, failed"), "got REDACTED, failed"),
            ("Authorization: Bearer abcdefghijklmnop".to_owned(), "Authorization: Bearer REDACTED"),
            ("postgres://app:s3cr3t@db:5432/x".to_owned(), "postgres://app:REDACTED@db:5432/x"),
            ("run --password=hunter22 --quiet".to_owned(), "run --password=REDACTED --quiet"),
            ("-----BEGIN RSA PRIVATE KEY-----\nabc\n".to_owned(), "REDACTED"),
            ("ghp_0123456789012345678901234567890123ab".to_owned(), "REDACTED"),
        ] {
            assert_eq!(of(json!(text)).0, json!(clean));
        }
        for text in
            ["wrong password or no key found", r#"kube_secret_info{secret="a-longer-name"}"#, "10.0.3.7:8080"]
        {
            assert_eq!(of(json!(text)), (json!(text), Masked::default()));
        }
    }

    #[test]
    fn a_config_map_keeps_its_keys_and_what_is_not_confidential() {
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "media",
            "annotations": {LAST_APPLIED: "{}"}}, "data": {"SMTP_PASSWORD": "abc", "HOST": "mail"}});
        let (clean, masked) = of(map);
        assert_eq!(clean["data"], json!({"SMTP_PASSWORD": MASK, "HOST": "mail"}));
        assert_eq!(
            masked.to_string(),
            "what was last applied to v1 ConfigMap media/c; the values of SMTP_PASSWORD"
        );
        assert!(Masked::default().is_empty());
    }
}
