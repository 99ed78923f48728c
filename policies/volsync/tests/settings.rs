//! Which settings an operator may write.

use serde_json::{Value, json};
use suture_mock::NativePolicy;
use volsync::VolSync;

fn fill(settings: Value) -> Result<Value, String> {
    let schema = NativePolicy::<VolSync>::program().manifest().settings_schema.clone();
    schema.fill(settings).map_err(|error| error.to_string())
}

fn image(image: &str) -> Result<Value, String> {
    fill(json!({"unlock": "job", "unlockJob": {"image": image}}))
}

#[test]
fn without_settings_nothing_is_turned_on() {
    let filled = fill(json!({})).unwrap();
    let expected =
        [("unlock", "native"), ("removeAll", "never"), ("kopia", "leave"), ("kopiaMaintenance", "leave")];
    for (name, value) in expected {
        assert_eq!(filled[name], value, "{name}");
    }
    assert_eq!(filled["unlockJob"], json!({"timeout": "5m"}));
}

#[test]
fn a_job_needs_an_image_that_is_pinned() {
    let error = fill(json!({"unlock": "job"})).unwrap_err();
    assert!(error.starts_with("`unlockJob.image` is missing"), "{error}");
    let digest = "4f".repeat(32);
    for pinned in [
        &format!("quay.io/backube/volsync@sha256:{digest}"),
        &format!("localhost:5000/volsync:0.9.1@sha256:{digest}"),
        "restic/restic:0.18.1",
        "localhost:5000/volsync:0.9.1",
    ] {
        image(pinned).unwrap();
    }
    for floating in [
        "",
        "restic/restic",
        "restic/restic:latest",
        "localhost:5000/restic",
        "restic/restic@sha256:4f",
        "restic/restic: 0.18",
        "restic/restic:",
    ] {
        assert!(image(floating).is_err(), "{floating}");
    }
}

#[test]
fn all_locks_are_removed_by_a_job_only() {
    let all = |unlock: &str| {
        let job = json!({"image": "restic/restic:0.18.1"});
        fill(json!({"unlock": unlock, "unlockJob": job, "removeAll": "whenHolderIsGone"}))
    };
    all("job").unwrap();
    let error = all("native").unwrap_err();
    assert!(error.starts_with("`unlock` is \"native\""), "{error}");
}

#[test]
fn a_choice_that_does_not_exist_is_refused() {
    for settings in [
        json!({"unlock": "jobRemoveAll"}),
        json!({"removeAll": true}),
        json!({"kopia": "sync"}),
        json!({"kopiaMaintenance": "always"}),
        json!({"unlockJob": {"images": "restic/restic:0.18.1"}}),
        json!({"maintenanceTimeout": "long"}),
    ] {
        assert!(fill(settings.clone()).is_err(), "{settings}");
    }
}
