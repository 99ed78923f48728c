//! The schemas that are published under `docs/schemas`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can not go on panics")]

use std::path::{Path, PathBuf};

use clap::Parser;
use serde_json::Value;
use suture_cli::args::Cli;
use suture_core::Manifest;
use suture_scenario::Scenario;
use suture_server::Config;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn yaml(text: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(text).unwrap()
}

fn errors(schema: &Value, value: &Value) -> Vec<String> {
    let validator = jsonschema::draft202012::new(schema).unwrap();
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn what_is_published_is_what_the_code_says() {
    for (name, schema) in
        [("config", Config::schema()), ("scenario", Scenario::schema()), ("manifest", Manifest::schema())]
    {
        let file = root().join(format!("docs/schemas/{name}.schema.json"));
        let published: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        // Both are long: what differs is what `git diff` shows then.
        assert!(published == schema, "renew it: suture schema {name} > docs/schemas/{name}.schema.json");
    }
}

#[test]
fn the_document_of_the_api_is_openapi_3_1() {
    // As the OpenAPI Initiative publishes it (https://spec.openapis.org/oas/3.1/schema/2022-10-07).
    let file = root().join("host/cli/tests/openapi/3.1.schema.json");
    let schema: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let document = suture_server::openapi();
    assert_eq!(errors(&schema, &document), [""; 0]);
    // Each schema in it is one, and what it refers to is there.
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        assert!(jsonschema::draft202012::meta::is_valid(schema), "{name}");
    }
}

#[test]
fn every_scenario_and_configuration_here_is_valid() {
    let mut seen = 0;
    let policies = std::fs::read_dir(root().join("policies")).unwrap().flatten();
    for folder in policies.map(|policy| policy.path().join("scenarios")).filter(|folder| folder.is_dir()) {
        for file in std::fs::read_dir(folder).unwrap().flatten().map(|file| file.path()) {
            for scenario in yaml(&std::fs::read_to_string(&file).unwrap()) {
                let errors = errors(&Scenario::schema(), &scenario);
                assert!(errors.is_empty(), "{}: {errors:#?}", file.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 100, "{seen}");
    let deployed = std::fs::read_to_string(root().join("deploy/kustomize/suture.yaml")).unwrap();
    assert_eq!(errors(&Config::schema(), &yaml(&deployed)[0]), Vec::<String>::new());
}

#[test]
fn what_is_wrong_is_found() {
    let config = "listen: 127.0.0.1:1\nstorage: {path: x}\ncluster: {live: {}}\n";
    assert_eq!(errors(&Config::schema(), &yaml(config)[0]), Vec::<String>::new());
    for wrong in [
        "lisen: 127.0.0.1:1\n",
        "storage: {path: x, retention: soon}\n",
        "policies: [{name: x, source: {file: a}, mode: obey}]\n",
        "policies: [{name: x, source: {file: a}, backtest: {run: 5}}]\n",
        "policies: [{name: x, source: {oci: {ref: a}}}]\n",
    ] {
        let whole = if wrong.starts_with("storage") {
            config.replace("storage: {path: x}\n", wrong)
        } else {
            format!("{config}{wrong}")
        };
        assert!(!errors(&Config::schema(), &yaml(&whole)[0]).is_empty(), "{wrong}");
    }
    let scenario = "name: x\nwhen: [{alert: {labels: {a: b}}}]\n";
    assert_eq!(errors(&Scenario::schema(), &yaml(scenario)[0]), Vec::<String>::new());
    assert!(!errors(&Scenario::schema(), &yaml(&format!("{scenario}then: {{outcom: y}}\n"))[0]).is_empty());
}

#[test]
fn completions_and_pages_are_made_of_the_commands_there_are() {
    for wrong in ["completions tcsh", "schema nothing"] {
        assert!(Cli::try_parse_from(["suture"].into_iter().chain(wrong.split(' '))).is_err(), "{wrong}");
    }
    let suture = |args: &[&str]| {
        let ran = std::process::Command::new(env!("CARGO_BIN_EXE_suture")).args(args).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).unwrap()
    };
    for shell in ["bash", "zsh", "fish"] {
        assert!(suture(&["completions", shell]).contains("policies"), "{shell}");
    }
    assert!(suture(&["man"]).contains(".TH suture"));
    let dir = tempfile::tempdir().unwrap();
    suture(&["man", "--out", &dir.path().display().to_string()]);
    for page in ["suture.1", "suture-serve.1", "suture-policies-accept.1"] {
        assert!(dir.path().join(page).is_file(), "{page}");
    }
}
