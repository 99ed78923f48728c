//! The RBAC that the template renders from grants is what `suture rbac` prints for them.

use std::collections::BTreeSet;

use kube::discovery::{Discovery, Scope};
use serde_json::{Value, json};
use suture_core::rbac::is_namespaced;
use suture_envtest::ControlPlane;

use crate::{configuration, one, render, repository, suture, values};

/// One right: the namespace of its Role, API group, resource, verb, and the object's name.
type Right = (Option<String>, String, String, String, Option<String>);

/// What is beside the rights: kind, name and namespace of each object, and what a binding binds.
fn frames(objects: &[Value]) -> BTreeSet<String> {
    let is_rbac = |object: &&Value| object["apiVersion"] == "rbac.authorization.k8s.io/v1";
    let frame = |object: &Value| {
        let metadata = &object["metadata"];
        let (name, namespace) = (&metadata["name"], &metadata["namespace"]);
        let bound = (&object["roleRef"], &object["subjects"]);
        format!("{} {name} {namespace} {bound:?}", object["kind"])
    };
    objects.iter().filter(is_rbac).map(frame).collect()
}

fn rights(objects: &[Value]) -> BTreeSet<Right> {
    let texts = |list: &Value| -> Vec<String> {
        list.as_array().into_iter().flatten().map(|one| one.as_str().unwrap().to_owned()).collect()
    };
    let mut rights = BTreeSet::new();
    for object in
        objects.iter().filter(|object| ["Role", "ClusterRole"].contains(&object["kind"].as_str().unwrap()))
    {
        let namespace = object["metadata"]["namespace"].as_str().map(str::to_owned);
        for rule in object["rules"].as_array().unwrap() {
            let names = texts(&rule["resourceNames"]);
            let names: Vec<_> =
                if names.is_empty() { vec![None] } else { names.into_iter().map(Some).collect() };
            for group in texts(&rule["apiGroups"]) {
                for resource in texts(&rule["resources"]) {
                    for verb in texts(&rule["verbs"]) {
                        for name in &names {
                            let right = (
                                namespace.clone(),
                                group.clone(),
                                resource.clone(),
                                verb.clone(),
                                name.clone(),
                            );
                            assert!(rights.insert(right.clone()), "{right:?} is given twice");
                        }
                    }
                }
            }
        }
    }
    rights
}

/// Values whose unsafe grants are accepted: this is about what they cost.
fn accepting(policies: &Value, config: &Value, account: &str) -> Value {
    values(json!({"policies": policies, "config": config, "serviceAccount": {"name": account},
        "acceptedRisks": ["secretsEverywhere", "everyGroup", "unpinnedPolicy"]}))
}

fn assert_same(release: &str, namespace: &str, account: &str, values: &Value) {
    let rendered = render(release, namespace, values).unwrap_or_else(|error| panic!("{error}\n{values:#}"));
    let name = if release.contains("suture") { release.to_owned() } else { format!("{release}-suture") };
    let folder = configuration(&rendered, &name);
    let printed = suture(folder.path(), &["rbac", "--service-account", account]);
    let printed = printed["items"].as_array().unwrap_or_else(|| panic!("{printed:#}"));
    let (ours, theirs) = (rights(&rendered), rights(printed));
    let only =
        |one: &BTreeSet<Right>, other: &BTreeSet<Right>| one.difference(other).cloned().collect::<Vec<_>>();
    let (more, less) = (only(&ours, &theirs), only(&theirs, &ours));
    assert!(
        more.is_empty() && less.is_empty(),
        "chart only: {more:#?}\n`suture rbac` only: {less:#?}\n{values:#}"
    );
    assert_eq!(frames(&rendered), frames(printed), "{values:#}");
}

/// A policy whose component is nowhere: then everything that is granted counts.
fn policy(number: usize, grants: &[Value]) -> Value {
    json!({"name": format!("p{number}"), "source": {"file": "/nowhere.wasm"}, "grants": grants})
}

