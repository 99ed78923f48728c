//! Registries that are down, slow, or lie.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can not go on panics"
)]

#[allow(dead_code, reason = "only a part is used here")]
mod harness;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use futures::stream;
use harness::client;
use serde_json::json;
use suture_core::Digest;
use suture_core::{Clock, RealClock};
use suture_registry::{About, Client, ClientOptions, OciError, Pulled, Reference};

const PATIENCE: Duration = Duration::from_secs(20);
const MIB: usize = 1 << 20;

async fn serve(router: Router) -> Reference {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("{address}/team/demo:1").parse().unwrap()
}

async fn pull(reference: &Reference) -> Result<Pulled, OciError> {
    client(PATIENCE).pull(reference, MIB, None).await
}

fn manifest(layer: &[u8], size: usize) -> Vec<u8> {
    let layer =
        json!({"mediaType": "application/wasm", "digest": Digest::of(layer).to_string(), "size": size});
    json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": [layer]})
        .to_string()
        .into_bytes()
}

/// A registry with a manifest, which says of itself what it is, and one blob.
fn with(manifest: Vec<u8>, blob: impl Fn() -> Body + Clone + Send + Sync + 'static) -> Router {
    let digest = Digest::of(&manifest).to_string();
    let answer = move || {
        let headers = [("docker-content-digest", digest.clone())];
        let manifest = manifest.clone();
        async move { (headers, manifest) }
    };
    Router::new()
        .route("/v2/team/demo/manifests/{version}", get(answer))
        .route("/v2/team/demo/blobs/{digest}", get(move || async move { blob() }))
}

#[tokio::test]
async fn one_that_is_down_or_hangs_costs_no_more_than_the_time_there_is() {
    let down: Reference = "127.0.0.1:9/team/demo:1".parse().unwrap();
    let error = pull(&down).await.unwrap_err();
    assert!(matches!(error, OciError::Unreachable { .. }) && error.may_pass(), "{error}");
    let hangs = Router::new().fallback(async || std::future::pending::<StatusCode>().await);
    let reference = serve(hangs).await;
    let error = client(Duration::from_millis(300)).pull(&reference, MIB, None).await.unwrap_err();
    assert!(matches!(error, OciError::Slow { .. }) && error.may_pass(), "{error}");
    // A byte now and then is no progress, either.
    let drip = || {
        Body::from_stream(stream::unfold((), async |()| {
            let clock: &dyn Clock = &RealClock;
            clock.sleep(Duration::from_millis(50)).await;
            Some((Ok::<_, std::io::Error>(Bytes::from_static(b"x")), ()))
        }))
    };
    let reference = serve(with(manifest(b"wanted", 6000), drip)).await;
    let error = client(Duration::from_millis(500)).pull(&reference, MIB, None).await.unwrap_err();
    assert!(matches!(error, OciError::Slow { .. }), "{error}");
}

#[tokio::test]
async fn one_that_lies_about_a_digest_is_not_believed() {
    let reference = serve(with(manifest(b"wanted", 6), || Body::from("stolen"))).await;
    let error = pull(&reference).await.unwrap_err();
    assert!(matches!(error, OciError::Lies { .. }), "{error}");
    // Cut off.
    let reference = serve(with(manifest(b"wanted", 6), || Body::from("wan"))).await;
    assert!(matches!(pull(&reference).await.unwrap_err(), OciError::Lies { .. }));
    // A manifest that is not the one that was named.
    let reference = serve(with(manifest(b"wanted", 6), || Body::from("wanted"))).await;
    assert!(pull(&reference).await.is_ok());
    let error = pull(&reference.at(Digest::of(b"another"))).await.unwrap_err();
    assert!(matches!(error, OciError::Lies { .. }), "{error}");
}

#[tokio::test]
async fn one_that_never_ends_is_read_no_further_than_may_be() {
    let endless =
        || Body::from_stream(stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from(vec![0; 1 << 16]))));
    // It says that it is small, and that it is a gigabyte.
    for size in [6, 1 << 30] {
        let reference = serve(with(manifest(b"wanted", size), endless)).await;
        let error = pull(&reference).await.unwrap_err();
        assert!(matches!(error, OciError::TooLarge { .. }), "{error}");
    }
    let reference = serve(Router::new().fallback(async move || {
        let mut headers = HeaderMap::new();
        headers.insert("docker-content-digest", Digest::of(b"x").to_string().parse().unwrap());
        (headers, endless())
    }))
    .await;
    let error = pull(&reference).await.unwrap_err();
    assert!(matches!(error, OciError::TooLarge { what: "a manifest", .. }), "{error}");
}

