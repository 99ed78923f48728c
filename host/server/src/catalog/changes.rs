//! What changed from one configuration to the next, for the log.

use std::collections::BTreeSet;

use serde_json::Value;
use suture_core::names::shortened;

/// One change: where, and from what to what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// `policies[volsync].settings.timeout`.
    pub at: String,
    /// What stood there.
    pub from: Option<String>,
    /// What stands there now.
    pub to: Option<String>,
}

impl Change {
    /// Whether it is in force without a restart.
    pub fn is_live(&self) -> bool {
        ["policies", "people"].iter().any(|live| self.at.starts_with(live))
    }
}

/// All changes between two configurations, in order of where they are. Policies are known by
/// their names, whatever their order.
pub(super) fn between(old: &Value, new: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    compare("", Some(old), Some(new), &mut changes);
    changes
}

fn compare(at: &str, old: Option<&Value>, new: Option<&Value>, changes: &mut Vec<Change>) {
    if old == new {
        return;
    }
    let (olds, news) = (children(old), children(new));
    if let (Some(olds), Some(news)) = (olds, news) {
        let names: BTreeSet<&String> = olds.iter().chain(&news).map(|(name, _)| name).collect();
        for name in names {
            let of = |children: &[(String, &Value)]| -> Option<Value> {
                children.iter().find(|(other, _)| other == name).map(|(_, value)| (*value).clone())
            };
            let dot = if at.is_empty() || name.starts_with('[') { "" } else { "." };
            compare(&format!("{at}{dot}{name}"), of(&olds).as_ref(), of(&news).as_ref(), changes);
        }
        return;
    }
    let shown = |value: &Value| shortened(&value.to_string());
    if let (Some(Value::Array(olds)), Some(Value::Array(news))) = (old, new) {
        let at = format!("{at}[]");
        let gone = olds.iter().filter(|item| !news.contains(item));
        changes.extend(gone.map(|item| Change { at: at.clone(), from: Some(shown(item)), to: None }));
        let added = news.iter().filter(|item| !olds.contains(item));
        changes.extend(added.map(|item| Change { at: at.clone(), from: None, to: Some(shown(item)) }));
        return;
    }
    changes.push(Change { at: at.to_owned(), from: old.map(shown), to: new.map(shown) });
}

/// The parts of an object, and of a list whose items have names.
fn children(value: Option<&Value>) -> Option<Vec<(String, &Value)>> {
    match value? {
        Value::Object(object) => Some(object.iter().map(|(name, value)| (name.clone(), value)).collect()),
        Value::Array(items) => {
            items.iter().map(|item| Some((format!("[{}]", item.get("name")?.as_str()?), item))).collect()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_change_is_named_by_its_place_and_policies_by_their_names() {
        let old = json!({"listen": "a", "policies": [{"name": "x", "mode": "observe", "settings": {"a": 1}}, {"name": "y"}]});
        let new = json!({"listen": "b", "policies": [{"name": "z"}, {"name": "x", "mode": "enforce", "settings": {"a": 1, "b": [2]}}]});
        let changes = between(&old, &new);
        let told: Vec<_> = changes.iter().map(|change| change.at.as_str()).collect();
        assert_eq!(
            told,
            ["listen", "policies[x].mode", "policies[x].settings.b", "policies[y]", "policies[z]"]
        );
        assert_eq!(
            (changes[1].from.as_deref(), changes[1].to.as_deref()),
            (Some("\"observe\""), Some("\"enforce\""))
        );
        assert_eq!(changes[2].from, None);
        assert!(!changes[0].is_live() && changes[1].is_live());
        assert_eq!(between(&old, &old), []);
    }
}
