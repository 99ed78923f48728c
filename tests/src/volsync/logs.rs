//! What the API server asks a kubelet for `pods/log`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path as UrlPath, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use serde::Deserialize;

use crate::tls::Tls;

/// Where the log of a container is.
pub fn file(folder: &Path, pod: &str, container: &str) -> PathBuf {
    folder.join(format!("{pod}.{container}.log"))
}

/// Serve the logs in a folder over TLS, with a certificate that nobody vouches for: the
/// API server does not ask, unless it is told to.
///
/// # Errors
/// Where there is no port, or no certificate can be made.
pub async fn serve(namespace: &str, folder: &Path) -> anyhow::Result<SocketAddr> {
    let listener = Tls::listen("kubelet").await?;
    let address = listener.address;
    let app = Router::new()
        .route("/containerLogs/{namespace}/{pod}/{container}", get(log))
        .with_state(Arc::new((namespace.to_owned(), folder.to_owned())));
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(address)
}

/// What of a log is asked for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    tail_lines: Option<usize>,
    limit_bytes: Option<usize>,
}

async fn log(
    State(served): State<Arc<(String, PathBuf)>>,
    UrlPath((namespace, pod, container)): UrlPath<(String, String, String)>,
    Query(wanted): Query<Wanted>,
) -> Result<String, (StatusCode, String)> {
    let (own, folder) = &*served;
    if namespace != *own || [&pod, &container].iter().any(|name| name.contains('/')) {
        return Err((StatusCode::NOT_FOUND, format!("pod {namespace}/{pod} not found")));
    }
    let waiting =
        format!("container \"{container}\" in pod \"{pod}\" is waiting to start: ContainerCreating");
    let text = std::fs::read(file(folder, &pod, &container));
    let text = text.map_err(|_| (StatusCode::BAD_REQUEST, waiting))?;
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.split_inclusive('\n').collect();
    let skipped = wanted.tail_lines.map_or(0, |tail| lines.len().saturating_sub(tail));
    let mut text = lines.get(skipped..).unwrap_or_default().concat();
    if let Some(limit) = wanted.limit_bytes {
        text.truncate(text.floor_char_boundary(limit));
    }
    Ok(text)
}
