//! TLS, clients' certificates, names with passwords; and all of them exchanged while a host
//! is at work.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can not go on panics")]

#[allow(dead_code, reason = "each file of tests uses a part of it")]
mod harness;

use std::path::Path;

use harness::options;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use reqwest::{Certificate, Client, ClientBuilder, Identity, StatusCode};
use suture_core::{Clock, RealClock};
use suture_server::{Secrets, Server, check};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate and its key, PEM.
fn issue(authority: &Authority, until: i32) -> (String, String) {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(until, 1, 1);
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, authority).unwrap().pem(), key.serialize_pem())
}

fn write(folder: &Path, (certificate, key): &(String, String)) {
    std::fs::write(folder.join("tls.crt"), certificate).unwrap();
    std::fs::write(folder.join("tls.key"), key).unwrap();
}

/// A folder as the kubelet makes it of a Secret: its files are links to `..data/FILE`.
fn exchange(folder: &Path, version: &str, identity: &(String, String)) {
    let real = folder.join(format!("..{version}"));
    std::fs::create_dir(&real).unwrap();
    write(&real, identity);
    std::os::unix::fs::symlink(format!("..{version}"), folder.join("..data_tmp")).unwrap();
    std::fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
}

fn builder(authority: &Authority) -> ClientBuilder {
    suture_cluster::install_crypto();
    let trusted = Certificate::from_pem(authority.pem().as_bytes()).unwrap();
    Client::builder().tls_certs_only([trusted]).pool_max_idle_per_host(0)
}

async fn start(dir: &Path, more: &str) -> Server {
    let config = format!(
        "listen: 127.0.0.1:0\nstorage: {{path: state}}\ncluster: {{simulated: {{scenario: s.yaml}}}}\n{more}\n"
    );
    std::fs::write(dir.join("suture.yaml"), config).unwrap();
    Server::start(&dir.join("suture.yaml"), options()).await.unwrap()
}

fn admin(server: &Server, path: &str) -> String {
    format!("https://localhost:{}{path}", server.admin_addr().port())
}

fn hooks(server: &Server) -> String {
    format!("https://localhost:{}/hooks", server.webhook_addr().port())
}

/// Wait until something holds.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let clock: &dyn Clock = &RealClock;
    for _ in 0..600 {
        if holds().await {
            return;
        }
        clock.sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("never: {what}");
}

async fn metric(client: &Client, server: &Server, line: &str) -> bool {
    let answer = client.get(admin(server, "/metrics")).send().await;
    let Ok(answer) = answer else { return false };
    answer.text().await.is_ok_and(|text| text.contains(line))
}

const TLS: &str = "tls: {certFile: tls.crt, keyFile: tls.key}";

#[tokio::test]
async fn both_addresses_speak_tls_and_tell_who_does_not() {
    let (dir, ours) = (tempfile::tempdir().unwrap(), authority());
    write(dir.path(), &issue(&ours, 2040));
    let server =
        start(dir.path(), &format!("webhook: {{{TLS}}}\nadmin: {{listen: 127.0.0.1:0, {TLS}}}")).await;
    let client = builder(&ours).build().unwrap();
    assert_eq!(client.get(admin(&server, "/api/v1/runs")).send().await.unwrap().status(), StatusCode::OK);
    let posted = client.post(hooks(&server)).json(&serde_json::json!({"alerts": []})).send().await.unwrap();
    assert_eq!(posted.status(), StatusCode::OK);
    assert!(builder(&authority()).build().unwrap().get(admin(&server, "/healthz")).send().await.is_err());
    let plain = reqwest::get(format!("http://{}/healthz", server.admin_addr())).await.unwrap();
    assert_eq!(plain.status(), StatusCode::BAD_REQUEST);
    assert!(plain.text().await.unwrap().contains("https://"));
    assert!(
        metric(
            &client,
            &server,
            "suture_tls_certificate_expiry_timestamp_seconds{listener=\"webhook\"} 2208988800"
        )
        .await
    );
}

