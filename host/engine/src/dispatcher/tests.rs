//! A host with a small policy on the simulated cluster; time runs a thousand times as
//! fast.

mod approved;
mod backtested;
mod by_hand;
mod cancelled;
mod closed;
mod disk;
mod draining;
mod held;
mod identity;
mod kept;
mod left;
mod many;
mod paging;
mod pausing;
mod reconciled;
mod reminded;
mod resuming;
mod retried;
mod silenced;
mod unconfirmed;
mod waiting;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::json;
use suture_core::{
    Clock, Effect, HumanDuration, Labels, Limits, Matchers, Mode, Notification, Outcome, Program, ScaledClock,
};
use suture_journal::{Filter, IncidentRecord, IncidentState, Journal};
use suture_simulator::{Fixture, SimulatedCluster};

use crate::confirm::Confirm;
use crate::engine::{ByHand, Engine, EngineConfig, PauseOrder, Refusal};
use crate::pager::{Page, Pager};
use crate::policy::{Policy, PolicyConfig, Retry};
use crate::run::harness::{done, policy};
use crate::{Budgets, Hold, Metrics};

/// A pager that remembers what people were told, and reminded of.
#[derive(Default)]
struct Pages(Mutex<Vec<Page>>, Mutex<Vec<Page>>);

#[async_trait]
impl Pager for Pages {
    async fn page(&self, page: &Page) -> Result<(), String> {
        self.0.lock().push(page.clone());
        Ok(())
    }

    async fn remind(&self, pages: &[Page]) -> Result<(), String> {
        self.1.lock().extend_from_slice(pages);
        Ok(())
    }
}

struct EngineHarness {
    engine: Engine,
    cluster: SimulatedCluster,
    pages: Arc<Pages>,
    dir: tempfile::TempDir,
    clock: Arc<dyn Clock>,
}

fn notification(status: &str, namespaces: &[&str]) -> Notification {
    let alert = |namespace: &&str| {
        json!({"status": status, "startsAt": "2026-11-22T04:00:00Z", "fingerprint": namespace,
            "labels": {"alertname": "A", "obj_namespace": namespace}})
    };
    serde_json::from_value(json!({"alerts": namespaces.iter().map(alert).collect::<Vec<_>>()})).unwrap()
}

fn by_hand(is_forced: bool) -> ByHand {
    ByHand { who: "alice".into(), is_forced }
}

