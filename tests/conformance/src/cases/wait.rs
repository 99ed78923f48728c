//! Waiting until an object is as described.

use std::time::Duration;

use futures::future::join;
use serde_json::{Value, json};
use suture_core::effect::{Op, Predicate, Propagation, Target, Test, Waited};
use suture_core::{Effect, Reply, object};

use crate::bench::Bench;
use crate::case::group;
use crate::objects::{CONFIG_MAP, JOB, SOURCE, config_map, job, source};

group!("wait":
    what_holds_already_is_met_at_once,
    a_change_that_comes_later_is_seen,
    a_change_of_the_status_is_seen,
    an_object_that_is_not_there_yet_is_waited_for,
    what_does_not_come_is_a_timeout,
    a_deletion_is_seen,
    a_deletion_of_what_is_not_there_is_over,
    another_object_of_the_name_is_not_the_one_that_was_meant,
    a_replaced_object_counts_as_deleted,
    several_waits_at_a_time_see_each_their_own,
);

/// Longer than any case waits for something that comes.
const LONG: u64 = 60_000;
/// Time for a wait to have begun.
const MOMENT: Duration = Duration::from_millis(500);

fn equals(pointer: &str, value: Value) -> Predicate {
    Predicate::All(vec![Test { pointer: pointer.to_owned(), op: Op::Equals, value }])
}

fn met(b: &Bench, what: &str, waited: Waited) {
    if !matches!(waited, Waited::Met(_)) {
        b.differs(format!("{what}: {waited:?} instead of met"));
    }
}

async fn what_holds_already_is_met_at_once(b: &Bench) -> anyhow::Result<()> {
    let made = b.other().create(CONFIG_MAP, config_map("x")).await?;
    let waited = b.policy().wait(&b.target(CONFIG_MAP, "x"), equals("/data/a", json!("1")), LONG).await?;
    match waited {
        Waited::Met(object) => b.same("the object", object::redact(object), made),
        other => b.differs(format!("{other:?} instead of met")),
    }
    let waited = b.policy().wait(&b.target(CONFIG_MAP, "x"), equals("/data/a", json!("1")), 0).await?;
    met(b, "without time", waited);
    Ok(())
}

async fn a_change_that_comes_later_is_seen(b: &Bench) -> anyhow::Result<()> {
    b.other().create(CONFIG_MAP, config_map("x")).await?;
    let x = b.target(CONFIG_MAP, "x");
    let (policy, other) = (b.policy(), b.other());
    let wait = policy.wait(&x, equals("/data/a", json!("3")), LONG);
    let changes = async {
        for value in ["2", "3"] {
            b.pause(MOMENT).await;
            other.merge(&x, json!({"data": {"a": value}})).await?;
        }
        Ok::<_, suture_core::Error>(())
    };
    let (waited, changed) = join(wait, changes).await;
    changed?;
    met(b, "changed", waited?);
    Ok(())
}

async fn a_change_of_the_status_is_seen(b: &Bench) -> anyhow::Result<()> {
    b.other().create(JOB, job("j")).await?;
    let j = b.target(JOB, "j");
    let status = Target { subresource: Some("status".into()), ..j.clone() };
    let (policy, other) = (b.policy(), b.other());
    let wait = policy.wait(&j, equals("/status/failed", json!(1)), LONG);
    let change = async {
        b.pause(MOMENT).await;
        other.merge(&status, json!({"status": {"failed": 1}})).await
    };
    let (waited, changed) = join(wait, change).await;
    changed?;
    met(b, "changed", waited?);
    Ok(())
}

async fn an_object_that_is_not_there_yet_is_waited_for(b: &Bench) -> anyhow::Result<()> {
    let x = b.target(CONFIG_MAP, "x");
    let (policy, other) = (b.policy(), b.other());
    let wait = policy.wait(&x, equals("/data/a", json!("1")), LONG);
    let make = async {
        b.pause(MOMENT).await;
        other.create(CONFIG_MAP, config_map("x")).await
    };
    let (waited, made) = join(wait, make).await;
    made?;
    met(b, "made", waited?);
    Ok(())
}

