//! What a configuration needs of Kubernetes' RBAC: for `suture rbac`, offline, and for the
//! questions that a host asks at its start.

use std::path::Path;

use serde_saphyr::Location;
use suture_core::rbac::{Installation, Needs, Requester};
use suture_core::{Permission, Program};
use suture_engine::Policy;
use suture_runtime::{Compiler, Runtime};

use crate::assemble;
use crate::catalog::{self, Loader};
use crate::config::{ClusterConfig, Config, ConfigError, Loaded, PolicyEntry};

/// The namespace and the ServiceAccount of a host, where nobody says otherwise.
const USUAL: &str = "suture";

/// What a configuration needs.
pub struct RbacReport {
    /// The rights.
    pub needs: Needs,
    /// Where the host runs, and as whom.
    pub installation: Installation,
    /// What keeps this from being exact.
    pub warnings: Vec<ConfigError>,
}

/// The rights that a configuration needs, and nothing more. Nothing is reached over the
/// network. Where `namespace` is not given it is that of the configuration, or `suture`.
///
/// # Errors
/// What is wrong with the configuration. A component that can't be read is a warning:
/// then its policy counts as requesting all that it is granted.
pub async fn rbac(
    file: &Path,
    namespace: Option<String>,
    service_account: Option<String>,
    compiler: Compiler,
) -> Result<RbacReport, Vec<ConfigError>> {
    let loaded = Config::load(file)?;
    let mut warnings = Vec::new();
    if matches!(loaded.config.cluster.value, ClusterConfig::Simulated(_)) {
        let message = "this cluster is simulated and knows no RBAC; these are the rights on a live one";
        warnings.push(loaded.error(loaded.config.cluster.referenced, message));
    }
    let runtime =
        Runtime::new(compiler).map_err(|error| vec![loaded.error(Location::UNKNOWN, error.to_string())])?;
    let loader = Loader::new(runtime, None);
    let mut read = Vec::new();
    for entry in &loaded.config.policies {
        let entry = &entry.value;
        let program = catalog::local(&loaded, entry, &loader).await.map(|module| module.program);
        if let Err(error) = &program {
            let message = format!(
                "{error}; so policy `{}` counts as requesting all that it is granted",
                entry.name.value
            );
            warnings.push(loaded.error(entry.source.referenced, message));
        }
        let grants: Vec<_> = entry.grants.iter().map(|grant| grant.value.clone()).collect();
        let requested = program.ok().map(|program| requested(&loaded, entry, &*program, &mut warnings));
        read.push((entry.name.value.as_str(), grants, requested));
    }
    let requesters = read.iter().map(|(policy, grants, requested)| Requester {
        policy,
        grants,
        requested: requested.as_deref(),
    });
    let installation = installation(&loaded, namespace, service_account);
    let needs = Needs::of(requesters).with_host(&installation);
    warnings.extend(needs.doubts().map(|doubt| loaded.error(Location::UNKNOWN, doubt)));
    Ok(RbacReport { needs, installation, warnings })
}

/// What a policy requests under its settings. Where these are wrong, all that it could: what a
/// policy can't do for want of a right is worse found than a right too many.
fn requested(
    loaded: &Loaded,
    entry: &PolicyEntry,
    program: &dyn Program,
    warnings: &mut Vec<ConfigError>,
) -> Vec<Permission> {
    match assemble::policy_config(loaded, entry, program) {
        Ok(config) => program.manifest().requested(&config.settings),
        Err(error) => {
            warnings.push(error);
            program.manifest().permissions.clone()
        }
    }
}

/// What the policies of a host need that are loaded, and the host itself.
pub(crate) fn of_host<'a>(
    policies: impl IntoIterator<Item = &'a Policy>,
    installation: &Installation,
) -> Needs {
    let requested = |policy: &'a Policy| {
        let program = policy.program.as_ref().ok()?;
        Some((&policy.config, program.manifest().requested(&policy.config.settings)))
    };
    let requested: Vec<_> = policies.into_iter().filter_map(requested).collect();
    let requesters = requested.iter().map(|(config, requested)| Requester {
        policy: &config.name,
        grants: &config.grants,
        requested: Some(requested),
    });
    Needs::of(requesters).with_host(installation)
}

/// Where a host runs, and as whom.
pub(crate) fn installation(
    loaded: &Loaded,
    namespace: Option<String>,
    service_account: Option<String>,
) -> Installation {
    let (configured, lease) = match &loaded.config.cluster.value {
        ClusterConfig::Live(live) => (live.namespace.as_ref(), live.lease.get()),
        ClusterConfig::Simulated(_) => (None, None),
    };
    let approvals = loaded.config.decides_in_cluster();
    Installation {
        namespace: namespace
            .or_else(|| configured.map(|namespace| namespace.value.clone()))
            .unwrap_or_else(|| USUAL.to_owned()),
        service_account: service_account.unwrap_or_else(|| USUAL.to_owned()),
        lease: lease.map(|lease| lease.name.value.clone()),
        approvals,
    }
}
