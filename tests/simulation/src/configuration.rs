//! The configuration file of the host, as operators change it.

use serde::Deserialize;
use serde_json::{Value, json};
use suture_core::{Grant, Mode, Program};
use suture_engine::Retry;

/// What stands in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Configuration {
    /// What it is meant to be.
    Usual,
    /// The policy only plans.
    Observing,
    /// The policy may look, and change nothing.
    Ungranted,
    /// An incident gets one attempt.
    OneAttempt,
    /// The policy is to hold its lock for a shorter time.
    ShortHold,
    /// There is no policy.
    NoPolicy,
    /// The settings fit no module.
    Unfit,
    /// It can't be read.
    Unreadable,
}

impl Configuration {
    /// All that it can be changed to.
    pub(crate) const CHANGES: [Self; 7] = [
        Self::Observing,
        Self::Ungranted,
        Self::OneAttempt,
        Self::ShortHold,
        Self::NoPolicy,
        Self::Unfit,
        Self::Unreadable,
    ];

    /// What stands in it; without its own say, the policy is in a mode.
    fn text(self, mode: Mode) -> String {
        let grant = |verbs: &[&str]| json!({"groups": [""], "resources": ["configmaps"], "verbs": verbs, "namespaces": ["*"]});
        let mut policy = json!({"mode": mode, "settings": {}, "retry": {},
            "grants": [grant(&["get", "patch"])]});
        match self {
            Self::Usual => {}
            Self::Observing => policy["mode"] = json!("observe"),
            Self::Ungranted => policy["grants"] = json!([grant(&["get"])]),
            Self::OneAttempt => policy["retry"] = json!({"attempts": 1}),
            Self::ShortHold => policy["settings"] = json!({"holdSeconds": 20}),
            Self::NoPolicy => return json!({"policies": []}).to_string(),
            Self::Unfit => policy["settings"] = json!({"holdSeconds": "long"}),
            Self::Unreadable => policy["mode"] = json!("eager"),
        }
        json!({"policies": [policy]}).to_string()
    }

    /// Read the file.
    ///
    /// # Errors
    /// Why it can't be read: nothing of it is put in force, and no host starts with it.
    pub(crate) fn read(self, mode: Mode) -> Result<Read, String> {
        serde_json::from_str(&self.text(mode)).map_err(|error| error.to_string())
    }
}

/// A file that was read.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Read {
    policies: Vec<Entry>,
}

/// What it says of the policy.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub mode: Mode,
    pub settings: Value,
    pub grants: Vec<Grant>,
    pub retry: Retry,
}

impl Read {
    /// What it says of the policy; none where it has none.
    pub fn policy(&self) -> Option<&Entry> {
        self.policies.first()
    }

    /// Whether its settings fit a module.
    ///
    /// # Errors
    /// What does not.
    pub fn fits(&self, program: &dyn Program) -> Result<(), String> {
        self.policy().map_or(Ok(()), |entry| entry.filled(program).map(drop))
    }
}

impl Entry {
    /// Its settings, with what the module has for those that are left out.
    ///
    /// # Errors
    /// What does not fit the module.
    pub fn filled(&self, program: &dyn Program) -> Result<Value, String> {
        let filled = program.manifest().settings_schema.fill(self.settings.clone());
        filled.map_err(|error| error.to_string())
    }
}
