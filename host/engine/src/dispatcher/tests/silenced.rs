//! What people silence is left alone, however late they say so.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use suture_core::Mutation;
use suture_core::effect::Create;
use suture_core::object::Kind;

use super::resuming::may;
use super::*;
use crate::engine::{RetryError, StartError};
use crate::silences::{SilenceQuery, Silences, Suppression};
use crate::waiting::Reason;

/// Alertmanagers: the namespaces whose alerts are silenced; or they can't be reached.
#[derive(Default)]
struct Silencing {
    namespaces: Mutex<BTreeSet<String>>,
    /// Those whose alerts nobody has.
    gone: Mutex<BTreeSet<String>>,
    is_away: AtomicBool,
    /// How often they were asked.
    asked: AtomicUsize,
}

impl Silencing {
    fn of(namespaces: &[&str]) -> Arc<Self> {
        let silencing = Self::default();
        silencing.namespaces.lock().extend(namespaces.iter().map(|one| (*one).to_owned()));
        Arc::new(silencing)
    }
}

#[async_trait]
impl Silences for Silencing {
    async fn suppressions(&self, alerts: &[SilenceQuery]) -> Vec<Result<Suppression, String>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.is_away.load(Ordering::SeqCst) {
            return alerts.iter().map(|_| Err("nobody is there".to_owned())).collect();
        }
        let namespaces = self.namespaces.lock();
        let gone = self.gone.lock();
        let say = |alert: &SilenceQuery| {
            assert_eq!(alert.key, ["obj_namespace"]);
            let namespace = &alert.labels["obj_namespace"];
            if namespace == "unreadable" {
                return Err("too much of it".to_owned());
            }
            if namespaces.contains(namespace) && !alert.labels.contains_key("loud") {
                return Ok(Suppression::By("silenced by anna".to_owned()));
            }
            Ok(if gone.contains(namespace) { Suppression::Unlisted } else { Suppression::None })
        };
        alerts.iter().map(say).collect()
    }
}

async fn start_with(silencing: &Arc<Silencing>, program: Arc<dyn Program>) -> EngineHarness {
    let dir = tempfile::tempdir().unwrap();
    let silences = silencing.clone();
    start(dir, program, |config| {
        may(config);
        config.silences = Some(silences);
    })
    .await
}

/// A ConfigMap is made.
pub(super) fn change() -> Effect {
    let mutation = Mutation::Create(Create {
        kind: Kind::new("v1", "ConfigMap"),
        namespace: Some("media".into()),
        object: json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mark"}}),
        subresource: None,
    });
    Effect::Mutate { mutation, undo: None }
}