fn configured(program: Arc<dyn Program>, clock: &dyn Clock) -> Policy {
    Policy {
        config: PolicyConfig {
            name: "test".into(),
            mode: Mode::Enforce,
            matchers: Matchers::parse_all(&[r#"alertname="A""#]).unwrap(),
            instead_of_manifest: None,
            confirm: Confirm::None,
            trust: None,
            settings: json!({}),
            grants: [].into(),
            limits: Limits::default(),
            retry: Retry {
                attempts: 2,
                // A second of real time each: the states must be seen, however busy the machine is.
                backoff: HumanDuration::from_secs(1200),
                settle: HumanDuration::from_secs(1200),
            },
            approval: crate::policy::Approval::default(),
        },
        program: Ok(program),
        source: "test".into(),
        loaded_at: clock.now(),
        trouble: None,
        candidate: None,
    }
}

async fn start(
    dir: tempfile::TempDir,
    program: Arc<dyn Program>,
    change: impl FnOnce(&mut EngineConfig),
) -> EngineHarness {
    let epoch = "2026-11-22T04:10:00Z".parse().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(ScaledClock::starting_at(epoch, 1000.0));
    let cluster = SimulatedCluster::new(Fixture { now: epoch, ..Fixture::default() }, clock.clone()).unwrap();
    let pages = Arc::new(Pages::default());
    let mut config = EngineConfig {
        policies: vec![Arc::new(configured(program, &*clock))],
        kept: None,
        journal: Journal::open(dir.path(), clock.clone()).unwrap(),
        cluster: Arc::new(cluster.clone()),
        clock: clock.clone(),
        pager: pages.clone(),
        silences: None,
        metrics: Metrics::new("test"),
        budgets: Budgets::default(),
        max_pending: 1000,
        max_pending_bytes: u64::MAX,
        telling: crate::pager::Telling::default(),
        retention: Duration::from_secs(86_400),
        listeners: None,
        held: BTreeMap::new(),
    };
    change(&mut config);
    EngineHarness { engine: Engine::start(config).await.unwrap(), cluster, pages, dir, clock }
}

async fn harness(program: Arc<dyn Program>) -> EngineHarness {
    start(tempfile::tempdir().unwrap(), program, |_| {}).await
}

impl EngineHarness {
    async fn post(&self, status: &str, namespaces: &[&str]) {
        let notification = notification(status, namespaces);
        let body = serde_json::to_vec(&notification).unwrap();
        self.engine.accept(None, &notification, body).await.unwrap();
    }

    async fn incidents(&self) -> Vec<IncidentRecord> {
        self.engine.journal().incidents(Filter::default()).await.unwrap().items
    }

    /// All incidents that are open.
    async fn open(&self) -> Vec<IncidentRecord> {
        let (mut open, mut filter) =
            (Vec::new(), Filter { limit: Some(Filter::MAX_LIMIT), ..Filter::default() });
        loop {
            let page = self.engine.journal().incidents(filter.clone()).await.unwrap();
            open.extend(page.items.into_iter().filter(|incident| incident.closed_at.is_none()));
            match page.next {
                Some(next) => filter.after = Some(next),
                None => return open,
            }
        }
    }

    /// How many pages of this name were sent; waits for the first.
    async fn pages_named(&self, alertname: &str) -> usize {
        let count =
            || self.pages.0.lock().iter().filter(|page| page.labels["alertname"] == alertname).count();
        for _ in 0..1000 {
            if count() > 0 {
                break;
            }
            self.clock.sleep(Duration::from_secs(1)).await;
        }
        count()
    }

    /// Wait until the one incident stands there.
    async fn until(&self, state: IncidentState) -> IncidentRecord {
        for _ in 0..4000 {
            if let [incident] = &self.incidents().await[..]
                && incident.state == state
            {
                return incident.clone();
            }
            self.clock.sleep(Duration::from_secs(2)).await;
        }
        panic!("never {state:?}: {:#?}", self.incidents().await)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_alert_delivered_again_and_again_is_one_incident_and_one_run() {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    let harness = harness(policy(move |_, _| {
        counted.fetch_add(1, Ordering::SeqCst);
        async { Ok(Ok(Outcome::Unnecessary { summary: "fine".into() })) }
    }))
    .await;
    for _ in 0..20 {
        harness.post("firing", &["media"]).await;
    }
    let incident = harness.until(IncidentState::Unnecessary).await;
    harness.post("firing", &["media"]).await;
    harness.clock.sleep(Duration::from_secs(30)).await;
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    assert_eq!(incident.runs.len(), 1);
    harness.post("resolved", &["media"]).await;
    for _ in 0..1000 {
        if harness.incidents().await[0].closed_at.is_some() {
            return;
        }
        harness.clock.sleep(Duration::from_secs(1)).await;
    }
    panic!("it stays open");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repair_is_resolved_when_the_alert_clears() {
    let harness = harness(policy(|_, _| async { done() })).await;
    harness.post("firing", &["media"]).await;
    harness.until(IncidentState::Verifying).await;
    harness.post("resolved", &["media"]).await;
    let incident = harness.until(IncidentState::Resolved).await;
    assert!(incident.closed_at.is_some());
    assert!(harness.pages.0.lock().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repair_after_which_the_alert_still_fires_is_tried_again_and_then_a_person_is_told() {
    let harness = harness(policy(|_, _| async { done() })).await;
    harness.post("firing", &["media"]).await;
    let incident = harness.until(IncidentState::Escalated).await;
    assert_eq!(incident.runs.len(), 2);
    assert!(
        incident.summary.contains("did not clear") && incident.summary.contains("attempt 2 of 2"),
        "{incident:?}"
    );
    harness.clock.sleep(Duration::from_secs(30)).await;
    let pages = harness.pages.0.lock().clone();
    assert_eq!(pages.len(), 1);
    assert_eq!(pages[0].labels["alertname"], "SutureEscalation");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_traps_is_retried_and_then_escalated() {
    let harness = harness(policy(|_, _| async { Ok(Err("no luck".to_owned())) })).await;
    harness.post("firing", &["media"]).await;
    let incident = harness.until(IncidentState::Escalated).await;
    assert_eq!(incident.attempts, 2);
    assert!(incident.summary.contains("no luck"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_host_accepts_and_starts_nothing() {
    let harness = harness(policy(|_, _| async { done() })).await;
    harness.engine.pause(PauseOrder::of_host("alice")).await.unwrap();
    harness.post("firing", &["media"]).await;
    harness.until(IncidentState::Queued).await;
    harness.clock.sleep(Duration::from_secs(60)).await;
    assert!(harness.until(IncidentState::Queued).await.runs.is_empty());
    harness.engine.resume(None, "alice").await.unwrap();
    harness.until(IncidentState::Verifying).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_alerts_of_a_policy_that_is_held_back_wait_until_it_is_let_go() {
    let harness = start(tempfile::tempdir().unwrap(), policy(|_, _| async { done() }), |config| {
        config.held = [("test".to_owned(), Hold::all("it may not read pods"))].into();
    })
    .await;
    assert_eq!(harness.engine.policies()[0].error.as_deref(), Some("it may not read pods"));
    harness.post("firing", &["media"]).await;
    harness.until(IncidentState::Queued).await;
    harness.clock.sleep(Duration::from_secs(60)).await;
    assert!(harness.until(IncidentState::Queued).await.runs.is_empty());
    let refused = harness.engine.start_run("test", Labels::new(), by_hand(false)).await.unwrap_err();
    assert!(refused.to_string().contains("it may not read pods"), "{refused}");
    harness.engine.hold("test", Hold::default());
    harness.until(IncidentState::Verifying).await;
    assert_eq!(harness.engine.policies()[0].error, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_ends_and_its_incident_is_cancelled() {
    let harness = harness(policy(|calls, _| async move {
        calls.call(Effect::Sleep { duration_ms: 86_400_000 }).await?.ok();
        done()
    }))
    .await;
    harness.post("firing", &["media"]).await;
    let incident = harness.until(IncidentState::Waiting).await;
    harness.engine.cancel(&incident.runs[0], "by hand").await.unwrap();
    let incident = harness.until(IncidentState::Cancelled).await;
    assert!(incident.summary.contains("by hand"));
    assert!(harness.engine.cancel(&incident.runs[0], "again").await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_whose_key_is_no_kubernetes_name_opens_nothing_and_is_counted() {
    let harness = harness(policy(|_, _| async { done() })).await;
    let long = "x".repeat(254);
    let keys = ["../kube-system", "", &long];
    let count = keys.len() as u64;
    harness.post("firing", &keys).await;
    let counted = format!(r#"suture_alerts_unmatched_total{{alert="A",reason="invalidKey"}} {count}"#);
    for _ in 0..1000 {
        if harness.engine.metrics().encode().contains(&counted) {
            assert!(harness.incidents().await.is_empty());
            let (unmatched, _) = harness.engine.unmatched();
            assert_eq!(
                (unmatched[0].reason, unmatched[0].policy.as_deref(), unmatched[0].count),
                ("invalidKey", Some("test"), count)
            );
            return;
        }
        harness.clock.sleep(Duration::from_secs(1)).await;
    }
    panic!("it is not counted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_starts_no_runs_and_tells_once() {
    let harness = start(tempfile::tempdir().unwrap(), policy(|_, _| async { done() }), |config| {
        config.budgets.storm = 3;
    })
    .await;
    harness.post("firing", &["a", "b", "c", "d", "e"]).await;
    for _ in 0..1000 {
        if !harness.pages.0.lock().is_empty() {
            break;
        }
        harness.clock.sleep(Duration::from_secs(1)).await;
    }
    let incidents = harness.incidents().await;
    assert_eq!(incidents.len(), 5);
    assert!(incidents.iter().all(|incident| incident.runs.is_empty()), "{incidents:#?}");
    let pages = harness.pages.0.lock().clone();
    assert_eq!(pages.len(), 1);
    assert_eq!(pages[0].labels["alertname"], "SutureStorm");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_inbox_turns_notifications_away() {
    let harness =
        start(tempfile::tempdir().unwrap(), policy(|_, _| async { done() }), |config| config.max_pending = 0)
            .await;
    let notification = notification("firing", &["media"]);
    let refusal = harness.engine.accept(None, &notification, vec![]).await.unwrap_err();
    assert!(refusal.to_string().contains("send it again later"));
    assert!(harness.engine.accept(Some("nobody"), &notification, vec![]).await.is_err());
}

#[tokio::test]
async fn what_arrives_at_once_counts_before_it_is_on_disk() {
    let harness = start(tempfile::tempdir().unwrap(), policy(|_, _| async { done() }), |config| {
        config.max_pending_bytes = 1000;
    })
    .await;
    let one = notification("firing", &["media"]);
    let accept = || harness.engine.accept(None, &one, vec![b' '; 600]);
    let (first, second) = futures::future::join(accept(), accept()).await;
    assert_eq!(first, Ok(()));
    assert_eq!(second, Err(Refusal::TooManyBytes(600)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_of_thousands_of_alerts_is_routed_whole() {
    let harness = harness(policy(|_, _| async { std::future::pending().await })).await;
    let names: Vec<String> = (0..2500).map(|number| format!("ns-{number}")).collect();
    harness.post("firing", &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for _ in 0..4000 {
        if harness.engine.journal().inbox_len() == 0 {
            break;
        }
        harness.clock.sleep(Duration::from_secs(2)).await;
    }
    assert_eq!(harness.open().await.len(), 2500);
}
