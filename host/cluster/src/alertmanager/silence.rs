//! Silences: what people have said to leave alone.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use suture_core::clock::written_if_any;
use suture_core::names::shortened;
use suture_core::{Labels, Timestamp};

use super::expressions::{Expression, Expressions};

/// A silence of Alertmanager.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Silence {
    /// Its id.
    pub id: String,
    status: Status,
    matchers: Vec<Matcher>,
    #[serde(default)]
    created_by: String,
    #[serde(default)]
    comment: String,
    #[serde(default, deserialize_with = "written_if_any")]
    ends_at: Option<Timestamp>,
}

/// For people: whose it is, and until when.
impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { created_by, comment, ends_at, .. } = self;
        f.write_str("its alert is silenced in Alertmanager")?;
        if !created_by.is_empty() {
            write!(f, " by {}", shortened(created_by))?;
        }
        if let Some(ends_at) = ends_at.filter(|at| *at < Timestamp::MAX) {
            write!(f, " until {ends_at}")?;
        }
        if !comment.is_empty() {
            write!(f, " ({})", shortened(comment))?;
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Deserialize)]
struct Status {
    state: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Matcher {
    name: String,
    value: String,
    is_regex: bool,
    /// Since 0.22; older ones know no negative matchers.
    #[serde(default = "yes")]
    is_equal: bool,
    #[serde(skip)]
    expression: Arc<Expression>,
}

fn yes() -> bool {
    true
}

impl Silence {
    /// Let silences have the expressions of those that were read before them; the others are forgotten.
    pub(super) fn share(silences: &mut [Self], expressions: &Expressions) {
        let matchers = silences.iter_mut().flat_map(|silence| &mut silence.matchers);
        let regexes = matchers.filter(|matcher| matcher.is_regex);
        expressions.share(regexes.map(|matcher| (matcher.value.as_str(), &mut matcher.expression)));
    }

    /// Whether it holds now.
    pub(super) fn is_active(&self) -> bool {
        self.status.state == "active"
    }

    /// Whether it silences an alert with these labels. Where that can't be told (an expression
    /// that can't be read), it does: what is in doubt is left alone.
    pub fn silences(&self, labels: &Labels) -> bool {
        self.matchers.iter().all(|matcher| matcher.matches(labels).unwrap_or(true))
    }
}

impl Matcher {
    /// None where that can't be told.
    fn matches(&self, labels: &Labels) -> Option<bool> {
        // As with Prometheus, a label that is not there is empty.
        let value = labels.get(&self.name).map_or("", String::as_str);
        let matches = match self.is_regex {
            true => self.expression.of(&self.value)?.is_match(value),
            false => self.value == value,
        };
        Some(matches == self.is_equal)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_expression_is_compiled_once_however_often_silences_are_read() {
        let expressions = Expressions::default();
        let read = |values: &[&str]| -> Vec<Silence> {
            let silence = |value: &&str| {
                json!({"id": value, "status": {"state": "active"},
                    "matchers": [{"name": "ns", "value": value, "isRegex": true}]})
            };
            let mut silences: Vec<Silence> =
                serde_json::from_value(values.iter().map(silence).collect()).unwrap();
            Silence::share(&mut silences, &expressions);
            silences
        };
        let compiled = |silence: &Silence| silence.matchers[0].expression.is_compiled();
        let labels = Labels::from([("ns".to_owned(), "media".to_owned())]);
        let first = read(&["med.*", "home"]);
        assert!(first[0].silences(&labels) && compiled(&first[0]) && !compiled(&first[1]));
        let second = read(&["med.*", "med.*"]);
        assert!(second.iter().all(compiled) && second[1].silences(&labels));
        // What was not there the last time is forgotten.
        read(&["home"]);
        assert!(!compiled(&read(&["med.*"])[0]));
    }

    #[test]
    fn a_silence_silences_what_all_its_matchers_match() {
        let silence = |matchers| -> Silence {
            serde_json::from_value(json!({"id": "a", "status": {"state": "active"}, "matchers": matchers}))
                .unwrap()
        };
        let labels =
            Labels::from([("alertname".to_owned(), "A".to_owned()), ("ns".to_owned(), "media".to_owned())]);
        let list = (0..500).map(|one| format!("namespace-{one}")).collect::<Vec<_>>().join("|");
        let matcher = |name: &str, value: &str, is_regex: bool, is_equal: bool| json!({"name": name, "value": value, "isRegex": is_regex, "isEqual": is_equal});
        for (matchers, silences) in [
            (json!([matcher("ns", "media", false, true)]), true),
            (json!([matcher("ns", "med", true, true)]), false),
            (json!([matcher("ns", "med.*", true, true), matcher("alertname", "B", false, true)]), false),
            (json!([matcher("ns", "home", false, false)]), true),
            (json!([matcher("none", "", false, true)]), true),
            (json!([matcher("none", ".+", true, true)]), false),
            (json!([{"name": "ns", "value": "media", "isRegex": false}]), true),
            // Go reads what Rust does not: in doubt it is silenced.
            (json!([matcher("ns", "(", true, true)]), true),
            // A long list is read like any other.
            (json!([matcher("ns", &list, true, true)]), false),
            (json!([matcher("ns", &format!("{list}|media"), true, true)]), true),
        ] {
            assert_eq!(silence(matchers.clone()).silences(&labels), silences, "{matchers}");
        }
    }
}
