//! `suture check`: what `suture serve` would say of a configuration, without serving.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use serde_saphyr::Location;
use suture_core::grant::{metrics, not_granted};
use suture_core::{Grant, Manifest, Mode, Permission, Program};
use suture_runtime::Runtime;

use crate::assemble::{self, ServeOptions};
use crate::catalog::{self, Loader};
use crate::config::{Config, ConfigError, Loaded, PolicyEntry, Source};
use crate::transport::{self, Finding, Matter};

/// What a check found.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckReport {
    /// What must be mended before the host can start, or before a policy can.
    pub errors: Vec<ConfigError>,
    /// What is allowed and looks wrong.
    pub warnings: Vec<ConfigError>,
    /// The policies that are loaded.
    pub policies: Vec<CheckedPolicy>,
}

/// A policy that was loaded.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckedPolicy {
    /// Its name in the host.
    pub name: String,
    /// The manifest's version.
    pub version: String,
    /// The module's digest.
    pub digest: String,
    /// Whether it acts.
    pub mode: Mode,
    /// What it requests under its settings that no grant gives, `VERB RESOURCE` or
    /// `query METRIC` each: denied when it tries.
    pub not_granted: Vec<String>,
}

impl CheckReport {
    /// Whether a host would start, with all its policies.
    pub fn is_good(&self) -> bool {
        self.errors.is_empty()
    }

    fn note(&mut self, finding: Finding, secrets: Secrets) {
        let to = match finding.matter {
            Matter::Missing if secrets == Secrets::Elsewhere => &mut self.warnings,
            // With an expired certificate a host starts, and nobody speaks with it.
            Matter::Missing | Matter::Wrong | Matter::Expired => &mut self.errors,
            Matter::Open => &mut self.warnings,
        };
        to.push(finding.error);
    }
}

/// Whether the files with secrets that a configuration names are where it is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// They are: one that is missing is an error, as it is to a host that starts.
    Here,
    /// They are where the host will run: of one that is missing it is warned.
    Elsewhere,
}

/// Check a configuration, its modules, settings and grants. Nothing is written, and
/// nothing is reached over the network.
pub async fn check(file: &Path, options: &ServeOptions, secrets: Secrets) -> CheckReport {
    check_loaded(Config::load(file), options, secrets).await
}

/// As [`check`], of a text that is to stand in a file.
pub async fn check_text(text: String, file: &Path, options: &ServeOptions, secrets: Secrets) -> CheckReport {
    let base = file.parent().unwrap_or(Path::new("")).to_owned();
    check_loaded(Config::parse(text, file, base), options, secrets).await
}

async fn check_loaded(
    loaded: Result<Loaded, Vec<ConfigError>>,
    options: &ServeOptions,
    secrets: Secrets,
) -> CheckReport {
    let mut report = CheckReport::default();
    let mut loaded = match loaded {
        Ok(loaded) => loaded,
        Err(errors) => return CheckReport { errors, ..report },
    };
    report.warnings = std::mem::take(&mut loaded.warnings);
    report.errors.extend(assemble::offline(&loaded, options).err());
    report.errors.extend(assemble::pager(&loaded).err());
    let (_, findings) = transport::open(&loaded);
    for finding in findings.into_iter().chain(assemble::kubeconfig(&loaded).await) {
        report.note(finding, secrets);
    }
    let runtime = match Runtime::new(options.compiler.clone()) {
        Ok(runtime) => runtime,
        Err(error) => {
            report.errors.push(loaded.error(Location::UNKNOWN, error.to_string()));
            return report;
        }
    };
    let loader = Loader::new(runtime, None);
    for entry in &loaded.config.policies {
        let entry = &entry.value;
        if let Source::Oci(source) = &entry.source.value {
            for finding in catalog::offline(&loaded, source, entry.source.referenced) {
                report.note(finding, secrets);
            }
            // Offline: that it can't be had here says nothing about where the host will run.
            let message = format!("{}: a module in a registry is not checked", source.reference);
            report.warnings.push(loaded.error(entry.source.referenced, message));
            continue;
        }
        let program = match catalog::local(&loaded, entry, &loader).await {
            Ok(module) => module.program,
            Err(error) => {
                report.errors.push(loaded.error(entry.source.referenced, error));
                continue;
            }
        };
        match assemble::policy_config(&loaded, entry, &*program) {
            Ok(config) => checked(&loaded, entry, &*program, &config.settings, &mut report),
            Err(error) => report.errors.push(error),
        }
    }
    report
}

