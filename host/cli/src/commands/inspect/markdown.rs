//! What a policy says of itself, as a section of a page: `docs/policies.md` is made of these.

use std::fmt::Write;

use serde_json::Value;
use suture_core::{Glob, Manifest, Permission};

/// A policy as a section of Markdown.
pub fn section(manifest: &Manifest) -> String {
    let mut text = format!("## {}\n\n{}\n\n", manifest.name, manifest.description);
    let key = if manifest.key.is_empty() { "alert".to_owned() } else { manifest.key.join(", ") };
    let matchers =
        if manifest.matchers.is_empty() { "all".to_owned() } else { manifest.matchers.to_string() };
    // Writing to a text can't fail.
    let _ = write!(text, "Alerts: `{matchers}`; one incident for each {key}.\n\n");
    if !manifest.permissions.is_empty() {
        text.push_str("| it asks to | with the setting | why |\n|---|---|---|\n");
        for permission in &manifest.permissions {
            let when = permission.condition().unwrap_or_default();
            let _ = writeln!(
                text,
                "| {} | {} | {} |",
                cell(&what(permission)),
                cell(&when),
                cell(&permission.reason)
            );
        }
        text.push('\n');
    }
    let properties = manifest.settings_schema.source().get("properties").and_then(Value::as_object);
    if let Some(properties) = properties.filter(|properties| !properties.is_empty()) {
        text.push_str("| setting | default | |\n|---|---|---|\n");
        for (name, property) in properties {
            let default = property.get("default").map(|default| format!("`{default}`")).unwrap_or_default();
            let description = property.get("description").and_then(Value::as_str).unwrap_or_default();
            let _ = writeln!(text, "| `{name}` | {} | {} |", cell(&default), cell(description));
        }
        text.push('\n');
    }
    text
}

/// The resources and verbs, or the metrics, that a permission is about.
pub fn what(permission: &Permission) -> String {
    let verbs: Vec<_> = permission.verbs.iter().map(|verb| verb.as_str()).collect();
    let resources = permission.resources.iter().flat_map(|resource| {
        permission.groups.iter().map(move |group| match group.as_str() {
            "" => resource.clone(),
            group => format!("{resource}.{group}"),
        })
    });
    let metrics: Vec<_> = permission.metrics.iter().map(Glob::as_str).collect();
    match metrics.is_empty() {
        true => format!("{} {}", verbs.join(", "), resources.collect::<Vec<_>>().join(", ")),
        false => format!("query {}", metrics.join(", ")),
    }
}

/// A text as a table's cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
