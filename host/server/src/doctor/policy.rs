//! The path of one policy's alerts: from a rule that makes them to the webhook.

use std::collections::{BTreeMap, BTreeSet};

use suture_cluster::PrometheusClient;
use suture_cluster::alertmanager::routing::Routing;
use suture_cluster::prometheus::AlertingRule;
use suture_core::promql::{Kept, Need, examine as examine_expression};
use suture_core::{AlertRelabeling, Labels, Manifest, Program};
use suture_engine::key::key;
use suture_engine::{Policy, Receiver, is_our_own};

use super::report::About;
use super::route;

/// Rules of one policy that are looked at, selectors of one rule, and series of one selector.
const RULES: usize = 20;
const SELECTORS: usize = 10;
const SERIES: usize = 5;

/// What is known of the servers.
pub(super) struct Seen {
    /// Where metrics are queried.
    pub prometheus: Option<PrometheusClient>,
    /// The rules that are loaded; none where nobody could be asked.
    pub rules: Option<Vec<AlertingRule>>,
    /// The routes of each Alertmanager that could be asked, with its URL.
    pub routings: Vec<(String, Routing)>,
    /// The receivers that have posted here.
    pub receivers: BTreeSet<Receiver>,
}

pub(super) async fn examine(
    policy: &Policy,
    relabeling: &AlertRelabeling,
    seen: &Seen,
    report: &mut About<'_>,
) {
    let name = &policy.config.name;
    let program = match &policy.program {
        Ok(program) => program,
        Err(error) => {
            let remedy = format!(
                "`suture policies show {name}`, and `suture check` before a rollout; alerts wait meanwhile"
            );
            return report.fail("module", format!("it is not loaded: {error}"), remedy);
        }
    };
    let manifest = program.manifest();
    report.ok(
        "module",
        format!("version {} is loaded, in mode `{}`", manifest.version, policy.config.mode.as_str()),
    );
    let Some(rules) = &seen.rules else { return };
    let own: Vec<&AlertingRule> = rules.iter().filter(|rule| may_be_for(policy, manifest, rule)).collect();
    if own.is_empty() {
        let wanted = policy.config.instead_of_manifest.as_ref().unwrap_or(&manifest.matchers);
        let found = format!(
            "no rule that Prometheus has loaded makes an alert for it: it wants {wanted} {}",
            policy.config.matchers
        );
        let remedy = "load the rule (`deploy/kustomize/monitoring` has one for volsync), or name yours with `matchers`";
        return report.fail("rule", found, remedy);
    }
    if own.len() > RULES {
        let found = format!("{} rules make alerts for it; the first {RULES} are looked at", own.len());
        report.warn(
            "rule",
            found,
            "narrow `match`: a policy that gets alerts it can't use only plans and escalates",
        );
    }
    for rule in own.into_iter().take(RULES) {
        examine_rule(policy, &**program, rule, relabeling, seen, report).await;
    }
}

/// Whether nothing that a rule says of itself stands against its alerts being for a policy.
fn may_be_for(policy: &Policy, manifest: &Manifest, rule: &AlertingRule) -> bool {
    let known = own_labels(rule);
    let wanted = policy.config.instead_of_manifest.as_ref().unwrap_or(&manifest.matchers);
    !is_our_own(&known) && policy.config.matchers.allow(&known) && wanted.allow(&known)
}

/// The labels that a rule adds to all its alerts.
fn own_labels(rule: &AlertingRule) -> Labels {
    let fixed = rule.labels.iter().filter(|(_, value)| !value.contains("{{"));
    let mut labels: Labels = fixed.map(|(name, value)| (name.clone(), value.clone())).collect();
    labels.insert("alertname".to_owned(), rule.name.clone());
    labels
}

async fn examine_rule(
    policy: &Policy,
    program: &dyn Program,
    rule: &AlertingRule,
    relabeling: &AlertRelabeling,
    seen: &Seen,
    report: &mut About<'_>,
) {
    let name = &rule.name;
    if rule.health == "err" {
        let found = format!("Prometheus can't evaluate `{name}`: {}", rule.last_error);
        return report.fail(
            "rule",
            found,
            "correct the rule; `promtool check rules` and a query show what is wrong",
        );
    }
    report.ok("rule", format!("`{name}` is loaded"));
    let (mut samples, is_certain) = samples(rule, seen, report).await;
    if samples.is_empty() {
        // That its series are missing was said, and the series have the labels.
        samples.push(own_labels(rule));
    } else {
        labels(policy, program, rule, &samples, is_certain, report);
    }
    let sent: BTreeSet<Labels> = samples
        .iter()
        .map(|labels| relabeling.as_sent(labels).unwrap_or_else(|| labels.clone()))
        .filter(|labels| policy.wants(labels, false) || !is_certain)
        .collect();
    if !sent.is_empty() {
        route::examine(&policy.config.name, name, &sent, seen, report);
    }
}

