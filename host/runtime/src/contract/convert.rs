//! Between the contract's types and the host's own.
//!
//! What comes from a policy is only text until it is read here: JSON that is none is an
//! `Invalid` that names the field, which the policy receives.

use std::time::Duration;

use serde_json::Value;
use suture_core::effect::{self, ActiveAlert, Sample, Series, Waited};
use suture_core::manifest::RawManifest;
use suture_core::nesting::{MAX_NESTING, is_recordable, nesting};
use suture_core::object::{Kind, Object};
use suture_core::{Alert, AlertStatus, Error, Incident, Labels, Mutation, Outcome, Reason};

use super::bindings::{kube, log, prometheus, types};
use crate::contract::nesting::TooDeep;
use crate::trap::{MAX_TEXT, cut};

// ---------------------------------------------------------------- from the policy

/// JSON as it can be recorded, read again, and still be the same.
fn json(field: &str, text: &str) -> Result<Value, Error> {
    let invalid = |message: String| Error::new(Reason::INVALID, format!("{field}: {message}"));
    let value = serde_json::from_str(text).map_err(|error| match text.is_empty() {
        true => invalid("empty, where JSON is expected".to_owned()),
        false => invalid(error.to_string()),
    })?;
    if is_recordable(&value) { Ok(value) } else { Err(too_deep(field)) }
}

fn too_deep(field: &str) -> Error {
    Error::new(Reason::BAD_REQUEST, format!("{field}: {TooDeep}"))
}

/// A JSON patch as it can be recorded, which makes of no shallow object a deep one: where
/// something is put counts, too.
fn json_patch(field: &str, text: &str) -> Result<Value, Error> {
    let body = json(field, text)?;
    let deepest = |operation: &Value| {
        let path = operation.get("path").and_then(Value::as_str).unwrap_or_default();
        path.matches('/').count() + operation.get("value").map_or(0, nesting)
    };
    match body.as_array().into_iter().flatten().map(deepest).max() {
        Some(levels) if levels > MAX_NESTING => Err(too_deep(field)),
        _ => Ok(body),
    }
}

impl From<kube::Kind> for Kind {
    fn from(kube::Kind { api_version, kind }: kube::Kind) -> Self {
        Self { api_version, kind }
    }
}

impl From<kube::Target> for effect::Target {
    fn from(target: kube::Target) -> Self {
        let kube::Target { kind, namespace, name, uid, subresource } = target;
        Self { kind: kind.into(), namespace, name, uid, subresource }
    }
}

impl From<kube::Query> for effect::Query {
    fn from(query: kube::Query) -> Self {
        let kube::Query { kind, namespace, labels, fields, limit, next, metadata_only } = query;
        Self { kind: kind.into(), namespace, labels, fields, limit, next, metadata_only }
    }
}

impl From<kube::Propagation> for effect::Propagation {
    fn from(propagation: kube::Propagation) -> Self {
        match propagation {
            kube::Propagation::Background => Self::Background,
            kube::Propagation::Foreground => Self::Foreground,
            kube::Propagation::Orphan => Self::Orphan,
        }
    }
}

impl From<log::Level> for effect::Level {
    fn from(level: log::Level) -> Self {
        match level {
            log::Level::Debug => Self::Debug,
            log::Level::Info => Self::Info,
            log::Level::Warn => Self::Warn,
            log::Level::Error => Self::Error,
        }
    }
}

