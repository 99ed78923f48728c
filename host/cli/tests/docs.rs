//! Examples in the documentation are what `suture check` takes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can not go on panics")]

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Parser;
use serde_json::Value;
use suture_cli::args::Cli;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What a text has between "```LANGUAGE" and "```".
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let begin = format!("```{language}\n");
    text.split(&begin).skip(1).map(|rest| rest.split("\n```").next().unwrap()).collect()
}

fn read(file: &str) -> String {
    std::fs::read_to_string(repository().join(file)).unwrap()
}

/// Checks configurations beside the real module.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let built = Command::new(env!("CARGO_BIN_EXE_suture"))
            .args(["build", "policies/volsync", "--out"])
            .arg(dir.path().join("target/policies/volsync.wasm"))
            .current_dir(repository())
            .output()
            .unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        Self(dir)
    }

    /// What `suture check` says of a configuration: errors and warnings.
    fn check(&self, config: &str) -> (Vec<String>, Vec<String>) {
        let file = self.0.path().join("suture.yaml");
        std::fs::write(&file, config).unwrap();
        let checked = Command::new(env!("CARGO_BIN_EXE_suture"))
            .args(["check", "--secrets-elsewhere", "--output", "json", "--config"])
            .arg(&file)
            .output()
            .unwrap();
        let checked: Value = serde_json::from_slice(&checked.stdout).unwrap();
        let lines = |list: &Value| {
            let messages =
                list.as_array().unwrap().iter().map(|one| one["message"].as_str().unwrap().to_owned());
            messages.collect::<Vec<_>>()
        };
        (lines(&checked["report"]["errors"]), lines(&checked["report"]["warnings"]))
    }

    /// The same of a list of grants, as far as it is about them.
    fn check_grants(&self, grants: &str) -> (Vec<String>, Vec<String>) {
        let grants: String = grants.lines().map(|line| format!("  {line}\n")).collect();
        let (errors, mut warnings) = self.check(&format!(
            "listen: 127.0.0.1:0\nstorage: {{path: state}}\ncluster: {{live: {{}}}}\n\
             prometheus: {{url: 'http://prometheus:9090'}}\nalertmanager: {{url: 'http://alertmanager:9093'}}\n\
             policies:\n- name: volsync\n  source: {{file: target/policies/volsync.wasm}}\n  grants:\n{grants}"
        ));
        // What this policy asks for is another matter.
        warnings.retain(|warning| !warning.starts_with("policy `volsync` "));
        (errors, warnings)
    }
}

#[test]
fn each_example_of_a_grant_is_taken_without_a_word_of_warning() {
    let (text, desk) = (read("docs/grants.md"), Desk::new());
    let examples = blocks(&text, "yaml");
    for part in ["names:", "namespaceSelector:", "fields:", "where:", "podTemplates:", "metrics:", "from:"] {
        assert!(examples.iter().any(|example| example.contains(part)), "no example has {part}");
    }
    for example in examples {
        let (errors, warnings) = desk.check_grants(example);
        assert_eq!((errors, warnings), (vec![], vec![]), "{example}");
    }
    let (errors, _) = desk.check_grants("- {groups: [\"\"], resources: [pods], verbs: [got]}");
    assert!(!errors.is_empty(), "what is wrong would be found");
}

#[test]
fn the_pods_example_shows_all_that_can_be_listed() {
    let text = read("docs/grants.md");
    let pods = blocks(&text, "yaml").concat();
    let schema: Value = serde_json::from_str(&read("docs/schemas/config.schema.json")).unwrap();
    let known = schema["$defs"]["PodGrant"]["properties"].as_object().unwrap();
    assert!(known.len() > 8, "{known:?}");
    for name in known.keys() {
        assert!(pods.contains(&format!("{name}:")), "no example has `pods.{name}`");
    }
}

#[test]
fn the_configuration_in_the_readme_is_good() {
    let (text, desk) = (read("README.md"), Desk::new());
    let whole = blocks(&text, "yaml").into_iter().find(|block| block.starts_with("listen:")).unwrap();
    let (errors, _) = desk.check(whole);
    assert_eq!(errors, [""; 0], "{whole}");
}