#[tokio::test]
async fn who_never_shakes_hands_is_closed_and_keeps_nobody_out() {
    let (dir, ours) = (tempfile::tempdir().unwrap(), authority());
    write(dir.path(), &issue(&ours, 2040));
    let server = start(dir.path(), &format!("admin: {{listen: 127.0.0.1:0, {TLS}}}")).await;
    let mut silent = Vec::new();
    for part in [&b""[..], b"\x16", b"\x16\x03\x01\x02\x00"].iter().cycle().take(600) {
        let mut stream = tokio::net::TcpStream::connect(server.admin_addr()).await.unwrap();
        let _ = stream.write_all(part).await;
        silent.push(stream);
    }
    let client = builder(&ours).build().unwrap();
    assert_eq!(client.get(admin(&server, "/healthz")).send().await.unwrap().status(), StatusCode::OK);
    for mut stream in silent {
        // Closed or reset, either way it ends.
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }
}

#[tokio::test]
async fn a_client_s_certificate_is_needed_for_all_but_health() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, clients) = (authority(), authority());
    write(dir.path(), &issue(&ours, 2040));
    std::fs::write(dir.path().join("clients.crt"), clients.pem()).unwrap();
    let tls = "tls: {certFile: tls.crt, keyFile: tls.key, clientCaFile: clients.crt}";
    let server =
        start(dir.path(), &format!("webhook: {{{tls}}}\nadmin: {{listen: 127.0.0.1:0, {tls}}}")).await;
    let post = async |client: &Client| {
        client
            .post(hooks(&server))
            .json(&serde_json::json!({"alerts": []}))
            .send()
            .await
            .map(|answer| answer.status())
    };
    let status =
        async |client: &Client, path: &str| client.get(admin(&server, path)).send().await.map(|a| a.status());
    let anonymous = builder(&ours).build().unwrap();
    for path in ["/healthz", "/readyz"] {
        assert_eq!(status(&anonymous, path).await.unwrap(), StatusCode::OK, "{path}");
    }
    for path in ["/metrics", "/api/v1/runs", "/nothing", "//healthz", "/healthz/"] {
        assert_eq!(status(&anonymous, path).await.unwrap(), StatusCode::UNAUTHORIZED, "{path}");
    }
    assert_eq!(post(&anonymous).await.unwrap(), StatusCode::UNAUTHORIZED);
    let with = |(certificate, key): (String, String)| {
        let identity = Identity::from_pem(format!("{certificate}{key}").as_bytes()).unwrap();
        builder(&ours).identity(identity).build().unwrap()
    };
    let known = with(issue(&clients, 2040));
    for path in ["/healthz", "/metrics", "/api/v1/runs"] {
        assert_eq!(status(&known, path).await.unwrap(), StatusCode::OK, "{path}");
    }
    assert_eq!(post(&known).await.unwrap(), StatusCode::OK);
    for stranger in [with(issue(&authority(), 2040)), with(issue(&ours, 2040)), with(issue(&clients, 2020))] {
        assert!(status(&stranger, "/api/v1/runs").await.is_err(), "one that is wrong is worse than none");
    }
}

