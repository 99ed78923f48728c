//! What somebody posts who only reaches the webhook: Prometheus has the last word.

use std::sync::atomic::AtomicBool;

use suture_core::handler::{Discovery, Resource};
use suture_core::object::Kind;
use suture_core::{
    Alert, EffectHandler, Error, Fault, Mutation, Prepared, Reason, Reply, Resolution, Step, Timestamp,
};

use super::*;
use crate::confirm::NOT_FIRING;

/// A cluster whose Prometheus counts how often it is asked, and may be away.
struct Counting {
    inner: SimulatedCluster,
    asked: AtomicUsize,
    is_away: AtomicBool,
}

#[async_trait]
impl EffectHandler for Counting {
    async fn prepare(&self, step: &Step, effect: &Effect) -> Result<Prepared, Fault> {
        self.inner.prepare(step, effect).await
    }

    async fn perform(&self, prepared: &Prepared) -> Result<Reply, Fault> {
        if prepared.effect == Effect::Alerts {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if self.is_away.load(Ordering::SeqCst) {
                return Err(Error::new(Reason::UNAVAILABLE, "Prometheus is away").into());
            }
        }
        self.inner.perform(prepared).await
    }

    async fn resolve(&self, prepared: &Prepared) -> Result<Resolution, Fault> {
        self.inner.resolve(prepared).await
    }
}

#[async_trait]
impl Discovery for Counting {
    async fn resource(&self, kind: &Kind) -> Result<Resource, Error> {
        self.inner.resource(kind).await
    }
}

/// A host that confirms by Prometheus.
pub(super) struct Confirming {
    harness: EngineHarness,
    prometheus: Arc<Counting>,
}

impl std::ops::Deref for Confirming {
    type Target = EngineHarness;

    fn deref(&self) -> &EngineHarness {
        &self.harness
    }
}

fn cluster() -> (Arc<Counting>, Arc<dyn Clock>) {
    cluster_that_lists(&json!([]))
}

/// Prometheus lists these alerts from the beginning.
fn cluster_that_lists(alerts: &serde_json::Value) -> (Arc<Counting>, Arc<dyn Clock>) {
    let epoch = "2026-11-22T04:10:00Z".parse().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(ScaledClock::starting_at(epoch, 1000.0));
    let alerts = serde_json::from_value(alerts.clone()).unwrap();
    let fixture = Fixture { now: epoch, alerts, ..Fixture::default() };
    let inner = SimulatedCluster::new(fixture, clock.clone()).unwrap();
    (Arc::new(Counting { inner, asked: AtomicUsize::new(0), is_away: AtomicBool::new(false) }), clock)
}

async fn confirming_on(
    dir: tempfile::TempDir,
    (prometheus, clock): (Arc<Counting>, Arc<dyn Clock>),
    program: Arc<dyn Program>,
    change: impl FnOnce(&mut EngineConfig),
) -> Confirming {
    let harness = start(dir, program, |config| {
        config.cluster = prometheus.clone();
        config.clock = clock.clone();
        Arc::get_mut(&mut config.policies[0]).unwrap().config.confirm = Confirm::prometheus();
        change(config);
    })
    .await;
    Confirming { harness: EngineHarness { cluster: prometheus.inner.clone(), clock, ..harness }, prometheus }
}

pub(super) async fn confirming(
    program: Arc<dyn Program>,
    change: impl FnOnce(&mut EngineConfig),
) -> Confirming {
    confirming_on(tempfile::tempdir().unwrap(), cluster(), program, change).await
}

fn alert(namespace: &str, starts_at: &str) -> Alert {
    serde_json::from_value(json!({"status": "firing", "startsAt": starts_at,
        "labels": {"alertname": "A", "obj_namespace": namespace}}))
    .unwrap()
}

const SINCE: &str = "2026-11-22T04:00:00Z";

impl Confirming {
    /// Prometheus says that the alert of a namespace fires.
    pub(super) fn fires(&self, namespace: &str) {
        self.cluster.set_alert(&alert(namespace, SINCE));
    }

    pub(super) fn clears(&self) {
        self.cluster.clear_alerts();
    }

    pub(super) async fn wait_for<T>(&self, what: &str, mut found: impl AsyncFnMut() -> Option<T>) -> T {
        for _ in 0..4000 {
            if let Some(found) = found().await {
                return found;
            }
            self.clock.sleep(Duration::from_secs(2)).await;
        }
        panic!("never {what}: {:#?}", self.incidents().await)
    }

