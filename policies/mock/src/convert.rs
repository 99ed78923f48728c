//! Between the contract's types, as policies are compiled with them, and the host's own.

use serde_json::Value;
use suture_core::effect;
use suture_core::manifest::{RawManifest, RawPermission};
use suture_core::object::Kind;
use suture_core::{AlertStatus, Error, HumanDuration, Incident, Labels, Outcome, Reason};
use suture_policy::host::{self, types};

// ---------------------------------------------------------------- from the policy

fn invalid(message: impl Into<String>) -> Error {
    Error::new(Reason::INVALID, message)
}

fn json(field: &str, text: &str) -> Result<Value, Error> {
    serde_json::from_str(text).map_err(|error| invalid(format!("{field}: {error}")))
}

fn kind(kind: &host::Kind) -> Kind {
    Kind::new(&kind.api_version, &kind.kind)
}

pub(crate) fn target(target: &host::Target) -> effect::Target {
    let host::Target { kind: of, namespace, name, uid, subresource } = target.clone();
    effect::Target { kind: kind(&of), namespace, name, uid, subresource }
}

pub(crate) fn query(query: &host::Query) -> effect::Query {
    let host::Query { kind: of, namespace, labels, fields, limit, next, metadata_only } = query.clone();
    effect::Query { kind: kind(&of), namespace, labels, fields, limit, next, metadata_only }
}

pub(crate) fn mutation(mutation: &host::Mutation) -> Result<suture_core::Mutation, Error> {
    use suture_core::Mutation;
    Ok(match mutation {
        host::Mutation::Create(create) => Mutation::Create(effect::Create {
            kind: kind(&create.kind),
            namespace: create.namespace.clone(),
            object: json("create.object", &create.object)?,
            subresource: create.subresource.clone(),
        }),
        host::Mutation::Patch(patch) => Mutation::Patch(effect::Patch {
            target: target(&patch.target),
            patch_type: match patch.type_ {
                host::PatchType::Merge => effect::PatchType::Merge,
                host::PatchType::Json => effect::PatchType::Json,
            },
            body: json("patch.body", &patch.body)?,
            resource_version: patch.resource_version.clone(),
        }),
        host::Mutation::Apply(apply) => Mutation::Apply(effect::Apply {
            target: target(&apply.target),
            object: json("apply.object", &apply.object)?,
            force: apply.force,
        }),
        host::Mutation::Delete(delete) => Mutation::Delete(effect::Delete {
            target: target(&delete.target),
            propagation: match delete.propagation {
                host::Propagation::Background => effect::Propagation::Background,
                host::Propagation::Foreground => effect::Propagation::Foreground,
                host::Propagation::Orphan => effect::Propagation::Orphan,
            },
            resource_version: delete.resource_version.clone(),
        }),
    })
}

pub(crate) fn predicate(predicate: &host::Predicate) -> Result<effect::Predicate, Error> {
    let tests = |tests: &[host::Test]| tests.iter().map(test).collect::<Result<Vec<_>, _>>();
    Ok(match predicate {
        host::Predicate::Deleted => effect::Predicate::Deleted,
        host::Predicate::All(all) => effect::Predicate::All(tests(all)?),
        host::Predicate::Any(any) => effect::Predicate::Any(tests(any)?),
    })
}

fn test(test: &host::Test) -> Result<effect::Test, Error> {
    let host::Test { pointer, op, value } = test;
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return Err(invalid(format!("`{pointer}` is no JSON pointer: it begins with `/`")));
    }
    let compared = |op| Ok::<_, Error>((op, json("value", value)?));
    let (op, value) = match op {
        host::Op::Exists => (effect::Op::Exists, Value::Null),
        host::Op::Absent => (effect::Op::Absent, Value::Null),
        host::Op::Equals => compared(effect::Op::Equals)?,
        host::Op::NotEquals => compared(effect::Op::NotEquals)?,
    };
    Ok(effect::Test { pointer: pointer.clone(), op, value })
}

