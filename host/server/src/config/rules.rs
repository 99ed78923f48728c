//! What a configuration must satisfy beyond its form, and what it is warned about.

mod listeners;
mod people;
mod upstream;

use std::collections::BTreeSet;

use serde_saphyr::Location;
use suture_core::{Bytes, Clock, HumanDuration, RealClock, names};
use suture_engine::{Approval, BackTest};

use super::error::{ConfigError, Source as Text};
use super::{ClusterConfig, Config, ConfirmBy, Live, PolicyEntry, SimulatedConfig, Source, Storage, Webhook};

pub(super) struct Findings<'a> {
    text: &'a Text<'a>,
    errors: Vec<ConfigError>,
    warnings: Vec<ConfigError>,
}

impl Findings<'_> {
    pub(super) fn error(&mut self, at: Location, message: impl Into<String>) {
        self.errors.push(self.text.error(at, message));
    }

    pub(super) fn warn(&mut self, at: Location, message: impl Into<String>) {
        self.warnings.push(self.text.error(at, message));
    }
}

/// Errors and warnings.
pub(super) fn check(config: &Config, text: &Text<'_>) -> (Vec<ConfigError>, Vec<ConfigError>) {
    let mut findings = Findings { text, errors: Vec::new(), warnings: Vec::new() };
    listeners::check(config, &mut findings);
    people::check(&config.people, &mut findings);
    bounds(config, &mut findings);
    telemetry(config, &mut findings);
    upstream::check(config, &mut findings);
    match &config.cluster.value {
        ClusterConfig::Simulated(SimulatedConfig::Scenario { speed, .. })
            if !(1.0..=100_000.0).contains(speed) =>
        {
            findings.error(config.cluster.referenced, "`speed` must lie between 1 and 100000");
        }
        ClusterConfig::Simulated(_) => {}
        ClusterConfig::Live(live) => check_live(live, &mut findings),
    }
    if config.alertmanagers().next().is_none() {
        let message = "no `alertmanager`: escalations reach nobody but the log";
        findings.warn(Location::UNKNOWN, message);
    }
    if config.policies.is_empty() {
        findings
            .warn(Location::UNKNOWN, "no `policies`: alerts are accepted, and nothing is done about them");
    }
    let mut names_seen = BTreeSet::new();
    for policy in &config.policies {
        let name = &policy.value.name;
        if let Err(error) = names::dns_label(&name.value) {
            findings.error(name.referenced, error);
        }
        if !names_seen.insert(&name.value) {
            findings.error(
                name.referenced,
                format!("there are two policies named `{}`", names::shortened(&name.value)),
            );
        }
        check_policy(config, &policy.value, &mut findings);
    }
    (findings.errors, findings.warnings)
}

/// What no API server would take, or would suffer under.
fn check_live(live: &Live, findings: &mut Findings<'_>) {
    if let Some(namespace) = &live.namespace
        && let Err(error) = names::dns_label(&namespace.value)
    {
        findings.error(namespace.referenced, error);
    }
    for (name, number) in [("requestsPerSecond", &live.requests_per_second), ("burst", &live.burst)] {
        if !(1..=10_000).contains(&number.value) {
            findings.error(number.referenced, format!("`{name}` must lie between 1 and 10000"));
        }
    }
    let seconds = |from: u64, to: u64| HumanDuration::from_secs(from)..=HumanDuration::from_secs(to);
    if !seconds(1, 300).contains(&live.timeout.value) {
        findings.error(live.timeout.referenced, "`timeout` must lie between 1s and 5m");
    }
    let Some(lease) = live.lease.get() else { return };
    if let Err(error) = names::dns_subdomain(&lease.name.value) {
        findings.error(lease.name.referenced, error);
    }
    let duration = lease.duration.value;
    if !seconds(5, 600).contains(&duration) || duration.get().subsec_nanos() != 0 {
        let message = "`duration` of a Lease is whole seconds between 5s and 10m";
        findings.error(lease.duration.referenced, message);
    }
}

fn telemetry(config: &Config, findings: &mut Findings<'_>) {
    let Some(otlp) = &config.telemetry.otlp else { return };
    if !(0.0..=1.0).contains(&otlp.sample_ratio.value) {
        findings.error(otlp.sample_ratio.referenced, "`sampleRatio` must lie between 0 and 1");
    }
    if otlp.service_name.value.is_empty() {
        findings.error(otlp.service_name.referenced, "`serviceName` is empty: nobody would find the traces");
    }
    let (least, most) = (HumanDuration::from_millis(100), HumanDuration::from_secs(60));
    if !(least..=most).contains(&otlp.timeout.value) {
        findings.error(otlp.timeout.referenced, "`timeout` must lie between 100ms and 1m");
    }
}