#[tokio::test]
async fn one_that_answers_nonsense_is_refused_with_a_sentence() {
    let around = Router::new().fallback(async || Redirect::temporary("/v2/team/demo/manifests/1"));
    let error = pull(&serve(around).await).await.unwrap_err();
    assert!(matches!(error, OciError::Unreachable { .. }), "{error}");
    let index = json!({"schemaVersion": 2, "manifests": [{"mediaType": "x", "digest": "y", "size": 1}]});
    let image = json!({"schemaVersion": 2, "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": "sha256:x", "size": 1}]});
    let path = json!({"schemaVersion": 2, "layers": [{"mediaType": "application/wasm", "digest": "../../../secrets", "size": 1}]});
    for (text, why) in [
        ("<html>".to_owned(), "can't be read"),
        (index.to_string(), "index"),
        (image.to_string(), "tar+gzip"),
        (json!({"schemaVersion": 2}).to_string(), "0 layers"),
        (path.to_string(), "digest is none"),
    ] {
        let reference = serve(with(text.into_bytes(), Body::empty)).await;
        let error = pull(&reference).await.unwrap_err();
        assert!(error.to_string().contains(why) && !error.may_pass(), "{error}");
    }
    let broken = Router::new().fallback(async || (StatusCode::BAD_GATEWAY, "try later").into_response());
    let error = pull(&serve(broken).await).await.unwrap_err();
    assert!(error.to_string().contains("502") && error.may_pass(), "{error}");
}

/// A client that has a password for one registry.
fn known(dir: &tempfile::TempDir, registry: &str) -> Client {
    let file = dir.path().join("config.json");
    let text = json!({"auths": {registry: {"username": "anna", "password": "s3cret"}}}).to_string();
    std::fs::write(&file, text).unwrap();
    Client::new(ClientOptions { credentials: Some(file), ..harness::options(PATIENCE) }).unwrap()
}

/// Who asks for a password and counts what comes with one; then it is as one likes.
fn listening(
    then: impl Fn(Method) -> Response + Clone + Send + Sync + 'static,
) -> (Router, Arc<AtomicUsize>) {
    let heard = Arc::new(AtomicUsize::new(0));
    let count = heard.clone();
    let router = Router::new().fallback(async move |method: Method, headers: HeaderMap| {
        if !headers.contains_key(header::AUTHORIZATION) {
            let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"x\"")];
            return (StatusCode::UNAUTHORIZED, challenge).into_response();
        }
        count.fetch_add(1, Ordering::SeqCst);
        then(method)
    });
    (router, heard)
}

#[tokio::test]
async fn an_upload_that_is_sent_to_another_host_goes_there_without_the_password() {
    let (other, heard) = listening(|_| StatusCode::CREATED.into_response());
    let other = serve(other).await;
    let place = format!("http://{}/upload", other.registry());
    let (registry, asked) = listening(move |method| match method {
        Method::HEAD => StatusCode::NOT_FOUND.into_response(),
        _ => (StatusCode::ACCEPTED, [(header::LOCATION, place.clone())]).into_response(),
    });
    let registry = serve(registry).await;
    let dir = tempfile::tempdir().unwrap();
    let client = known(&dir, registry.registry());
    assert!(client.push(&registry, b"wanted".to_vec(), About::default()).await.is_err());
    assert_eq!(heard.load(Ordering::SeqCst), 0);
    assert!(asked.load(Ordering::SeqCst) > 1, "the registry itself gets it");
}

#[tokio::test]
async fn the_password_of_one_registry_is_not_shown_to_the_next() {
    let (first, asked) = listening(|_| StatusCode::NOT_FOUND.into_response());
    let (next, heard) = listening(|_| StatusCode::NOT_FOUND.into_response());
    let (first, next) = (serve(first).await, serve(next).await);
    let dir = tempfile::tempdir().unwrap();
    let client = known(&dir, first.registry());
    assert!(matches!(client.resolve(&first).await, Err(OciError::NotFound(_))));
    assert!(matches!(client.resolve(&next).await, Err(OciError::Unauthorized { .. })));
    assert_eq!((asked.load(Ordering::SeqCst), heard.load(Ordering::SeqCst)), (1, 0));
}