pub(crate) fn step(text: &str) -> Result<u32, Error> {
    text.parse().map_err(|_| invalid(format!("`{text}` is no step: hand back what `mutate` returned")))
}

pub(crate) fn level(level: host::Level) -> effect::Level {
    match level {
        host::Level::Debug => effect::Level::Debug,
        host::Level::Info => effect::Level::Info,
        host::Level::Warn => effect::Level::Warn,
        host::Level::Error => effect::Level::Error,
    }
}

pub(crate) fn outcome(outcome: types::Outcome) -> Outcome {
    match outcome {
        types::Outcome::Remediated(summary) => Outcome::Remediated { summary },
        types::Outcome::Unnecessary(summary) => Outcome::Unnecessary { summary },
        types::Outcome::Retry(types::Retry { after_ms, reason }) => {
            Outcome::Retry { after: HumanDuration::from_millis(after_ms), summary: reason }
        }
        types::Outcome::Escalate(summary) => Outcome::Escalate { summary },
    }
}

pub(crate) fn manifest(manifest: types::Manifest) -> RawManifest {
    let types::Manifest { name, version, description, matchers, key, permissions, settings_schema } =
        manifest;
    let permission = |permission: types::Permission| {
        let types::Permission { groups, resources, verbs, metrics, when, reason } = permission;
        RawPermission { groups, resources, verbs, metrics, when, reason }
    };
    let permissions = permissions.into_iter().map(permission).collect();
    RawManifest { name, version, description, matchers, key, permissions, settings_schema }
}

// ---------------------------------------------------------------- to the policy

fn pairs(labels: &Labels) -> Vec<types::Label> {
    labels.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}

pub(crate) fn incident(incident: &Incident) -> types::Incident {
    let alert = &incident.alert;
    types::Incident {
        id: incident.id.to_string(),
        key: pairs(&incident.key),
        alert: types::Alert {
            status: match alert.status {
                AlertStatus::Firing => types::AlertStatus::Firing,
                AlertStatus::Resolved => types::AlertStatus::Resolved,
            },
            labels: pairs(&alert.labels),
            annotations: pairs(&alert.annotations),
            starts_at: alert.starts_at.to_string(),
            ends_at: alert.ends_at.map(|time| time.to_string()),
            generator_url: alert.generator_url.clone(),
            fingerprint: alert.fingerprint(),
        },
        attempt: incident.attempt,
        settings: incident.settings.to_string(),
    }
}

pub(crate) fn error(error: Error) -> host::Error {
    let Error { reason, message, status, retry_after_ms } = error;
    host::Error { reason: reason.to_string(), message, status, retry_after_ms }
}

/// A reply that does not answer the call: a fault of the host.
pub(crate) fn misanswered() -> Error {
    Error::new(Reason::UNAVAILABLE, "the host's reply does not answer the call")
}

pub(crate) fn page(page: effect::Page) -> host::Page {
    let effect::Page { items, next, resource_version } = page;
    host::Page { items: items.iter().map(ToString::to_string).collect(), next, resource_version }
}

pub(crate) fn waited(waited: effect::Waited) -> host::Waited {
    match waited {
        effect::Waited::Met(object) => host::Waited::Met(object.to_string()),
        effect::Waited::Deleted => host::Waited::Deleted,
        effect::Waited::Timeout => host::Waited::Timeout,
    }
}

pub(crate) fn sample(sample: effect::Sample) -> host::Sample {
    host::Sample { labels: pairs(&sample.labels), at_ms: sample.at_ms, value: sample.value }
}

pub(crate) fn series(series: effect::Series) -> host::Series {
    let points = series.points.into_iter().map(|point| (point.at_ms, point.value)).collect();
    host::Series { labels: pairs(&series.labels), points }
}

pub(crate) fn active_alert(alert: effect::ActiveAlert) -> host::ActiveAlert {
    host::ActiveAlert {
        labels: pairs(&alert.labels),
        annotations: pairs(&alert.annotations),
        firing: alert.firing,
        active_at: alert.active_at.to_string(),
    }
}
