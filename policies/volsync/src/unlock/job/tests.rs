use suture_policy::{Alert, Incident, Labels};

use super::*;
use crate::lock::Lock;
use crate::manifest::{Settings, UnlockJob as Configured};

const LOG: &str = "\
unable to create lock in backend: repository is already locked exclusively by PID 48 on volsync-src-plex-96mvk by root (UID 0, GID 0)
lock was created at 2023-12-19 12:02:00 (12m42s ago)
storage ID b27ebdc3
";

/// The Job for a source with this `spec.restic`.
fn made(restic: Value, removal: Removal) -> Value {
    let source =
        json!({"metadata": {"name": "plex", "namespace": "media", "uid": "u"}, "spec": {"restic": restic}});
    let settings = json!({"syncTimeout": "1h", "snapshotHungAfter": "1h", "snapshotDeleteTimeout": "1h",
        "exclusiveTimeout": "1h", "retryAfter": "1h"});
    let mut settings: Settings = serde_json::from_value(settings).unwrap();
    settings.unlock_job =
        Configured { image: "volsync:0.9.1".to_owned(), timeout: suture_policy::Duration::minutes(5) };
    let alert = Alert {
        firing: true,
        labels: Labels::new(),
        annotations: Labels::new(),
        starts_at: None,
        ends_at: None,
        generator_url: String::new(),
        fingerprint: String::new(),
    };
    let incident = Incident { id: "i".to_owned(), attempt: 1, key: Labels::new(), alert };
    object(&UnlockJob {
        source: &serde_json::from_value(source).unwrap(),
        lock: &Lock::find(LOG).unwrap(),
        removal,
        whose: "whose holder is gone",
        incident: &incident,
        settings: &settings,
    })
}

fn pod(restic: Value) -> Value {
    made(restic, Removal::Stale)["spec"]["template"]["spec"].clone()
}

fn plain() -> Value {
    json!({"repository": "plex-restic"})
}

#[test]
fn a_name_fits_and_is_another_for_every_repository() {
    assert_eq!(name("plex-restic"), "suture-unlock-plex-restic");
    let (long, other) = ("x".repeat(200), "x".repeat(199));
    for secret in [&long, &other, &format!("{}-y", "x".repeat(40)), "a.b"] {
        let name = name(secret);
        assert!(name.len() <= LONGEST_NAME && !name.contains('.') && !name.contains("--"), "{name}");
    }
    assert_ne!(name(&long), name(&other));
    assert_ne!(name("a.b"), name("a-b"));
}

#[test]
fn a_job_is_known_by_the_secret_that_it_was_made_for() {
    let metadata: Metadata =
        serde_json::from_value(made(plain(), Removal::Stale)["metadata"].clone()).unwrap();
    assert!(is_ours(&metadata) && is_for(&metadata, "plex-restic") && !is_for(&metadata, "plex"));
    assert!(!is_ours(&Metadata::default()));
}

#[test]
fn the_pod_may_nothing_and_gets_the_secret_by_reference() {
    let pod = pod(plain());
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["runAsUser"], 65534);
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    let container = &pod["containers"][0];
    assert_eq!(container["securityContext"]["capabilities"], json!({"drop": ["ALL"]}));
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(container["securityContext"]["allowPrivilegeEscalation"], false);
    assert_eq!(container["envFrom"], json!([{"secretRef": {"name": "plex-restic"}}]));
    assert_eq!(container["command"], json!(["restic", "--no-cache", "unlock"]));
}

#[test]
fn who_the_mover_is_is_taken_over_and_what_it_may_is_not() {
    let context = |context: Value| {
        let restic = json!({"repository": "plex-restic", "moverSecurityContext": context});
        pod(restic)["securityContext"].clone()
    };
    let mover = json!({"runAsUser": 1000, "fsGroup": 1000, "supplementalGroups": [5], "runAsNonRoot": false,
        "seccompProfile": {"type": "Unconfined"}, "sysctls": [{"name": "a", "value": "b"}]});
    let expected = json!({"runAsUser": 1000, "fsGroup": 1000, "supplementalGroups": [5], "runAsNonRoot": true,
        "seccompProfile": {"type": "RuntimeDefault"}});
    assert_eq!(context(mover), expected);
    assert_eq!(context(json!({"runAsUser": 0, "runAsGroup": 0}))["runAsUser"], 65534);
    assert_eq!(context(json!({"runAsUser": 0, "runAsGroup": 0}))["runAsGroup"], 65534);
}

