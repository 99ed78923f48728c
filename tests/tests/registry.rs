//! A host whose policy comes from Debian's docker-registry, signed as cosign signs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can not go on panics"
)]

#[path = "../../host/registry/tests/harness/mod.rs"]
#[allow(dead_code, reason = "only a part is used here")]
mod harness;

#[path = "../../host/server/tests/harness/guest.rs"]
#[allow(dead_code, reason = "only a part is used here")]
mod guest;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use harness::{Registry, client};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use suture_core::Digest;
use suture_core::{Clock, RealClock};
use suture_registry::About;
use suture_server::{Compiler, ServeOptions, Server, Simulated};
use suture_simulator::{Fixture, SimulatedCluster};
use suture_tests::command::{refuses, shows};
use suture_tests::process::eventually;

const PATIENCE: Duration = Duration::from_secs(30);

/// The shipped policy, with a section at its end that means nothing: another digest each.
fn module(version: u8) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let built = suture_build::build(&root.join("policies/volsync"), None, &suture_build::Silent).unwrap();
    let mut bytes = std::fs::read(built.path).unwrap();
    bytes.extend([0, 3, 1, b'v', version]);
    bytes
}

struct Key(EcdsaKeyPair);

impl Key {
    fn new() -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        Self(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &random).unwrap())
    }

    fn pem(&self) -> String {
        // An ECDSA key on P-256, in DER, up to the point.
        let mut der = vec![
            0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
            0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
        ];
        der.extend(self.0.public_key().as_ref());
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", wrapped(&STANDARD.encode(der)))
    }

    /// What cosign puts into a registry for a manifest.
    fn signature(&self, manifest: Digest) -> Value {
        let payload = json!({"critical": {"identity": {"docker-reference": ""}, "type": "cosign container image signature",
            "image": {"docker-manifest-digest": manifest.to_string()}}, "optional": null})
        .to_string();
        let signature = STANDARD.encode(self.0.sign(&SystemRandom::new(), payload.as_bytes()).unwrap());
        let config = "{}";
        let of = |text: &str, kind: &str| json!({"mediaType": kind, "size": text.len(), "digest": Digest::of(text.as_bytes()).to_string()});
        let mut layer = of(&payload, "application/vnd.dev.cosign.simplesigning.v1+json");
        layer["annotations"] = json!({"dev.cosignproject.cosign/signature": signature});
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        let text = json!({"schemaVersion": 2, "mediaType": media_type, "layers": [layer],
            "config": of(config, "application/vnd.oci.image.config.v1+json")});
        json!({"blobs": [STANDARD.encode(&payload), STANDARD.encode(config)],
            "manifests": [{"version": format!("sha256-{}.sig", manifest.hex()), "mediaType": media_type, "text": text.to_string()}]})
    }
}

fn wrapped(text: &str) -> String {
    text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line)).collect::<Vec<_>>().join("\n")
}

async fn start(dir: &Path) -> Server {
    let options = ServeOptions::new(
        Arc::new(|_: &Path, _: f64| {
            let clock: Arc<dyn Clock> = Arc::new(RealClock);
            let fixture = Fixture { now: clock.now(), ..Fixture::default() };
            let cluster = SimulatedCluster::new(fixture, clock.clone()).map_err(|error| error.to_string())?;
            Ok(Simulated { cluster: Arc::new(cluster), clock })
        }),
        Compiler::InProcess,
    );
    Server::start(&dir.join("suture.yaml"), options).await.unwrap()
}

async fn policy(server: &Server) -> Value {
    let url = format!("http://{}/api/v1/policies/volsync", server.admin_addr());
    reqwest::get(url).await.unwrap().json().await.unwrap()
}