/// A change; `field` is its name in the call.
pub(crate) fn mutation(field: &str, mutation: kube::Mutation) -> Result<Mutation, Error> {
    Ok(match mutation {
        kube::Mutation::Create(kube::CreateOp { kind, namespace, object, subresource }) => {
            let object = json(&format!("{field}.create.object"), &object)?;
            Mutation::Create(effect::Create { kind: kind.into(), namespace, object, subresource })
        }
        kube::Mutation::Patch(kube::PatchOp { target, type_, body, resource_version }) => {
            let patch_type = match type_ {
                kube::PatchType::Merge => effect::PatchType::Merge,
                kube::PatchType::Json => effect::PatchType::Json,
            };
            let name = format!("{field}.patch.body");
            let body = match patch_type {
                effect::PatchType::Merge => json(&name, &body)?,
                effect::PatchType::Json => json_patch(&name, &body)?,
            };
            Mutation::Patch(effect::Patch { target: target.into(), patch_type, body, resource_version })
        }
        kube::Mutation::Apply(kube::ApplyOp { target, object, force }) => {
            let object = json(&format!("{field}.apply.object"), &object)?;
            Mutation::Apply(effect::Apply { target: target.into(), object, force })
        }
        kube::Mutation::Delete(kube::DeleteOp { target, propagation, resource_version }) => {
            let propagation = propagation.into();
            Mutation::Delete(effect::Delete { target: target.into(), propagation, resource_version })
        }
    })
}

pub(crate) fn predicate(predicate: kube::Predicate) -> Result<effect::Predicate, Error> {
    let tests = |kind: &str, tests: Vec<kube::Test>| -> Result<Vec<effect::Test>, Error> {
        tests.into_iter().enumerate().map(|(at, item)| test(&format!("until.{kind}[{at}]"), item)).collect()
    };
    Ok(match predicate {
        kube::Predicate::Deleted => effect::Predicate::Deleted,
        kube::Predicate::All(list) => effect::Predicate::All(tests("all", list)?),
        kube::Predicate::Any(list) => effect::Predicate::Any(tests("any", list)?),
    })
}

fn test(field: &str, kube::Test { pointer, op, value }: kube::Test) -> Result<effect::Test, Error> {
    let op = match op {
        kube::Op::Exists => effect::Op::Exists,
        kube::Op::Absent => effect::Op::Absent,
        kube::Op::Equals => effect::Op::Equals,
        kube::Op::NotEquals => effect::Op::NotEquals,
    };
    let value = match op {
        effect::Op::Exists | effect::Op::Absent if value.is_empty() => Value::Null,
        effect::Op::Exists | effect::Op::Absent => {
            let message = format!("{field}.value: must be empty for `exists` and `absent`");
            return Err(Error::new(Reason::INVALID, message));
        }
        effect::Op::Equals | effect::Op::NotEquals => json(&format!("{field}.value"), &value)?,
    };
    if !pointer.is_empty() && !pointer.starts_with('/') {
        let message = format!("{field}.pointer: `{pointer}` is no JSON pointer: it begins with `/`");
        return Err(Error::new(Reason::INVALID, message));
    }
    Ok(effect::Test { pointer, op, value })
}

/// The number of a step, as `mutated.step` gave it out.
pub(crate) fn step(text: &str) -> Result<u32, Error> {
    text.parse().map_err(|_| {
        let shown = cut(text.to_owned(), 40);
        Error::new(Reason::INVALID, format!("step: `{shown}` is no step: hand back what `mutate` returned"))
    })
}

/// What the policy concluded, its sentences cut.
pub(crate) fn outcome(outcome: types::Outcome) -> Outcome {
    let summary = |text| cut(text, MAX_TEXT);
    match outcome {
        types::Outcome::Remediated(text) => Outcome::Remediated { summary: summary(text) },
        types::Outcome::Unnecessary(text) => Outcome::Unnecessary { summary: summary(text) },
        types::Outcome::Retry(types::Retry { after_ms, reason }) => {
            Outcome::Retry { after: Duration::from_millis(after_ms).into(), summary: summary(reason) }
        }
        types::Outcome::Escalate(text) => Outcome::Escalate { summary: summary(text) },
    }
}

pub(crate) fn manifest(manifest: types::Manifest) -> RawManifest {
    let types::Manifest { name, version, description, matchers, key, permissions, settings_schema } =
        manifest;
    let permissions = permissions.into_iter().map(super::permission).collect();
    RawManifest { name, version, description, matchers, key, permissions, settings_schema }
}

