//! The Helm chart (`deploy/helm`): rendered, compared with what the host says, installed on a real API server.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that can not go on panics"
)]

mod admitted;
mod configuration;
mod generated;
mod installed;
mod options;
mod rights;
mod unsafe_values;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

/// A file or a folder of the repository.
fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn helm() -> Command {
    let mut command = Command::new(suture_envtest::program("helm").unwrap());
    // Nothing of the person who runs the tests.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("HELM_")) {
        command.env_remove(name);
    }
    command.env_remove("KUBECONFIG");
    command
}

/// The values that every installation needs, with others laid over them.
fn values(more: Value) -> Value {
    let mut values = json!({"image": {"repository": "registry.example.com/suture"},
        "config": {"prometheus": {"url": "http://prometheus.monitoring.svc:9090"}}});
    if more.get("existingConfigMap").is_some() {
        values["config"] = json!({});
    }
    lay_over(&mut values, more);
    values
}

fn lay_over(values: &mut Value, more: Value) {
    match (values, more) {
        (Value::Object(values), Value::Object(more)) => {
            for (key, value) in more {
                lay_over(values.entry(key).or_insert(Value::Null), value);
            }
        }
        (values, more) => *values = more,
    }
}

/// A file with values; JSON is YAML.
fn file(folder: &Path, values: &Value) -> PathBuf {
    let file = folder.join("values.yaml");
    std::fs::write(&file, values.to_string()).unwrap();
    file
}

/// What `helm template` says of values: the objects, or why there are none.
fn render(release: &str, namespace: &str, values: &Value) -> Result<Vec<Value>, String> {
    let folder = tempfile::tempdir().unwrap();
    let mut command = helm();
    command.args(["template", release]).arg(repository("deploy/helm/suture"));
    command.args(["--namespace", namespace, "--values"]).arg(file(folder.path(), values));
    let done = command.output().unwrap();
    if !done.status.success() {
        return Err(String::from_utf8_lossy(&done.stderr).into_owned());
    }
    let text = String::from_utf8(done.stdout).unwrap();
    let options = serde_saphyr::options! { budget: None, with_snippet: false };
    let all: Vec<Value> = serde_saphyr::from_multiple_with_options(&text, options).unwrap();
    Ok(all.into_iter().filter(|object| !object.is_null()).collect())
}

/// The objects of an installation that is called `suture`, in the namespace of that name.
fn objects(more: Value) -> Vec<Value> {
    render("suture", "suture", &values(more)).unwrap()
}

/// The one object of a kind and a name.
fn one<'a>(objects: &'a [Value], kind: &str, name: &str) -> &'a Value {
    let is_it = |object: &&Value| object["kind"] == kind && object["metadata"]["name"] == name;
    let all: Vec<_> = objects.iter().filter(is_it).collect();
    let [one] = all[..] else { panic!("{} objects {kind} {name}", all.len()) };
    one
}

/// `suture.yaml` as the pod finds it, in a folder, with the names of tokens that are elsewhere.
fn configuration(objects: &[Value], name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = one(objects, "ConfigMap", name)["data"]["suture.yaml"].as_str().unwrap();
    std::fs::write(folder.path().join("suture.yaml"), text).unwrap();
    folder
}

/// `suture COMMAND --config suture.yaml`, its output as JSON.
fn suture(folder: &Path, arguments: &[&str]) -> Value {
    let done = Command::new(suture_tests::host::program().unwrap())
        .current_dir(folder)
        .args(arguments)
        .args(["--config", "suture.yaml", "--output", "json"])
        .output()
        .unwrap();
    let config = std::fs::read_to_string(folder.join("suture.yaml")).unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    let complained = String::from_utf8_lossy(&done.stderr);
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}\n{said}\n{complained}\n{config}"))
}
