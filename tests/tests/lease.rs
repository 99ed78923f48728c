//! One host acts: elections on a real API server, among candidates in one process.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::{Value, json};
use suture_cluster::live::lease::{Candidate, Fenced, Holder, LeaseOptions, Lost, Standing};
use suture_core::effect::Create;
use suture_core::object::Kind;
use suture_core::{
    Clock, Effect, EffectHandler, Error, Fault, Halt, Mutation, Prepared, RealClock, Reason, Reply,
    Resolution, RunId, Step,
};
use suture_envtest::ControlPlane;
use suture_tests::process::eventually;
use suture_tests::wire::Wire;

const DURATION: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(60);

fn clock() -> Arc<dyn Clock> {
    Arc::new(RealClock)
}

fn candidate(client: &Client, namespace: &str, identity: &str) -> Candidate {
    let options = LeaseOptions {
        namespace: namespace.to_owned(),
        name: "suture".to_owned(),
        identity: identity.to_owned(),
        duration: DURATION,
    };
    Candidate::new(client.clone(), options, clock())
}

async fn acquire(client: &Client, namespace: &str, identity: &str) -> anyhow::Result<Holder> {
    let acquired = candidate(client, namespace, identity).acquire(|_| {});
    clock().timeout(PATIENCE, acquired).await.with_context(|| format!("{identity} never holds it"))
}

async fn holder(client: &Client, namespace: &str) -> anyhow::Result<Option<String>> {
    let leases: Api<Lease> = Api::namespaced(client.clone(), namespace);
    Ok(leases.get_opt("suture").await?.and_then(|lease| lease.spec).and_then(|spec| spec.holder_identity))
}

async fn client(kubeconfig: &Path, through: Option<SocketAddr>) -> anyhow::Result<Client> {
    let kubeconfig = Kubeconfig::read_from(kubeconfig)?;
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    if let Some(address) = through {
        config.cluster_url = format!("https://{address}").parse()?;
    }
    Ok(Client::try_from(config)?)
}

/// Makes ConfigMaps, and nothing else.
struct Maker(Api<ConfigMap>);

#[async_trait]
impl EffectHandler for Maker {
    async fn prepare(&self, step: &Step, effect: &Effect) -> Result<Prepared, Fault> {
        Ok(Prepared::new(step.clone(), effect.clone()))
    }

    async fn perform(&self, prepared: &Prepared) -> Result<Reply, Fault> {
        let Effect::Mutate { mutation: Mutation::Create(create), .. } = &prepared.effect else {
            return Ok(Reply::Noted);
        };
        let unavailable = |error: String| Error::new(Reason::UNAVAILABLE, error);
        let map = serde_json::from_value(create.object.clone()).map_err(|e| unavailable(e.to_string()))?;
        let made = self.0.create(&PostParams::default(), &map).await;
        made.map(|_| Reply::Noted).map_err(|error| unavailable(error.to_string()).into())
    }

    async fn resolve(&self, _: &Prepared) -> Result<Resolution, Fault> {
        Ok(Resolution::NotDone)
    }
}

fn map(prefix: &str) -> Prepared {
    let create = Create {
        kind: Kind::new("v1", "ConfigMap"),
        namespace: None,
        object: json!({"metadata": {"generateName": format!("{prefix}-")}}),
        subresource: None,
    };
    let effect = Effect::Mutate { mutation: Mutation::Create(create), undo: None };
    Prepared::new(Step { run: RunId::new("run-1"), number: 1 }, effect)
}