impl EngineHarness {
    async fn until_of(&self, namespace: &str, state: IncidentState) -> IncidentRecord {
        for _ in 0..4000 {
            let is_it = |one: &IncidentRecord| one.key["obj_namespace"] == namespace && one.state == state;
            if let Some(found) = self.incidents().await.into_iter().find(is_it) {
                return found;
            }
            self.clock.sleep(Duration::from_secs(2)).await;
        }
        panic!("never {state:?}: {:#?}", self.incidents().await)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_whose_alert_is_silenced_gets_no_run_before_the_silence_is_over() {
    let silencing = Silencing::of(&["media"]);
    let harness = start_with(&silencing, policy(|_, _| async { done() })).await;
    harness.post("firing", &["media", "home"]).await;
    harness.until_of("home", IncidentState::Verifying).await;
    let silenced = harness.until_of("media", IncidentState::Silenced).await;
    assert_eq!((silenced.runs.len(), silenced.attempts), (0, 0));
    let waits = harness.engine.waiting_for(&silenced).unwrap();
    assert_eq!((waits.reason, waits.message.as_str()), (Reason::Silenced, "silenced by anna"));
    let waiting = harness.engine.waiting().await.unwrap();
    assert!(waiting.iter().any(|one| one.reason == Reason::Silenced), "{waiting:?}");
    let refused = harness.engine.retry(&silenced.id, "anna").await;
    assert_eq!(refused, Err(RetryError::AtWork(IncidentState::Silenced)));
    silencing.namespaces.lock().clear();
    assert_eq!(harness.until_of("media", IncidentState::Verifying).await.attempts, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silenced_alert_stands_in_the_way_of_no_other_with_its_key() {
    let silencing = Silencing::of(&["media"]);
    let harness = start_with(&silencing, policy(|_, _| async { done() })).await;
    harness.post("firing", &["media"]).await;
    harness.until(IncidentState::Silenced).await;
    let mut other = notification("firing", &["media"]);
    other.alerts[0].labels.insert("loud".to_owned(), "yes".to_owned());
    let body = serde_json::to_vec(&other).unwrap();
    harness.engine.accept(None, &other, body).await.unwrap();
    let repaired = harness.until_of("media", IncidentState::Verifying).await;
    assert!(repaired.alert.labels.contains_key("loud"), "{repaired:?}");
    let silenced = harness.until_of("media", IncidentState::Silenced).await;
    assert!(!silenced.alert.labels.contains_key("loud"), "{silenced:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_silenced_is_over_when_its_alert_clears() {
    let silencing = Silencing::of(&["media"]);
    let harness = start_with(&silencing, policy(|_, _| async { done() })).await;
    harness.post("firing", &["media"]).await;
    harness.until(IncidentState::Silenced).await;
    harness.post("resolved", &["media"]).await;
    let resolved = harness.until(IncidentState::Resolved).await;
    assert!(resolved.runs.is_empty() && resolved.closed_at.is_some(), "{resolved:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_alertmanager_cannot_be_asked_no_run_starts_and_that_is_said() {
    let silencing = Silencing::of(&[]);
    silencing.is_away.store(true, Ordering::SeqCst);
    let harness = start_with(&silencing, policy(|_, _| async { done() })).await;
    harness.post("firing", &["media"]).await;
    while silencing.asked.load(Ordering::SeqCst) < 2 {
        harness.clock.sleep(Duration::from_secs(1)).await;
    }
    let queued = harness.until(IncidentState::Queued).await;
    assert!(queued.runs.is_empty());
    let waits = harness.engine.waiting_for(&queued).unwrap();
    assert_eq!(waits.reason, Reason::Alertmanager, "{waits:?}");
    silencing.is_away.store(false, Ordering::SeqCst);
    harness.until(IncidentState::Verifying).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_told_of_one_alert_holds_back_no_other() {
    let silencing = Silencing::of(&[]);
    let harness = start_with(&silencing, policy(|_, _| async { done() })).await;
    harness.post("firing", &["unreadable", "media"]).await;
    harness.until_of("media", IncidentState::Verifying).await;
    let held = harness.until_of("unreadable", IncidentState::Queued).await;
    assert_eq!(harness.engine.waiting_for(&held).unwrap().reason, Reason::Alertmanager);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_cleared_while_it_was_silenced_gets_no_run_after_that() {
    let silencing = Silencing::of(&["media", "home"]);
    let harness = start_with(&silencing, policy(|_, _| async { done() })).await;
    harness.post("firing", &["media", "home"]).await;
    harness.until_of("media", IncidentState::Silenced).await;
    harness.until_of("home", IncidentState::Silenced).await;
    silencing.gone.lock().insert("media".to_owned());
    silencing.namespaces.lock().clear();
    harness.until_of("home", IncidentState::Verifying).await;
    let resolved = harness.until_of("media", IncidentState::Resolved).await;
    assert!(resolved.runs.is_empty(), "{resolved:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silence_that_is_set_in_a_run_ends_it_before_its_first_change() {
    let silencing = Silencing::of(&[]);
    let people = silencing.clone();
    let harness = start_with(
        &silencing,
        policy(move |calls, _| {
            people.namespaces.lock().insert("media".to_owned());
            async move {
                calls.call(change()).await?.ok();
                done()
            }
        }),
    )
    .await;
    harness.post("firing", &["media"]).await;
    let silenced = harness.until(IncidentState::Silenced).await;
    assert_eq!((silenced.runs.len(), silenced.attempts), (1, 0), "it is no attempt of the policy");
    assert!(harness.cluster.mutations().is_empty());
    let runs = harness.engine.journal().runs(Filter::default()).await.unwrap().items;
    assert_eq!(runs[0].outcome.as_deref(), Some("silenced"));
    assert!(harness.pages.0.lock().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_silenced_is_started_by_hand_only_where_that_is_forced() {
    let silencing = Silencing::of(&["media"]);
    let harness = start_with(
        &silencing,
        policy(|calls, _| async move {
            calls.call(change()).await?.ok();
            done()
        }),
    )
    .await;
    let labels = Labels::from([
        ("alertname".to_owned(), "A".to_owned()),
        ("obj_namespace".to_owned(), "media".to_owned()),
    ]);
    let refused = harness.engine.start_run("test", labels.clone(), by_hand(false)).await;
    assert_eq!(refused, Err(StartError::Silenced("silenced by anna".to_owned())));
    harness.engine.start_run("test", labels, by_hand(true)).await.unwrap();
    harness.until(IncidentState::Resolved).await;
    assert_eq!(harness.cluster.mutations().len(), 1);
}
