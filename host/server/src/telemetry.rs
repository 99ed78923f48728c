//! Where traces are sent, from the configuration.

use std::path::Path;
use std::sync::Arc;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use suture_core::RealClock;
use suture_engine::Metrics;
use suture_telemetry::{Collector, Source, Telemetry};

use crate::config::{ConfigError, Loaded};

/// The largest file of headers that is read, in bytes.
const MAX_HEADERS: u64 = 64 << 10;

/// Begin to send what listeners are told, where a collector is configured.
///
/// # Errors
/// Where its headers can't be read.
pub(crate) async fn start(
    loaded: &Loaded,
    source: Source<'_>,
    metrics: &Metrics,
) -> Result<Option<Telemetry>, ConfigError> {
    let Some(otlp) = &loaded.config.telemetry.otlp else { return Ok(None) };
    let headers = match &otlp.headers_file {
        Some(file) => {
            headers(&loaded.path(&file.value)).map_err(|error| loaded.error(file.referenced, error))?
        }
        None => HeaderMap::new(),
    };
    suture_cluster::install_crypto();
    let client =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().map_err(|error| {
            loaded.error(otlp.endpoint.referenced, format!("no HTTP client can be made: {error}"))
        })?;
    let collector = Collector {
        endpoint: otlp.endpoint.value.clone(),
        headers,
        timeout: otlp.timeout.value.get(),
        sample_ratio: otlp.sample_ratio.value,
        service: otlp.service_name.value.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let metrics = metrics.clone();
    let on_lost = Arc::new(move |count| metrics.spans_dropped(count));
    Ok(Some(Telemetry::start(collector, client, source, Arc::new(RealClock), on_lost).await))
}

/// The headers in a file. What is wrong with one is said without its value.
fn headers(file: &Path) -> Result<HeaderMap, String> {
    let unreadable = |error: std::io::Error| format!("{}: {error}", file.display());
    let text = suture_core::file::read_text(file, MAX_HEADERS).map_err(unreadable)?;
    let mut headers = HeaderMap::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = || format!("{}:{}: this is not `NAME: VALUE`", file.display(), number + 1);
        let (name, value) = line.split_once(':').ok_or_else(wrong)?;
        let name: HeaderName = name.trim().parse().map_err(|_| wrong())?;
        let mut value = HeaderValue::from_str(value.trim()).map_err(|_| wrong())?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_stand_one_a_line_and_what_is_wrong_is_said_without_its_value() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("headers");
        std::fs::write(&file, "Authorization: Bearer hunter2\n\nX-Scope-OrgID: home\n").unwrap();
        let read = headers(&file).unwrap();
        assert_eq!(read["x-scope-orgid"], "home");
        assert!(!format!("{read:?}").contains("hunter2"));
        std::fs::write(&file, "X: a\nhunter2").unwrap();
        let error = headers(&file).unwrap_err();
        assert!(error.contains(":2:") && !error.contains("hunter2"), "{error}");
    }
}
