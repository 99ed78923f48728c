//! Between the contract's types and the host's own.

/// Functions between the types of a version of the contract, as `wit-bindgen` or `wasmtime` makes
/// them of `wit/`, and those of this crate: once for all versions, and for components as for
/// policies that run natively. `$bindings` has the modules `kube`, `log`, `prometheus` and
/// `types`; `$permission` makes a `RawPermission` of the version's.
#[macro_export]
macro_rules! contract_conversions {
    ($($bindings:ident)::+, $permission:path) => {
        use $($bindings)::+::{kube, log, prometheus, types};
        use $crate::contract::text as read;
        use $crate::effect;

        // ------------------------------------------------------------ from the policy

        fn kind(kube::Kind { api_version, kind }: kube::Kind) -> $crate::object::Kind {
            $crate::object::Kind { api_version, kind }
        }

        pub(crate) fn target(target: kube::Target) -> effect::Target {
            let kube::Target { kind: of, namespace, name, uid, subresource } = target;
            effect::Target { kind: kind(of), namespace, name, uid, subresource }
        }

        pub(crate) fn query(query: kube::Query) -> effect::Query {
            let kube::Query { kind: of, namespace, labels, fields, limit, next, metadata_only } = query;
            effect::Query { kind: kind(of), namespace, labels, fields, limit, next, metadata_only }
        }

        pub(crate) fn level(level: log::Level) -> effect::Level {
            match level {
                log::Level::Debug => effect::Level::Debug,
                log::Level::Info => effect::Level::Info,
                log::Level::Warn => effect::Level::Warn,
                log::Level::Error => effect::Level::Error,
            }
        }

        /// A change; `field` is its name in the call.
        pub(crate) fn mutation(
            field: &str,
            mutation: kube::Mutation,
        ) -> Result<effect::Mutation, $crate::Error> {
            Ok(match mutation {
                kube::Mutation::Create(kube::CreateOp { kind: of, namespace, object, subresource }) => {
                    let object = read::json(&format!("{field}.create.object"), &object)?;
                    effect::Mutation::Create(effect::Create { kind: kind(of), namespace, object, subresource })
                }
                kube::Mutation::Patch(kube::PatchOp { target: of, type_, body, resource_version }) => {
                    let name = format!("{field}.patch.body");
                    let (patch_type, body) = match type_ {
                        kube::PatchType::Merge => (effect::PatchType::Merge, read::json(&name, &body)?),
                        kube::PatchType::Json => (effect::PatchType::Json, read::json_patch(&name, &body)?),
                    };
                    effect::Mutation::Patch(effect::Patch { target: target(of), patch_type, body, resource_version })
                }
                kube::Mutation::Apply(kube::ApplyOp { target: of, object, force }) => {
                    let object = read::json(&format!("{field}.apply.object"), &object)?;
                    effect::Mutation::Apply(effect::Apply { target: target(of), object, force })
                }
                kube::Mutation::Delete(kube::DeleteOp { target: of, propagation, resource_version }) => {
                    let propagation = match propagation {
                        kube::Propagation::Background => effect::Propagation::Background,
                        kube::Propagation::Foreground => effect::Propagation::Foreground,
                        kube::Propagation::Orphan => effect::Propagation::Orphan,
                    };
                    effect::Mutation::Delete(effect::Delete { target: target(of), propagation, resource_version })
                }
            })
        }

        pub(crate) fn predicate(predicate: kube::Predicate) -> Result<effect::Predicate, $crate::Error> {
            let tests = |kind: &str, tests: Vec<kube::Test>| -> Result<Vec<effect::Test>, $crate::Error> {
                let numbered = tests.into_iter().enumerate();
                numbered.map(|(at, item)| test(&format!("until.{kind}[{at}]"), item)).collect()
            };
            Ok(match predicate {
                kube::Predicate::Deleted => effect::Predicate::Deleted,
                kube::Predicate::All(list) => effect::Predicate::All(tests("all", list)?),
                kube::Predicate::Any(list) => effect::Predicate::Any(tests("any", list)?),
            })
        }

        fn test(
            field: &str,
            kube::Test { pointer, op, value }: kube::Test,
        ) -> Result<effect::Test, $crate::Error> {
            let op = match op {
                kube::Op::Exists => effect::Op::Exists,
                kube::Op::Absent => effect::Op::Absent,
                kube::Op::Equals => effect::Op::Equals,
                kube::Op::NotEquals => effect::Op::NotEquals,
            };
            read::test(field, pointer, op, &value)
        }

        /// What the policy concluded, its sentences cut.
        pub(crate) fn outcome(outcome: types::Outcome) -> $crate::Outcome {
            let summary = |text| read::cut(text, read::MAX_TEXT);
            match outcome {
                types::Outcome::Remediated(text) => $crate::Outcome::Remediated { summary: summary(text) },
                types::Outcome::Unnecessary(text) => $crate::Outcome::Unnecessary { summary: summary(text) },
                types::Outcome::Retry(types::Retry { after_ms, reason }) => $crate::Outcome::Retry {
                    after: $crate::HumanDuration::from_millis(after_ms),
                    summary: summary(reason),
                },
                types::Outcome::Escalate(text) => $crate::Outcome::Escalate { summary: summary(text) },
            }
        }

        pub(crate) fn manifest(manifest: types::Manifest) -> $crate::manifest::RawManifest {
            let types::Manifest { name, version, description, matchers, key, permissions, settings_schema } =
                manifest;
            let permissions = permissions.into_iter().map($permission).collect();
            $crate::manifest::RawManifest {
                name,
                version,
                description,
                matchers,
                key,
                permissions,
                settings_schema,
            }
        }

        // ------------------------------------------------------------ to the policy

        fn pairs(labels: &$crate::Labels) -> Vec<types::Label> {
            labels.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
        }

        /// An object as the API server would write it.
        pub(crate) fn text(object: &$crate::Object) -> String {
            object.to_string()
        }

        pub(crate) fn incident(incident: &$crate::Incident) -> types::Incident {
            types::Incident {
                id: incident.id.to_string(),
                key: pairs(&incident.key),
                alert: alert(&incident.alert),
                attempt: incident.attempt,
                settings: incident.settings.to_string(),
            }
        }

        fn alert(alert: &$crate::Alert) -> types::Alert {
            types::Alert {
                status: match alert.status {
                    $crate::AlertStatus::Firing => types::AlertStatus::Firing,
                    $crate::AlertStatus::Resolved => types::AlertStatus::Resolved,
                },
                labels: pairs(&alert.labels),
                annotations: pairs(&alert.annotations),
                starts_at: alert.starts_at.to_string(),
                ends_at: alert.ends_at.map(|time| time.to_string()),
                generator_url: alert.generator_url.clone(),
                fingerprint: alert.fingerprint(),
            }
        }

        pub(crate) fn error(error: $crate::Error) -> kube::Error {
            let $crate::Error { reason, message, status, retry_after_ms } = error;
            kube::Error { reason: reason.to_string(), message, status, retry_after_ms }
        }

        pub(crate) fn page(page: effect::Page) -> kube::Page {
            let effect::Page { items, next, resource_version } = page;
            kube::Page { items: items.iter().map(text).collect(), next, resource_version }
        }

        pub(crate) fn waited(waited: effect::Waited) -> kube::Waited {
            match waited {
                effect::Waited::Met(object) => kube::Waited::Met(text(&object)),
                effect::Waited::Deleted => kube::Waited::Deleted,
                effect::Waited::Timeout => kube::Waited::Timeout,
            }
        }

        pub(crate) fn sample(effect::Sample { labels, at_ms, value }: effect::Sample) -> prometheus::Sample {
            prometheus::Sample { labels: pairs(&labels), at_ms, value }
        }

        pub(crate) fn series(effect::Series { labels, points }: effect::Series) -> prometheus::Series {
            let points = points.into_iter().map(|point| (point.at_ms, point.value)).collect();
            prometheus::Series { labels: pairs(&labels), points }
        }

        pub(crate) fn active_alert(alert: effect::ActiveAlert) -> prometheus::ActiveAlert {
            let effect::ActiveAlert { labels, annotations, firing, active_at, kept_firing_since: _ } = alert;
            prometheus::ActiveAlert {
                labels: pairs(&labels),
                annotations: pairs(&annotations),
                firing,
                active_at: active_at.to_string(),
            }
        }
    };
}
