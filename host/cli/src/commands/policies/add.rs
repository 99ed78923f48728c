//! `suture policies add`: an entry in a configuration.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use suture_core::{Glob, Program, names};
use suture_registry::{PublicKey, Reference};
use suture_runtime::{MAX_COMPONENT_BYTES, PolicyModule};
use suture_server::{CheckReport, Config, ConfigError, Secrets};

use super::entry::{Entry, Source, insert};
use crate::CommandResult;
use crate::args::PoliciesAddArgs;
use crate::commands::grants::Reach;
use crate::commands::run::settings;
use crate::edit::{self, TextFile};
use crate::error::{CliError, Exit};
use crate::output::{DIM, GOOD, HEADING, Output};
use crate::{policy, registry, simulated};

/// What a person begins with who has no configuration yet.
const BEGINNING: &str = "make one first, for example:\n\n  \
    listen: 127.0.0.1:8080\n  \
    webhook: {tokenFile: token}              # `openssl rand -hex 24 > token`\n  \
    storage: {path: state}\n  \
    cluster: {live: {}}                      # KUBECONFIG, or in a cluster its own\n  \
    prometheus: {url: http://prometheus:9090}\n  \
    alertmanager: {url: http://alertmanager:9093}\n\n\
    or name another with --config FILE; `suture schema config` says all that it may have";

pub async fn run(args: &PoliciesAddArgs, output: &Output) -> CommandResult {
    let config = &args.config;
    if config.symlink_metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
        return Err(CliError::usage("there is no configuration").at(config.display()).help(BEGINNING));
    }
    check_namespaces(&args.namespaces)?;
    let file = TextFile::read(config, Config::MAX_BYTES)?;
    let before = parse(&file.text, config)?;
    let Found { module, reference } = find(args, output).await?;
    let manifest = module.manifest();
    let name = args.name.as_deref().unwrap_or(&manifest.name);
    if before.config.policies.iter().any(|entry| entry.value.name.value == name) {
        return Err(CliError::usage(format!("policy `{name}` is in it already, and is left as it is"))
            .at(config.display())
            .help("add it under another name with --name NAME, or change the entry by hand"));
    }
    let given = args.settings.as_deref().map(settings).transpose()?;
    let place = args
        .settings
        .as_deref()
        .map_or("the policy's settings".to_owned(), |file| file.display().to_string());
    let filled =
        manifest.settings_schema.fill(given.clone().unwrap_or_else(|| json!({}))).map_err(|error| {
            CliError::usage(format!("the settings: {error}")).at(place).help(
                "write them into a YAML file, and name it with --settings FILE; `suture inspect` lists them",
            )
        })?;
    let reach = Reach { namespaces: &args.namespaces, of_cluster: &args.cluster_scoped };
    let requested = manifest.requested(&filled);
    let homeless = requested.iter().find_map(|permission| reach.first_in_namespaces(permission));
    if let (Some(resource), []) = (homeless, &args.namespaces[..]) {
        return Err(CliError::usage(format!(
            "policy `{name}` asks for {resource}, and no namespace is named in which it may have them"
        ))
        .help(format!(
            "name them: --namespace NS, several times for several ('*' is all, now and later); if {resource} have no \
             namespaces: --cluster-scoped {resource}"
        )));
    }
    let folder = config.parent().unwrap_or(Path::new(""));
    let seen_from_config = |path: &PathBuf| relative(path, folder);
    let paths = [Some(PathBuf::from(&args.reference)), args.key.clone(), args.registry.docker_config.clone()];
    let [component, key, credentials] = paths.map(|path| path.as_ref().map(seen_from_config));
    let source = match (&reference, &component) {
        (Some(reference), _) => Source::Oci {
            reference,
            key: key.as_deref(),
            credentials: credentials.as_deref(),
            plain_http: args.registry.plain_http,
        },
        (None, Some(component)) => Source::File(component),
        (None, None) => return Err(CliError::internal("a policy without a source")),
    };
    let entry = Entry { name, source, mode: args.mode.mode(), manifest, given, settings: &filled, reach };
    let lines = entry.lines();
    let by_hand = |why: String| {
        CliError::usage(format!("the entry has no place in this file: {why}"))
            .at(config.display())
            .help(format!("put it there by hand, below `policies:`:\n\n{}", lines.join("\n")))
    };
    let (text, taken) = insert(&file.text, &lines).map_err(|error| by_hand(error.to_string()))?;
    let after = parse(&text, config).map_err(|error| by_hand(error.what))?;
    if !is_only_added(before.plain(), after.plain(), name) {
        return Err(by_hand("something else would change, too".to_owned()));
    }
    let report =
        suture_server::check_text(text.clone(), config, &simulated::options(), Secrets::Elsewhere).await;
    let is_ours = |error: &&ConfigError| taken.contains(&error.line);
    if let Some(error) = report.errors.iter().find(is_ours) {
        return Err(CliError::usage(format!("what would be written is not right: {error}")));
    }
    if !args.dry_run {
        file.replace(&text)?;
    }
    let warnings: Vec<_> =
        report.warnings.iter().filter(is_ours).filter(|warning| !is_of_registry(warning)).collect();
    if output.is_json() {
        let warnings: Vec<_> = warnings.iter().map(|warning| warning.in_a_line()).collect();
        output.json(&json!({"config": config, "name": name, "version": manifest.version, "digest": module.digest(),
            "pinned": reference, "mode": args.mode.mode(), "entry": lines.join("\n"), "written": !args.dry_run,
            "warnings": warnings}));
        return Ok(Exit::Done);
    }
    edit::show(config, &file.text, &text, output);
    for warning in warnings {
        output.warn(warning.in_a_line());
    }
    tell(args, name, &manifest.version, &report, output);
    Ok(Exit::Done)
}