/// How many ConfigMaps a host has made.
async fn made(client: &Client, namespace: &str, prefix: &str) -> anyhow::Result<usize> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let names = maps.list_metadata(&ListParams::default()).await?.items.into_iter();
    Ok(names.filter(|map| map.metadata.name.as_deref().unwrap_or_default().starts_with(prefix)).count())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lease_goes_from_hand_to_hand_and_is_never_in_two() -> anyhow::Result<()> {
    let plane = ControlPlane::shared();
    let (client, namespace) = (plane.client()?, plane.namespace("lease").await?);
    let first = acquire(&client, &namespace, "first").await?;
    let tenure = first.tenure();
    let (heard, mut hears) = tokio::sync::mpsc::unbounded_channel::<Standing>();
    let second = candidate(&client, &namespace, "second").acquire(move |standing| drop(heard.send(standing)));
    let (give_back, given_back) = tokio::sync::oneshot::channel::<()>();
    let keeping = tokio::spawn(first.keep(async { drop(given_back.await) }));
    let second = tokio::spawn(second);
    // For longer than two durations it only looks on.
    let clock = clock();
    clock.sleep(DURATION * 2).await;
    assert!(tenure.is_held() && !second.is_finished());
    assert_eq!(holder(&client, &namespace).await?.as_deref(), Some("first"));
    let standing = hears.recv().await.context("nothing is said")?.to_string();
    assert!(
        standing.contains(&format!("the lease {namespace}/suture is held by first (renewed ")),
        "{standing}"
    );

    drop(give_back);
    assert_eq!(keeping.await?, Ok(()));
    assert!(!tenure.is_held());
    let second = clock.timeout(PATIENCE, second).await.context("nobody takes it")??;
    assert!(second.tenure().is_held());
    let leases: Api<Lease> = Api::namespaced(client, &namespace);
    let spec = leases.get("suture").await?.spec.context("no spec")?;
    assert_eq!((spec.holder_identity.as_deref(), spec.lease_transitions), (Some("second"), Some(1)));
    assert_eq!(spec.lease_duration_seconds, Some(5));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_released_lease_names_nobody() -> anyhow::Result<()> {
    let plane = ControlPlane::shared();
    let (client, namespace) = (plane.client()?, plane.namespace("released").await?);
    let first = acquire(&client, &namespace, "first").await?;
    assert_eq!(first.keep(async {}).await, Ok(()));
    let leases: Api<Lease> = Api::namespaced(client, &namespace);
    let spec = leases.get("suture").await?.spec.context("no spec")?;
    assert_eq!(spec.holder_identity.unwrap_or_default(), "");
    assert_eq!(spec.lease_duration_seconds, Some(1));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_dies_without_a_word_is_followed() -> anyhow::Result<()> {
    let plane = ControlPlane::shared();
    let (client, namespace) = (plane.client()?, plane.namespace("dies").await?);
    let dead = acquire(&client, &namespace, "dead").await?.tenure();
    let second = acquire(&client, &namespace, "second").await?;
    assert!(second.tenure().is_held());
    assert!(matches!(dead.check(), Err(Lost::Expired { .. })), "it ended before the next began");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_cut_off_makes_nothing_more_from_before_the_next_begins() -> anyhow::Result<()> {
    let plane = ControlPlane::shared();
    let (admin, namespace) = (plane.client()?, plane.namespace("cut").await?);
    let server: SocketAddr = plane.url().trim_start_matches("https://").parse()?;
    let wire = Wire::to(server).await?;
    let behind = client(&plane.kubeconfig(), Some(wire.address)).await?;
    let first = acquire(&behind, &namespace, "first").await?;
    let fence = Fenced::new(Maker(Api::namespaced(behind.clone(), &namespace)), first.tenure());
    let keeping = tokio::spawn(first.keep(std::future::pending()));
    let working = tokio::spawn(async move {
        let clock = clock();
        loop {
            match fence.perform(&map("first")).await {
                Err(Fault::Halt(halt)) => return (fence, halt),
                _ => clock.sleep(Duration::from_millis(50)).await,
            }
        }
    });
    assert!(eventually(PATIENCE, async || made(&admin, &namespace, "first").await.unwrap_or(0) > 3).await);
    wire.cut();
    let second = acquire(&admin, &namespace, "second").await?;
    let before = made(&admin, &namespace, "first").await?;
    assert!(working.is_finished() && keeping.is_finished(), "it had stopped when the next began");
    let (fence, halt) = working.await?;
    assert_eq!(halt, Halt::Shutdown);
    let lost = keeping.await?.err().context("it was kept")?.to_string();
    assert!(lost.contains("was not renewed for 3 s"), "{lost}");
    let next = Fenced::new(Maker(Api::namespaced(admin.clone(), &namespace)), second.tenure());
    assert_eq!(next.perform(&map("second")).await, Ok(Reply::Noted));
    for _ in 0..20 {
        assert_eq!(fence.perform(&map("first")).await, Err(Fault::Halt(Halt::Shutdown)));
    }
    assert_eq!(made(&admin, &namespace, "first").await?, before);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_loses_the_right_to_the_lease_loses_the_lease_and_hears_why() -> anyhow::Result<()> {
    let plane = ControlPlane::shared();
    let (admin, namespace) = (plane.client()?, plane.namespace("rights").await?);
    let host = client(&plane.service_account(&namespace, "host").await?, None).await?;
    let (told, mut hears) = tokio::sync::mpsc::unbounded_channel::<Standing>();
    let waiting = candidate(&host, &namespace, "host").acquire(move |standing| drop(told.send(standing)));
    let waiting = tokio::spawn(waiting);
    let refused = hears.recv().await.context("nothing is said")?.to_string();
    assert!(refused.contains("leases.coordination.k8s.io \"suture\" is forbidden"), "{refused}");
    assert!(refused.contains("suture rbac"), "{refused}");
    // What `suture rbac` prints, and nothing more: create can't be bound to a name.
    plane
        .apply(&format!(
            "{{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {{name: lease, namespace: {namespace}}},
               rules: [
                 {{apiGroups: [coordination.k8s.io], resources: [leases], verbs: [create]}},
                 {{apiGroups: [coordination.k8s.io], resources: [leases], resourceNames: [suture], verbs: [get, update]}}]}}
---
{{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {{name: lease, namespace: {namespace}}},
  roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: lease}},
  subjects: [{{kind: ServiceAccount, name: host, namespace: {namespace}}}]}}"
        ))
        .await?;
    let holder = clock().timeout(PATIENCE, waiting).await.context("it is never allowed")??;
    let tenure = holder.tenure();
    let keeping = tokio::spawn(holder.keep(std::future::pending()));
    let clock = clock();
    clock.sleep(DURATION * 2).await;
    assert!(tenure.is_held(), "these rights are enough to keep it");
    let bindings: Api<RoleBinding> = Api::namespaced(admin, &namespace);
    bindings.delete("lease", &DeleteParams::default()).await?;
    let lost = clock.timeout(PATIENCE, keeping).await.context("it is kept")??;
    let lost = lost.err().context("it was kept")?.to_string();
    assert!(lost.contains("was not renewed") && lost.contains("forbidden"), "{lost}");
    assert!(!tenure.is_held());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_hands_can_write_into_a_lease_stops_no_candidate() -> anyhow::Result<()> {
    let plane = ControlPlane::shared();
    let (client, namespace) = (plane.client()?, plane.namespace("hands").await?);
    let leases: Api<Lease> = Api::namespaced(client.clone(), &namespace);
    // What hands write is not read back as a Lease: there are times in it that are none.
    let objects: Api<DynamicObject> =
        Api::namespaced_with(client.clone(), &namespace, &ApiResource::erase::<Lease>(&()));
    let write = async |spec: Value| {
        let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": "suture"}, "spec": spec});
        objects.patch("suture", &PatchParams::apply("hand").force(), &Patch::Apply(lease)).await
    };
    // The API server lets no garbage in.
    for spec in [
        json!({"renewTime": "yesterday"}),
        json!({"leaseDurationSeconds": 0}),
        json!({"leaseTransitions": -1}),
    ] {
        assert!(write(spec.clone()).await.is_err(), "{spec}");
    }
    // What it lets in.
    for spec in [
        json!({}),
        json!({"holderIdentity": null, "renewTime": "9999-12-31T23:59:59.999999Z"}),
        json!({"holderIdentity": "gone", "renewTime": "9999-12-31T23:59:59.999999Z", "leaseTransitions": 2_147_483_647}),
        json!({"holderIdentity": "gone", "renewTime": "0002-01-01T00:00:00.000000Z", "leaseDurationSeconds": 1}),
    ] {
        write(spec.clone()).await.with_context(|| spec.to_string())?;
        acquire(&client, &namespace, "host").await.with_context(|| spec.to_string())?;
        assert_eq!(holder(&client, &namespace).await?.as_deref(), Some("host"));
        leases.delete("suture", &DeleteParams::default()).await?;
    }
    Ok(())
}