async fn until(server: &Server, fits: impl Fn(&Value) -> bool) -> Value {
    let there = eventually(PATIENCE, async || fits(&policy(server).await)).await;
    let now = policy(server).await;
    assert!(there, "{now:#}");
    now
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_moves_swaps_the_module_and_what_is_not_signed_never_loads() {
    let registry = Registry::start("", |_| {}).await;
    let (key, stranger) = (Key::new(), Key::new());
    let reference = registry.reference("team/demo:1");
    let client = client(PATIENCE);
    let push = async |version| client.push(&reference, module(version), About::default()).await.unwrap();
    let digest = |version| Digest::of(&module(version)).to_string();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("cosign.pub"), key.pem()).unwrap();
    let config = format!(
        "listen: 127.0.0.1:0\nadmin: {{listen: 127.0.0.1:0}}\nstorage: {{path: state}}\n\
         cluster: {{simulated: {{scenario: unused.yaml}}}}\npolicies:\n- name: volsync\n  confirm: none\n\
         \x20 source: {{oci: {{reference: '{reference}', key: cosign.pub, poll: 5s, timeout: 5s}}}}\n"
    );
    std::fs::write(dir.path().join("suture.yaml"), config).unwrap();

    // Unsigned: nothing is loaded at all.
    let first = push(1).await;
    let server = start(dir.path()).await;
    let status = policy(&server).await;
    assert!(
        status["digest"].is_null() && status["error"].as_str().unwrap().contains("no signature"),
        "{status:#}"
    );
    registry.put(&key.signature(first)).await;
    let status = until(&server, |policy| policy["digest"] == digest(1).as_str()).await;
    assert!(
        status["error"].is_null() && status["source"].as_str().unwrap().contains("sha256:"),
        "{status:#}"
    );

    // A newer one, signed by somebody else: the old one goes on, and says why.
    let second = push(2).await;
    registry.put(&stranger.signature(second)).await;
    let status = until(&server, |policy| !policy["error"].is_null()).await;
    assert_eq!(status["digest"], digest(1).as_str());
    assert!(status["error"].as_str().unwrap().contains("another key"), "{status:#}");
    registry.put(&key.signature(second)).await;
    let status = until(&server, |policy| policy["digest"] == digest(2).as_str()).await;
    assert!(status["error"].is_null(), "{status:#}");

    // The registry goes away: what works goes on, over a restart, too.
    server.stop(Duration::ZERO).await;
    drop(registry);
    let server = start(dir.path()).await;
    let status = policy(&server).await;
    assert_eq!(status["digest"], digest(2).as_str(), "{status:#}");
    assert!(status["error"].as_str().unwrap().contains("can't be reached"), "{status:#}");
    server.stop(Duration::ZERO).await;
    // Under another key what was kept is not run, either.
    std::fs::write(dir.path().join("cosign.pub"), stranger.pem()).unwrap();
    let server = start(dir.path()).await;
    assert!(policy(&server).await["digest"].is_null());
    server.stop(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pushed_is_pulled_again_and_with_a_key_only_if_it_was_signed_with_that() {
    let registry = Registry::start("", |_| {}).await;
    let (key, stranger) = (Key::new(), Key::new());
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let write = |file, bytes: &[u8]| std::fs::write(dir.join(file), bytes).unwrap();
    write("cosign.pub", key.pem().as_bytes());
    write("stranger.pub", stranger.pem().as_bytes());
    write("notes.wasm", b"no module");
    write("policy.wasm", &module(1));
    let reference = registry.reference("team/demo:1").to_string();

    refuses(dir, &["push", "notes.wasm", &reference], "notes.wasm").await.unwrap();
    refuses(dir, &["pull", &reference], &reference).await.unwrap();
    let pushed = shows(dir, &["push", "policy.wasm", &reference, "--output", "json"], &[]).await.unwrap();
    let pushed: Value = serde_json::from_str(&pushed).unwrap();
    assert_eq!(pushed["digest"], Digest::of(&module(1)).to_string(), "{pushed}");
    shows(dir, &["pull", &reference], &["pulled", "demo.wasm"]).await.unwrap();
    assert_eq!(std::fs::read(dir.join("demo.wasm")).unwrap(), module(1));

    let signed = ["pull", &reference, "--key", "cosign.pub", "--out", "signed.wasm"];
    refuses(dir, &signed, "no signature").await.unwrap();
    registry.put(&key.signature(pushed["manifest"].as_str().unwrap().parse().unwrap())).await;
    shows(dir, &signed, &["signed as it must be"]).await.unwrap();
    assert_eq!(std::fs::read(dir.join("signed.wasm")).unwrap(), module(1));
    let others = ["pull", &reference, "--key", "stranger.pub", "--out", "strange.wasm"];
    refuses(dir, &others, "another key").await.unwrap();
    assert!(!dir.join("strange.wasm").exists());
    drop(registry);
    refuses(dir, &["pull", &reference], "can't be reached").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_is_moved_onto_an_older_version_waits_until_a_person_accepts_it_or_the_operator_allows_it()
{
    let registry = Registry::start("", |_| {}).await;
    let key = Key::new();
    let reference = registry.reference("team/demo:1");
    let client = client(PATIENCE);
    let push = async |version: &str| {
        let pushed = client.push(&reference, guest::versioned(version), About::default()).await.unwrap();
        registry.put(&key.signature(pushed)).await;
    };
    let digest = |version: &str| Digest::of(&guest::versioned(version)).to_string();
    let works = |version: &str| {
        let wanted = digest(version);
        move |policy: &Value| policy["digest"] == wanted.as_str() && policy["candidate"].is_null()
    };
    let waits = |version: &str| {
        let wanted = digest(version);
        move |policy: &Value| policy["candidate"]["digest"] == wanted.as_str()
    };
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("cosign.pub"), key.pem()).unwrap();
    let configure = |more: &str| {
        let config = format!(
            "listen: 127.0.0.1:0\nadmin: {{listen: 127.0.0.1:0}}\nstorage: {{path: state}}\n\
             cluster: {{simulated: {{scenario: unused.yaml}}}}\npolicies:\n- name: volsync\n  confirm: none\n\
             \x20 source: {{oci: {{reference: '{reference}', key: cosign.pub, poll: 5s, timeout: 5s{more}}}}}\n"
        );
        std::fs::write(dir.path().join("suture.yaml"), config).unwrap();
    };
    configure("");
    push("1.10.0-rc.1").await;
    let server = start(dir.path()).await;
    until(&server, works("1.10.0-rc.1")).await;
    // A release is newer than what led to it.
    push("1.10.0").await;
    until(&server, works("1.10.0")).await;
    // As numbers, not as text.
    push("1.9.0").await;
    let status = until(&server, waits("1.9.0")).await;
    assert_eq!(status["digest"], digest("1.10.0").as_str(), "{status:#}");
    let why = status["candidate"]["why"].as_str().unwrap();
    assert!(why.contains("1.9.0 is older than 1.10.0") && why.contains("allowDowngrade"), "{why}");

    // So it does after a restart, where all that is known stands on disk.
    server.stop(Duration::ZERO).await;
    let server = start(dir.path()).await;
    let status = until(&server, waits("1.9.0")).await;
    assert_eq!(status["digest"], digest("1.10.0").as_str(), "{status:#}");
    let url = format!("http://{}/api/v1/policies/volsync/accept", server.admin_addr());
    let accepted = reqwest::Client::new().post(url).json(&json!({"digest": digest("1.9.0")}));
    assert!(accepted.send().await.unwrap().status().is_success());
    until(&server, works("1.9.0")).await;
    push("2.0.0").await;
    until(&server, works("2.0.0")).await;

    push("1.10.0").await;
    until(&server, waits("1.10.0")).await;
    configure(", allowDowngrade: true");
    until(&server, works("1.10.0")).await;
    server.stop(Duration::ZERO).await;
}
