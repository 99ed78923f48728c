//! Pushing and pulling with Debian's docker-registry, and signatures that cosign made.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can not go on panics"
)]

mod harness;

use std::path::Path;
use std::time::Duration;

use harness::{Registry, client, options};
use serde_json::Value;
use suture_core::Digest;
use suture_registry::{About, Client, ClientOptions, OciError, PublicKey};

const PATIENCE: Duration = Duration::from_secs(30);
const MIB: usize = 1 << 20;

fn cosign() -> Value {
    serde_json::from_str(include_str!("fixtures/cosign.json")).unwrap()
}

fn key() -> PublicKey {
    PublicKey::parse(include_str!("fixtures/cosign.pub")).unwrap()
}

/// Another key, of the same kind.
const OTHER: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt
6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==
-----END PUBLIC KEY-----
";

#[tokio::test]
async fn what_is_pushed_is_pulled_by_tag_and_by_digest() {
    let registry = Registry::start("", |_| {}).await;
    let (client, tagged) = (client(PATIENCE), registry.reference("team/demo:1.0"));
    let bytes = b"\0asm\x0d\0\x01\0 and more".to_vec();
    let about = About { annotations: [("a".to_owned(), "b".to_owned())].into(), ..About::default() };
    let manifest = client.push(&tagged, bytes.clone(), about.clone()).await.unwrap();
    // What is there already is not sent again, and a tag may move.
    assert_eq!(client.resolve(&tagged).await.unwrap(), manifest);
    for reference in [tagged.clone(), tagged.at(manifest)] {
        let pulled = client.pull(&reference, MIB, None).await.unwrap();
        assert_eq!((pulled.digest, pulled.manifest), (Digest::of(&bytes), manifest));
        assert_eq!(pulled.bytes, bytes);
    }
    let newer = client.push(&tagged, b"\0asm\x0d\0\x01\0 newer".to_vec(), about).await.unwrap();
    assert_ne!(newer, manifest);
    assert_eq!(client.resolve(&tagged).await.unwrap(), newer);
    assert_eq!(client.pull(&tagged.at(manifest), MIB, None).await.unwrap().bytes, bytes);
    let small = client.pull(&tagged, 10, None).await.unwrap_err();
    assert!(matches!(small, OciError::TooLarge { .. }), "{small}");
    let gone = client.pull(&registry.reference("team/other:1.0"), MIB, None).await.unwrap_err();
    assert!(matches!(gone, OciError::NotFound(_)), "{gone}");
}

#[tokio::test]
async fn credentials_come_from_a_docker_config_file() {
    let htpasswd = |dir: &Path| {
        // `htpasswd -nbB anna pass`
        std::fs::write(
            dir.join("htpasswd"),
            "anna:$2y$04$uB2oTnvGWTgChQVz0tzvRuEnXSI8GPpfTOkjbS7QH.AceeoFp/3tu\n",
        )
        .unwrap();
    };
    let registry = Registry::start("auth: {htpasswd: {realm: test, path: DIR/htpasswd}}", htpasswd).await;
    let reference = registry.reference("team/demo:1.0");
    let stranger = client(PATIENCE).push(&reference, vec![1], About::default()).await.unwrap_err();
    assert!(matches!(&stranger, OciError::Unauthorized { status: 401, .. }), "{stranger}");
    assert!(stranger.to_string().contains("docker config file"), "{stranger}");
    let with = |password: &str| {
        let file = registry.dir.path().join("config.json");
        let config =
            serde_json::json!({"auths": {&registry.address: {"username": "anna", "password": password}}});
        std::fs::write(&file, config.to_string()).unwrap();
        Client::new(ClientOptions { credentials: Some(file), ..options(PATIENCE) }).unwrap()
    };
    let wrong = with("hunter2").push(&reference, vec![1], About::default()).await.unwrap_err();
    assert!(
        matches!(&wrong, OciError::Unauthorized { .. }) && !wrong.to_string().contains("hunter2"),
        "{wrong}"
    );
    let anna = with("pass");
    anna.push(&reference, vec![1, 2, 3], About::default()).await.unwrap();
    assert_eq!(anna.pull(&reference, MIB, None).await.unwrap().bytes, [1, 2, 3]);
}

#[tokio::test]
async fn what_cosign_signed_is_pulled_in_either_of_its_ways() {
    for way in ["simple", "bundle"] {
        let registry = Registry::start("", |_| {}).await;
        registry.put(&cosign()["artifact"]).await;
        let reference = registry.reference("team/demo:1");
        let unsigned = client(PATIENCE).pull(&reference, MIB, Some(&key())).await.unwrap_err();
        assert!(matches!(unsigned, OciError::Unsigned { .. }), "{unsigned}");
        registry.put(&cosign()[way]).await;
        let pulled = client(PATIENCE).pull(&reference, MIB, Some(&key())).await.unwrap();
        assert_eq!(pulled.bytes, b"\0asm\x0d\0\x01\0", "{way}");
        let other = PublicKey::parse(OTHER).unwrap();
        let refused = client(PATIENCE).pull(&reference, MIB, Some(&other)).await.unwrap_err();
        assert!(
            matches!(&refused, OciError::BadSignature { why, .. } if why.contains("another key")),
            "{way}: {refused}"
        );
    }
}

#[tokio::test]
async fn a_signature_of_something_else_is_none() {
    for way in ["simple", "bundle"] {
        let registry = Registry::start("", |_| {}).await;
        let reference = registry.reference("team/demo:1");
        let mine = b"\0asm\x0d\0\x01\0 not what was signed".to_vec();
        let manifest = client(PATIENCE).push(&reference, mine, About::default()).await.unwrap();
        // Under the name that a signature of this one would have.
        let mut group = cosign()[way].clone();
        let suffix = if way == "simple" { ".sig" } else { "" };
        group["manifests"].as_array_mut().unwrap().last_mut().unwrap()["version"] =
            format!("sha256-{}{suffix}", manifest.hex()).into();
        registry.put(&group).await;
        let refused = client(PATIENCE).pull(&reference, MIB, Some(&key())).await.unwrap_err();
        assert!(
            matches!(&refused, OciError::BadSignature { why, .. } if why.contains("another artifact")),
            "{way}: {refused}"
        );
    }
}

#[test]
fn what_is_no_public_key_says_so() {
    let private = "-----BEGIN PRIVATE KEY-----\nMFkw\n-----END PRIVATE KEY-----\n";
    for wrong in ["", "hunter2", private, &OTHER.replace("MFkwEwYHKoZIzj0CAQYI", "MFkwEwYHKoZIzj0CAQYJ")] {
        let error = PublicKey::parse(wrong).unwrap_err();
        assert!(error.contains("cosign") && !error.contains("hunter2"), "{error}");
    }
    assert_ne!(key().fingerprint(), PublicKey::parse(OTHER).unwrap().fingerprint());
}
