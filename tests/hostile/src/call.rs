//! One call, as settings say it.

use serde::Deserialize;
use suture_policy::host::{
    self, ApplyOp, CreateOp, DeleteOp, Kind, Mutation, Op, PatchOp, PatchType, Predicate, Propagation, Query,
    Target, Test, Waited,
};
use suture_policy::{Error, Result, Value, json};

/// The settings.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The calls, in order.
    pub ops: Vec<Call>,
}

/// One call. Bodies are sent as they stand.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "op", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Call {
    /// `kube.mutate` with a create.
    Create(Object),
    /// `kube.mutate` with a server-side apply.
    Apply(Object),
    /// `kube.mutate` with a patch.
    Patch {
        /// Which object.
        #[serde(flatten)]
        target: Named,
        /// `merge` or `json`.
        #[serde(default, rename = "type")]
        patch_type: Written,
        /// The patch.
        body: Value,
        /// The merge patch that takes it back.
        undo: Option<Value>,
        /// How it must end.
        expect: Option<String>,
    },
    /// `kube.mutate` with a delete.
    Delete(Named),
    /// `kube.get`.
    Get(Named),
    /// `kube.list`.
    List(Named),
    /// `kube.logs`.
    Logs(Named),
    /// `kube.wait` for one field.
    Wait {
        /// Which object.
        #[serde(flatten)]
        target: Named,
        /// Which field.
        pointer: String,
        /// What it must be.
        equals: Value,
        /// How long, in milliseconds.
        #[serde(default)]
        ms: u64,
        /// How it must end.
        expect: Option<String>,
    },
    /// `prometheus.query`.
    Query {
        /// The expression.
        expression: String,
        /// How it must end.
        expect: Option<String>,
    },
    /// `prometheus.alerts`.
    Alerts {
        /// How it must end.
        expect: Option<String>,
    },
}

/// What a create or an apply sends.
#[derive(Clone, Debug, Deserialize)]
pub struct Object {
    /// Which object, by the URL.
    #[serde(flatten)]
    pub target: Named,
    /// The body.
    pub object: Value,
    /// Of an apply: take fields of others.
    #[serde(default)]
    pub force: bool,
    /// How it must end.
    pub expect: Option<String>,
}

/// An object, by the URL.
#[derive(Clone, Debug, Deserialize)]
pub struct Named {
    kind: (String, String),
    ns: Option<String>,
    #[serde(default)]
    name: String,
    subresource: Option<String>,
}

/// How a patch is written.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Written {
    /// A JSON merge patch.
    #[default]
    Merge,
    /// A JSON patch.
    Json,
}

impl Named {
    fn kind(&self) -> Kind {
        Kind { api_version: self.kind.0.clone(), kind: self.kind.1.clone() }
    }

    fn target(&self) -> Target {
        Target {
            kind: self.kind(),
            namespace: self.ns.clone(),
            name: self.name.clone(),
            uid: None,
            subresource: self.subresource.clone(),
        }
    }
}

impl Call {
    /// How it must end, where that is said.
    pub fn expected(&self) -> Option<&str> {
        match self {
            Self::Create(object) | Self::Apply(object) => object.expect.as_deref(),
            Self::Patch { expect, .. }
            | Self::Wait { expect, .. }
            | Self::Query { expect, .. }
            | Self::Alerts { expect } => expect.as_deref(),
            Self::Delete(_) | Self::Get(_) | Self::List(_) | Self::Logs(_) => None,
        }
    }

    /// Make it. What the host answers, as text.
    ///
    /// # Errors
    /// What the host says.
    pub fn make(&self) -> Result<String> {
        let send = |mutation: Mutation, undo: Option<Mutation>| {
            Ok(host::call(|host| host.mutate(&mutation, undo.as_ref()))?.object)
        };
        let mutate = |mutation: Mutation| send(mutation, None);
        match self {
            Self::Create(Object { target, object, .. }) => mutate(Mutation::Create(CreateOp {
                kind: target.kind(),
                namespace: target.ns.clone(),
                object: object.to_string(),
                subresource: target.subresource.clone(),
            })),
            Self::Apply(Object { target, object, force, .. }) => mutate(Mutation::Apply(ApplyOp {
                target: target.target(),
                object: object.to_string(),
                force: *force,
            })),
            Self::Patch { target, patch_type, body, undo, .. } => {
                let patch = |type_: PatchType, body: &Value| {
                    let (target, body) = (target.target(), body.to_string());
                    Mutation::Patch(PatchOp { target, type_, body, resource_version: None })
                };
                let type_ = match patch_type {
                    Written::Merge => PatchType::Merge,
                    Written::Json => PatchType::Json,
                };
                send(patch(type_, body), undo.as_ref().map(|undo| patch(PatchType::Merge, undo)))
            }
            Self::Delete(target) => mutate(Mutation::Delete(DeleteOp {
                target: target.target(),
                propagation: Propagation::Background,
                resource_version: None,
            })),
            Self::Get(target) => Ok(host::call(|host| host.get(&target.target()))?),
            Self::List(target) => {
                let query = Query {
                    kind: target.kind(),
                    namespace: target.ns.clone(),
                    labels: String::new(),
                    fields: String::new(),
                    limit: 0,
                    next: None,
                    metadata_only: false,
                };
                Ok(host::call(|host| host.list(&query))?.items.join(","))
            }
            Self::Logs(target) => Ok(host::call(|host| host.logs(&target.target(), "", 0, 0))?),
            Self::Wait { target, pointer, equals, ms, .. } => {
                let test = Test { pointer: pointer.clone(), op: Op::Equals, value: equals.to_string() };
                let until = Predicate::All(vec![test]);
                Ok(match host::call(|host| host.wait(&target.target(), &until, *ms))? {
                    Waited::Met(object) => format!("met {object}"),
                    Waited::Deleted => "deleted".to_owned(),
                    Waited::Timeout => "timeout".to_owned(),
                })
            }
            Self::Query { expression, .. } => {
                let samples = host::call(|host| host.query(expression)).map_err(Error::from)?;
                Ok(json!(samples.len()).to_string())
            }
            Self::Alerts { .. } => {
                let alerts = host::call(|host| host.alerts()).map_err(Error::from)?;
                Ok(json!(alerts.len()).to_string())
            }
        }
    }
}