/// Labels that alerts of a rule have or would have, and whether they surely would. No labels
/// where series are missing.
async fn samples(rule: &AlertingRule, seen: &Seen, report: &mut About<'_>) -> (Vec<Labels>, bool) {
    let name = &rule.name;
    if !rule.alerts.is_empty() {
        report.ok("series", format!("`{name}` has {} alerts now", rule.alerts.len()));
        return (rule.alerts.iter().take(SERIES).map(|alert| alert.labels.clone()).collect(), true);
    }
    let (need, kept) = match examine_expression(&rule.query) {
        Ok(examined) => examined,
        Err(why) => {
            let found = format!("whether the metrics of `{name}` are there can't be told: {why}");
            report.warn("series", found, "query its expression in Prometheus, without the comparison");
            return (vec![own_labels(rule)], false);
        }
    };
    let Some(prometheus) = &seen.prometheus else { return (vec![own_labels(rule)], false) };
    let mut series: BTreeMap<&str, Vec<Labels>> = BTreeMap::new();
    for selector in need.selectors().into_iter().take(SELECTORS) {
        match some_of(prometheus, selector).await {
            Ok(found) => _ = series.insert(selector, found),
            Err(error) => {
                let found = format!("whether `{selector}` of `{name}` has series can't be told: {error}");
                report.warn("series", found, "query it in Prometheus");
                return (vec![own_labels(rule)], false);
            }
        }
    }
    let are_missing = missing(name, &need, &series, prometheus, report).await;
    let of_series = series.values().flatten();
    let mut samples: BTreeSet<Labels> =
        of_series.map(|labels| with_own(labels, &kept, rule)).take(SERIES).collect();
    let is_certain = !samples.is_empty() && matches!(kept, Kept::Only(_));
    if samples.is_empty() && !are_missing {
        samples.insert(own_labels(rule));
    }
    (samples.into_iter().collect(), is_certain)
}

