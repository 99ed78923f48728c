//! Roles as YAML, each rule with a comment that says who needs it.

use serde_json::Value;

use super::Roles;
use super::role::{API_VERSION, Role, Rule};

impl Roles {
    /// The objects as YAML documents, ready for `kubectl apply -f -`.
    pub fn yaml(&self) -> String {
        self.roles.iter().map(|role| format!("{}{}", self.role_yaml(role), self.binding_yaml(role))).collect()
    }

    fn role_yaml(&self, role: &Role) -> String {
        let mut text = self.head(role, role.kind());
        text.push_str("rules:\n");
        for rule in &role.rules {
            text.push_str(&rule.yaml());
        }
        text
    }

    fn binding_yaml(&self, role: &Role) -> String {
        let binding = self.binding(role);
        let mut text = self.head(role, &format!("{}Binding", role.kind()));
        text.push_str("roleRef:\n");
        text.push_str(&block(&binding["roleRef"], "  "));
        text.push_str("subjects:\n");
        for subject in binding["subjects"].as_array().into_iter().flatten() {
            text.push_str(&block(subject, "  ").replacen("  ", "- ", 1));
        }
        text
    }

    fn head(&self, role: &Role, kind: &str) -> String {
        let metadata = block(&self.metadata(role), "  ");
        format!("---\napiVersion: {API_VERSION}\nkind: {kind}\nmetadata:\n{metadata}")
    }
}

/// An object of texts and objects, a line a key. A text in JSON is one in YAML, and
/// nothing in it is taken for anything else.
fn block(object: &Value, indent: &str) -> String {
    let line = |(key, value): (&String, &Value)| match value {
        Value::Object(_) => format!("{indent}{key}:\n{}", block(value, &format!("{indent}  "))),
        value => format!("{indent}{key}: {value}\n"),
    };
    object.as_object().into_iter().flatten().map(line).collect()
}

impl Rule {
    fn yaml(&self) -> String {
        let mut text: String = self.why.iter().map(|line| format!("# {line}\n")).collect();
        let mut lead = "- ";
        let object = self.object();
        for key in ["apiGroups", "resources", "resourceNames", "verbs"] {
            let Some(list) = object.get(key).and_then(Value::as_array) else { continue };
            let items: Vec<_> = list.iter().map(ToString::to_string).collect();
            text.push_str(&format!("{lead}{key}: [{}]\n", items.join(", ")));
            lead = "  ";
        }
        text
    }
}
