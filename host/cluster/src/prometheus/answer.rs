//! What Prometheus's API says, as it says it.

use std::collections::BTreeMap;

use serde::Deserialize;
use suture_core::effect::{Point, Sample, Series};
use suture_core::names::shortened;
use suture_core::{AlertRelabeling, Labels, RelabelRule};

/// The `data` of a query.
#[derive(Debug, Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
pub enum QueryResult {
    Vector(Vec<InstantSeries>),
    Matrix(Vec<RangeSeries>),
    Scalar(Written),
    String(serde::de::IgnoredAny),
}

#[derive(Debug, Deserialize)]
pub struct InstantSeries {
    metric: Labels,
    /// None where the sample is a native histogram.
    value: Option<Written>,
}

#[derive(Debug, Deserialize)]
pub struct RangeSeries {
    metric: Labels,
    #[serde(default)]
    values: Vec<Written>,
    #[serde(default)]
    histograms: Vec<serde::de::IgnoredAny>,
}

/// A time in seconds and a value as text.
#[derive(Debug, Deserialize)]
pub struct Written(f64, String);

/// Why a result is not what was asked for.
#[derive(Debug, PartialEq)]
pub enum Unfit {
    /// The expression has another type.
    Type(&'static str),
    /// A value can't be read.
    Value(String),
}

const HISTOGRAM: Unfit =
    Unfit::Type("its values are native histograms; ask for a number, such as histogram_quantile(…)");

impl QueryResult {
    /// The result of an instant query.
    pub fn samples(self) -> Result<Vec<Sample>, Unfit> {
        match self {
            Self::Vector(series) => series.into_iter().map(InstantSeries::sample).collect(),
            Self::Scalar(written) => {
                let Point { at_ms, value } = written.point()?;
                Ok(vec![Sample { labels: Labels::new(), at_ms, value }])
            }
            Self::Matrix(_) => Err(Unfit::Type("this is a range vector; ask for it with query-range")),
            Self::String(_) => Err(Unfit::Type("this is a text, not a number")),
        }
    }

    /// The result of a range query.
    pub fn series(self) -> Result<Vec<Series>, Unfit> {
        match self {
            Self::Matrix(series) => series.into_iter().map(RangeSeries::series).collect(),
            _ => Err(Unfit::Value("a range query's result that is no matrix".to_owned())),
        }
    }
}

impl InstantSeries {
    fn sample(self) -> Result<Sample, Unfit> {
        let Point { at_ms, value } = self.value.ok_or(HISTOGRAM)?.point()?;
        Ok(Sample { labels: self.metric, at_ms, value })
    }
}

impl RangeSeries {
    fn series(self) -> Result<Series, Unfit> {
        if !self.histograms.is_empty() {
            return Err(HISTOGRAM);
        }
        let points = self.values.iter().map(Written::point).collect::<Result<_, _>>()?;
        Ok(Series { labels: self.metric, points })
    }
}

impl Written {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, and no time is before 1970"
    )]
    fn point(&self) -> Result<Point, Unfit> {
        let Self(seconds, text) = self;
        let value: f64 =
            text.parse().map_err(|_| Unfit::Value(format!("the value `{}`", shortened(text))))?;
        Ok(Point { at_ms: (seconds * 1000.0).round() as u64, value })
    }
}

/// The `data` of the configuration: its text.
#[derive(Debug, Deserialize)]
pub struct ConfigText {
    yaml: String,
}

/// The longest configuration that is read, in bytes.
const MAX_CONFIG: usize = 4 << 20;

/// How the configuration of a server is read.
pub(crate) fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 64,
            max_nodes: 200_000,
            max_events: 600_000,
            max_aliases: 100,
            max_anchors: 100,
            max_documents: 1,
        },
        with_snippet: false,
    }
}

impl ConfigText {
    /// `global.external_labels`, and `alert_relabel_configs`: those of all Alertmanagers, and
    /// those of the one Alertmanager where there is one (each can have its own).
    ///
    /// # Errors
    /// Where it can't be read, or can't be followed.
    pub fn relabeling(&self) -> Result<AlertRelabeling, String> {
        #[derive(Deserialize)]
        struct Config {
            global: Option<Global>,
            alerting: Option<Alerting>,
        }
        #[derive(Deserialize)]
        struct Global {
            external_labels: Option<BTreeMap<String, String>>,
        }
        #[derive(Deserialize)]
        struct Alerting {
            #[serde(default)]
            alert_relabel_configs: Vec<RelabelRule>,
            #[serde(default)]
            alertmanagers: Vec<Receiving>,
        }
        #[derive(Deserialize)]
        struct Receiving {
            #[serde(default)]
            alert_relabel_configs: Vec<RelabelRule>,
        }
        if self.yaml.len() > MAX_CONFIG {
            return Err(format!(
                "its configuration has {} bytes, more than {MAX_CONFIG} are not read",
                self.yaml.len()
            ));
        }
        let config: Config = serde_saphyr::from_str_with_options(&self.yaml, options())
            .map_err(|error| format!("its configuration can't be read: {error}"))?;
        let external_labels = config.global.and_then(|global| global.external_labels).unwrap_or_default();
        let mut rules = Vec::new();
        if let Some(Alerting { alert_relabel_configs, mut alertmanagers }) = config.alerting {
            rules.extend(alert_relabel_configs);
            if let (1, Some(receiving)) = (alertmanagers.len(), alertmanagers.pop()) {
                rules.extend(receiving.alert_relabel_configs);
            }
        }
        Ok(AlertRelabeling { rules: RelabelRule::checked(rules)?, ..external_labels.into() })
    }
}
