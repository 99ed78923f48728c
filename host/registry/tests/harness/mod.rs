//! Debian's docker-registry as a process.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use suture_core::{Clock, Digest, RealClock};
use suture_registry::{Client, ClientOptions, Reference};

/// A registry; it ends when this is dropped.
pub struct Registry {
    child: Child,
    pub address: String,
    pub dir: tempfile::TempDir,
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Registry {
    /// Start one. With `auth`, what stands under `auth:` of its configuration; `DIR` in it is
    /// its folder, which `prepare` fills.
    pub async fn start(auth: &str, prepare: impl Fn(&Path)) -> Self {
        // The first client sets up TLS for the process.
        client(Duration::from_secs(1));
        let dir = tempfile::tempdir().unwrap();
        prepare(dir.path());
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let root = dir.path().display().to_string();
        let auth = auth.replace("DIR", &root);
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {root}/data}}}}\n\
             http: {{addr: '{address}'}}\n{auth}\n"
        );
        std::fs::write(dir.path().join("config.yml"), config).unwrap();
        let child = Command::new("docker-registry")
            .args(["serve", &dir.path().join("config.yml").display().to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("`apt-get install docker-registry` (`make test` does)");
        let registry = Self { child, address, dir };
        let clock: &dyn Clock = &RealClock;
        for _ in 0..500 {
            if reqwest::get(format!("http://{}/v2/", registry.address)).await.is_ok() {
                return registry;
            }
            clock.sleep(Duration::from_millis(20)).await;
        }
        panic!("docker-registry does not start");
    }

    pub fn reference(&self, rest: &str) -> Reference {
        format!("{}/{rest}", self.address).parse().unwrap()
    }

    /// Put what cosign made into it, as it was.
    pub async fn put(&self, group: &Value) {
        let http = reqwest::Client::new();
        let base = format!("http://{}/v2/team/demo", self.address);
        for blob in group["blobs"].as_array().unwrap() {
            let bytes = STANDARD.decode(blob.as_str().unwrap()).unwrap();
            let digest = Digest::of(&bytes).to_string();
            let begun = http.post(format!("{base}/blobs/uploads/")).send().await.unwrap();
            let place = begun.headers()["location"].to_str().unwrap().to_owned();
            let mut place = reqwest::Url::parse(&base).unwrap().join(&place).unwrap();
            place.query_pairs_mut().append_pair("digest", &digest);
            let sent = http.put(place).header("content-type", "application/octet-stream").body(bytes);
            sent.send().await.unwrap().error_for_status().unwrap();
        }
        for manifest in group["manifests"].as_array().unwrap() {
            let url = format!("{base}/manifests/{}", manifest["version"].as_str().unwrap());
            let sent = http
                .put(url)
                .header("content-type", manifest["mediaType"].as_str().unwrap())
                .body(manifest["text"].as_str().unwrap().to_owned());
            sent.send().await.unwrap().error_for_status().unwrap();
        }
    }
}

/// A client that waits so long.
pub fn client(timeout: Duration) -> Client {
    Client::new(options(timeout)).unwrap()
}

pub fn options(timeout: Duration) -> ClientOptions {
    ClientOptions { credentials: None, plain_http: false, timeout, clock: Arc::new(RealClock) }
}