fn with_own(series: &Labels, kept: &Kept, rule: &AlertingRule) -> Labels {
    let stays = |name: &String| match kept {
        Kept::Untold => name != "__name__",
        Kept::Only(labels) => labels.contains(name),
    };
    let mut labels: Labels = series
        .iter()
        .filter(|(name, _)| stays(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    labels.extend(own_labels(rule));
    labels
}

/// Some series of a selector, as they are now.
async fn some_of(prometheus: &PrometheusClient, selector: &str) -> Result<Vec<Labels>, String> {
    let found = prometheus.query(&format!("topk({SERIES}, {selector})")).await;
    let found = found.map_err(|error| error.to_string())?;
    Ok(found.into_iter().map(|sample| sample.labels).collect())
}

/// Whether series that a rule needs are missing, which is told.
async fn missing(
    rule: &str,
    need: &Need,
    series: &BTreeMap<&str, Vec<Labels>>,
    prometheus: &PrometheusClient,
    report: &mut About<'_>,
) -> bool {
    let is_there = |selector: &str| series.get(selector).is_none_or(|found| !found.is_empty());
    let missing = need.missing(&is_there);
    if missing.is_empty() {
        report.ok("series", format!("all metrics of `{rule}` have series"));
        return false;
    }
    for selector in missing {
        let metric = selector.split('{').next().unwrap_or_default();
        let others = match metric.is_empty() || metric == selector {
            true => Vec::new(),
            false => some_of(prometheus, metric).await.unwrap_or_default(),
        };
        if others.is_empty() {
            report.fail(
                "series",
                format!("`{rule}` can't fire: no series of `{selector}`"),
                "is its exporter scraped (`up`, Prometheus' page of targets), and is the metric called so in its version?",
            );
        } else {
            report.warn(
                "series",
                format!("`{rule}` can't fire now: `{metric}` has series, and none of `{selector}`"),
                "well where such series come only with the trouble; otherwise correct the rule's labels",
            );
        }
    }
    true
}

/// Whether alerts with these labels are for the policy, and can be told apart.
fn labels(
    policy: &Policy,
    program: &dyn Program,
    rule: &AlertingRule,
    samples: &[Labels],
    is_certain: bool,
    report: &mut About<'_>,
) {
    let name = &rule.name;
    let keyless = samples.iter().find_map(|labels| key(program.manifest(), labels).err());
    let unwanted = samples.iter().find_map(|labels| Some((labels, policy.unmet(labels)?)));
    let remedy =
        "correct `match`; or keep the label in the rule's expression (`by (…)`), or add it in its `labels`";
    let problem = match (keyless, unwanted) {
        (Some(why), _) => format!("an alert of `{name}` can't be handled: {why}"),
        (None, Some((labels, unmet))) => {
            format!("an alert of `{name}` would not be for the policy: {unmet}; its labels are {labels:?}")
        }
        (None, None) => {
            return report.ok("labels", format!("the labels of `{name}` have what the policy wants"));
        }
    };
    if is_certain { report.fail("labels", problem, remedy) } else { report.warn("labels", problem, remedy) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use async_trait::async_trait;
    use axum::{Json, Router};
    use serde_json::{Value, json};
    use suture_core::manifest::RawManifest;
    use suture_core::{Ending, Host, Incident, Limits, Matchers, Mode, RealClock};
    use suture_engine::{Confirm, PolicyConfig, Retry};

    use super::*;
    use crate::doctor::report::{Report, Verdict};

    /// Is never run.
    struct Idle(Manifest);

    #[async_trait]
    impl Program for Idle {
        fn manifest(&self) -> &Manifest {
            &self.0
        }

        fn digest(&self) -> &str {
            "sha256:idle"
        }

        async fn remediate(&self, _: &Incident, _: &Limits, _: Arc<dyn Host>) -> Ending {
            Ending::Failed("it is never run".to_owned())
        }
    }

    /// A policy whose incidents are known by the label `name`.
    fn demo() -> Policy {
        let manifest = RawManifest {
            name: "demo".to_owned(),
            version: "0.1.0".to_owned(),
            description: String::new(),
            matchers: Vec::new(),
            key: vec!["name".to_owned()],
            permissions: Vec::new(),
            settings_schema: r#"{"type": "object"}"#.to_owned(),
        };
        Policy {
            config: PolicyConfig {
                name: "demo".to_owned(),
                mode: Mode::Enforce,
                matchers: Matchers::parse_all(&[r#"alertname="Demo""#]).unwrap(),
                instead_of_manifest: None,
                confirm: Confirm::None,
                trust: None,
                settings: json!({}),
                grants: [].into(),
                limits: Limits::default(),
                retry: Retry::default(),
                approval: Default::default(),
            },
            program: Ok(Arc::new(Idle(manifest.check().unwrap()))),
            source: "test".to_owned(),
            loaded_at: "2026-11-22T04:10:00Z".parse().unwrap(),
            trouble: None,
            candidate: None,
        }
    }

    /// What is found of the policy where each query of Prometheus has this result.
    async fn found(result: Value) -> Vec<(&'static str, Verdict)> {
        let answer = json!({"status": "success", "data": {"resultType": "vector", "result": result}});
        let router = Router::new().fallback(move || std::future::ready(Json(answer.clone())));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let rule = AlertingRule {
            name: "Demo".to_owned(),
            query: "max by (name) (demo_failed) == 1".to_owned(),
            health: "ok".to_owned(),
            ..AlertingRule::default()
        };
        let seen = Seen {
            prometheus: Some(PrometheusClient::new(&url, Arc::new(RealClock)).unwrap()),
            rules: Some(vec![rule]),
            routings: Vec::new(),
            receivers: BTreeSet::new(),
        };
        let mut report = Report::default();
        examine(&demo(), &AlertRelabeling::default(), &seen, &mut report.about("demo")).await;
        report.findings.into_iter().map(|finding| (finding.check, finding.verdict)).collect()
    }

    #[tokio::test]
    async fn of_a_rule_whose_series_are_missing_nothing_is_said_about_labels() {
        let (module, rule) = (("module", Verdict::Ok), ("rule", Verdict::Ok));
        assert_eq!(found(json!([])).await, [module, rule, ("series", Verdict::Fail)]);
        let series =
            |label: &str| json!([{"metric": {"__name__": "demo_failed", label: "x"}, "value": [1, "1"]}]);
        let is_there = ("series", Verdict::Ok);
        assert_eq!(found(series("name")).await, [module, rule, is_there, ("labels", Verdict::Ok)]);
        assert_eq!(found(series("other")).await, [module, rule, is_there, ("labels", Verdict::Fail)]);
    }
}
