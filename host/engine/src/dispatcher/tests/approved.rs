//! Plans that people approve.

mod granted;

use suture_core::effect::{Patch, PatchType, Target};
use suture_core::object::Kind;
use suture_core::{Digest, Mutation, RunId};
use suture_journal::ApprovalStage;

use super::resuming::ended;
use super::*;
use crate::engine::{Asked, DecideError, Decided, Decision};
use crate::run::harness::policy_of;

/// A change of the ConfigMap `plex`.
fn set(state: &str) -> Effect {
    let target = Target {
        kind: Kind::new("v1", "ConfigMap"),
        namespace: Some("media".into()),
        name: "plex".into(),
        uid: None,
        subresource: None,
    };
    let (patch_type, body) = (PatchType::Merge, json!({"data": {"state": state}}));
    let patch = Patch { target, patch_type, body, resource_version: None };
    Effect::Mutate { mutation: Mutation::Patch(patch), undo: None }
}

/// A policy that mends `plex` at once.
fn mending(digest: &'static str) -> Arc<dyn Program> {
    policy_of(digest, |calls, _| async move {
        calls.call(set("repaired")).await?.unwrap();
        done()
    })
}

/// A host whose policy asks for approval, and its cluster.
struct Asking {
    harness: EngineHarness,
    cluster: SimulatedCluster,
}

fn asking(policy: &Policy) -> Policy {
    let mut policy = policy.clone();
    policy.config.mode = Mode::Approve;
    policy.config.approval.expires = HumanDuration::from_secs(LONG);
    policy.config.grants = serde_json::from_value(json!([{"groups": [""], "resources": ["configmaps"],
        "verbs": ["get", "list", "create", "patch", "delete"], "namespaces": ["media"]}]))
    .unwrap();
    policy
}

/// Longer than any test takes.
const LONG: u64 = 30 * 86_400;

impl Asking {
    async fn start(program: Arc<dyn Program>, by: u32, expires: u64) -> Self {
        Self::start_with(program, |policy| {
            policy.config.approval =
                crate::policy::Approval { expires: HumanDuration::from_secs(expires), by };
        })
        .await
    }

