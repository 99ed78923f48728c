//! Namespaces by their labels.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Selects namespaces by their labels, as they are when an effect is checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NamespaceSelector {
    /// Labels that a namespace must have, all of them with these values.
    #[serde(deserialize_with = "some_labels")]
    pub match_labels: BTreeMap<String, String>,
}

impl NamespaceSelector {
    /// Whether it selects a namespace with these labels.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        !self.match_labels.is_empty()
            && self.match_labels.iter().all(|(name, value)| labels.get(name) == Some(value))
    }
}

fn some_labels<'de, D: serde::Deserializer<'de>>(reader: D) -> Result<BTreeMap<String, String>, D::Error> {
    let labels = BTreeMap::deserialize(reader)?;
    if labels.is_empty() {
        return Err(serde::de::Error::custom(
            "`matchLabels` is empty, which would be every namespace; write `namespaces: [\"*\"]` where that is meant",
        ));
    }
    Ok(labels)
}
