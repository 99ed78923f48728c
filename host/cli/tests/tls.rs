//! A host that speaks TLS, and the command that asks it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests stand outside of test functions")]

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

/// A host in a process of its own; it is killed when this is dropped.
struct Host(Child);

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn suture(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_suture"));
    command.current_dir(dir).env_remove("SUTURE_CA_FILE").env_remove("SUTURE_IDENTITY_FILE");
    command
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// An authority, a certificate for the host and one for a client.
fn certify(dir: &Path) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let issue = || {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        (params.signed_by(&key, &ca).unwrap().pem(), key.serialize_pem())
    };
    let (certificate, key) = issue();
    let write = |name: &str, text: &str| std::fs::write(dir.join(name), text).unwrap();
    write("ca.crt", &ca.pem());
    write("tls.crt", &certificate);
    write("tls.key", &key);
    let (certificate, key) = issue();
    write("me.pem", &(certificate + &key));
}

/// What asking a host for its runs comes to.
fn list(dir: &Path, url: &str, more: &[&str]) -> Output {
    suture(dir).args(["runs", "list", "--server", url]).args(more).output().unwrap()
}

/// A host that wants certificates of its clients, and where its API is.
fn serving(dir: &Path) -> (Host, String) {
    certify(dir);
    let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (webhook, admin) = (free(), free());
    std::fs::write(
        dir.join("cluster.yaml"),
        "name: nothing\ngiven: {now: 2026-11-22T04:10:00Z}\nwhen: [{alert: {labels: {alertname: A}}}]\n",
    )
    .unwrap();
    let config = format!(
        "listen: {webhook}\nadmin: {{listen: {admin}, tls: {{certFile: tls.crt, keyFile: tls.key, clientCaFile: ca.crt}}}}\n\
         storage: {{path: state}}\ncluster: {{simulated: {{scenario: cluster.yaml}}}}\n"
    );
    std::fs::write(dir.join("suture.yaml"), config).unwrap();
    let serve = suture(dir).args(["serve"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let host = Host(serve);
    let url = format!("https://localhost:{}", admin.port());
    let mut last = String::new();
    let both = ["--ca-file", "ca.crt", "--identity-file", "me.pem"];
    let is_up = (0..600).any(|_| {
        let output = list(dir, &url, &both);
        last = text(&output);
        std::thread::sleep(Duration::from_millis(50));
        output.status.success()
    });
    if !is_up {
        panic!("it never answers: {last}");
    }
    (host, url)
}

#[test]
fn runs_are_listed_over_tls_with_the_authority_and_a_certificate_that_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (_host, url) = serving(dir);
    let from_environment = suture(dir)
        .args(["runs", "list", "--server", &url])
        .env("SUTURE_CA_FILE", "ca.crt")
        .env("SUTURE_IDENTITY_FILE", "me.pem")
        .output()
        .unwrap();
    assert!(from_environment.status.success(), "{}", text(&from_environment));

    let unknown = list(dir, &url, &[]);
    assert!(!unknown.status.success() && text(&unknown).contains("--ca-file"), "{}", text(&unknown));
    let empty = list(dir, &url, &["--ca-file", "cluster.yaml"]);
    assert!(text(&empty).contains("no certificate in it"), "{}", text(&empty));
}

#[test]
fn who_shows_no_certificate_is_told_which_flag_does_and_one_of_another_authority_is_not_answered() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (_host, url) = serving(dir);
    let anonymous = list(dir, &url, &["--ca-file", "ca.crt"]);
    let said = text(&anonymous);
    assert_eq!(anonymous.status.code(), Some(2), "{said}");
    assert!(
        said.contains("a client certificate is needed") && said.contains("--identity-file FILE"),
        "{said}"
    );

    let elsewhere = tempfile::tempdir().unwrap();
    certify(elsewhere.path());
    let theirs = elsewhere.path().join("me.pem").display().to_string();
    let stranger = list(dir, &url, &["--ca-file", "ca.crt", "--identity-file", &theirs]);
    let said = text(&stranger);
    assert_eq!(stranger.status.code(), Some(3), "{said}");
    assert!(said.contains("the host does not answer"), "{said}");
}

#[test]
fn a_certificate_that_can_not_be_shown_is_refused_with_its_file_before_anybody_is_asked() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    certify(dir);
    for (file, why) in [
        ("ca.crt", "not a certificate with its key"),
        ("tls.key", "not a certificate with its key"),
        ("missing.pem", "No such file"),
    ] {
        let refused = list(dir, "https://localhost:9", &["--identity-file", file]);
        let said = text(&refused);
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(said.contains(why) && said.contains(&format!("at: {file}")), "{said}");
    }
}
