//! `suture rbac`: what a configuration needs of Kubernetes, as `kubectl apply` takes it.

#![expect(clippy::unwrap_used, reason = "helpers of tests stand outside of test functions")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

fn suture(arguments: &[&str]) -> Ran {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut command = Command::new(env!("CARGO_BIN_EXE_suture"));
    let output = command.args(arguments).current_dir(root).stdin(Stdio::null()).output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The volsync policy, built by the command itself.
fn volsync() -> &'static Path {
    static BUILT: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = BUILT.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("volsync.wasm");
        let ran = suture(&["build", "policies/volsync", "--out", path.to_str().unwrap()]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        (folder, path)
    });
    path
}

/// A configuration of the volsync policy with these grants.
fn config(cluster: &str, component: &Path, grants: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("suture.yaml");
    let text = format!(
        "listen: 127.0.0.1:0\nstorage: {{path: state}}\ncluster: {cluster}\n\
         prometheus: {{url: http://prometheus:9090}}\npolicies:\n\
         - name: volsync\n  source: {{file: {}}}\n  grants:\n{grants}",
        component.display()
    );
    std::fs::write(&file, text).unwrap();
    (folder, file.display().to_string())
}

const GRANTS: &str = r#"
  - {groups: [volsync.backube], resources: [replicationsources], verbs: [get, patch, delete], namespaces: [media, home]}
  - {groups: [""], resources: [pods, pods/log, secrets], verbs: [get, list], namespaces: [media]}
  - {groups: [""], resources: [pods], verbs: [list], namespaces: ["*"]}
  - {groups: [snapshot.storage.k8s.io], resources: [volumesnapshotcontents], verbs: [get]}
"#;

/// `KIND NAMESPACE VERB RESOURCE.GROUP [NAME]` of everything that is allowed.
fn allowed(objects: &[Value]) -> BTreeSet<String> {
    let words = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    let mut allowed = BTreeSet::new();
    for object in objects {
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or("-");
        for rule in object["rules"].as_array().into_iter().flatten() {
            let mut names = words(&rule["resourceNames"]);
            if names.is_empty() {
                names.push(String::new());
            }
            for group in words(&rule["apiGroups"]) {
                for resource in words(&rule["resources"]) {
                    for (verb, name) in words(&rule["verbs"])
                        .iter()
                        .flat_map(|verb| names.iter().map(move |name| (verb, name)))
                    {
                        let right = format!("{namespace} {verb} {resource}.{group} {name}");
                        assert!(allowed.insert(right.clone()), "twice: {right}");
                    }
                }
            }
        }
    }
    allowed
}

#[test]
fn exactly_what_is_requested_and_granted_is_printed_and_always_the_same() {
    let (_folder, file) = config("{live: {}}", volsync(), GRANTS);
    let ran = suture(&["rbac", "--config", &file]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let objects: Vec<Value> = serde_saphyr::from_multiple(&ran.stdout).unwrap();
    let wanted = [
        // No delete: the policy does not request it. No secrets, no more of pods than a list.
        "- get namespaces. home",
        "- get namespaces. kube-system",
        "- get namespaces. media",
        "- get volumesnapshotcontents.snapshot.storage.k8s.io ",
        "- list pods. ",
        "home create events.events.k8s.io ",
        "home get replicationsources.volsync.backube ",
        "home patch replicationsources.volsync.backube ",
        "media create events.events.k8s.io ",
        "media get pods. ",
        "media get pods/log. ",
        "media get replicationsources.volsync.backube ",
        "media patch replicationsources.volsync.backube ",
        "suture create leases.coordination.k8s.io ",
        "suture get leases.coordination.k8s.io suture",
        "suture update leases.coordination.k8s.io suture",
    ];
    assert_eq!(allowed(&objects), wanted.map(str::to_owned).into());
    for comment in
        ["# volsync: to see whether a mover is at work", "# the host: to be the one host that acts"]
    {
        assert!(ran.stdout.contains(comment), "{}", ran.stdout);
    }
    assert_eq!(suture(&["rbac", "--config", &file]).stdout, ran.stdout);
    let json = suture(&["rbac", "--output", "json", "--config", &file]);
    let list: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(list["kind"], "List");
    assert_eq!(list["items"].as_array().unwrap(), &objects);
}

#[test]
fn the_same_configuration_gives_the_same_bytes_wherever_it_lies() {
    let (folder, file) = config("{live: {}}", Path::new("volsync.wasm"), GRANTS);
    let elsewhere = tempfile::tempdir().unwrap();
    for place in [folder.path(), elsewhere.path()] {
        std::fs::copy(volsync(), place.join("volsync.wasm")).unwrap();
    }
    let renamed = elsewhere.path().join("production.yaml");
    std::fs::copy(&file, &renamed).unwrap();
    let print = |file: &str, form: &str| {
        let ran = suture(&["rbac", "--config", file, "--output", form]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stdout
    };
    for form in ["text", "json"] {
        assert_eq!(print(&file, form), print(renamed.to_str().unwrap(), form));
    }
}

#[test]
fn the_roles_are_bound_to_the_account_that_is_named() {
    let (_folder, file) = config("{live: {namespace: tools, lease: false}}", volsync(), GRANTS);
    let objects = |more: &[&str]| -> Vec<Value> {
        let ran = suture(&[&["rbac", "--config", &file][..], more].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        serde_saphyr::from_multiple(&ran.stdout).unwrap()
    };
    let bindings = |objects: &[Value]| -> Vec<Value> {
        let is_binding = |object: &&Value| object["kind"].as_str().unwrap().ends_with("Binding");
        objects.iter().filter(is_binding).map(|binding| binding["subjects"].clone()).collect()
    };
    let usual = objects(&[]);
    assert!(
        usual.iter().all(|object| object["metadata"]["namespace"] != "tools"),
        "no Lease, so no Role there"
    );
    for (objects, namespace, name) in [
        (usual, "tools", "suture"),
        (objects(&["--namespace", "other", "--service-account", "mender"]), "other", "mender"),
    ] {
        let subjects = serde_json::json!([{"kind": "ServiceAccount", "namespace": namespace, "name": name}]);
        assert_eq!(bindings(&objects), vec![subjects; 3], "a ClusterRole, and a Role in media and home");
    }
    for wrong in [["--namespace", "No"], ["--service-account", "a_b"]] {
        let ran = suture(&[&["rbac", "--config", &file][..], &wrong].concat());
        assert!(ran.code == 2 && ran.stderr.contains(wrong[0]), "{}", ran.stderr);
    }
}

#[test]
fn what_can_not_be_exact_is_warned_about() {
    let nowhere = Path::new("/nowhere/volsync.wasm");
    let grants = "  - {groups: [zoo.io], resources: [mice], verbs: [get]}\n";
    let (_folder, file) = config("{simulated: {scenario: s.yaml}}", nowhere, grants);
    let ran = suture(&["rbac", "--config", &file]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for words in
        ["simulated", "/nowhere/volsync.wasm", "counts as requesting all", "mice.zoo.io names no namespaces"]
    {
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
    let objects: Vec<Value> = serde_saphyr::from_multiple(&ran.stdout).unwrap();
    assert!(allowed(&objects).contains("- get mice.zoo.io "), "{}", ran.stdout);
}
