//! How a case ended, apart from what differs each time: ids, times, versions.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use anyhow::ensure;
use regex::Regex;
use serde_json::{Value, json};
use suture_core::clock::Timestamp;
use suture_simulator::SimulatedCluster;
use suture_tests::left::nothing_is_left;

/// What is compared.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    /// The incident: state, attempts, summary.
    pub incident: Value,
    /// Each run: state, outcome, summary.
    pub runs: Vec<Value>,
    /// What policies changed, in order.
    pub mutations: Vec<Value>,
    /// All objects.
    pub objects: Vec<Value>,
    /// What people were told: one each, however often.
    pub pages: BTreeSet<String>,
}

impl End {
    /// How it ended, as the API says, and the cluster, the journal and those who were told.
    ///
    /// # Errors
    /// Where something was done twice or is left to undo, whatever the end is.
    pub async fn read(
        incident: Value,
        runs: Vec<Value>,
        cluster: &SimulatedCluster,
        state: &Path,
        pages: Vec<Value>,
        began: Timestamp,
    ) -> anyhow::Result<Self> {
        nothing_is_left(state).await?;
        let performed: Vec<_> =
            cluster.mutations().into_iter().filter(|performed| !performed.dry_run).collect();
        let mut steps = BTreeSet::new();
        for performed in &performed {
            let step = performed.step.as_ref().map(ToString::to_string);
            ensure!(
                steps.insert(step.clone()),
                "done twice: step {step:?}, {} {}",
                performed.mutation,
                performed.object
            );
        }
        let names = Names::of(&incident, began);
        let mutations = performed.iter().map(|performed| {
            let object = performed.object.to_string();
            json!({"verb": performed.mutation.as_str(), "object": object, "subresource": performed.subresource, "patch": performed.patch})
        });
        let runs = runs.iter().map(|run| {
            ensure!(run["endedAt"].is_string(), "the incident is over, and a run of it is not: {run:#}");
            Ok(names.general(
                &json!({"state": run["state"], "outcome": run["outcome"], "summary": run["summary"]}),
            ))
        });
        Ok(Self {
            mutations: mutations.map(|mutation| names.general(&mutation)).collect(),
            objects: cluster.objects().iter().map(|object| names.general(object)).collect(),
            // The end of the evidence says of a crash what there was to say of it.
            pages: pages.iter().map(|page| names.general(&page["annotations"]["summary"]).to_string()).collect(),
            runs: runs.collect::<anyhow::Result<_>>()?,
            incident: names.general(
                &json!({"state": incident["state"], "attempts": incident["attempts"], "summary": incident["summary"]}),
            ),
        })
    }

    /// Whether it is a doubt that people were told of.
    pub fn is_named_doubt(&self) -> bool {
        let is_doubt = |text: &str| text.contains("may or may not have taken place");
        self.incident["state"] == "escalated"
            && is_doubt(&self.incident["summary"].to_string())
            && self.pages.iter().any(|page| is_doubt(page))
    }
}

/// What is called otherwise each time.
struct Names {
    ids: Vec<(String, &'static str)>,
    began: Timestamp,
}

static TIME: LazyLock<Regex> = LazyLock::new(|| pattern(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"));
static AGE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(\d+[dhms])+ old"));

#[expect(clippy::expect_used, reason = "it is written here")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern")
}

impl Names {
    fn of(incident: &Value, began: Timestamp) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let runs = incident["runs"].as_array().into_iter().flatten().map(|run| (text(run), "RUN"));
        Self { ids: std::iter::once((text(&incident["id"]), "INCIDENT")).chain(runs).collect(), began }
    }

    fn general(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => items.iter().map(|item| self.general(item)).collect(),
            Value::Object(fields) => fields
                .iter()
                .filter(|(name, _)| *name != "resourceVersion")
                .map(|(name, value)| (name.clone(), self.general(value)))
                .collect(),
            other => other.clone(),
        }
    }

    fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (id, name) in self.ids.iter().filter(|(id, _)| !id.is_empty()) {
            text = text.replace(id, name);
        }
        let later = |found: &regex::Captures<'_>| match found[0].parse::<Timestamp>() {
            Ok(time) if time >= self.began => "LATER".to_owned(),
            _ => found[0].to_owned(),
        };
        let text = TIME.replace_all(&text, later);
        AGE.replace_all(&text, "AGE old").into_owned()
    }
}
