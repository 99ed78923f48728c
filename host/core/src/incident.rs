//! What a run works on.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::alert::{Alert, Labels};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// An id from its text.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// Its text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// Identifies a run. A ULID in lower case in a real host (it sorts by time and is
    /// valid in Kubernetes names); whatever a test says elsewhere.
    RunId
}
id! {
    /// Identifies an incident. Written like a [`RunId`].
    IncidentId
}

/// One policy and one key, from the first firing alert until it is resolved: as a
/// policy receives it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Incident {
    /// The same for all attempts.
    pub id: IncidentId,
    /// The labels that the manifest's `key` names.
    pub key: Labels,
    /// The alert that opened it, in its latest form.
    pub alert: Arc<Alert>,
    /// From 1.
    pub attempt: u32,
    /// The operator's settings, defaults filled in.
    pub settings: Value,
}
