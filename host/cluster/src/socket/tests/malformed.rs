//! Frames that make no sense.

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::codec::{Framed, LengthDelimitedCodec};

use super::*;
use crate::socket::MAX_FRAME;
use crate::socket::wire;

type Wire = Framed<UnixStream, LengthDelimitedCodec>;

async fn wire(harness: &SocketHarness) -> Wire {
    Framed::new(UnixStream::connect(&harness.socket).await.unwrap(), wire::codec())
}

async fn say(wire: &mut Wire, text: &str) {
    wire.send(Bytes::from(text.to_owned())).await.unwrap();
}

/// The next frame; none where the connection is over.
async fn hear(wire: &mut Wire) -> Option<String> {
    let frame = wire.next().await?.ok()?;
    Some(String::from_utf8(frame.to_vec()).unwrap())
}

async fn greeted(harness: &SocketHarness) -> Wire {
    let mut wire = wire(harness).await;
    say(&mut wire, r#"{"hello": {"protocol": 3}}"#).await;
    assert!(hear(&mut wire).await.unwrap().contains("\"time\":\"manual\""));
    wire
}

#[tokio::test]
async fn whoever_makes_no_sense_is_told_why_and_sent_away_alone() {
    let harness = SocketHarness::new().await;
    let good = harness.client().await;
    for (says, why) in [
        ("how do you do", "a frame makes no sense"),
        (r#"{"cancel": {"id": 1}}"#, "the first frame is no greeting"),
        (r#"{"hello": {"protocol": 1}}"#, "version 1 of the protocol and the simulator version 3"),
    ] {
        let mut bad = wire(&harness).await;
        say(&mut bad, says).await;
        let told = hear(&mut bad).await.unwrap();
        assert!(told.contains(why), "{says}: {told}");
        assert_eq!(hear(&mut bad).await, None);
    }
    for (says, why) in [
        (r#"{"hello": {"protocol": 3}}"#, "a second greeting"),
        (r#"{"ask": {"question": "x"}}"#, "a frame makes no sense"),
        ("[1", "a frame makes no sense"),
    ] {
        let mut bad = greeted(&harness).await;
        say(&mut bad, says).await;
        let told = hear(&mut bad).await.unwrap();
        assert!(told.contains(why), "{says}: {told}");
        assert_eq!(hear(&mut bad).await, None);
    }
    assert!(good.resource(&Kind::new("v1", "Pod")).await.is_ok());
}

#[tokio::test]
async fn a_question_that_makes_no_sense_is_answered_and_ends_nothing() {
    let harness = SocketHarness::new().await;
    let mut wire = greeted(&harness).await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for question in [r#""what?""#, r#"{"perform": {}}"#, &deep] {
        say(&mut wire, &format!(r#"{{"ask": {{"id": 7, "question": {question}}}}}"#)).await;
        let answer = hear(&mut wire).await.unwrap();
        assert!(answer.contains("\"id\":7") && answer.contains("BadRequest"), "{answer}");
    }
    say(&mut wire, r#"{"ask": {"id": 8, "question": {"resource": {"apiVersion": "v1", "kind": "Pod"}}}}"#)
        .await;
    assert!(hear(&mut wire).await.unwrap().contains("\"pods\""));
}

#[tokio::test]
async fn a_policy_can_not_end_the_connection_with_an_object_of_great_depth() {
    let harness = SocketHarness::new().await;
    let client = harness.client().await;
    let mut body = json!({"a": "b"});
    for _ in 0..200 {
        body = json!({"deeper": body});
    }
    let patch = Patch { target: target(NOTES), patch_type: PatchType::Merge, body, resource_version: None };
    let effect = Effect::Mutate { mutation: Mutation::Patch(patch), undo: None };
    assert_eq!(reason(client.prepare(&step(1), &effect).await), "BadRequest");
    assert!(client.prepare(&step(2), &get(NOTES)).await.is_ok());
}

#[tokio::test]
async fn a_frame_that_is_too_large_is_not_read() {
    let harness = SocketHarness::new().await;
    let mut stream = UnixStream::connect(&harness.socket).await.unwrap();
    let length = u32::try_from(MAX_FRAME + 1).unwrap().to_be_bytes();
    tokio::io::AsyncWriteExt::write_all(&mut stream, &length).await.unwrap();
    let mut wire = Framed::new(stream, wire::codec());
    assert!(hear(&mut wire).await.unwrap().contains("too large"));
    assert_eq!(hear(&mut wire).await, None);
}

#[tokio::test]
async fn a_question_that_is_too_large_is_not_asked() {
    let harness = SocketHarness::new().await;
    let client = harness.client().await;
    let effect = patch(NOTES, &"x".repeat(MAX_FRAME));
    assert_eq!(reason(client.prepare(&step(1), &effect).await), "BadRequest");
    assert!(client.prepare(&step(2), &get(NOTES)).await.is_ok());
}

#[tokio::test]
async fn a_number_is_used_once_at_a_time() {
    let harness = SocketHarness::new().await;
    let mut wire = greeted(&harness).await;
    let sleep = serde_json::to_string(&sleep()).unwrap();
    let ask = format!(r#"{{"ask": {{"id": 7, "question": {{"perform": {{"prepared": {sleep}}}}}}}}}"#);
    say(&mut wire, &ask).await;
    harness.hang(1).await;
    say(&mut wire, &ask).await;
    assert!(hear(&mut wire).await.unwrap().contains("question 7 is asked twice"));
    // What was at work for it ends with the connection.
    harness.hang(0).await;
}

/// What a client makes of a server that says this after the greeting.
async fn made_of(says: &'static [&'static str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s");
    let listener = UnixListener::bind(&socket).unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut wire = Framed::new(stream, wire::codec());
        hear(&mut wire).await.unwrap();
        for text in says {
            say(&mut wire, text).await;
        }
        hear(&mut wire).await;
    });
    match SocketCluster::connect(&socket).await {
        Err(error) => error.to_string(),
        Ok(client) => client.resource(&Kind::new("v1", "Pod")).await.unwrap_err().to_string(),
    }
}

const WELCOME: &str =
    r#"{"hello": {"protocol": 3, "server": "s", "now": "2026-11-22T04:10:00Z", "time": "manual"}}"#;

#[tokio::test]
async fn a_server_that_makes_no_sense_is_left() {
    let cases: [(&'static [&'static str], &str); 8] = [
        (&["welcome"], "a frame makes no sense"),
        (&[r#"{"time": {"now": "2026-11-22T04:10:00Z"}}"#], "tells the time before it greets"),
        (&[r#"{"refused": {"reason": "not today"}}"#], "not today"),
        (
            &[
                r#"{"hello": {"protocol": 4, "server": "s", "now": "2026-11-22T04:10:00Z", "time": "manual"}}"#,
            ],
            "version 3",
        ),
        (
            &[
                r#"{"hello": {"protocol": 3, "server": "s", "now": "2026-11-22T04:10:00Z", "time": {"running": {"speed": 0.0}}}}"#,
            ],
            "can't be",
        ),
        (&[WELCOME, "what?"], "a frame makes no sense"),
        (&[WELCOME, WELCOME], "it greets a second time"),
        (
            &[WELCOME, r#"{"answer": {"id": 1, "answer": {"performed": "held"}}}"#],
            "something else than was asked",
        ),
    ];
    for (says, why) in cases {
        let made = made_of(says).await;
        assert!(made.contains(why), "{says:?}: {made}");
    }
}
