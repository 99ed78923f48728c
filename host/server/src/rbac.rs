//! What a configuration needs of Kubernetes' RBAC: for `suture rbac`, offline, and for the
//! questions that a host asks at its start.

use std::path::Path;

use serde_saphyr::Location;
use suture_core::rbac::{Installation, Needs, Requester};
use suture_engine::Policy;
use suture_runtime::{Compiler, Runtime};

use crate::catalog::{self, Loader};
use crate::config::{ClusterConfig, Config, ConfigError, Loaded};

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
        read.push((entry.name.value.as_str(), grants, program.ok()));
    }
    let requesters = read.iter().map(|(policy, grants, program)| Requester {
        policy,
        grants,
        requested: program.as_ref().map(|program| program.manifest().permissions.as_slice()),
    });
    let installation = installation(&loaded, namespace, service_account);
    let needs = Needs::of(requesters).with_host(&installation);
    warnings.extend(needs.doubts().map(|doubt| loaded.error(Location::UNKNOWN, doubt)));
    Ok(RbacReport { needs, installation, warnings })
}

/// What the policies of a host need that are loaded, and the host itself.
pub(crate) fn of_host<'a>(
    policies: impl IntoIterator<Item = &'a Policy>,
    installation: &Installation,
) -> Needs {
    let requester = |policy: &'a Policy| {
        let program = policy.program.as_ref().ok()?;
        let requested = Some(program.manifest().permissions.as_slice());
        Some(Requester { policy: &policy.config.name, grants: &policy.config.grants, requested })
    };
    Needs::of(policies.into_iter().filter_map(requester)).with_host(installation)
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
    Installation {
        namespace: namespace
            .or_else(|| configured.map(|namespace| namespace.value.clone()))
            .unwrap_or_else(|| USUAL.to_owned()),
        service_account: service_account.unwrap_or_else(|| USUAL.to_owned()),
        lease: lease.map(|lease| lease.name.value.clone()),
    }
}
