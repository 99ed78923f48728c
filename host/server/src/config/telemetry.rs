//! `telemetry`: where traces are sent.

use std::path::PathBuf;

use serde::Deserialize;
use serde_saphyr::Spanned;
use suture_core::HumanDuration;

use super::unplaced;

/// `telemetry`.
#[derive(Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TelemetryConfig {
    /// An OpenTelemetry collector; nothing is sent without one.
    pub otlp: Option<OtlpConfig>,
}

/// `telemetry.otlp`: OTLP over HTTP, in protobuf.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OtlpConfig {
    /// The collector's base URL, `http://collector:4318`: spans go to `/v1/traces` below it.
    #[schemars(with = "String")]
    pub endpoint: Spanned<String>,
    /// A file with a header of each request on each line, `NAME: VALUE`.
    #[schemars(with = "Option<PathBuf>")]
    pub headers_file: Option<Spanned<PathBuf>>,
    /// Of how many incidents spans are sent, from 0 to 1: 0.1 is every tenth.
    #[serde(default = "all")]
    #[schemars(with = "f64")]
    pub sample_ratio: Spanned<f64>,
    /// The name under which traces are found.
    #[serde(default = "suture")]
    #[schemars(with = "String")]
    pub service_name: Spanned<String>,
    /// How long one request may take, from 100ms to 1m.
    #[serde(default = "ten_seconds")]
    #[schemars(with = "HumanDuration")]
    pub timeout: Spanned<HumanDuration>,
}

fn all() -> Spanned<f64> {
    unplaced(1.0)
}

fn suture() -> Spanned<String> {
    unplaced("suture".to_owned())
}

fn ten_seconds() -> Spanned<HumanDuration> {
    unplaced(HumanDuration::from_secs(10))
}