// ---------------------------------------------------------------- to the policy

fn pairs(labels: &Labels) -> Vec<types::Label> {
    labels.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// An object as the API server would write it.
pub(crate) fn text(object: &Object) -> String {
    object.to_string()
}

impl From<&Incident> for types::Incident {
    fn from(incident: &Incident) -> Self {
        Self {
            id: incident.id.to_string(),
            key: pairs(&incident.key),
            alert: (&*incident.alert).into(),
            attempt: incident.attempt,
            settings: incident.settings.to_string(),
        }
    }
}

impl From<&Alert> for types::Alert {
    fn from(alert: &Alert) -> Self {
        Self {
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
        }
    }
}

impl From<Error> for kube::Error {
    fn from(Error { reason, message, status, retry_after_ms }: Error) -> Self {
        Self { reason: reason.to_string(), message, status, retry_after_ms }
    }
}

impl From<effect::Page> for kube::Page {
    fn from(effect::Page { items, next, resource_version }: effect::Page) -> Self {
        Self { items: items.iter().map(text).collect(), next, resource_version }
    }
}

impl From<Waited> for kube::Waited {
    fn from(waited: Waited) -> Self {
        match waited {
            Waited::Met(object) => Self::Met(text(&object)),
            Waited::Deleted => Self::Deleted,
            Waited::Timeout => Self::Timeout,
        }
    }
}

impl From<Sample> for prometheus::Sample {
    fn from(Sample { labels, at_ms, value }: Sample) -> Self {
        Self { labels: pairs(&labels), at_ms, value }
    }
}

impl From<Series> for prometheus::Series {
    fn from(Series { labels, points }: Series) -> Self {
        let points = points.into_iter().map(|point| (point.at_ms, point.value)).collect();
        Self { labels: pairs(&labels), points }
    }
}

impl From<ActiveAlert> for prometheus::ActiveAlert {
    fn from(
        ActiveAlert { labels, annotations, firing, active_at, kept_firing_since: _ }: ActiveAlert,
    ) -> Self {
        Self {
            labels: pairs(&labels),
            annotations: pairs(&annotations),
            firing,
            active_at: active_at.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(result: Result<impl std::fmt::Debug, Error>) -> String {
        let error = result.unwrap_err();
        assert_eq!(error.reason, Reason::INVALID);
        assert_eq!(error.status, Some(422));
        error.message
    }

    #[test]
    fn json_that_is_none_names_its_field() {
        let kind = kube::Kind { api_version: "v1".into(), kind: "Pod".into() };
        let create = kube::Mutation::Create(kube::CreateOp {
            kind,
            namespace: None,
            object: "{\"a\":".into(),
            subresource: None,
        });
        let text = message(mutation("undo", create));
        assert!(text.starts_with("undo.create.object: EOF"), "{text}");

        let item = |op, value: &str| kube::Test { pointer: "/a".into(), op, value: value.into() };
        let tests = vec![item(kube::Op::Exists, ""), item(kube::Op::Equals, "")];
        let text = message(predicate(kube::Predicate::All(tests)));
        assert_eq!(text, "until.all[1].value: empty, where JSON is expected");
        let text = message(predicate(kube::Predicate::Any(vec![item(kube::Op::Absent, "1")])));
        assert_eq!(text, "until.any[0].value: must be empty for `exists` and `absent`");
    }

    #[test]
    fn json_nested_too_deeply_is_refused_and_not_a_stack_overflow() {
        assert!(message(json("x", &"[".repeat(100_000))).contains("recursion"));
    }

    fn nested(levels: usize) -> String {
        format!("{}1{}", "[".repeat(levels), "]".repeat(levels))
    }

    #[test]
    fn json_that_could_not_be_read_again_is_a_bad_request_wherever_it_is_handed_over() {
        assert!(json("x", &nested(MAX_NESTING)).is_ok());
        let kind = || kube::Kind { api_version: "v1".into(), kind: "Pod".into() };
        let target =
            || kube::Target { kind: kind(), namespace: None, name: "x".into(), uid: None, subresource: None };
        let object = nested(MAX_NESTING + 1);
        let patch = |type_, body: String| {
            kube::Mutation::Patch(kube::PatchOp { target: target(), type_, body, resource_version: None })
        };
        let long = format!(r#"[{{"op":"add","path":"{}","value":{}}}]"#, "/a".repeat(60), nested(60));
        for (field, change) in [
            (
                "mutation.create.object",
                kube::Mutation::Create(kube::CreateOp {
                    kind: kind(),
                    namespace: None,
                    object: object.clone(),
                    subresource: None,
                }),
            ),
            (
                "mutation.apply.object",
                kube::Mutation::Apply(kube::ApplyOp {
                    target: target(),
                    object: object.clone(),
                    force: false,
                }),
            ),
            ("mutation.patch.body", patch(kube::PatchType::Merge, object.clone())),
            ("mutation.patch.body", patch(kube::PatchType::Json, long)),
        ] {
            let error = mutation("mutation", change).unwrap_err();
            assert_eq!(error.reason, Reason::BAD_REQUEST);
            assert!(
                error.message.starts_with(&format!("{field}: nested more than 100")),
                "{}",
                error.message
            );
        }
        let test = kube::Test { pointer: "/a".into(), op: kube::Op::Equals, value: object };
        assert_eq!(predicate(kube::Predicate::All(vec![test])).unwrap_err().reason, Reason::BAD_REQUEST);
    }

    /// Whatever is taken in is the same after it was written and read, as the journal does.
    #[test]
    fn what_is_taken_in_reads_back_as_it_was() {
        let mut dice = fastrand::Rng::with_seed(7);
        let odd = [
            "1e400",
            "-1e400",
            "18446744073709551616",
            "-0",
            "-0.0",
            "1e-400",
            "5e-324",
            "0.1",
            "1e21",
            "123456789012345678901234567890",
            "2.2250738585072011e-308",
            "1.7976931348623157e308",
            r#"{"a":1,"a":2}"#,
            r#""\ud800""#,
            r#""\u0000""#,
            "\"\u{202e}\"",
        ];
        let mut taken = 0;
        for round in 0..20_000 {
            let mut text = match odd.get(round) {
                Some(text) => (*text).to_owned(),
                None => format!("{:e}", f64::from_bits(dice.u64(..))),
            };
            for _ in 0..dice.usize(..MAX_NESTING + 10) {
                text = if dice.bool() { format!("[{text}]") } else { format!(r#"{{"k":{text}}}"#) };
            }
            let Ok(value) = json("x", &text) else { continue };
            taken += 1;
            let written = serde_json::json!({"body": {"call": {"effect": {"value": value}}}}).to_string();
            let read: Value = serde_json::from_str(&written).unwrap();
            assert_eq!(read["body"]["call"]["effect"]["value"], value, "{text}");
            // To the last bit and sign.
            assert_eq!(read["body"]["call"]["effect"]["value"].to_string(), value.to_string());
        }
        assert!(taken > 10_000, "{taken}");
    }

    #[test]
    fn a_step_is_the_number_that_was_given_out() {
        assert_eq!(step("12").unwrap(), 12);
        for text in ["", "-1", "x", "4294967296"] {
            assert!(message(step(text)).starts_with("step:"), "{text}");
        }
    }

    #[test]
    fn a_sentence_for_people_is_cut_between_characters() {
        let outcome = outcome(types::Outcome::Escalate("ü".repeat(5000)));
        assert!(outcome.summary().len() <= MAX_TEXT + "…".len());
        assert!(outcome.summary().ends_with("ü…"));
    }
}