/// What was done, and what to do next.
fn tell(args: &PoliciesAddArgs, name: &str, version: &str, report: &CheckReport, output: &Output) {
    let done = if args.dry_run { "would add" } else { "added" };
    output.line(format!(
        "\n{GOOD}{done}{GOOD:#} policy {name} {version}, in mode {}",
        args.mode.mode().as_str()
    ));
    let config = args.config.display();
    if !report.is_good() {
        output.warn(format!(
            "something else in {config} is wrong, and was before: `suture check --config {config}`"
        ));
    }
    if args.dry_run {
        output.note(format!("{DIM}nothing was written: leave --dry-run out to write it{DIM:#}"));
        return;
    }
    output.note(format!("\n{HEADING}next{HEADING:#}"));
    let commands = [
        (format!("suture check --config {config}"), "all of it, with its tokens and certificates"),
        (
            format!("suture rbac --config {config} | kubectl apply -f -"),
            "the rights that the new grants need",
        ),
        ("suture policies list".to_owned(), "a host that runs has read it by itself"),
    ];
    let width = commands.iter().map(|(command, _)| command.chars().count()).max().unwrap_or_default() + 2;
    for (command, what) in commands {
        output.note(format!("  {command:<width$}{DIM}{what}{DIM:#}"));
    }
}

/// A component that was found, and where in a registry, pinned.
struct Found {
    module: Arc<PolicyModule>,
    reference: Option<Reference>,
}

async fn find(args: &PoliciesAddArgs, output: &Output) -> Result<Found, CliError> {
    let file = Path::new(&args.reference);
    if file.exists() || file.extension().is_some_and(|extension| extension == "wasm") {
        for (is_given, flag) in
            [(args.key.is_some(), "--key"), (args.registry.docker_config.is_some(), "--docker-config")]
        {
            if is_given {
                return Err(CliError::usage(format!(
                    "{flag} is for a module in a registry, and this is a file"
                ))
                .at(file.display()));
            }
        }
        return Ok(Found { module: policy::load_there(file).await?, reference: None });
    }
    let reference: Reference = args.reference.parse().map_err(|error| {
        CliError::usage(format!("it is no file that is there, and {error}"))
            .at(&args.reference)
            .help("name a component (`suture build` makes one), or REGISTRY/REPOSITORY:TAG")
    })?;
    let key = args.key.as_ref().map(|file| PublicKey::load(file)).transpose().map_err(registry::error)?;
    let client = registry::client(&args.registry)?;
    let pulling = registry::Waiting::new(output, format!("pulling {reference}"));
    let pulled = client.pull(&reference, MAX_COMPONENT_BYTES, key.as_ref()).await;
    pulling.done();
    let pulled = pulled.map_err(registry::error)?;
    let module = policy::load_bytes(&pulled.bytes).await.map_err(|error| error.at(&reference))?;
    Ok(Found { module, reference: Some(reference.at(pulled.manifest)) })
}

