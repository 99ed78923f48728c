//! Connections that end.

use super::*;

#[tokio::test]
async fn with_nobody_there_reads_are_unavailable_and_go_on_once_somebody_is() {
    let mut harness = SocketHarness::new().await;
    let client = harness.client().await;
    harness.stop().await;
    assert_eq!(reason(client.prepare(&step(1), &get(NOTES)).await), "Unavailable");
    // Nothing was sent, so nothing is in doubt.
    let prepared = harness.odd.cluster.prepare(&step(1), &patch(NOTES, "2")).await.unwrap();
    assert_eq!(reason(client.perform(&prepared).await), "Unavailable");
    assert_eq!(client.resource(&Kind::new("v1", "Pod")).await.unwrap_err().reason, Reason::UNAVAILABLE);
}

#[tokio::test]
async fn a_connection_that_is_lost_is_made_anew() {
    let harness = SocketHarness::new().await;
    let client = harness.client().await;
    // What brings the cluster down ends the connection, and nothing else.
    let fatal = Prepared::new(step(1), Effect::Now);
    let Err(Fault::Error(error)) = client.perform(&fatal).await else { panic!("it was answered") };
    assert_eq!(error.reason, Reason::UNAVAILABLE);
    assert!(error.message.contains("failed inside"), "{error}");
    let prepared = client.prepare(&step(2), &get(NOTES)).await.unwrap();
    assert!(matches!(client.perform(&prepared).await, Ok(Reply::Object(_))));
}

#[tokio::test]
async fn a_change_that_was_sent_and_not_answered_is_in_doubt() {
    let harness = SocketHarness::new().await;
    let client = Arc::new(harness.client().await);
    // It hangs as a sleep, and is a change for all that the client knows.
    let asking = client.clone();
    let sleeping = tokio::spawn(async move { asking.perform(&sleep()).await });
    harness.hang(1).await;
    let changing = client.clone();
    let late = SlowToAnswer::between(&harness.socket).await;
    let through = Arc::new(SocketCluster::connect(&late.socket).await.unwrap());
    let prepared = through.prepare(&step(3), &patch(NOTES, "2")).await.unwrap();
    late.be_silent();
    let changing_now = through.clone();
    let asked = prepared.clone();
    let change = tokio::spawn(async move { changing_now.perform(&asked).await });
    until(|| !harness.odd.cluster.mutations().is_empty()).await;
    late.cut().await;
    assert_eq!(reason(change.await.unwrap()), "Unknown");
    assert!(matches!(changing.resolve(&prepared).await, Ok(Resolution::Done(_))));
    sleeping.abort();
}

#[tokio::test]
async fn a_wait_outlives_its_connection() {
    let harness = SocketHarness::new().await;
    let client = Arc::new(harness.client().await);
    let wait = Effect::Wait { target: target(NOTES), until: Predicate::Deleted, timeout_ms: 864_000_000 };
    let wait = client.prepare(&step(1), &wait).await.unwrap();
    let waiting = client.clone();
    let waiting = tokio::spawn(async move { waiting.perform(&wait).await });
    let fatal = Prepared::new(step(2), Effect::Now);
    assert_eq!(reason(client.perform(&fatal).await), "Unavailable");
    harness.odd.cluster.delete(&NOTES.parse().unwrap()).unwrap();
    assert!(matches!(waiting.await.unwrap(), Ok(Reply::Waited(_))));
}

#[tokio::test]
async fn another_server_is_another_cluster() {
    let mut harness = SocketHarness::new().await;
    let client = harness.client().await;
    harness.stop().await;
    assert_eq!(reason(client.prepare(&step(1), &get(NOTES)).await), "Unavailable");
    harness.serve().await;
    let Err(Fault::Error(error)) = client.prepare(&step(1), &get(NOTES)).await else {
        panic!("it was answered")
    };
    assert_eq!(error.reason, Reason::UNAVAILABLE);
    assert!(error.message.contains("a cluster of its own"), "{error}");
}

/// Between a client and a server: it can keep the answers to itself, and be cut.
struct SlowToAnswer {
    socket: PathBuf,
    silent: tokio::sync::watch::Sender<bool>,
    carrying: tokio::task::JoinHandle<()>,
}

impl SlowToAnswer {
    async fn between(server: &Path) -> Self {
        let socket = server.with_extension("slow");
        let listener = tokio::net::UnixListener::bind(&socket).unwrap();
        let (silent, is_silent) = tokio::sync::watch::channel(false);
        let server = server.to_owned();
        let carrying = tokio::spawn(async move {
            let (near, _) = listener.accept().await.unwrap();
            let far = tokio::net::UnixStream::connect(server).await.unwrap();
            let ((mut near_in, mut near_out), (mut far_in, mut far_out)) =
                (near.into_split(), far.into_split());
            let answers = async {
                let mut part = [0; 4096];
                loop {
                    use tokio::io::{AsyncReadExt, AsyncWriteExt};
                    let count = far_in.read(&mut part).await.unwrap();
                    if !*is_silent.borrow() {
                        near_out.write_all(&part[..count]).await.unwrap();
                    }
                }
            };
            let questions = tokio::io::copy(&mut near_in, &mut far_out);
            futures::future::select(Box::pin(answers), Box::pin(questions)).await;
        });
        Self { socket, silent, carrying }
    }

    fn be_silent(&self) {
        self.silent.send_replace(true);
    }

    async fn cut(self) {
        self.carrying.abort();
        let _ = self.carrying.await;
    }
}