/// All grants of objects in a document.
fn grants_in(value: &Value, found: &mut Vec<Value>) {
    match value {
        Value::Object(object) => {
            let is_grant = ["groups", "resources", "verbs"].iter().all(|key| object.contains_key(*key));
            // A manifest's permission has a reason.
            if is_grant && !object.contains_key("reason") {
                found.push(value.clone());
            }
            object.values().for_each(|value| grants_in(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| grants_in(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn files(folder: &std::path::Path, ends: &[&str], found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_name().unwrap().to_str().unwrap();
        if entry.is_dir() && !["target", "node_modules"].contains(&name) && !name.starts_with('.') {
            files(&entry, ends, found);
        } else if ends.iter().any(|end| name.ends_with(end)) {
            found.push(entry);
        }
    }
}

/// The grants of all examples: documents, READMEs, shipped configurations and scenarios.
fn examples() -> Vec<Vec<Value>> {
    let mut found = vec![repository("README.md")];
    for folder in ["docs", "deploy", "policies"] {
        files(&repository(folder), &[".md", ".yaml"], &mut found);
    }
    let mut examples = BTreeSet::new();
    for file in found {
        let text = std::fs::read_to_string(&file).unwrap();
        let is_page = file.extension().unwrap() == "md";
        let blocks: Vec<&str> = match is_page {
            true => text
                .split("```")
                .skip(1)
                .step_by(2)
                .filter_map(|block| block.strip_prefix("yaml\n"))
                .collect(),
            false => vec![&text],
        };
        let mut grants = Vec::new();
        for block in blocks {
            // A block of a page may be a part of a file.
            if let Ok(documents) = serde_saphyr::from_multiple::<Value>(block) {
                documents.iter().for_each(|document| grants_in(document, &mut grants));
            }
        }
        if !grants.is_empty() {
            // Scenarios have them over and over.
            examples.insert(json!(grants).to_string().replace("\"NAMESPACE\"", "\"media\""));
        }
    }
    examples.iter().map(|grants| serde_json::from_str(grants).unwrap()).collect()
}

#[test]
fn of_every_example_the_rights_are_those_that_suture_rbac_prints() {
    let examples = examples();
    assert!(examples.len() > 20 && examples.iter().flatten().count() > 100, "{}", examples.len());
    for grants in &examples {
        assert_same(
            "suture",
            "suture",
            "suture",
            &accepting(&json!([policy(0, grants)]), &json!({}), "suture"),
        );
    }
    let all: Vec<_> = examples.iter().enumerate().map(|(number, grants)| policy(number, grants)).collect();
    assert_same("suture", "suture", "suture", &accepting(&json!(all), &json!({}), "suture"));
}

/// There the component is read; its grants hold nothing that it never asks for.
#[test]
fn of_the_kustomize_base_the_configuration_and_the_rights_are_those_of_the_chart() {
    let read = |file: &str| std::fs::read_to_string(repository("deploy/kustomize").join(file)).unwrap();
    let config: Value = serde_saphyr::from_str(&read("suture.yaml")).unwrap();
    let upstream = json!({"prometheus": config["prometheus"], "alertmanager": config["alertmanager"]});
    let rendered = render("suture", "suture", &accepting(&config["policies"], &upstream, "suture")).unwrap();
    let rendered_config = one(&rendered, "ConfigMap", "suture")["data"]["suture.yaml"].as_str().unwrap();
    assert_eq!(serde_saphyr::from_str::<Value>(rendered_config).unwrap(), config);
    let committed: Vec<Value> = serde_saphyr::from_multiple(&read("rbac.yaml")).unwrap();
    assert_eq!(rights(&rendered), rights(&committed));
    assert_eq!(frames(&rendered), frames(&committed));
}

/// Some of a list, one at least.
fn some<'a>(random: &mut fastrand::Rng, all: &[&'a str], most: usize) -> Vec<&'a str> {
    let mut all = all.to_vec();
    random.shuffle(&mut all);
    all.truncate(random.usize(1..=most));
    all
}

fn grant(random: &mut fastrand::Rng) -> Value {
    let groups =
        ["", "apps", "batch", "snapshot.storage.k8s.io", "storage.k8s.io", "volsync.backube", "zoo.io", "*"];
    let resources = [
        "pods",
        "pods/log",
        "deployments",
        "deployments/scale",
        "statefulsets",
        "jobs",
        "nodes",
        "namespaces",
        "persistentvolumes",
        "volumesnapshots",
        "volumesnapshotcontents",
        "csinodes",
        "replicationsources",
        "mice",
        "secrets",
    ];
    let names = ["*", "a", "b", "volsync-*", "x?", "{c,d}", "true", "1"];
    let verbs = some(random, &["get", "list", "watch", "create", "patch", "delete"], 4);
    let mut grant =
        json!({"groups": some(random, &groups, 2), "resources": some(random, &resources, 3), "verbs": verbs});
    match random.u8(0..6) {
        0 => {}
        1 => grant["namespaceSelector"] = json!({"matchLabels": {"backups": "yes"}}),
        _ => {
            grant["namespaces"] =
                json!(some(random, &["media", "home", "default", "suture", "home-*", "*"], 3))
        }
    }
    match random.u8(0..3) {
        0 => grant["names"] = json!(some(random, &names, 3)),
        1 if random.bool() => grant["names"] = json!([]),
        _ => {}
    }
    if random.bool() && verbs.iter().any(|verb| ["create", "patch"].contains(verb)) {
        grant["pods"] = json!({"from": some(random, &["cronjobs/heal", "cronjobs/other", "cronjobs/h*"], 2)});
    }
    grant
}

#[test]
fn of_random_grants_the_rights_are_those_that_suture_rbac_prints() {
    for seed in 0..60 {
        let mut random = fastrand::Rng::with_seed(seed);
        let policies: Vec<_> = (0..random.usize(0..4))
            .map(|number| {
                policy(number, &(0..random.usize(0..5)).map(|_| grant(&mut random)).collect::<Vec<_>>())
            })
            .collect();
        let config = match random.u8(0..4) {
            0 => json!({"cluster": {"live": {"lease": false}}}),
            1 => json!({"cluster": {"live": {"lease": {"name": "one"}}}}),
            _ => json!({}),
        };
        let release = ["suture", "mender", "suture-two"][random.usize(0..3)];
        let namespace = ["suture", "tools", "media"][random.usize(0..3)];
        let account = ["suture", "mender"][random.usize(0..2)];
        assert_same(release, namespace, account, &accepting(&json!(policies), &config, account));
    }
}

/// The chart's table of resources without namespaces.
fn table() -> Value {
    let text = std::fs::read_to_string(repository("deploy/helm/suture/files/resources.yaml")).unwrap();
    serde_saphyr::from_str(&text).unwrap()
}

#[test]
fn each_resource_that_the_chart_takes_for_one_without_namespaces_is_one() {
    let table = table();
    for (part, others) in [("known", Some(true)), ("ofCluster", None)] {
        for (group, resources) in table[part].as_object().unwrap() {
            for resource in resources.as_array().unwrap() {
                assert_eq!(
                    is_namespaced(group, resource.as_str().unwrap()),
                    Some(false),
                    "{resource} {group}"
                );
            }
            assert_eq!(is_namespaced(group, "mice"), others, "{group}");
        }
    }
}

/// What the API server has, the chart knows as well as `suture rbac` does.
#[tokio::test]
async fn of_what_the_api_server_serves_the_chart_knows_whether_it_has_namespaces() {
    let client = ControlPlane::shared().client().unwrap();
    let table = table();
    let mut seen = 0;
    for group in Discovery::new(client).run().await.unwrap().groups() {
        let Some(known) = table["known"].get(group.name()) else {
            assert_eq!(
                is_namespaced(group.name(), "mice"),
                None,
                "{} is not in the chart's table",
                group.name()
            );
            continue;
        };
        for (resource, capabilities) in group.recommended_resources() {
            let of_cluster = known.as_array().unwrap().contains(&json!(resource.plural));
            assert_eq!(
                of_cluster,
                capabilities.scope == Scope::Cluster,
                "{} {}",
                resource.plural,
                resource.group
            );
            seen += 1;
        }
    }
    assert!(seen > 40, "{seen}");
}
