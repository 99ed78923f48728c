//! A policy that is loaded.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use suture_core::{Ending, Host, Incident, Limits, Manifest, Program};

use crate::contract::Contract;
use crate::engine::Shared;
use crate::instance::{Calls, store};
use crate::meter::Meter;
use crate::trap::ending;

/// A policy: compiled, checked and linked. Each run is a fresh instance of it.
#[derive(Clone)]
pub struct PolicyModule {
    pub(crate) shared: Arc<Shared>,
    pub(crate) contract: Contract,
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) digest: Arc<str>,
    /// How many places an instance takes.
    pub(crate) weight: u32,
}

impl fmt::Debug for PolicyModule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicyModule")
            .field("name", &self.manifest.name)
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}

impl PolicyModule {
    async fn run(
        &self,
        incident: &Incident,
        limits: &Limits,
        host: Arc<dyn Host>,
    ) -> wasmtime::Result<Ending> {
        let meter = Arc::new(Meter::default());
        let run = async {
            let mut store = store(&self.shared, Calls::Answered(host), limits, meter.clone());
            self.contract.remediate(&mut store, incident).await
        };
        meter.inside(run).await
    }
}

#[async_trait]
impl Program for PolicyModule {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn digest(&self) -> &str {
        &self.digest
    }

    async fn remediate(&self, incident: &Incident, limits: &Limits, host: Arc<dyn Host>) -> Ending {
        let _slot = self.shared.slot(self.weight).await;
        match self.run(incident, limits, host).await {
            Ok(ending) => ending,
            Err(error) => ending(&error),
        }
    }
}
