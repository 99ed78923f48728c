//! Clients that hold on to connections, and what that costs others.
#![allow(clippy::unwrap_used, reason = "a test that can not go on panics")]

#[allow(dead_code, reason = "each file of tests uses a part of it")]
mod harness;

use std::net::SocketAddr;
use std::time::Duration;

use harness::{ServerHarness, TOKEN, harness};
use reqwest::StatusCode;
use serde_json::json;
use socket2::{Domain, Protocol, Socket, Type};
use suture_core::{Clock, RealClock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// More than any listener admits.
const MANY: usize = 1030;
/// By when a request that works was answered, however busy this machine is.
const PATIENCE: Duration = Duration::from_secs(60);

async fn connect(to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).unwrap();
    // So small that some answers that are not taken fill all buffers on the way.
    socket.set_tcp_mss(536).unwrap();
    socket.set_recv_buffer_size(1).unwrap();
    socket.set_nonblocking(true).unwrap();
    let socket = tokio::net::TcpSocket::from_std_stream(socket.into());
    socket.connect(to).await.unwrap()
}

/// Clients that send as many requests as there is room for, and take no answer.
async fn never_reading(to: SocketAddr, path: &str) -> Vec<TcpStream> {
    let requests = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").repeat(300);
    let mut clients = Vec::new();
    for _ in 0..MANY {
        let client = connect(to).await;
        client.writable().await.unwrap();
        let _ = client.try_write(requests.as_bytes());
        clients.push(client);
    }
    clients
}

async fn sending(to: SocketAddr, text: &str) -> Vec<TcpStream> {
    let mut clients = Vec::new();
    for _ in 0..MANY {
        let mut client = connect(to).await;
        // It may have been told to go by now.
        let _ = client.write_all(text.as_bytes()).await;
        clients.push(client);
    }
    clients
}

fn notification() -> String {
    json!({"version": "4", "alerts": []}).to_string()
}

/// A client of its own: it has no connection that is open already.
async fn post(harness: &ServerHarness) -> Option<StatusCode> {
    let clock: &dyn Clock = &RealClock;
    let url = format!("http://{}/hooks", harness.server.webhook_addr());
    let request = harness::client().post(url).bearer_auth(TOKEN).header("content-type", "application/json");
    let answer = clock.timeout(PATIENCE, request.body(notification()).send()).await?;
    Some(answer.ok()?.status())
}

async fn health(harness: &ServerHarness) -> Option<StatusCode> {
    let clock: &dyn Clock = &RealClock;
    let url = format!("http://{}/healthz", harness.server.admin_addr());
    Some(clock.timeout(PATIENCE, harness::client().get(url).send()).await?.ok()?.status())
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_never_take_their_answers_do_not_keep_the_webhook() {
    let harness = harness().await;
    let held = never_reading(harness.server.webhook_addr(), "/hooks").await;
    assert_eq!(post(&harness).await, Some(StatusCode::OK));
    assert_eq!(health(&harness).await, Some(StatusCode::OK), "the admin address is another matter");
    drop(held);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_never_take_their_answers_do_not_keep_the_admin_address() {
    let harness = harness().await;
    let held = never_reading(harness.server.admin_addr(), "/metrics").await;
    assert_eq!(health(&harness).await, Some(StatusCode::OK));
    assert_eq!(post(&harness).await, Some(StatusCode::OK), "the webhook is another matter");
    drop(held);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_no_answer_is_closed_even_where_there_is_room() {
    let harness = harness().await;
    let mut held = Vec::new();
    for _ in 0..3 {
        let client = connect(harness.server.webhook_addr()).await;
        client.writable().await.unwrap();
        let _ = client.try_write("GET /hooks HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".repeat(300).as_bytes());
        held.push(client);
    }
    let clock: &dyn Clock = &RealClock;
    let line = r#"suture_connections_closed_total{listener="webhook",reason="stalled"} 3"#;
    let closed = async {
        while !harness.metrics().await.contains(line) {
            clock.sleep(Duration::from_millis(200)).await;
        }
    };
    assert!(clock.timeout(PATIENCE, closed).await.is_some(), "{}", harness.metrics().await);
    drop(held);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_answered_slowly_or_for_long_keeps_its_connection() {
    let harness = harness().await;
    // More than all buffers on the way hold, taken in small parts.
    let mut client = connect(harness.server.admin_addr()).await;
    let requests = "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".repeat(19)
        + "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    client.write_all(requests.as_bytes()).await.unwrap();
    let mut answers = String::new();
    client.read_to_string(&mut answers).await.unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_that_never_end_cost_others_nothing() {
    let harness = harness().await;
    let webhook = sending(harness.server.webhook_addr(), "POST /hooks HTTP/1.1\r\nHost: x\r\nX-Slow: ").await;
    let admin = sending(harness.server.admin_addr(), "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ").await;
    assert_eq!(post(&harness).await, Some(StatusCode::OK));
    assert_eq!(health(&harness).await, Some(StatusCode::OK));
    drop((webhook, admin));
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_never_end_cost_who_has_the_token_nothing() {
    let harness = harness().await;
    let body = "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{";
    let hooks = sending(
        harness.server.webhook_addr(),
        &format!("POST /hooks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer guessed\r\n{body}"),
    )
    .await;
    assert_eq!(post(&harness).await, Some(StatusCode::OK));
    drop(hooks);
}

/// A connection from another address of this machine: another peer.
async fn connect_from(address: [u8; 4], to: SocketAddr) -> TcpStream {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind((address, 0).into()).unwrap();
    socket.connect(to).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_whose_bodies_never_end_keeps_no_other_peer_out_though_it_has_the_token() {
    let harness = harness().await;
    let to = harness.server.webhook_addr();
    let head = |length: usize| {
        format!(
            "POST /hooks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        )
    };
    // More than are read at the same time.
    let mut slow = Vec::new();
    for _ in 0..300 {
        let mut client = TcpStream::connect(to).await.unwrap();
        client.write_all(format!("{}{{", head(1000)).as_bytes()).await.unwrap();
        slow.push(client);
    }
    // The last one is answered: whatever came before it is being read, or was turned away.
    let mut answer = String::new();
    slow.pop().unwrap().read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("from your address"), "{answer}");
    let mut other = connect_from([127, 0, 0, 2], to).await;
    let body = notification();
    other.write_all(format!("{}{body}", head(body.len())).as_bytes()).await.unwrap();
    let mut answer = String::new();
    other.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    drop(slow);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_for_the_api_that_never_ends_is_answered() {
    let harness = harness().await;
    let mut slow = TcpStream::connect(harness.server.admin_addr()).await.unwrap();
    let head = "POST /api/v1/policies/x/runs HTTP/1.1\r\nHost: localhost\r\n\
                Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{";
    slow.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_on_which_nothing_is_asked_any_more_is_closed() {
    let harness = harness().await;
    for address in [harness.server.webhook_addr(), harness.server.admin_addr()] {
        let mut idle = TcpStream::connect(address).await.unwrap();
        idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        let clock: &dyn Clock = &RealClock;
        let closed = clock.timeout(PATIENCE, idle.read_to_end(&mut answer)).await;
        assert!(closed.is_some() && answer.starts_with(b"HTTP/1.1 "), "it is still open");
    }
}
