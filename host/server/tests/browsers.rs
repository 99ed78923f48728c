//! What a web page can make a browser send, to a host as it is by default: without any token.
#![allow(clippy::unwrap_used, reason = "a test that can not go on panics")]

#[allow(dead_code, reason = "each file of tests uses a part of it")]
mod harness;

use std::net::SocketAddr;

use harness::{ServerHarness, TOKEN, harness, options};
use serde_json::Value;
use suture_server::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const JSON: &str = "Content-Type: application/json";

/// What is answered to a request with these lines: its status, and what is wrong.
async fn ask(to: SocketAddr, request: &str, headers: &[&str]) -> (u16, String) {
    let mut stream = TcpStream::connect(to).await.unwrap();
    let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    stream.write_all(format!("{request}\r\n{headers}Connection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    (status, body["error"]["message"].as_str().unwrap_or_default().to_owned())
}

async fn pause(harness: &ServerHarness, headers: &[&str]) -> u16 {
    ask(harness.server.admin_addr(), "POST /api/v1/pause HTTP/1.1", headers).await.0
}

#[tokio::test]
async fn a_page_can_not_pause_the_host() {
    let harness = harness().await;
    let host = format!("Host: {}", harness.server.admin_addr());
    let page = "Origin: https://evil.example";
    for headers in [
        // `fetch(…, {method: "POST", mode: "no-cors"})`, with what it may set unasked.
        vec![host.as_str(), page],
        vec![&host, page, "Sec-Fetch-Site: cross-site", "Content-Type: text/plain"],
        // A form, from a page that hides where it comes from.
        vec![&host, "Origin: null", "Content-Type: application/x-www-form-urlencoded"],
        // An old browser says nothing of itself; the type of the content is what it may set.
        vec![&host, "Content-Type: text/plain"],
        vec![&host],
        // The same machine, another port.
        vec![&host, "Origin: http://127.0.0.1:3000", "Sec-Fetch-Site: same-site", JSON],
        // To 0.0.0.0, which leads here as well.
        vec!["Host: 0.0.0.0:8081", page, JSON],
        // A name of the page's own that leads here.
        vec![
            "Host: evil.example:8081",
            "Origin: http://evil.example:8081",
            "Sec-Fetch-Site: same-origin",
            JSON,
        ],
        vec!["Host: evil.example:8081", JSON],
        vec!["Host: localhost", "Host: evil.example", JSON],
    ] {
        let status = pause(&harness, &headers).await;
        assert!((400..500).contains(&status), "{status}: {headers:?}");
        assert!(!harness.server.engine().is_paused(), "{headers:?}");
    }
    assert_eq!(pause(&harness, &[&host, JSON]).await, 200);
    assert!(harness.server.engine().is_paused());
}

#[tokio::test]
async fn a_page_whose_name_leads_here_reads_nothing() {
    let harness = harness().await;
    let admin = harness.server.admin_addr();
    let (status, message) = ask(admin, "GET /api/v1/runs HTTP/1.1", &["Host: evil.example"]).await;
    assert_eq!(status, 421);
    assert!(message.contains("`admin.hosts`"), "{message}");
    for (request, headers) in [
        ("GET /api/v1/runs HTTP/1.1", vec!["Host: EVIL.example."]),
        ("GET /api/v1/runs HTTP/1.1", vec!["Host: localhost@evil.example"]),
        ("GET http://evil.example/api/v1/runs HTTP/1.1", vec!["Host: localhost"]),
        ("GET http://localhost/api/v1/runs HTTP/1.1", vec!["Host: evil.example"]),
        ("GET /api/v1/runs HTTP/1.1", vec![]),
        ("OPTIONS /api/v1/pause HTTP/1.1", vec!["Host: localhost", "Origin: http://evil.example"]),
    ] {
        let (status, _) = ask(admin, request, &headers).await;
        assert!((400..500).contains(&status), "{status}: {request} {headers:?}");
    }
    for host in ["Host: LOCALHOST.:8081", "Host: [::1]:8081", "Host: 192.0.2.7", "Host: suture:8081"] {
        assert_eq!(ask(admin, "GET /api/v1/runs HTTP/1.1", &[host]).await.0, 200, "{host}");
    }
    assert_eq!(ask(admin, "GET http://localhost/api/v1/runs HTTP/1.1", &["Host: localhost"]).await.0, 200);
}

#[tokio::test]
async fn probes_and_scrapes_come_under_any_name() {
    let harness = harness().await;
    for path in ["/healthz", "/readyz", "/metrics"] {
        let get = format!("GET {path} HTTP/1.1");
        assert_eq!(
            ask(harness.server.admin_addr(), &get, &["Host: 10-0-0-7.pods.example"]).await.0,
            200,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_name_that_is_configured_is_known() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("suture.yaml");
    std::fs::write(
        &file,
        "listen: 127.0.0.1:0\nadmin: {listen: 127.0.0.1:0, hosts: [Repairs.example.com]}\n\
         storage: {path: state}\ncluster: {simulated: {scenario: s.yaml}}\n",
    )
    .unwrap();
    let server = Server::start(&file, options()).await.unwrap();
    let get = "GET /api/v1/runs HTTP/1.1";
    assert_eq!(ask(server.admin_addr(), get, &["Host: repairs.EXAMPLE.com:443"]).await.0, 200);
    assert_eq!(ask(server.admin_addr(), get, &["Host: www.repairs.example.com"]).await.0, 421);
}

#[tokio::test]
async fn a_page_can_not_post_alerts_and_a_program_may_under_any_name() {
    let harness = harness().await;
    let webhook = harness.server.webhook_addr();
    let token = format!("Authorization: Bearer {TOKEN}");
    let post = async |path: &str, headers: &[&str]| {
        let mut all = vec![token.as_str(), "Content-Length: 13"];
        all.extend(headers);
        let mut stream = TcpStream::connect(webhook).await.unwrap();
        let head = all.join("\r\n");
        let request = format!("POST {path} HTTP/1.1\r\n{head}\r\nConnection: close\r\n\r\n{{\"alerts\":[]}}");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    for headers in [
        vec!["Host: 127.0.0.1:8080", "Origin: https://evil.example", JSON],
        vec!["Host: 127.0.0.1:8080", "Sec-Fetch-Site: cross-site", JSON],
        vec!["Host: evil.example", "Origin: http://evil.example", "Sec-Fetch-Site: same-origin", JSON],
    ] {
        assert!(post("/hooks", &headers).await.starts_with("HTTP/1.1 403"), "{headers:?}");
    }
    let curl = post("/hooks", &["Host: x", "Content-Type: application/x-www-form-urlencoded"]).await;
    assert!(curl.starts_with("HTTP/1.1 415"), "{curl}");
    assert!(curl.contains("-H 'Content-Type: application/json'"), "{curl}");
    let metrics = harness.metrics().await;
    assert!(metrics.contains(r#"suture_notifications_total{result="unsupportedMediaType"} 1"#), "{metrics}");
    for (path, status) in
        [("/hooks", "200"), ("/hooks/", "200"), ("/hooks/nobody", "404"), ("/hooks/nobody/", "404")]
    {
        let answer = post(path, &["Host: suture.example.com", JSON]).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {answer}");
    }
    let slash = post("/hooks/nobody/", &["Host: x", JSON]).await;
    assert!(slash.contains("nobody"), "it is the policy that is unknown, and not the path: {slash}");
}