#[tokio::test]
async fn a_secret_that_is_exchanged_is_served_and_what_is_wrong_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (authority(), authority());
    exchange(dir.path(), "1", &issue(&first, 2040));
    for name in ["tls.crt", "tls.key"] {
        std::os::unix::fs::symlink(format!("..data/{name}"), dir.path().join(name)).unwrap();
    }
    let server = start(dir.path(), &format!("admin: {{listen: 127.0.0.1:0, {TLS}}}")).await;
    let (old, new) = (builder(&first).build().unwrap(), builder(&second).build().unwrap());
    let answers = async |client: &Client| client.get(admin(&server, "/healthz")).send().await.is_ok();
    assert!(answers(&old).await && !answers(&new).await);

    let (certificate, _) = issue(&second, 2040);
    exchange(dir.path(), "2", &(certificate, issue(&second, 2040).1));
    until("a key of another certificate is refused", async || {
        metric(&old, &server, r#"suture_tls_reloads_total{listener="admin",result="refused"} 1"#).await
    })
    .await;
    exchange(dir.path(), "3", &issue(&second, 2020));
    until("a certificate that has expired is refused", async || {
        metric(&old, &server, r#"suture_tls_reloads_total{listener="admin",result="refused"} 2"#).await
    })
    .await;
    assert!(answers(&old).await && !answers(&new).await);

    exchange(dir.path(), "4", &issue(&second, 2041));
    until("the next one is served", async || answers(&new).await).await;
    assert!(!answers(&old).await);
    // Some tools notice the first exchange only.
    exchange(dir.path(), "5", &issue(&first, 2042));
    until("and the one after it", async || answers(&old).await).await;
    assert!(metric(&old, &server, r#"suture_tls_reloads_total{listener="admin",result="ok"} 2"#).await);
}

#[tokio::test]
async fn a_connection_of_a_client_that_nobody_vouches_for_any_more_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, clients) = (authority(), authority());
    write(dir.path(), &issue(&ours, 2040));
    std::fs::write(dir.path().join("clients.crt"), clients.pem()).unwrap();
    let tls = "tls: {certFile: tls.crt, keyFile: tls.key, clientCaFile: clients.crt}";
    let server = start(dir.path(), &format!("admin: {{listen: 127.0.0.1:0, {tls}}}")).await;
    let (certificate, key) = issue(&clients, 2040);
    let identity = Identity::from_pem(format!("{certificate}{key}").as_bytes()).unwrap();
    let known = builder(&ours).pool_max_idle_per_host(1).identity(identity).build().unwrap();
    let answers = async || known.get(admin(&server, "/api/v1/runs")).send().await.is_ok();
    assert!(answers().await);
    std::fs::write(dir.path().join("clients.crt"), authority().pem()).unwrap();
    // It asks again and again on the connection that it has, until that is closed.
    until("it has to show its certificate again", async || !answers().await).await;
}

#[tokio::test]
async fn a_name_with_its_password_is_as_good_as_the_token() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("token"), "t0ken").unwrap();
    std::fs::write(dir.path().join("password"), "pa:ss\n").unwrap();
    let both = "tokenFile: token, basicAuth: {username: am, passwordFile: password}";
    let only = "basicAuth: {username: op, passwordFile: password}";
    let server =
        start(dir.path(), &format!("webhook: {{{both}}}\nadmin: {{listen: 127.0.0.1:0, {only}}}")).await;
    let url = format!("http://{}/hooks", server.webhook_addr());
    let post = || harness::client().post(&url).json(&serde_json::json!({"alerts": []}));
    for request in [post().basic_auth("am", Some("pa:ss")), post().bearer_auth("t0ken")] {
        assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
    }
    for request in [
        post(),
        post().basic_auth("am", Some("t0ken")),
        post().basic_auth("op", Some("pa:ss")),
        post().bearer_auth("pa:ss"),
    ] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        let offered: Vec<_> = answer.headers().get_all("www-authenticate").iter().collect();
        assert_eq!(offered, ["Bearer", "Basic realm=\"suture\", charset=\"UTF-8\""]);
    }
    let runs = format!("http://{}/api/v1/runs", server.admin_addr());
    let get = |password| harness::client().get(&runs).basic_auth("op", Some(password));
    assert_eq!(harness::client().get(&runs).send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!(get("pa:ss").send().await.unwrap().status(), StatusCode::OK);
    std::fs::write(dir.path().join("password"), "another").unwrap();
    assert_eq!(get("another").send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(get("pa:ss").send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn check_says_what_is_wrong_with_the_files() {
    let (dir, ours) = (tempfile::tempdir().unwrap(), authority());
    let config = dir.path().join("suture.yaml");
    let text = format!(
        "listen: 127.0.0.1:0\nwebhook:\n  basicAuth: {{username: am, passwordFile: password}}\n  {TLS}\n\
         storage: {{path: state}}\ncluster: {{simulated: {{scenario: s.yaml}}}}\n"
    );
    std::fs::write(&config, text).unwrap();
    let found = async || {
        let report = check(&config, &options(), Secrets::Here).await;
        let lines =
            |all: Vec<suture_server::ConfigError>| all.iter().map(ToString::to_string).collect::<String>();
        (lines(report.errors), lines(report.warnings))
    };
    let (errors, _) = found().await;
    assert!(errors.contains("tls.crt") && errors.contains("password"), "{errors}");

    std::fs::write(dir.path().join("password"), "secret").unwrap();
    write(dir.path(), &issue(&ours, 2020));
    let (errors, _) = found().await;
    assert!(errors.contains("suture.yaml:4:") && errors.contains("has expired"), "{errors}");
    write(dir.path(), &(issue(&ours, 2040).0, issue(&ours, 2040).1));
    let (errors, _) = found().await;
    assert!(errors.contains("it is not the key of the certificate in"), "{errors}");
    let refused = Server::start(&config, options()).await.err().unwrap().to_string();
    assert!(refused.contains("it is not the key"), "{refused}");
    write(dir.path(), &issue(&ours, 2040));
    assert_eq!(found().await.0, "");
}