/// What would keep a host from ever doing anything, or from staying within its memory.
fn bounds(config: &Config, findings: &mut Findings<'_>) {
    let Webhook { max_body, max_pending, max_pending_bytes, reconcile_every, .. } = &config.webhook;
    let Storage { max_size, audit_retention, .. } = &config.storage;
    if audit_retention.value < HumanDuration::from_secs(86_400) {
        findings.error(audit_retention.referenced, "`auditRetention` must be 1d at least");
    }
    if max_size.value.0 < Storage::MIN_SIZE {
        let least = Bytes(Storage::MIN_SIZE);
        findings.error(max_size.referenced, format!("`maxSize` must be {least} at least"));
    }
    if max_pending_bytes.value.0 < max_body.value.0 {
        let message = format!(
            "`maxPendingBytes` is less than `maxBody` ({}): the largest notification would always be turned away",
            max_body.value
        );
        findings.error(max_pending_bytes.referenced, message);
    } else if config.max_pending_bytes() < max_body.value.0 {
        let message = format!(
            "a quarter of `maxSize` is less than `webhook.maxBody` ({}): the largest notification would always be \
             turned away",
            max_body.value
        );
        findings.error(max_size.referenced, message);
    }
    if !(Webhook::MIN_BODY..=Webhook::MAX_BODY).contains(&max_body.value.0) {
        let (least, most) = (Bytes(Webhook::MIN_BODY), Bytes(Webhook::MAX_BODY));
        findings.error(max_body.referenced, format!("`maxBody` must lie between {least} and {most}"));
    }
    let every = reconcile_every.value;
    if every != HumanDuration::from_secs(0) && every < HumanDuration::from_secs(30) {
        findings.error(reconcile_every.referenced, "`reconcileEvery` is 30s at least, or 0s for never");
    }
    if max_pending.value == 0 {
        findings.error(max_pending.referenced, "`maxPending` is 0: every notification would be turned away");
    }
    let Some(budgets) = &config.budgets else { return };
    for (name, value) in [
        ("concurrentRuns", budgets.value.concurrent_runs),
        ("runsPerHour", budgets.value.runs_per_hour),
        ("storm", budgets.value.storm),
    ] {
        if value == 0 {
            let message =
                format!("`{name}` is 0: no run would ever start; to only watch, use `mode: observe`");
            findings.error(budgets.referenced, message);
        }
    }
}

fn check_policy(config: &Config, policy: &PolicyEntry, findings: &mut Findings<'_>) {
    if let Source::Oci(source) = &policy.source.value
        && source.key.is_none()
        && source.reference.digest().is_none()
    {
        let message = format!(
            "policy `{}` is pulled by a tag and verified with no key: whoever can push that tag decides what it \
             does; set `key`, or name a digest",
            policy.name.value
        );
        findings.warn(policy.source.referenced, message);
    }
    let approval = &policy.approval;
    if approval.value.by == 0 || approval.value.by > Approval::MOST {
        let message =
            format!("`by` must lie between 1 and {}: so many people must approve a plan", Approval::MOST);
        findings.error(approval.referenced, message);
    }
    if approval.value.expires == HumanDuration::from_secs(0) {
        findings.error(
            approval.referenced,
            "`expires` is 0: nobody could ever approve a plan; leave it out for 30m",
        );
    }
    if let Some(sweep) = &policy.sweep
        && sweep.value.next(RealClock.now()).is_none()
    {
        let message = format!("the schedule `{}` never comes: there is no such day", sweep.value.schedule);
        findings.warn(sweep.referenced, message);
    }
    if let Some(backtest) = &policy.backtest
        && !BackTest::RUNS.contains(&backtest.value.runs)
    {
        let message =
            format!("`runs` must lie between {} and {}", BackTest::RUNS.start(), BackTest::RUNS.end());
        findings.error(backtest.referenced, message);
    }
    let live = matches!(config.cluster.value, ClusterConfig::Live(_));
    match policy.confirm {
        ConfirmBy::None => findings.warn(
            policy.name.referenced,
            format!(
                "policy `{}` confirms nothing: whoever can post an alert chooses what it acts on",
                policy.name.value
            ),
        ),
        ConfirmBy::Prometheus | ConfirmBy::Key if live && config.prometheus.is_none() => findings.error(
            policy.name.referenced,
            format!(
                "policy `{}` confirms alerts with Prometheus: set `prometheus.url`, or `confirm: none`",
                policy.name.value
            ),
        ),
        ConfirmBy::Prometheus | ConfirmBy::Key => {}
    }
    check_work(policy, findings);
    if let Some(settings) = policy.settings.as_ref().filter(|settings| !settings.value.is_object()) {
        findings.error(settings.referenced, "`settings` are keys with values: `{key: value}`");
    }
    if policy.grants.is_empty() {
        let message = format!("policy `{}` has no grants: everything it tries is denied", policy.name.value);
        findings.warn(policy.name.referenced, message);
    }
    for grant in &policy.grants {
        super::grants::check(grant, findings);
    }
}

/// What would let no run of the policy ever do anything, or never be found to have worked.
fn check_work(policy: &PolicyEntry, findings: &mut Findings<'_>) {
    let PolicyEntry { name, limits, retry, .. } = policy;
    let nothing = HumanDuration::from_secs(0);
    let mut refuse = |what: &str, why: &str| {
        findings.error(name.referenced, format!("policy `{}` has `{what}`: {why}", name.value));
    };
    for (what, is_nothing) in [
        ("limits: {memory: 0}", limits.memory.0 == 0),
        ("limits: {cpu: 0s}", limits.cpu == nothing),
        ("limits: {deadline: 0s}", limits.deadline == nothing),
        ("limits: {effects: 0}", limits.effects == 0),
        ("limits: {callBytes: 0}", limits.call_bytes.0 == 0),
        ("limits: {runBytes: 0}", limits.run_bytes.0 == 0),
    ] {
        if is_nothing {
            refuse(what, "every run would fail at once; leave it out for the default");
        }
    }
    if retry.attempts == 0 {
        refuse("retry: {attempts: 0}", "no run would ever start; to only watch, use `mode: observe`");
    }
    if retry.settle == nothing {
        refuse("retry: {settle: 0s}", "no repair would have time to be seen; leave it out for the default");
    }
}
