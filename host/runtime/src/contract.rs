//! The versions of the contract, side by side: a component is served by that which it was
//! built for.

mod nesting;
mod v0_1;
mod v0_2;

use suture_core::contract::text::{MAX_TEXT, cut};
use suture_core::manifest::RawManifest;
use suture_core::{ContractVersion, Ending, Incident};
use wasmtime::Store;
use wasmtime::component::{HasSelf, InstancePre, Linker};

pub(crate) use nesting::check_nesting;

use crate::instance::State;

/// A component, linked: its exports are those of a version.
#[derive(Clone)]
pub(crate) enum Contract {
    V0_1(v0_1::bindings::PolicyPre<State>),
    V0_2(v0_2::bindings::PolicyPre<State>),
}

/// Offer the imports of all versions.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    v0_1::bindings::Policy::add_to_linker::<_, HasSelf<State>>(linker, |state| state)?;
    v0_2::bindings::Policy::add_to_linker::<_, HasSelf<State>>(linker, |state| state)
}

impl Contract {
    /// A component under a version.
    ///
    /// # Errors
    /// Where its exports are not that version's.
    pub fn new(version: ContractVersion, linked: InstancePre<State>) -> wasmtime::Result<Self> {
        Ok(match version {
            ContractVersion::V0_1 => Self::V0_1(v0_1::bindings::PolicyPre::new(linked)?),
            ContractVersion::V0_2 => Self::V0_2(v0_2::bindings::PolicyPre::new(linked)?),
        })
    }

    /// Which version.
    pub fn version(&self) -> ContractVersion {
        match self {
            Self::V0_1(_) => ContractVersion::V0_1,
            Self::V0_2(_) => ContractVersion::V0_2,
        }
    }

    /// What a fresh instance says of itself.
    ///
    /// # Errors
    /// A trap, or the end that the host put to it.
    pub async fn manifest(&self, store: &mut Store<State>) -> wasmtime::Result<RawManifest> {
        Ok(match self {
            Self::V0_1(policy) => {
                let policy = policy.instantiate_async(&mut *store).await?;
                v0_1::convert::manifest(policy.call_manifest(store).await?)
            }
            Self::V0_2(policy) => {
                let policy = policy.instantiate_async(&mut *store).await?;
                v0_2::convert::manifest(policy.call_manifest(store).await?)
            }
        })
    }

    /// Repair one incident in a fresh instance, which is thrown away after it: a trap or a
    /// dropped future leaves it in a state that can't be entered again.
    ///
    /// # Errors
    /// A trap, or the end that the host put to it.
    pub async fn remediate(&self, store: &mut Store<State>, incident: &Incident) -> wasmtime::Result<Ending> {
        let concluded = match self {
            Self::V0_1(policy) => {
                let policy = policy.instantiate_async(&mut *store).await?;
                policy
                    .call_remediate(store, &v0_1::convert::incident(incident))
                    .await?
                    .map(v0_1::convert::outcome)
            }
            Self::V0_2(policy) => {
                let policy = policy.instantiate_async(&mut *store).await?;
                policy
                    .call_remediate(store, &v0_2::convert::incident(incident))
                    .await?
                    .map(v0_2::convert::outcome)
            }
        };
        Ok(match concluded {
            Ok(outcome) => Ending::Concluded(outcome),
            Err(text) => Ending::Failed(cut(text, MAX_TEXT)),
        })
    }
}

#[cfg(test)]
mod tests;