fn parse(text: &str, config: &Path) -> Result<suture_server::config::Loaded, CliError> {
    let base = config.parent().unwrap_or(Path::new("")).to_owned();
    Config::parse(text.to_owned(), config, base).map_err(|errors| {
        let all: Vec<_> = errors.iter().map(ToString::to_string).collect();
        CliError::usage(all.join("\n"))
            .help("mend that first: nothing is added to a configuration that is wrong")
    })
}

fn check_namespaces(namespaces: &[String]) -> Result<(), CliError> {
    for namespace in namespaces {
        let glob = Glob::new(namespace).map_err(|error| error.to_string());
        let checked = glob.and_then(|glob| glob.exact().map_or(Ok(()), names::dns_label));
        checked.map_err(|error| CliError::usage(format!("`{namespace}`: {error}")).at("--namespace"))?;
    }
    Ok(())
}

/// Whether the one differs from the other by an entry of `policies` at its end, and by nothing else.
fn is_only_added(mut before: Value, mut after: Value, name: &str) -> bool {
    let Some(policies) = after.get_mut("policies").and_then(Value::as_array_mut) else { return false };
    let added = policies.pop();
    let Some(fields) = before.as_object_mut() else { return false };
    if fields.get("policies").is_none_or(Value::is_null) {
        fields.insert("policies".to_owned(), json!([]));
    }
    added.is_some_and(|added| added.get("name").and_then(Value::as_str) == Some(name)) && before == after
}

/// Said of every module in a registry: this one has just been looked at.
fn is_of_registry(warning: &ConfigError) -> bool {
    warning.message.ends_with("a module in a registry is not checked")
}

/// A path as the configuration has it: seen from its folder, where it lies in there.
fn relative(path: &Path, folder: &Path) -> PathBuf {
    let absolute = |path: &Path| path.canonicalize().or_else(|_| std::path::absolute(path));
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    match (absolute(path), absolute(folder)) {
        (Ok(path), Ok(folder)) => path.strip_prefix(&folder).map_or(path.clone(), Path::to_owned),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_in_the_configurations_folder_are_relative_to_it_and_others_are_whole() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("target/a.wasm");
        std::fs::create_dir(folder.path().join("target")).unwrap();
        std::fs::write(&inside, "").unwrap();
        assert_eq!(relative(&inside, folder.path()), Path::new("target/a.wasm"));
        assert!(relative(&inside, &folder.path().join("target/..")).is_relative());
        assert!(relative(&inside, Path::new("/")).starts_with("tmp"));
        assert!(relative(Path::new("/bin"), folder.path()).is_absolute());
    }

    #[test]
    fn more_than_one_entry_more_is_not_taken_for_one() {
        let added = |before, after| is_only_added(before, after, "b");
        assert!(added(json!({"x": 1}), json!({"x": 1, "policies": [{"name": "b"}]})));
        assert!(added(
            json!({"policies": [{"name": "a"}]}),
            json!({"policies": [{"name": "a"}, {"name": "b"}]})
        ));
        assert!(!added(json!({"policies": [{"name": "a"}]}), json!({"policies": [{"name": "b"}]})));
        assert!(!added(json!({"x": 1}), json!({"x": 2, "policies": [{"name": "b"}]})));
        assert!(!added(json!({}), json!({"policies": []})));
    }
}
