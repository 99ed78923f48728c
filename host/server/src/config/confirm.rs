//! `confirm`: `prometheus`, `none`, or `{by: key}`.

use serde::{Deserialize, Deserializer};

/// Who confirms an alert before anything is changed for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ConfirmBy {
    /// Prometheus: an alert with exactly these labels fires there.
    #[default]
    Prometheus,
    /// Prometheus: an alert of the same name fires there, with the labels alike by which the
    /// policy tells incidents apart. For alerts whose other labels change on the way.
    Key,
    /// Nobody.
    None,
}

/// The short form, and the long one.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(untagged, expecting = "`confirm` is `prometheus`, `none` or `{by: key}`")]
pub(super) enum Written {
    /// `prometheus`.
    Short(ConfirmBy),
    /// `{by: key}`.
    Long {
        /// Who confirms.
        by: ConfirmBy,
    },
}

pub(super) fn short_or_long<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ConfirmBy, D::Error> {
    Ok(match Written::deserialize(deserializer)? {
        Written::Short(by) | Written::Long { by } => by,
    })
}
