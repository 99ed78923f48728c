//! The guard against the real API server: random changes, under random grants, are tried in a
//! dry run, and whatever the guard lets through must have a result that the grants allow. The
//! judge is none of the guard's code: what changed is compared field by field, and a pod is
//! judged by Kubernetes' own Pod Security admission. Of two grants one alone must allow it all.
//!
//! `SUTURE_BOUNDARY_CHANGES` says how many changes are drawn (500), `SUTURE_BOUNDARY_SEED` which.

#![allow(clippy::panic, reason = "a test ends where something is not as expected")]

mod draw;
mod judge;

use std::sync::Arc;

use anyhow::ensure;
use serde_json::json;
use suture_cluster::live::{LiveCluster, LiveConfig, connect};
use suture_core::{
    Effect, EffectHandler, Fault, Grant, Incident, IncidentId, Permission, Prepared, RealClock, Reply, RunId,
    Step,
};
use suture_engine::Confirm;
use suture_engine::guard::Guard;
use suture_envtest::ControlPlane;

use draw::Dice;
use judge::Judge;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Everything, so that only the grants decide.
fn requested() -> Permission {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    serde_json::from_value(json!({
        "groups": words(&["*"]),
        "resources": words(&["configmaps", "secrets", "pods", "jobs", "cronjobs", "deployments", "deployments/scale", "deployments/status",
            "statefulsets", "statefulsets/scale", "namespaces"]),
        "verbs": words(&["get", "create", "patch", "delete"]),
        "reason": "to try everything",
    }))
    .unwrap_or_else(|error| panic!("{error}"))
}

fn guard(cluster: &LiveCluster, grants: Vec<Grant>, namespace: &str) -> Guard {
    let alert = serde_json::from_value(json!({"status": "firing", "startsAt": "2026-11-22T04:00:00Z",
        "labels": {"alertname": "A", "obj_namespace": namespace}}));
    let incident = Incident {
        id: IncidentId::new("incident-1"),
        key: [("obj_namespace".to_owned(), namespace.to_owned())].into(),
        alert: alert.unwrap_or_else(|error| panic!("{error}")),
        attempt: 1,
        settings: json!({}),
    };
    Guard {
        inner: Arc::new(cluster.clone()),
        clock: Arc::new(RealClock),
        cluster: Arc::new(cluster.clone()),
        policy: "boundary".to_owned(),
        requested: vec![requested()],
        grants: grants.into(),
        confirm: Confirm::None,
        silences: None,
        incident: Arc::new(incident),
        confirmed: Default::default(),
        metrics: None,
    }
}

/// What became of the changes that were drawn.
#[derive(Debug, Default)]
struct Tally {
    refused_by_the_guard: u32,
    refused_by_the_server: u32,
    allowed: u32,
}

#[tokio::test]
async fn whatever_the_guard_lets_through_leaves_what_the_grants_allow() -> anyhow::Result<()> {
    let plane = ControlPlane::shared();
    let namespace = plane.namespace("boundary").await?;
    draw::objects(plane, &namespace).await?;
    let config = LiveConfig { kubeconfig: Some(plane.kubeconfig()), ..LiveConfig::default() };
    let cluster = LiveCluster::new(connect(&config).await?, &config, Arc::new(RealClock));
    let judge = Judge::new(plane, &namespace).await?;
    let seed = number("SUTURE_BOUNDARY_SEED", 1);
    let mut tally = Tally::default();
    let mut breaches = Vec::new();
    for index in 0..number("SUTURE_BOUNDARY_CHANGES", 500) {
        let mut dice = Dice::new(seed.wrapping_mul(1_000_003).wrapping_add(index), &namespace);
        let (grants, mutation) = (dice.grants(), dice.mutation());
        let guard = guard(&cluster, grants.clone(), &namespace);
        let step = Step { run: RunId::new("boundary"), number: 1 };
        let effect = Effect::Mutate { mutation: mutation.clone(), undo: None };
        let prepared = match guard.prepare(&step, &effect).await {
            Ok(prepared) => prepared,
            Err(Fault::Error(_)) => {
                tally.refused_by_the_guard += 1;
                continue;
            }
            Err(Fault::Halt(halt)) => anyhow::bail!("{halt}"),
        };
        let trial = Prepared { dry_run: true, ..prepared.clone() };
        // Past the guard: what the API server itself answers, uncovered.
        let result = match cluster.perform(&trial).await {
            Ok(Reply::Mutated(object)) => object,
            Ok(other) => anyhow::bail!("no object, but {other:?}"),
            Err(_) => {
                tally.refused_by_the_server += 1;
                continue;
            }
        };
        tally.allowed += 1;
        let before = trial.before.clone();
        if let Err(breach) = judge.check(&grants, &mutation, before.as_deref(), &result).await {
            breaches.push(format!(
                "change {index}, seed {seed}: {breach}\n  grants {}\n  change {mutation:?}\n  result {result}",
                json!(grants)
            ));
        }
    }
    println!("{tally:?}");
    ensure!(breaches.is_empty(), "{} breaches\n{}", breaches.len(), breaches.join("\n"));
    // A guard that denies all, or a dice that draws nonsense, would show nothing.
    ensure!(tally.allowed * 20 >= tally.refused_by_the_guard, "hardly anything was let through: {tally:?}");
    Ok(())
}