fn checked(
    loaded: &Loaded,
    entry: &PolicyEntry,
    program: &dyn Program,
    settings: &Value,
    report: &mut CheckReport,
) {
    let manifest = program.manifest();
    let grants: Vec<Grant> = entry.grants.iter().map(|grant| grant.value.clone()).collect();
    let not_granted = not_granted(&grants, &manifest.requested(settings));
    if !not_granted.is_empty() && !grants.is_empty() {
        let message =
            format!("policy `{}` requests, and no grant gives: {}", entry.name.value, not_granted.join(", "));
        report.warnings.push(loaded.error(entry.name.referenced, message));
    }
    report.warnings.extend(matchers(loaded, entry, manifest).err());
    for grant in &entry.grants {
        for message in superfluous(&entry.name.value, &grant.value, manifest, settings) {
            report.warnings.push(loaded.error(grant.referenced, message));
        }
    }
    report.policies.push(CheckedPolicy {
        name: entry.name.value.clone(),
        version: manifest.version.clone(),
        digest: program.digest().to_owned(),
        mode: entry.mode,
        not_granted,
    });
}

/// That some alert can be for the policy, and that it is one that its author meant.
fn matchers(loaded: &Loaded, entry: &PolicyEntry, manifest: &Manifest) -> Result<(), ConfigError> {
    let (at, name) = (entry.name.referenced, &entry.name.value);
    let wanted = entry.instead_of_manifest.as_ref().unwrap_or(&manifest.matchers);
    if let Some(label) = entry.matchers.excludes(wanted) {
        let message = format!(
            "no alert can be for policy `{name}`: `match` ({}) and its manifest's matchers ({wanted}) want other values of \
             `{label}`; where your rules have other names, `matchers` takes the place of the manifest's",
            entry.matchers
        );
        return Err(loaded.error(at, message));
    }
    match &entry.instead_of_manifest {
        Some(given) => Err(loaded.error(
            at,
            format!(
                "policy `{name}` is for {}; with `matchers` it gets {given}, which it must make sense of",
                manifest.matchers
            ),
        )),
        None => Ok(()),
    }
}

/// What a grant gives that a policy does not request: at all, or under its settings. A
/// sentence each.
fn superfluous(policy: &str, grant: &Grant, manifest: &Manifest, settings: &Value) -> Vec<String> {
    let (mut never, mut otherwise) = (Vec::new(), Vec::new());
    let mut note = |what: String, asks: &dyn Fn(&Permission) -> bool| {
        let asking: Vec<_> = manifest.permissions.iter().filter(|permission| asks(permission)).collect();
        match asking.first() {
            None => never.push(what),
            Some(_) if asking.iter().any(|permission| permission.applies(settings)) => {}
            Some(first) => {
                otherwise.push(format!("{what} only with {}", first.condition().unwrap_or_default()))
            }
        }
    };
    for resource in &grant.resources {
        note(resource.clone(), &|permission| {
            permission.resources.contains(resource)
                && grant.groups.iter().any(|group| permission.groups.contains(group))
        });
    }
    if manifest.contract.names_metrics() {
        for metric in &grant.metrics {
            note(format!("the metric {}", metric.as_str()), &|permission| {
                permission.metrics.iter().any(|asked| metrics::overlap(asked, metric))
            });
        }
    }
    let mut sentences = Vec::new();
    if !never.is_empty() {
        sentences.push(format!("policy `{policy}` never requests {}", never.join(", ")));
    }
    if !otherwise.is_empty() {
        sentences.push(format!("policy `{policy}` requests {}", otherwise.join(", ")));
    }
    sentences
}