async fn what_does_not_come_is_a_timeout(b: &Bench) -> anyhow::Result<()> {
    b.other().create(CONFIG_MAP, config_map("x")).await?;
    for (name, until) in [
        ("x", equals("/data/a", json!("9"))),
        ("none", equals("/data/a", json!("9"))),
        ("x", Predicate::Deleted),
        ("x", Predicate::Any(vec![])),
    ] {
        let waited = b.policy().wait(&b.target(CONFIG_MAP, name), until, 300).await?;
        b.same(name, waited, Waited::Timeout);
    }
    Ok(())
}

async fn a_deletion_is_seen(b: &Bench) -> anyhow::Result<()> {
    let mut held = source("x");
    held["metadata"]["finalizers"] = json!(["a.io/hold"]);
    b.other().create(SOURCE, held).await?;
    let x = b.target(SOURCE, "x");
    let (policy, other) = (b.policy(), b.other());
    let wait = policy.wait(&x, Predicate::Deleted, LONG);
    let delete = async {
        b.pause(MOMENT).await;
        other.delete(&x, Propagation::Background).await?;
        b.pause(MOMENT).await;
        other.merge(&x, json!({"metadata": {"finalizers": null}})).await
    };
    let (waited, deleted) = join(wait, delete).await;
    deleted?;
    b.same("waited", waited?, Waited::Deleted);
    Ok(())
}

async fn a_deletion_of_what_is_not_there_is_over(b: &Bench) -> anyhow::Result<()> {
    let waited = b.policy().wait(&b.target(CONFIG_MAP, "none"), Predicate::Deleted, LONG).await?;
    b.same("waited", waited, Waited::Deleted);
    Ok(())
}

async fn another_object_of_the_name_is_not_the_one_that_was_meant(b: &Bench) -> anyhow::Result<()> {
    b.other().create(CONFIG_MAP, config_map("x")).await?;
    let uid = Some("00000000-0000-4000-8000-000000000000".to_owned());
    let stranger = Target { uid, ..b.target(CONFIG_MAP, "x") };
    for until in [Predicate::Deleted, equals("/data/a", json!("1"))] {
        b.same("waited", b.policy().wait(&stranger, until, LONG).await?, Waited::Deleted);
    }
    Ok(())
}

async fn a_replaced_object_counts_as_deleted(b: &Bench) -> anyhow::Result<()> {
    b.other().create(CONFIG_MAP, config_map("x")).await?;
    let x = b.target(CONFIG_MAP, "x");
    let effect = Effect::Wait { target: x.clone(), until: Predicate::Deleted, timeout_ms: LONG };
    // Which object is to go is decided when the wait is prepared.
    let prepared = b.policy().prepare(effect).await?;
    b.other().delete(&x, Propagation::Background).await?;
    b.other().create(CONFIG_MAP, config_map("x")).await?;
    b.same("waited", b.policy().perform(&prepared).await?, Reply::Waited(Waited::Deleted));
    Ok(())
}

async fn several_waits_at_a_time_see_each_their_own(b: &Bench) -> anyhow::Result<()> {
    for name in ["x", "y"] {
        b.other().create(CONFIG_MAP, config_map(name)).await?;
    }
    let (x, y) = (b.target(CONFIG_MAP, "x"), b.target(CONFIG_MAP, "y"));
    let (policy, other) = (b.policy(), b.other());
    let waits =
        join(policy.wait(&x, equals("/data/a", json!("2")), LONG), policy.wait(&y, Predicate::Deleted, LONG));
    let changes = async {
        b.pause(MOMENT).await;
        other.delete(&y, Propagation::Background).await?;
        other.merge(&x, json!({"data": {"a": "2"}})).await
    };
    let ((first, second), changed) = join(waits, changes).await;
    changed?;
    met(b, "x", first?);
    b.same("y", second?, Waited::Deleted);
    Ok(())
}