    async fn start_with(program: Arc<dyn Program>, change: impl Fn(&mut Policy)) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), None, program, change).await
    }

    async fn start_in(
        dir: tempfile::TempDir,
        cluster: Option<SimulatedCluster>,
        program: Arc<dyn Program>,
        change: impl Fn(&mut Policy),
    ) -> Self {
        let mut made = cluster;
        let harness = start(dir, program, |config| {
            let fixture = Fixture {
                now: config.clock.now(),
                objects: vec![json!({"apiVersion": "v1", "kind": "ConfigMap",
                    "metadata": {"name": "plex", "namespace": "media", "finalizers": ["example.com/held"]}, "data": {"state": "broken"}})],
                ..Fixture::default()
            };
            let cluster = made
                .get_or_insert_with(|| SimulatedCluster::new(fixture, config.clock.clone()).unwrap())
                .clone();
            config.cluster = Arc::new(cluster);
            let mut policy = asking(&config.policies[0]);
            change(&mut policy);
            config.policies = vec![Arc::new(policy)];
        })
        .await;
        Self { harness, cluster: made.unwrap() }
    }

    async fn asks(&self) -> IncidentRecord {
        self.harness.until(IncidentState::AwaitingApproval).await
    }

    /// Wait until another run asks.
    async fn asks_again(&self, before: &IncidentRecord) -> IncidentRecord {
        let earlier = &before.approval.as_ref().unwrap().run;
        for _ in 0..4000 {
            let incident = self.asks().await;
            if incident.approval.as_ref().unwrap().run != *earlier {
                return incident;
            }
            self.harness.clock.sleep(Duration::from_secs(2)).await;
        }
        panic!("nobody is asked again")
    }

    async fn decide(
        &self,
        who: &str,
        run: &RunId,
        digest: Digest,
        asked: Asked,
    ) -> Result<Decided, DecideError> {
        let decision = Decision { who: who.into(), digest, message: "because".into(), asked };
        self.harness.engine.decide(run, decision).await
    }

    /// Somebody approves what an incident waits for.
    async fn approve(&self, who: &str, incident: &IncidentRecord) -> Result<Decided, DecideError> {
        let approval = incident.approval.as_ref().unwrap();
        self.decide(who, &approval.run, approval.digest, Asked::Approve { rest: false }).await
    }

    fn state(&self) -> String {
        let plex = self.cluster.object(&"v1 ConfigMap media/plex".parse().unwrap()).unwrap();
        plex["data"]["state"].as_str().unwrap().to_owned()
    }

    fn note(&self) -> Option<String> {
        let plex = self.cluster.object(&"v1 ConfigMap media/plex".parse().unwrap()).unwrap();
        plex["data"]["note"].as_str().map(str::to_owned)
    }

    /// Somebody else changes `plex`.
    async fn disturb(&self, state: &str) {
        use suture_core::{EffectHandler, Step};
        let step = Step { run: RunId::new("somebody"), number: 1 };
        let prepared = self.cluster.prepare(&step, &set(state)).await.unwrap();
        self.cluster.perform(&prepared).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_changed_before_somebody_approves_the_plan_and_then_it_is() {
    let host = Asking::start(mending("sha256:test"), 1, LONG).await;
    host.harness.post("firing", &["media"]).await;
    let incident = host.asks().await;
    assert_eq!(host.state(), "broken");
    assert_eq!(host.harness.pages_named("SutureApprovalNeeded").await, 1);
    let page = host.harness.pages.0.lock()[0].clone();
    assert!(page.annotations["summary"].contains("patch ConfigMap media/plex"), "{page:?}");
    assert!(page.annotations["next"].starts_with("suture approve "), "{page:?}");
    let decided = host.approve("bob", &incident).await.unwrap();
    assert_eq!((decided.given, decided.needed, decided.rejected), (1, 1, false));
    let repaired = host.harness.until(IncidentState::Verifying).await;
    assert_eq!(host.state(), "repaired");
    assert_eq!((repaired.attempts, repaired.runs.len(), repaired.approval), (1, 2, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_approvals_at_once_one_counts_and_the_change_is_made_once() {
    let host = Asking::start(mending("sha256:test"), 1, LONG).await;
    host.harness.post("firing", &["media"]).await;
    let incident = host.asks().await;
    let (one, other) = tokio::join!(host.approve("bob", &incident), host.approve("carol", &incident));
    assert_eq!([&one, &other].iter().filter(|decided| decided.is_ok()).count(), 1, "{one:?} {other:?}");
    let refused = one.and(other).unwrap_err();
    assert!(matches!(refused, DecideError::NotAsked(_) | DecideError::Over), "{refused:?}");
    host.harness.until(IncidentState::Verifying).await;
    let made = host.cluster.mutations().into_iter().filter(|mutation| !mutation.dry_run).count();
    assert_eq!(made, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_of_another_run_or_plan_or_by_the_one_who_asked_or_twice_does_not_count() {
    let host = Asking::start(mending("sha256:test"), 2, LONG).await;
    let labels: Labels = [("alertname", "A"), ("obj_namespace", "media")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    host.harness.engine.start_run("test", labels, by_hand(true)).await.unwrap();
    let incident = host.asks().await;
    let approval = incident.approval.clone().unwrap();
    let yes = Asked::Approve { rest: false };
    let stale = host.decide("bob", &approval.run, Digest::of(b"another plan"), yes).await;
    assert_eq!(stale, Err(DecideError::Stale(approval.digest)));
    let unknown = host.decide("bob", &RunId::new("none"), approval.digest, yes).await;
    assert_eq!(unknown, Err(DecideError::NotFound));
    for asked in [yes, Asked::Reject] {
        let own = host.decide("alice", &approval.run, approval.digest, asked).await;
        assert_eq!(own, Err(DecideError::Own));
    }
    assert_eq!(host.approve("bob", &incident).await.unwrap().given, 1);
    assert_eq!(host.approve("bob", &incident).await, Err(DecideError::Twice));
    assert_eq!((host.asks().await.state, host.state()), (IncidentState::AwaitingApproval, "broken".into()));
    assert_eq!(host.approve("carol", &incident).await.unwrap().given, 2);
    for _ in 0..4000 {
        if host.state() == "repaired" {
            return;
        }
        host.harness.clock.sleep(Duration::from_secs(2)).await;
    }
    panic!("two people have approved it, and nothing happens");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_approves_in_time_is_escalated_once_and_can_not_be_approved_any_more() {
    let host = Asking::start(mending("sha256:test"), 1, 600).await;
    host.harness.post("firing", &["media"]).await;
    let asked = host.asks().await;
    let incident = host.harness.until(IncidentState::Escalated).await;
    assert!(incident.summary.starts_with("unapproved: 0 of 1 people"), "{}", incident.summary);
    let run = host.harness.engine.journal().run(&incident.runs[0]).await.unwrap().unwrap();
    assert_eq!(run.outcome.as_deref(), Some("unapproved"));
    let late = host.approve("bob", &asked).await;
    assert_eq!(late, Err(DecideError::NotAsked(IncidentState::Escalated)));
    assert_eq!(host.harness.pages_named("SutureEscalation").await, 1);
    let ended = host
        .harness
        .pages
        .0
        .lock()
        .iter()
        .any(|page| page.labels["alertname"] == "SutureApprovalNeeded" && page.ends_at.is_some());
    assert!(ended, "nobody is asked any more");
    assert_eq!(host.state(), "broken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_plan_is_not_made_and_its_incident_is_left_alone() {
    let host = Asking::start(mending("sha256:test"), 1, LONG).await;
    host.harness.post("firing", &["media"]).await;
    let approval = host.asks().await.approval.unwrap();
    host.decide("bob", &approval.run, approval.digest, Asked::Reject).await.unwrap();
    let incident = host.harness.until(IncidentState::Cancelled).await;
    assert_eq!(incident.summary, "cancelled: rejected by bob: because");
    host.harness.post("firing", &["media"]).await;
    host.harness.clock.sleep(Duration::from_secs(60)).await;
    assert_eq!((host.harness.incidents().await.len(), host.state()), (1, "broken".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_approved_is_not_done_to_what_looks_otherwise_by_then() {
    let host = Asking::start(mending("sha256:test"), 1, LONG).await;
    host.harness.post("firing", &["media"]).await;
    let first = host.asks().await;
    host.disturb("elsewhere").await;
    host.approve("bob", &first).await.unwrap();
    let second = host.asks_again(&first).await;
    assert_eq!(host.state(), "elsewhere");
    let approval = second.approval.clone().unwrap();
    assert_eq!((approval.asked, approval.differs.len(), approval.given.len()), (2, 2, 0));
    assert!(second.summary.contains("It is another plan than before"), "{}", second.summary);
    let yes = Asked::Approve { rest: false };
    let old = first.approval.unwrap();
    let refused = host.decide("bob", &old.run, old.digest, yes).await;
    assert_eq!(refused, Err(DecideError::AnotherRun(approval.run)));
    host.approve("bob", &second).await.unwrap();
    host.harness.until(IncidentState::Verifying).await;
    assert_eq!((host.state(), second.attempts), ("repaired".into(), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_changes_at_every_look_is_escalated() {
    let looks = Arc::new(AtomicUsize::new(0));
    let program = policy(move |calls, _| {
        let look = looks.fetch_add(1, Ordering::SeqCst);
        async move {
            calls.call(set(&format!("look {look}"))).await?.unwrap();
            done()
        }
    });
    let host = Asking::start(program, 1, LONG).await;
    host.harness.post("firing", &["media"]).await;
    let mut incident = host.asks().await;
    for _ in 0..2 {
        host.approve("bob", &incident).await.unwrap();
        incident = host.asks_again(&incident).await;
    }
    host.approve("bob", &incident).await.unwrap();
    let escalated = host.harness.until(IncidentState::Escalated).await;
    assert!(escalated.summary.contains("each of the 3 times"), "{}", escalated.summary);
    assert_eq!(host.state(), "broken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_two_changes_is_made_once_more_as_a_whole_before_the_first() {
    let program = policy(|calls, _| async move {
        calls.call(set("halfway")).await?.unwrap();
        calls.call(set("repaired")).await?.unwrap();
        done()
    });
    let host = Asking::start(program, 1, LONG).await;
    host.harness.post("firing", &["media"]).await;
    let incident = host.asks().await;
    assert_eq!(incident.approval.as_ref().unwrap().changes.len(), 2);
    host.approve("bob", &incident).await.unwrap();
    let repaired = host.harness.until(IncidentState::Verifying).await;
    assert_eq!((repaired.runs.len(), repaired.attempts, host.state()), (3, 1, "repaired".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_swap_of_the_policy_needs_a_new_approval() {
    let host = Asking::start(mending("sha256:test"), 1, LONG).await;
    host.harness.post("firing", &["media"]).await;
    let first = host.asks().await;
    let policy = host.harness.engine.policy("test").unwrap();
    let swapped = Policy { program: Ok(mending("sha256:newer")), ..(*policy).clone() };
    host.harness.engine.replace(vec![Arc::new(swapped)]);
    assert_eq!(host.approve("bob", &first).await, Err(DecideError::Changed));
    let second = host.asks_again(&first).await;
    assert_eq!(host.state(), "broken");
    host.approve("bob", &second).await.unwrap();
    host.harness.until(IncidentState::Verifying).await;
    assert_eq!(host.state(), "repaired");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_approval_outlives_the_host_and_so_does_a_half_of_it() {
    let host = Asking::start(mending("sha256:test"), 2, LONG).await;
    host.harness.post("firing", &["media"]).await;
    let incident = host.asks().await;
    host.approve("bob", &incident).await.unwrap();
    let (dir, ..) = ended(host.harness).await;
    let host = Asking::start_in(dir, Some(host.cluster), mending("sha256:test"), |policy| {
        policy.config.approval.by = 2;
    })
    .await;
    let incident = host.asks().await;
    let approval = incident.approval.as_ref().unwrap();
    assert_eq!((approval.given.len(), approval.stage), (1, ApprovalStage::Asked));
    assert_eq!(host.harness.engine.at_work(), 0, "a row, and nothing else");
    host.approve("carol", &incident).await.unwrap();
    host.harness.until(IncidentState::Verifying).await;
    assert_eq!(host.state(), "repaired");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_clears_takes_the_question_back() {
    let host = Asking::start(mending("sha256:test"), 1, LONG).await;
    host.harness.post("firing", &["media"]).await;
    let asked = host.asks().await;
    host.harness.post("resolved", &["media"]).await;
    host.harness.until(IncidentState::Resolved).await;
    assert_eq!(host.approve("bob", &asked).await, Err(DecideError::Over));
    assert_eq!(host.state(), "broken");
}
