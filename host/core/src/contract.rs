//! The versions of the contract between a policy and its host (`wit/`).

mod convert;
pub mod text;

use std::fmt;

use serde::{Deserialize, Serialize};

/// A version of the contract. The host serves all of them, each to the components that were
/// built for it: a run that is resumed or played back keeps the one that it began with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub enum ContractVersion {
    /// The first. Its manifests can't say which metrics a policy queries, nor which settings a
    /// permission belongs to.
    #[serde(rename = "suture:policy@0.1.0")]
    V0_1,
    /// Permissions name metrics, and settings that they belong to.
    #[serde(rename = "suture:policy@0.2.0")]
    V0_2,
}

impl ContractVersion {
    /// All that this host serves, newest first.
    pub const ALL: [Self; 2] = [Self::V0_2, Self::V0_1];
    /// What policies are built for today.
    pub const NEWEST: Self = Self::V0_2;

    /// Its package, as a component's imports name it: `suture:policy@0.2.0`.
    pub const fn package(self) -> &'static str {
        match self {
            Self::V0_1 => "suture:policy@0.1.0",
            Self::V0_2 => "suture:policy@0.2.0",
        }
    }

    /// The version after the `@`: `0.2.0`.
    pub fn version(self) -> &'static str {
        self.package().split_once('@').map_or("", |(_, version)| version)
    }

    /// The version with this package; none for one that this host does not serve.
    pub fn of_package(package: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.package() == package)
    }

    /// Whether its manifests can name metrics. Where they can't, grants alone decide what a
    /// policy queries.
    pub fn names_metrics(self) -> bool {
        match self {
            Self::V0_1 => false,
            Self::V0_2 => true,
        }
    }
}

impl fmt::Display for ContractVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.package())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_by_its_package_and_written_as_it() {
        for version in ContractVersion::ALL {
            assert_eq!(ContractVersion::of_package(version.package()), Some(version));
            assert_eq!(serde_json::to_value(version).unwrap(), version.package());
            assert!(version.package().ends_with(version.version()));
        }
        assert_eq!(ContractVersion::of_package("suture:policy@9.0.0"), None);
        assert_eq!(ContractVersion::ALL[0], ContractVersion::NEWEST);
    }
}