#[test]
fn a_certificate_authority_and_volumes_of_the_mover_are_mounted() {
    let claim = json!({"persistentVolumeClaim": {"claimName": "backups"}});
    let pod =
        pod(json!({"repository": "plex-restic", "customCA": {"configMapName": "authority", "key": "ca"},
        "moverVolumes": [{"mountPath": "repository", "volumeSource": claim}]}));
    let container = &pod["containers"][0];
    assert_eq!(
        container["command"],
        json!(["restic", "--no-cache", "--cacert", "/custom-ca/ca.crt", "unlock"])
    );
    let mounts: Vec<_> =
        container["volumeMounts"].as_array().unwrap().iter().map(|mount| &mount["mountPath"]).collect();
    assert_eq!(mounts, ["/tmp", "/credentials", "/custom-ca", "/mnt/repository"]);
    assert_eq!(
        pod["volumes"][2],
        json!({"name": "custom-ca", "configMap": {"name": "authority", "items": [{"key": "ca", "path": "ca.crt"}]}})
    );
    assert_eq!(pod["volumes"][3]["persistentVolumeClaim"]["claimName"], "backups");
}

#[test]
fn labels_of_movers_are_on_the_pod_and_ours_win() {
    let job = made(
        json!({"repository": "plex-restic", "moverPodLabels": {"egress": "s3", "app.kubernetes.io/name": "x"}}),
        Removal::Stale,
    );
    let labels = &job["spec"]["template"]["metadata"]["labels"];
    assert_eq!(
        (&labels["egress"], &labels["app.kubernetes.io/name"]),
        (&json!("s3"), &json!("restic-unlock"))
    );
    assert_eq!(labels[REPOSITORY], "suture-unlock-plex-restic");
}

/// What the script does, with a restic that has such locks: its exit code, and what it ran last.
fn removes_all(locks: &str, list_fails: bool) -> (Option<i32>, String) {
    let folder = std::env::temp_dir().join(format!("suture-unlock-{}-{}", std::process::id(), fnv(locks)));
    std::fs::create_dir_all(&folder).unwrap();
    let restic = folder.join("restic");
    let list = if list_fails { "echo no repository >&2; exit 10" } else { "cat \"$0.locks\"" };
    std::fs::write(&restic, format!("case \"$*\" in *list*) {list};; *) echo \"ran: $*\";; esac\n")).unwrap();
    std::fs::write(folder.join("restic.locks"), locks).unwrap();
    let job = made(plain(), Removal::All);
    let command: Vec<_> = job["spec"]["template"]["spec"]["containers"][0]["command"]
        .as_array()
        .unwrap()
        .iter()
        .map(|word| word.as_str().unwrap().to_owned())
        .collect();
    let at = command.iter().position(|word| word == "restic").unwrap();
    let done = std::process::Command::new(&command[0])
        .args(&command[1..at])
        .arg("sh")
        .arg(&restic)
        .args(&command[at + 1..])
        .output()
        .unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    (done.status.code(), String::from_utf8(done.stdout).unwrap().trim().to_owned())
}

#[test]
fn all_locks_go_only_where_all_is_the_one_that_was_seen() {
    let (ours, other) = ("b27ebdc3".to_owned() + &"0".repeat(56), "1".repeat(64));
    let all = (Some(0), "ran: --no-cache unlock --remove-all".to_owned());
    assert_eq!(removes_all(&format!("{ours}\n"), false), all);
    for locks in ["", &format!("{other}\n"), &format!("{ours}\n{other}\n"), &format!("{other}\n{ours}\n")] {
        let (code, said) = removes_all(locks, false);
        assert!(code == Some(CHANGED) && !said.contains("ran:"), "{locks}: {code:?} {said}");
    }
    let failed = removes_all("whatever", true);
    assert_eq!(failed, (Some(10), String::new()));
}
