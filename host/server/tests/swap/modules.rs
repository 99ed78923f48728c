//! Modules in files and folders that change.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use suture_server::{Secrets, check};

use crate::harness::{demo, guest, nap, options, serve, start};
use crate::{FILE, GRACE, digest, put, with};

#[tokio::test]
async fn a_changed_file_takes_the_place_of_the_old_one_and_a_run_at_work_keeps_its_own() {
    // Long enough to be seen at work, however busy the machine is.
    let harness = with(6000, "").await;
    harness.fire("plex").await;
    let old = digest(&guest::component(6000));
    harness.until("/api/v1/runs", |runs| runs["items"][0]["state"] == "running").await;
    let new = guest::component(1);
    put(harness.dir.path(), "demo.wasm", &new);
    harness.until_works(&new).await;
    harness.fire("sonarr").await;
    let runs = harness.ended(2).await;
    let mut digests: Vec<_> = runs.iter().map(|run| run["digest"].as_str().unwrap()).collect();
    digests.sort_unstable();
    let mut both = [old, digest(&new)];
    both.sort();
    assert_eq!(digests, both);
    assert!(runs.iter().all(|run| run["outcome"] == "remediated"), "{runs:#?}");
    let metrics = harness.metrics().await;
    assert!(metrics.contains("suture_policy_swaps_total{policy=\"demo\"} 1"), "{metrics}");
    assert_eq!(metrics.matches("suture_policy_loaded{").count(), 1, "{metrics}");
}

#[tokio::test]
async fn the_links_of_a_configmap_are_followed_when_they_are_exchanged() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (guest::component(1), guest::component(2));
    for (version, bytes) in [("..1", &one), ("..2", &two)] {
        fs::create_dir_all(dir.path().join("mount").join(version)).unwrap();
        fs::write(dir.path().join("mount").join(version).join("demo.wasm"), bytes).unwrap();
    }
    let mount = dir.path().join("mount");
    symlink("..1", mount.join("..data")).unwrap();
    symlink("..data/demo.wasm", mount.join("demo.wasm")).unwrap();
    let harness = start(dir, &demo("{file: mount/demo.wasm}", "")).await;
    harness.until_works(&one).await;
    symlink("..2", mount.join("..data_tmp")).unwrap();
    fs::rename(mount.join("..data_tmp"), mount.join("..data")).unwrap();
    harness.until_works(&two).await;
}

#[tokio::test]
async fn a_bad_module_leaves_the_last_good_one_at_work_and_says_why() {
    let harness = with(1, "").await;
    let good = guest::component(1);
    put(harness.dir.path(), "demo.wasm", &good[..good.len() / 2]);
    let status = harness.until("/api/v1/policies/demo", |policy| !policy["error"].is_null()).await;
    assert_eq!(status["digest"], digest(&good).as_str());
    assert!(status["error"].as_str().unwrap().contains("demo.wasm"), "{status}");
    let metrics = harness.metrics().await;
    assert!(metrics.contains("suture_policy_load_failures_total{policy=\"demo\"} 1"), "{metrics}");
    assert!(metrics.contains("suture_policy_error{policy=\"demo\"} 1"), "{metrics}");
    harness.fire("plex").await;
    harness.ended(1).await;
    // After a restart there is still nothing good at its source.
    let harness = harness.restart(GRACE).await;
    let status = harness.policy().await;
    assert_eq!(status["digest"], digest(&good).as_str(), "{status}");
    assert!(status["source"].as_str().unwrap().starts_with("kept:"), "{status}");
    harness.fire("sonarr").await;
    harness.ended(2).await;
    let newer = guest::component(2);
    put(harness.dir.path(), "demo.wasm", &newer);
    assert!(harness.until_works(&newer).await["error"].is_null());
    assert!(harness.metrics().await.contains("suture_policy_error{policy=\"demo\"} 0"));
}

#[tokio::test]
async fn in_a_folder_the_module_is_found_by_its_name_and_two_of_one_name_are_none() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("policies")).unwrap();
    let (one, two) = (guest::component(1), guest::component(2));
    put(dir.path(), "policies/whatever.wasm", &one);
    put(dir.path(), "policies/other.wasm", &guest::named("other", "pause", 1));
    put(dir.path(), "policies/notes.txt", b"no module");
    let harness = start(dir, &demo("{folder: policies}", "")).await;
    harness.until_works(&one).await;
    put(harness.dir.path(), "policies/second.wasm", &two);
    let status = harness.until("/api/v1/policies/demo", |policy| !policy["error"].is_null()).await;
    assert_eq!(status["digest"], digest(&one).as_str());
    let error = status["error"].as_str().unwrap();
    assert!(error.contains("second.wasm") && error.contains("whatever.wasm"), "{error}");
    fs::remove_file(harness.dir.path().join("policies/whatever.wasm")).unwrap();
    assert!(harness.until_works(&two).await["error"].is_null());
    let report = check(&harness.dir.path().join("suture.yaml"), &options(), Secrets::Here).await;
    assert!(report.is_good(), "{report:?}");
}

#[tokio::test]
async fn a_run_goes_on_with_its_module_after_a_restart_though_its_source_has_another() {
    let harness = with(60_000, "").await;
    harness.fire("plex").await;
    // So long a wait leaves memory; the run stands in the journal.
    harness.until("/api/v1/incidents", |seen| seen["items"][0]["state"] == "waiting").await;
    let old = digest(&guest::component(60_000));
    put(harness.dir.path(), "demo.wasm", &guest::component(1));
    harness.until_works(&guest::component(1)).await;
    harness.server.stop(Duration::ZERO).await;
    let harness = serve(harness.dir).await;
    let runs = harness.until("/api/v1/runs", |runs| runs["items"][0].is_object()).await;
    assert_eq!(runs["items"].as_array().unwrap().len(), 1, "{runs:#}");
    assert_eq!(runs["items"][0]["digest"], old.as_str());
    harness.until("/api/v1/incidents", |seen| seen["items"][0]["state"] == "waiting").await;
}

#[tokio::test]
async fn swaps_without_end_lose_no_alert() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "demo.wasm", &guest::component(1));
    // Sixty incidents at once would be a storm.
    let budgets = "budgets: {storm: 1000, runsPerHour: 1000}\n";
    let harness = start(dir, &format!("{budgets}{}", demo(FILE, ""))).await;
    let modules: Vec<_> = (1..=4).map(guest::component).collect();
    for number in 0..60_usize {
        put(harness.dir.path(), "demo.wasm", &modules[number % modules.len()]);
        harness.fire(&format!("app-{number}")).await;
        nap().await;
    }
    let runs = harness.ended(60).await;
    assert_eq!(runs.len(), 60);
    assert!(runs.iter().all(|run| run["outcome"] == "remediated"), "{runs:#?}");
    harness.until_works(&modules[59 % modules.len()]).await;
}
