//! What the API server serves.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use parking_lot::Mutex;
use serde_json::Value;
use suture_core::handler::Resource;
use suture_core::object::Kind;
use suture_core::{Error, Reason, Timestamp, clock::later};

use super::path;
use super::wire::Wire;

/// A kind that is unknown is looked for again, but not more often than this.
const FRESH: Duration = Duration::from_secs(2);
/// How many groups and versions are remembered. Policies name few.
const MOST: usize = 256;

/// The resources of groups and versions, as far as they were asked for.
#[derive(Default)]
pub(super) struct Known(Mutex<HashMap<String, Arc<Version>>>);

/// A group and version.
struct Version {
    at: Timestamp,
    /// By kind.
    resources: HashMap<String, Resource>,
}

impl Known {
    /// The resource of a kind; `NotServed` where there is none.
    pub async fn resource(&self, wire: &Wire, kind: &Kind) -> Result<Resource, Error> {
        let known = self.0.lock().get(&kind.api_version).cloned();
        if let Some(version) = known {
            if let Some(resource) = version.resources.get(&kind.kind) {
                return Ok(resource.clone());
            }
            // A definition may have come since.
            if later(version.at, FRESH) > wire.clock.now() {
                return Err(self.unknown(wire, kind).await);
            }
        }
        let version = match read(wire, &kind.api_version).await {
            Ok(version) => version,
            Err(error) if error.reason == Reason::NOT_FOUND => {
                self.0.lock().remove(&kind.api_version);
                return Err(self.unknown(wire, kind).await);
            }
            Err(error) => return Err(error),
        };
        let found = version.resources.get(&kind.kind).cloned();
        {
            let mut known = self.0.lock();
            if known.len() >= MOST {
                known.clear();
            }
            known.insert(kind.api_version.clone(), Arc::new(version));
        }
        match found {
            Some(resource) => Ok(resource),
            None => Err(self.unknown(wire, kind).await),
        }
    }

    /// A kind's path is not there any more: ask anew at the next occasion.
    pub fn forget(&self, api_version: &str) {
        self.0.lock().remove(api_version);
    }

    /// Says what is served instead, if anything.
    async fn unknown(&self, wire: &Wire, kind: &Kind) -> Error {
        let served = versions(wire, kind.group()).await.unwrap_or_default();
        let message = match &served[..] {
            [] => format!("the API server serves no {kind}: its definition may not be installed"),
            versions => format!(
                "the API server serves no {kind}; of `{}` it serves: {}",
                if kind.group().is_empty() { "the core group" } else { kind.group() },
                versions.join(", ")
            ),
        };
        Error::new(Reason::NOT_SERVED, message)
    }
}

async fn read(wire: &Wire, api_version: &str) -> Result<Version, Error> {
    let at = wire.clock.now();
    let request = path::request(Method::GET, &path::of_version(api_version)?, &[], None, Vec::new())?;
    let list = wire.read(request).await?.json()?;
    let entries = list.get("resources").and_then(Value::as_array).into_iter().flatten();
    let resources = entries
        .filter_map(|entry| {
            let plural = entry.get("name")?.as_str()?;
            // Subresources are listed beside their resources.
            if plural.contains('/') {
                return None;
            }
            let resource =
                Resource { plural: plural.to_owned(), namespaced: entry.get("namespaced")?.as_bool()? };
            Some((entry.get("kind")?.as_str()?.to_owned(), resource))
        })
        .collect();
    Ok(Version { at, resources })
}

async fn versions(wire: &Wire, group: &str) -> Result<Vec<String>, Error> {
    let path = if group.is_empty() {
        "/api".to_owned()
    } else {
        let version = path::of_version(&format!("{group}/v1"))?;
        version.rsplit_once('/').map(|(group, _)| group.to_owned()).unwrap_or(version)
    };
    let answer = wire.read(path::request(Method::GET, &path, &[], None, Vec::new())?).await?.json()?;
    let versions = answer.get("versions").and_then(Value::as_array).into_iter().flatten();
    Ok(versions
        .filter_map(|version| Some(version.get("version").unwrap_or(version).as_str()?.to_owned()))
        .collect())
}
