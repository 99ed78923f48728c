//! Many objects, and many who wait.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use http::Request;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::Api;
use kube::api::PostParams;
use serde_json::json;
use suture_cluster::live::LiveConfig;
use suture_core::effect::{Query, Waited};
use suture_core::object::Kind;
use suture_envtest::{ControlPlane, eventually};

use crate::user::{SOON, User};

const PODS: usize = 10_000;
/// How many requests of the test are under way at a time.
const AT_ONCE: usize = 100;

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_pods_behind_a_selector_are_read_page_by_page() {
    let plane = ControlPlane::shared();
    let namespace = plane.namespace("many").await.unwrap();
    let pods: Api<Pod> = Api::namespaced(plane.client().unwrap(), &namespace);
    let pod = |number: usize| -> Pod {
        let parity = if number.is_multiple_of(2) { "even" } else { "odd" };
        serde_json::from_value(json!({
            "metadata": {"name": format!("pod-{number}"), "labels": {"all": "yes", "parity": parity}},
            "spec": {"automountServiceAccountToken": false,
                "containers": [{"name": "main", "image": "example.test/none"}]}}))
        .unwrap()
    };
    let pods = &pods;
    stream::iter(0..PODS)
        .map(|number| async move { pods.create(&PostParams::default(), &pod(number)).await })
        .buffer_unordered(AT_ONCE)
        .try_for_each(|_| std::future::ready(Ok(())))
        .await
        .unwrap();

    let user = User::admin(plane, &namespace).await.unwrap();
    for (labels, wanted) in [("all=yes", PODS), ("parity=odd", PODS / 2)] {
        let mut names = BTreeSet::new();
        let mut next = None;
        loop {
            // More than a page ever has.
            let query = Query { limit: 5000, next, ..user.all(Kind::new("v1", "Pod"), labels) };
            let page = user.list(query).await.unwrap();
            assert!(page.items.len() <= 500, "{}", page.items.len());
            names.extend(page.items.iter().map(|pod| pod["metadata"]["name"].as_str().unwrap().to_owned()));
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        assert_eq!(names.len(), wanted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_waiters_share_one_watch_and_it_ends_with_the_last() {
    const WAITERS: usize = 1000;
    // Of its own: the server counts its watches by resource.
    let plane = ControlPlane::start().unwrap();
    let namespace = plane.namespace("waiters").await.unwrap();
    let config = LiveConfig { requests_per_second: 2000, burst: 2000, ..LiveConfig::default() };
    let user = Arc::new(User::with(plane.kubeconfig(), config, &namespace).await.unwrap());
    let name = |number: usize| format!("map-{number}");
    let maps: Api<ConfigMap> = Api::namespaced(plane.client().unwrap(), &namespace);
    let (maps, map) = (&maps, |number: usize, state: &str| -> ConfigMap {
        serde_json::from_value(json!({"metadata": {"name": name(number)}, "data": {"state": state}})).unwrap()
    });
    let made = stream::iter(0..WAITERS)
        .map(|number| async move { maps.create(&PostParams::default(), &map(number, "new")).await });
    made.buffer_unordered(AT_ONCE).try_for_each(|_| std::future::ready(Ok(()))).await.unwrap();
    let before = watches(&plane).await;
    let waiting: Vec<_> = (0..WAITERS)
        .map(|number| {
            let user = user.clone();
            tokio::spawn(async move { user.wait_for(&name(number), "done").await })
        })
        .collect();
    assert!(eventually(SOON, async || watches(&plane).await == before + 1).await);
    let told = stream::iter(0..WAITERS).map(|number| async move {
        maps.replace(&name(number), &PostParams::default(), &map(number, "done")).await
    });
    told.buffer_unordered(AT_ONCE).try_for_each(|_| std::future::ready(Ok(()))).await.unwrap();
    assert!(watches(&plane).await <= before + 1);
    for waiting in waiting {
        assert!(matches!(waiting.await.unwrap().unwrap(), Waited::Met(_)));
    }
    assert!(eventually(SOON, async || watches(&plane).await == before).await);
}

/// How many watches of ConfigMaps of one namespace the API server has open.
async fn watches(plane: &ControlPlane) -> u64 {
    let request = Request::get("/metrics").body(Vec::new()).unwrap();
    let metrics = plane.client().unwrap().request_text(request).await.unwrap();
    let of_maps = |line: &&str| {
        line.starts_with("apiserver_longrunning_requests{")
            && [r#"resource="configmaps""#, r#"scope="namespace""#, r#"verb="WATCH""#]
                .iter()
                .all(|label| line.contains(label))
    };
    let counts =
        metrics.lines().filter(of_maps).filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok());
    counts.sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_watch_still_waits() {
    let plane = ControlPlane::shared();
    let namespace = plane.namespace("polling").await.unwrap();
    let admin = User::admin(plane, &namespace).await.unwrap();
    let user = User::limited(plane, &namespace, &["get"]).await.unwrap();
    admin.create("one").await.unwrap();
    let waiting = tokio::spawn(async move { user.wait_for("one", "done").await });
    admin.mutate(admin.saying("one", "done")).await.unwrap();
    assert!(matches!(waiting.await.unwrap().unwrap(), Waited::Met(_)));
}