    async fn of(&self, namespace: &str) -> Vec<IncidentRecord> {
        let mut all = self.incidents().await;
        all.retain(|incident| incident.alert.labels["obj_namespace"] == namespace);
        all
    }

    async fn reaches(&self, namespace: &str, state: IncidentState) -> IncidentRecord {
        self.wait_for(&format!("{namespace} {state:?}"), async || {
            self.of(namespace).await.into_iter().find(|incident| incident.state == state)
        })
        .await
    }

    fn counted(&self, result: &str) -> bool {
        self.engine.metrics().encode().contains(&format!(r#"result="{result}"}}"#))
    }
}

pub(super) fn unnecessary() -> Arc<dyn Program> {
    policy(|_, _| async { Ok(Ok(Outcome::Unnecessary { summary: "fine".into() })) })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_never_fires_starts_no_run_and_is_closed_as_unconfirmed() {
    let harness = confirming(unnecessary(), |_| ()).await;
    harness.post("firing", &["media"]).await;
    let closed = harness.until(IncidentState::Unconfirmed).await;
    assert!(closed.closed_at.is_some() && closed.runs.is_empty(), "{closed:#?}");
    assert!(closed.summary.contains("lists no alert at all"), "{}", closed.summary);
    assert!(harness.counted("unconfirmed"));
    assert!(harness.pages.0.lock().is_empty());
    // It fires after all, and is posted again.
    harness.fires("media");
    harness.post("firing", &["media"]).await;
    harness.reaches("media", IncidentState::Unnecessary).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_only_comes_to_fire_in_prometheus_a_little_later_is_handled() {
    let harness = confirming(unnecessary(), |_| ()).await;
    harness.post("firing", &["media"]).await;
    let asked = || harness.prometheus.asked.load(Ordering::SeqCst);
    harness.wait_for("asked twice", async || (asked() > 1).then_some(())).await;
    harness.fires("media");
    harness.until(IncidentState::Unnecessary).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_is_pending_is_waited_for_and_costs_no_attempt() {
    let listed = json!([{"labels": {"alertname": "A", "obj_namespace": "media"}, "state": "pending"}]);
    let cluster = cluster_that_lists(&listed);
    let harness = confirming_on(tempfile::tempdir().unwrap(), cluster, unnecessary(), |_| ()).await;
    harness.post("firing", &["media"]).await;
    harness.until(IncidentState::Received).await;
    // Longer than an answer that it does not fire is put up with.
    harness.clock.sleep(Duration::from_secs(900)).await;
    harness.until(IncidentState::Received).await;
    harness.fires("media");
    let incident = harness.until(IncidentState::Unnecessary).await;
    assert_eq!(incident.runs.len(), 1, "{incident:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_is_only_kept_firing_is_not_repaired() {
    let listed = json!([{"labels": {"alertname": "A", "obj_namespace": "media"}, "state": "keptFiring"}]);
    let cluster = cluster_that_lists(&listed);
    let harness = confirming_on(tempfile::tempdir().unwrap(), cluster, unnecessary(), |_| ()).await;
    harness.post("firing", &["media"]).await;
    let closed = harness.until(IncidentState::Unconfirmed).await;
    assert!(closed.runs.is_empty() && closed.summary.contains("keep_firing_for"), "{}", closed.summary);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prometheus_that_is_away_keeps_an_alert_waiting_and_loses_none() {
    let harness = confirming(unnecessary(), |_| ()).await;
    harness.prometheus.is_away.store(true, Ordering::SeqCst);
    harness.fires("media");
    harness.post("firing", &["media"]).await;
    harness.until(IncidentState::Received).await;
    // Longer than an answer that it does not fire is put up with.
    harness.clock.sleep(Duration::from_secs(900)).await;
    harness.until(IncidentState::Received).await;
    harness.prometheus.is_away.store(false, Ordering::SeqCst);
    harness.until(IncidentState::Unnecessary).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_alerts_make_no_storm_take_nothing_of_the_budget_and_few_questions() {
    let harness = confirming(policy(|_, _| async { done() }), |config| {
        config.budgets.storm = 3;
        config.budgets.runs_per_hour = 1;
    })
    .await;
    let began = harness.clock.now();
    let forged: Vec<String> = (0..500).map(|number| format!("forged-{number}")).collect();
    harness.post("firing", &forged.iter().map(String::as_str).collect::<Vec<_>>()).await;
    harness.wait_for("taken in", async || (harness.engine.journal().inbox_len() == 0).then_some(())).await;
    harness.fires("media");
    harness.post("firing", &["media"]).await;
    let real = harness.reaches("media", IncidentState::Verifying).await;
    assert_eq!(real.runs.len(), 1);
    assert!(harness.pages.0.lock().is_empty(), "there is no storm");
    harness
        .wait_for("closed", async || {
            let open = harness.open().await;
            open.iter().all(|incident| incident.id == real.id).then_some(())
        })
        .await;
    let seconds = began.duration_until(harness.clock.now()).as_secs() as usize;
    // The guard and the check after the repair ask, too, of the one real alert.
    let asked = harness.prometheus.asked.load(Ordering::SeqCst);
    assert!(asked < 500 && asked <= seconds / 2 + 10, "asked {asked} times in {seconds} s");
    assert!(harness.of("forged-7").await.iter().all(|incident| incident.runs.is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_alert_with_the_key_of_a_real_one_does_not_stand_in_its_way() {
    let harness = confirming(unnecessary(), |_| ()).await;
    let forged: Notification = serde_json::from_value(json!({"alerts": [{"status": "firing",
        "startsAt": SINCE, "fingerprint": "media", "labels":
        {"alertname": "A", "obj_namespace": "media", "forged": "yes"}}]}))
    .unwrap();
    harness.engine.accept(None, &forged, serde_json::to_vec(&forged).unwrap()).await.unwrap();
    harness.until(IncidentState::Received).await;
    harness.fires("media");
    harness.post("firing", &["media"]).await;
    harness.reaches("media", IncidentState::Unnecessary).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_alerts_with_one_key_that_both_fire_one_is_handled() {
    let harness = confirming(policy(|_, _| async { done() }), |_| ()).await;
    let both: Notification = serde_json::from_value(json!({"alerts": [
        {"status": "firing", "startsAt": SINCE, "labels": {"alertname": "A", "obj_namespace": "media"}},
        {"status": "firing", "startsAt": SINCE, "labels": {"alertname": "A", "obj_namespace": "media", "pod": "x"}},
    ]}))
    .unwrap();
    both.alerts.iter().for_each(|alert| harness.cluster.set_alert(alert));
    harness.engine.accept(None, &both, serde_json::to_vec(&both).unwrap()).await.unwrap();
    harness.reaches("media", IncidentState::Verifying).await;
    let incidents = harness.wait_for("one left", async || {
        let incidents = harness.incidents().await;
        (incidents.len() == 1).then_some(incidents)
    });
    assert_eq!(incidents.await[0].runs.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_resolved_closes_nothing_that_fires_and_a_real_one_closes_at_once() {
    let harness = confirming(unnecessary(), |_| ()).await;
    harness.fires("media");
    harness.post("firing", &["media"]).await;
    harness.until(IncidentState::Unnecessary).await;
    harness.post("resolved", &["media"]).await;
    harness.wait_for("disbelieved", async || harness.counted("contradicted").then_some(())).await;
    let incident = harness.until(IncidentState::Unnecessary).await;
    assert!(incident.closed_at.is_none() && !incident.said_resolved, "{incident:#?}");
    harness.clears();
    harness.post("resolved", &["media"]).await;
    harness.wait_for("closed", async || harness.incidents().await[0].closed_at).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_resolved_does_not_keep_a_queued_incident_from_its_run() {
    let harness = confirming(unnecessary(), |_| ()).await;
    harness.engine.pause(PauseOrder::of_host("alice")).await.unwrap();
    harness.fires("media");
    harness.post("firing", &["media"]).await;
    harness.until(IncidentState::Queued).await;
    harness.post("resolved", &["media"]).await;
    harness.wait_for("said", async || harness.incidents().await[0].said_resolved.then_some(())).await;
    harness.engine.resume(None, "alice").await.unwrap();
    let incident = harness.until(IncidentState::Unnecessary).await;
    assert_eq!(incident.runs.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resolved_that_prometheus_can_not_answer_for_waits_even_over_a_restart() {
    let harness = confirming(unnecessary(), |_| ()).await;
    harness.fires("media");
    harness.post("firing", &["media"]).await;
    harness.until(IncidentState::Unnecessary).await;
    harness.prometheus.is_away.store(true, Ordering::SeqCst);
    harness.post("resolved", &["media"]).await;
    harness.wait_for("said", async || harness.incidents().await[0].said_resolved.then_some(())).await;
    harness.clock.sleep(Duration::from_secs(900)).await;
    assert!(harness.incidents().await[0].closed_at.is_none());
    let Confirming { harness, prometheus } = harness;
    let clock = harness.clock.clone();
    harness.engine.shutdown(Duration::from_millis(1)).await;
    harness.engine.journal().close().await.unwrap();
    prometheus.inner.clear_alerts();
    prometheus.is_away.store(false, Ordering::SeqCst);
    let next = confirming_on(harness.dir, (prometheus, clock), unnecessary(), |_| ()).await;
    next.wait_for("closed", async || next.incidents().await[0].closed_at).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_clears_during_the_run_is_over_when_the_run_is() {
    let go_on = Arc::new(tokio::sync::Notify::new());
    let gate = go_on.clone();
    let harness = confirming(
        policy(move |_, _| {
            let gate = gate.clone();
            async move {
                gate.notified().await;
                Ok(Ok(Outcome::Unnecessary { summary: "fine".into() }))
            }
        }),
        |_| (),
    )
    .await;
    harness.fires("media");
    harness.post("firing", &["media"]).await;
    harness.until(IncidentState::Running).await;
    harness.clears();
    harness.post("resolved", &["media"]).await;
    harness
        .wait_for("cleared", async || {
            let incident = harness.incidents().await.remove(0);
            (incident.alert.status == suture_core::AlertStatus::Resolved).then_some(())
        })
        .await;
    go_on.notify_one();
    harness.wait_for("closed", async || harness.incidents().await[0].closed_at).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_is_only_posted_as_later_does_not_begin_an_incident_anew() {
    let harness = confirming(unnecessary(), |_| ()).await;
    harness.fires("media");
    harness.post("firing", &["media"]).await;
    harness.until(IncidentState::Unnecessary).await;
    let again = |starts_at: Timestamp| {
        let notification: Notification = serde_json::from_value(json!({"alerts": [{"status": "firing",
            "fingerprint": "media", "startsAt": starts_at.to_string(),
            "labels": {"alertname": "A", "obj_namespace": "media"}}]}))
        .unwrap();
        let body = serde_json::to_vec(&notification).unwrap();
        (notification, body)
    };
    let (forged, body) = again(harness.clock.now());
    harness.engine.accept(None, &forged, body).await.unwrap();
    harness.wait_for("known", async || harness.counted("duplicate").then_some(())).await;
    harness.until(IncidentState::Unnecessary).await;
    // It really cleared and fires again.
    let (real, body) = again(harness.clock.now());
    harness.cluster.set_alert(&real.alerts[0]);
    harness.engine.accept(None, &real, body).await.unwrap();
    let both = harness.wait_for("anew", async || {
        let incidents = harness.incidents().await;
        (incidents.len() == 2 && incidents[0].state == IncidentState::Unnecessary).then_some(incidents)
    });
    assert!(both.await[1].closed_at.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_posted_beyond_the_room_for_the_unconfirmed_drives_the_oldest_of_them_out() {
    let harness = confirming(policy(|_, _| async { done() }), |_| ()).await;
    harness.fires("media");
    harness.post("firing", &["media"]).await;
    let real = harness.reaches("media", IncidentState::Verifying).await;
    harness.prometheus.is_away.store(true, Ordering::SeqCst);
    // As much as an alert keeps of its annotations.
    let text = "x".repeat(16 << 10);
    for number in 0..25 {
        let alert = |other: usize| {
            json!({"status": "firing", "startsAt": SINCE, "annotations": {"summary": text},
                "labels": {"alertname": "A", "obj_namespace": format!("forged-{number}-{other}")}})
        };
        let alerts: Vec<_> = (0..100).map(alert).collect();
        let forged: Notification = serde_json::from_value(json!({ "alerts": alerts })).unwrap();
        harness.engine.accept(None, &forged, serde_json::to_vec(&forged).unwrap()).await.unwrap();
    }
    harness.wait_for("taken in", async || (harness.engine.journal().inbox_len() == 0).then_some(())).await;
    let open = harness.open().await;
    assert!(open.len() <= 2100, "{}", open.len());
    let is_open =
        |namespace: &str| open.iter().any(|incident| incident.alert.labels["obj_namespace"] == namespace);
    assert!(is_open("forged-24-99") && !is_open("forged-0-0"));
    assert!(open.iter().any(|incident| incident.id == real.id));
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_alerts_open_nothing_whatever_the_matchers() {
    let harness = start(tempfile::tempdir().unwrap(), unnecessary(), |config| {
        Arc::get_mut(&mut config.policies[0]).unwrap().config.matchers = Matchers::default();
    })
    .await;
    let own: Notification = serde_json::from_value(json!({"alerts": [{"status": "firing", "startsAt": SINCE,
        "labels": {"alertname": "SutureEscalation", "obj_namespace": "media"}}]}))
    .unwrap();
    for policy in [None, Some("test")] {
        harness.engine.accept(policy, &own, serde_json::to_vec(&own).unwrap()).await.unwrap();
    }
    for _ in 0..1000 {
        if harness.engine.metrics().encode().contains(r#"result="own"} 2"#) {
            assert!(harness.incidents().await.is_empty());
            return;
        }
        harness.clock.sleep(Duration::from_secs(1)).await;
    }
    panic!("they are not counted: {}", harness.engine.metrics().encode());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_and_the_hours_budget_survive_a_restart() {
    let first = start(tempfile::tempdir().unwrap(), policy(|_, _| async { done() }), |config| {
        config.budgets.runs_per_hour = 2;
    })
    .await;
    first.post("firing", &["a", "b", "c"]).await;
    let began = async |harness: &EngineHarness| {
        harness.engine.journal().runs(Filter::default()).await.unwrap().items.len()
    };
    while began(&first).await < 2 {
        first.clock.sleep(Duration::from_secs(1)).await;
    }
    let left = resuming::ended(first).await;
    let second = resuming::next(left, policy(|_, _| async { done() }), |config| {
        config.budgets.runs_per_hour = 2;
    })
    .await;
    second.clock.sleep(Duration::from_secs(120)).await;
    assert_eq!(began(&second).await, 2, "the hour's budget was used up");
    let left = resuming::ended(second).await;
    let third =
        resuming::next(left, policy(|_, _| async { done() }), |config| config.budgets.storm = 2).await;
    third.clock.sleep(Duration::from_secs(120)).await;
    assert_eq!(began(&third).await, 2, "three incidents within ten minutes are a storm of more than two");
    let is_told = third.pages.0.lock().iter().any(|page| page.labels["alertname"] == "SutureStorm");
    assert!(is_told, "what nobody tells again is over in Alertmanager");
}

/// Makes a ConfigMap, which needs confirmation.
fn changes() -> Arc<dyn Program> {
    policy(|calls: crate::run::harness::Calls, _| async move {
        let create = Mutation::Create(suture_core::effect::Create {
            kind: Kind::new("v1", "ConfigMap"),
            namespace: Some("media".into()),
            object: json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "mark-"}}),
            subresource: None,
        });
        match calls.call(Effect::Mutate { mutation: create, undo: None }).await? {
            Ok(_) => done(),
            Err(error) => Ok(Err(error.message)),
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_by_hand_is_confirmed_like_any_other_unless_it_is_forced() {
    let harness = confirming(changes(), resuming::may).await;
    let labels = alert("media", SINCE).labels;
    let refused = harness.engine.start_run("test", labels.clone(), by_hand(false)).await.unwrap_err();
    assert!(refused.to_string().contains(NOT_FIRING), "{refused}");
    harness.prometheus.is_away.store(true, Ordering::SeqCst);
    let refused = harness.engine.start_run("test", labels.clone(), by_hand(false)).await.unwrap_err();
    assert!(refused.to_string().contains("can't be asked"), "{refused}");
    assert!(harness.incidents().await.is_empty() && harness.cluster.mutations().is_empty());
    harness.engine.start_run("test", labels.clone(), by_hand(true)).await.unwrap();
    let forced = harness.until(IncidentState::Resolved).await;
    assert!(forced.forced && forced.by_hand);
    assert_eq!(forced.started_by.as_deref(), Some("alice"));
    harness.prometheus.is_away.store(false, Ordering::SeqCst);
    harness.fires("media");
    let id = harness.engine.start_run("test", labels, by_hand(false)).await.unwrap();
    harness
        .wait_for("repaired", async || {
            harness
                .incidents()
                .await
                .into_iter()
                .find(|one| one.id == id && one.state == IncidentState::Resolved)
        })
        .await;
    assert_eq!(harness.cluster.mutations().len(), 2);
}
