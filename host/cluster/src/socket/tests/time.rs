//! What time it is on both sides.

use suture_core::ScaledClock;
use suture_core::clock::later;
use suture_core::effect::Waited;

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn clients_have_the_time_of_a_server_whose_time_runs_whenever_they_connect() {
    let mut clock = None;
    let odd = Odd::new(|now| clock.insert(Arc::new(ScaledClock::starting_at(now, 1000.0))).clone());
    let clock = clock.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("cluster.sock");
    let listener = Listener::bind(&socket).await.unwrap();
    tokio::spawn(Offer::new(odd, clock.clone(), 1000.0).serve(listener));
    for _ in 0..3 {
        let before = clock.now();
        let client = SocketCluster::connect(&socket).await.unwrap();
        let after = clock.now();
        let (least, now, most) = (clock.now(), client.clock().now(), clock.now());
        // To within the round trip.
        let trip = before.duration_until(after);
        assert!(now >= least - trip && now <= most + trip, "{least} {now} {most}");
    }
}

#[tokio::test]
async fn time_that_is_told_is_the_same_for_all_clients_and_wakes_those_who_sleep() {
    let harness = SocketHarness::new().await;
    let (one, other) = (harness.client().await, harness.client().await);
    let end = one.clock().after(MINUTE);
    let sleeping = tokio::spawn(one.clock().sleep_until(end));
    harness.time.pass(MINUTE / 2);
    harness.time.settled().await;
    assert_eq!(one.clock().now(), harness.time.clock().now());
    assert!(!sleeping.is_finished());
    harness.time.pass(MINUTE / 2);
    harness.time.settled().await;
    assert_eq!((one.clock().now(), other.clock().now()), (end, end));
    sleeping.await.unwrap();
}

#[tokio::test]
async fn a_wait_ends_when_its_time_is_told() {
    let harness = SocketHarness::new().await;
    let client = Arc::new(harness.client().await);
    let until = Predicate::Deleted;
    let wait = Effect::Wait { target: target(NOTES), until, timeout_ms: 60_000 };
    let wait = client.prepare(&step(1), &wait).await.unwrap();
    let waiting = client.clone();
    let waiting = tokio::spawn(async move { waiting.perform(&wait).await });
    harness.time.settled().await;
    harness.time.pass(MINUTE - Duration::from_millis(1));
    harness.time.settled().await;
    assert!(!waiting.is_finished());
    harness.time.pass(MINUTE);
    assert_eq!(waiting.await.unwrap(), Ok(Reply::Waited(Waited::Timeout)));
}

#[tokio::test]
async fn nobody_lives_by_a_new_time_while_something_holds_the_old_one() {
    let harness = SocketHarness::new().await;
    let client = harness.client().await;
    let start = client.clock().now();
    let hold = client.clock().hold();
    harness.time.pass(MINUTE);
    let time = harness.time.clone();
    let settling = tokio::spawn(async move { time.settled().await });
    // The answer comes after the news of the time.
    assert!(client.resource(&Kind::new("v1", "Pod")).await.is_ok());
    assert_eq!(client.clock().now(), start);
    assert!(!settling.is_finished());
    drop(hold);
    settling.await.unwrap();
    assert_eq!(client.clock().now(), later(start, MINUTE));
}

#[tokio::test]
async fn time_waits_for_the_answer_to_all_that_is_no_wait() {
    let harness = SocketHarness::new().await;
    let client = Arc::new(harness.client().await);
    let start = client.clock().now();
    let asking = client.clone();
    let asking = tokio::spawn(async move { asking.perform(&sleep()).await });
    harness.hang(1).await;
    harness.time.pass(MINUTE);
    assert!(client.resource(&Kind::new("v1", "Pod")).await.is_ok());
    assert_eq!(client.clock().now(), start);
    asking.abort();
    harness.time.settled().await;
    assert_eq!(client.clock().now(), later(start, MINUTE));
}

#[tokio::test]
async fn a_connection_that_is_made_anew_takes_up_the_time_that_passed_meanwhile() {
    let harness = SocketHarness::new().await;
    let client = harness.client().await;
    let start = client.clock().now();
    assert_eq!(reason(client.perform(&Prepared::new(step(1), Effect::Now)).await), "Unavailable");
    harness.time.pass(MINUTE);
    harness.time.settled().await;
    assert_eq!(client.clock().now(), start);
    assert!(client.resource(&Kind::new("v1", "Pod")).await.is_ok());
    client.clock().sleep_until(later(start, MINUTE)).await;
}
