//! A cluster for a unit test, built from objects.

use serde_json::{Map, Value, json};
use suture_policy::testing::Object;
use suture_scenario::ScenarioError;

use crate::Simulation;

/// A simulated cluster, built from [objects](suture_policy::testing), and the alert that a policy
/// answers there. What it has no word for is written in a scenario file.
///
/// ```no_run
/// # struct MyPolicy;
/// # impl suture_policy::Policy for MyPolicy {
/// #     type Settings = suture_policy::Value;
/// #     fn manifest() -> suture_policy::Manifest { suture_policy::Manifest::new("my", "1.0.0", "").key(["name"]) }
/// #     fn remediate(_: suture_policy::Incident, _: Self::Settings) -> suture_policy::Result<suture_policy::Outcome> {
/// #         Ok(suture_policy::Outcome::unnecessary(""))
/// #     }
/// # }
/// use suture_mock::Given;
/// use suture_policy::testing::{job, pod};
///
/// let failed = job("media", "thumbnails").failed("BackoffLimitExceeded", "it failed");
/// let report = Given::at("2026-11-22T04:10:00Z")
///     .object(pod("media", "thumbnails-x7k2p").owned_by(&failed).terminated(1, "Error"))
///     .object(failed)
///     .log("media/thumbnails-x7k2p", "main", "no space left on device")
///     .alert([("alertname", "KubeJobFailed"), ("namespace", "media"), ("job_name", "thumbnails")])?
///     .run::<MyPolicy>();
/// assert_eq!(report.runs[0].ending.as_ref().map(|ending| ending.name()), Some("escalate"));
/// # Ok::<(), suture_mock::ScenarioError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Given(Map<String, Value>);

impl Given {
    /// An empty cluster, at a time (RFC 3339).
    pub fn at(now: &str) -> Self {
        Self(Map::from_iter([("now".to_owned(), now.into())]))
    }

    /// With this object in it.
    pub fn object(self, object: Object) -> Self {
        self.more("objects", object.value())
    }

    /// A container of a pod (`NAMESPACE/NAME`) has written this.
    pub fn log(self, pod: &str, container: &str, text: &str) -> Self {
        self.more("logs", json!({"pod": pod, "container": container, "text": text}))
    }

    /// The operator has set this, an object.
    pub fn settings(mut self, settings: Value) -> Self {
        self.0.insert("settings".to_owned(), settings);
        self
    }

    /// A grant, as the configuration has it. Without one, all that the manifest requests is granted.
    pub fn grant(self, grant: Value) -> Self {
        self.more("grants", grant)
    }

    /// An alert with these labels fires.
    ///
    /// # Errors
    /// What in the cluster makes no sense.
    pub fn alert<const N: usize>(self, labels: [(&str, &str); N]) -> Result<Simulation, ScenarioError> {
        let labels: Map<_, _> =
            labels.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        // JSON is YAML, too.
        let scenario =
            json!({"name": "a unit test", "given": self.0, "when": [{"alert": {"labels": labels}}]});
        Simulation::from_yaml(&scenario.to_string())
    }

    fn more(mut self, field: &str, item: Value) -> Self {
        let list = self.0.entry(field).or_insert_with(|| json!([]));
        list.as_array_mut().into_iter().for_each(|items| items.push(item.clone()));
        self
    }
}
