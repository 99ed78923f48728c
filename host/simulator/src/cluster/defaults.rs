//! What the API server fills in where policies look: little of it.

use k8s_openapi::ByteString;
use serde_json::{Value, json};
use suture_core::object::{self, Kind};

use super::rules;

/// Fill in what a new or changed object of a kind leaves out.
pub fn fill(kind: &Kind, value: &mut Value) {
    match (kind.api_version.as_str(), kind.kind.as_str()) {
        ("v1", "Secret") => fill_secret(value),
        ("v1", "Namespace") => {
            let Some(name) = object::name(value).map(str::to_owned) else { return };
            let labels =
                rules::metadata_mut(value).map(|metadata| metadata.entry("labels").or_insert(json!({})));
            if let Some(labels) = labels {
                if labels.is_null() {
                    *labels = json!({});
                }
                if let Some(labels) = labels.as_object_mut() {
                    labels.insert("kubernetes.io/metadata.name".to_owned(), name.into());
                }
            }
        }
        _ => {}
    }
}

/// `stringData` is for writing only, and becomes `data`.
fn fill_secret(value: &mut Value) {
    let Some(fields) = value.as_object_mut() else { return };
    fields.entry("type").or_insert_with(|| "Opaque".into());
    let Some(Value::Object(texts)) = fields.remove("stringData") else { return };
    let data = fields.entry("data").or_insert_with(|| json!({}));
    if data.is_null() {
        *data = json!({});
    }
    if let Some(data) = data.as_object_mut() {
        for (key, text) in texts {
            let bytes = ByteString(text.as_str().unwrap_or_default().as_bytes().to_vec());
            data.insert(key, json!(bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_secret_becomes_data() {
        let mut secret = json!({"stringData": {"a": "b"}, "data": {"a": "eA==", "c": "eA=="}});
        fill(&Kind::new("v1", "Secret"), &mut secret);
        assert_eq!(secret, json!({"type": "Opaque", "data": {"a": "Yg==", "c": "eA=="}}));
    }
}
