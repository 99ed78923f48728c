//! What the real Prometheus and Alertmanager did, by which their models in `suture_simulator` are
//! measured. `make record-world` plays short sequences to the real programs and writes down what went in
//! and what came out, when; the tests play the same to the models.
//!
//! Times are milliseconds since a sequence began.

mod alertmanager;
mod prometheus;

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use alertmanager::{AlertmanagerTrace, Event, Inhibition, Notified, NotifiedAlert, Post, Route, Timed};
pub use prometheus::{Evaluation, Listed, PrometheusTrace, Rule, Sent, Standing};

/// Milliseconds since a sequence began; before that where negative.
pub type Millis = i64;

/// The folder of all traces: a folder in it for each version of each program.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("traces")
}

/// All traces of a program, with the version and the name of each: `prometheus-2.42.0/no-for`.
///
/// # Errors
/// Where one can't be read.
pub fn traces_of<T: DeserializeOwned>(program: &str) -> anyhow::Result<Vec<(String, T)>> {
    let mut files = Vec::new();
    for version in std::fs::read_dir(folder())? {
        let version = version?;
        if version.file_name().to_string_lossy().starts_with(&format!("{program}-")) {
            for file in std::fs::read_dir(version.path())? {
                files.push(file?.path());
            }
        }
    }
    files.sort();
    let read = |file: PathBuf| {
        let text = std::fs::read_to_string(&file)?;
        let trace = serde_json::from_str(&text).with_context(|| file.display().to_string())?;
        let name = file.strip_prefix(folder())?.with_extension("");
        Ok((name.display().to_string(), trace))
    };
    files.into_iter().map(read).collect()
}

/// A trace's text: a line for each thing that happened, so that a change of it can be read.
///
/// # Errors
/// Where it is no map.
pub fn written(trace: &impl Serialize) -> anyhow::Result<String> {
    let value = serde_json::to_value(trace)?;
    let fields = value.as_object().context("a trace is a map")?;
    let field = |(name, value): (&String, &serde_json::Value)| match value.as_array() {
        Some(lines) => {
            let lines: Vec<_> = lines.iter().map(|line| format!("    {line}")).collect();
            format!("  \"{name}\": [\n{}\n  ]", lines.join(",\n"))
        }
        None => format!("  \"{name}\": {value}"),
    };
    let fields: Vec<_> = fields.iter().map(field).collect();
    Ok(format!("{{\n{}\n}}\n", fields.join(",\n")))
}