/// What docs/api.md says of each endpoint, by its heading: `GET /path`.
fn endpoints(text: &str) -> Vec<(String, String)> {
    let section = |part: &str| {
        let (heading, rest) = part.split_once('\n')?;
        let heading = heading.strip_prefix('`')?.strip_suffix('`')?;
        let end = rest.find("\n#").unwrap_or(rest.len());
        Some((heading.to_owned(), rest[..end].to_owned()))
    };
    text.split("\n### ").skip(1).filter_map(section).collect()
}

#[test]
fn the_page_of_the_api_has_each_endpoint_with_its_role_its_parameters_and_its_refusals() {
    let (text, document) = (read("docs/api.md"), suture_server::openapi());
    let written = endpoints(&text);
    let mut described = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let heading = format!("{} {path}", method.to_uppercase());
            let section = written.iter().find(|(written, _)| *written == heading);
            let (_, section) = section.unwrap_or_else(|| panic!("docs/api.md says nothing of `{heading}`"));
            if let Some(role) = operation["x-suture-role"].as_str() {
                assert!(section.contains(&format!("Role `{role}`")), "{heading}: {role}");
            }
            // What every endpoint can answer stands at the top of the page.
            for status in operation["responses"].as_object().unwrap().keys() {
                let is_general = ["200", "401", "403", "415"].contains(&status.as_str());
                let is_of_host = status == "503" && operation["x-suture-role"].is_string();
                assert!(is_general || is_of_host || section.contains(status.as_str()), "{heading}: {status}");
            }
            for parameter in operation["parameters"].as_array().unwrap() {
                let name = parameter["name"].as_str().unwrap();
                assert!(path.contains(name) || text.contains(&format!("`{name}`")), "{heading}: {name}");
            }
            described.push(heading);
        }
    }
    for (heading, _) in written {
        assert!(described.contains(&heading), "docs/api.md tells of `{heading}`, which is none");
    }
}

/// The Markdown files of a folder and those below it.
fn pages(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(pages(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    found
}

/// The commands of a line, in words, as a shell takes them. What a `<` or `>` names looks like one more.
fn commands(line: &str) -> Vec<Vec<String>> {
    let (mut commands, mut words) = (Vec::new(), Vec::new());
    let (mut word, mut quote) = (None::<String>, None);
    for character in line.chars() {
        match (quote, character) {
            (Some(mark), _) if mark == character => quote = None,
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, ' ') => words.extend(word.take()),
            (None, '|' | ';' | '&' | '<' | '>') => {
                words.extend(word.take());
                commands.push(std::mem::take(&mut words));
            }
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    commands.push(words);
    commands
}

#[test]
fn each_command_in_the_documentation_can_be_typed() {
    let mut files = pages(&repository().join("docs"));
    files.extend(pages(&repository().join("deploy")));
    files.push(repository().join("README.md"));
    let mut seen = 0;
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap().replace("\\\n", " ");
        // A block that is indented ends so, too.
        let lines = |language| -> Vec<&str> {
            let inside = |block: &&str| !block.trim_start().starts_with("```");
            blocks(&text, language).into_iter().flat_map(|block| block.lines().take_while(inside)).collect()
        };
        let console = lines("console").into_iter().filter_map(|line| line.trim_start().strip_prefix("$ "));
        for command in lines("sh").into_iter().map(str::trim_start).chain(console).flat_map(commands) {
            let words: Vec<&str> = command.iter().map(String::as_str).collect();
            let is_ours = |words: &[&str]| matches!(words, ["suture" | "/suture", ..]);
            // In a pod it stands behind `kubectl exec … --`.
            let in_pod: Vec<&str> = words.iter().copied().skip_while(|word| *word != "--").skip(1).collect();
            let typed = if is_ours(&words) { words } else { in_pod };
            if !is_ours(&typed) || typed.iter().any(|word| word.contains('…')) {
                continue;
            }
            if let Err(error) = Cli::try_parse_from(typed.iter().copied()) {
                panic!("{}: {typed:?}\n{error}", file.display());
            }
            seen += 1;
        }
    }
    assert!(seen > 50, "{seen} commands");
}
