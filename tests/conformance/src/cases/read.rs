//! Reading one object.

use serde_json::json;
use suture_core::Reason;
use suture_core::effect::{Predicate, Target};

use crate::bench::{Bench, cluster_wide};
use crate::case::group;
use crate::objects::{CONFIG_MAP, NAMESPACE, SOURCE, config_map, source};

group!("read":
    an_object_is_read_whole,
    what_is_not_there_is_not_found,
    a_kind_a_version_or_a_group_that_is_not_served_is_told_apart,
    an_object_with_another_uid_is_not_found,
    a_namespace_where_none_belongs_is_a_bad_request,
    discovery_tells_plurals_and_scopes,
);

async fn an_object_is_read_whole(b: &Bench) -> anyhow::Result<()> {
    let made = b.policy().create(SOURCE, source("plex")).await?;
    let read = b.policy().get(&b.target(SOURCE, "plex")).await?;
    b.same("what is read", &read, &made);
    b.at(&read, "/apiVersion", &json!("volsync.backube/v1alpha1"));
    b.at(&read, "/kind", &json!("ReplicationSource"));
    b.at(&read, "/metadata/namespace", &json!(b.namespace()));
    b.at(&read, "/spec/trigger/schedule", &json!("0 * * * *"));
    Ok(())
}

async fn what_is_not_there_is_not_found(b: &Bench) -> anyhow::Result<()> {
    for (kind, name) in [(CONFIG_MAP, "none"), (SOURCE, "none"), (CONFIG_MAP, "UPPER")] {
        b.refused(name, b.policy().get(&b.target(kind, name)).await, &Reason::NOT_FOUND);
    }
    let nowhere = Target { namespace: Some("no-such-namespace".into()), ..b.target(CONFIG_MAP, "a") };
    b.refused("in no namespace", b.policy().get(&nowhere).await, &Reason::NOT_FOUND);
    Ok(())
}

async fn a_kind_a_version_or_a_group_that_is_not_served_is_told_apart(b: &Bench) -> anyhow::Result<()> {
    for kind in ["v1 Cat", "batch/v9 Job", "zoo.io/v1 Cat", "volsync.backube/v1 ReplicationSource"] {
        let target = b.target(kind, "x");
        b.refused(kind, b.policy().get(&target).await, &Reason::NOT_SERVED);
        b.refused(kind, b.policy().create(kind, config_map("x")).await, &Reason::NOT_SERVED);
        b.refused(kind, b.policy().merge(&target, json!({})).await, &Reason::NOT_SERVED);
        b.refused(kind, b.policy().apply(&target, json!({})).await, &Reason::NOT_SERVED);
        b.refused(kind, b.policy().list(crate::objects::all(b, kind)).await, &Reason::NOT_SERVED);
        b.refused(kind, b.policy().wait(&target, Predicate::Deleted, 1000).await, &Reason::NOT_SERVED);
        b.refused(kind, b.policy().resource(kind).await, &Reason::NOT_SERVED);
    }
    Ok(())
}

async fn an_object_with_another_uid_is_not_found(b: &Bench) -> anyhow::Result<()> {
    let made = b.policy().create(CONFIG_MAP, config_map("notes")).await?;
    let uid = suture_core::object::uid(&made).map(str::to_owned);
    let target = Target { uid, ..b.target(CONFIG_MAP, "notes") };
    b.done("by its own uid", b.policy().get(&target).await);
    let other = Target { uid: Some("00000000-0000-4000-8000-000000000000".into()), ..target };
    b.refused("by another uid", b.policy().get(&other).await, &Reason::NOT_FOUND);
    Ok(())
}

async fn a_namespace_where_none_belongs_is_a_bad_request(b: &Bench) -> anyhow::Result<()> {
    let lost = cluster_wide(CONFIG_MAP, "notes");
    b.refused("a ConfigMap in no namespace", b.policy().get(&lost).await, &Reason::BAD_REQUEST);
    let odd = b.target(NAMESPACE, "default");
    b.refused("a Namespace in a namespace", b.policy().get(&odd).await, &Reason::BAD_REQUEST);
    let unnamed = b.target(CONFIG_MAP, "");
    b.refused("without a name", b.policy().get(&unnamed).await, &Reason::BAD_REQUEST);
    Ok(())
}

async fn discovery_tells_plurals_and_scopes(b: &Bench) -> anyhow::Result<()> {
    for (kind, plural, namespaced) in [
        (CONFIG_MAP, "configmaps", true),
        (NAMESPACE, "namespaces", false),
        (SOURCE, "replicationsources", true),
        ("networking.k8s.io/v1 NetworkPolicy", "networkpolicies", true),
        ("snapshot.storage.k8s.io/v1 VolumeSnapshotClass", "volumesnapshotclasses", false),
    ] {
        let resource = b.policy().resource(kind).await?;
        b.same(kind, (resource.plural.as_str(), resource.namespaced), (plural, namespaced));
    }
    Ok(())
}
