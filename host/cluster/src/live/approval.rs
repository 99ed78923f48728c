//! Approvals: what a person decides about a plan, as an object of whose maker the API server is sure.

use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::api::{ApiResource, DynamicObject, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};

/// The API version of Approvals.
pub const API_VERSION: &str = "suture.dev/v1alpha1";
/// Their kind.
pub const KIND: &str = "Approval";

/// What somebody decides.
#[derive(Clone, Copy, Debug)]
pub struct NewApproval<'a> {
    /// The whole id of the run.
    pub run: &'a str,
    /// The digest of the plan that they have seen.
    pub digest: &'a str,
    /// Whether they reject it.
    pub rejects: bool,
    /// Whether also the rest of the run is approved, within its grants.
    pub rest: bool,
    /// Why, in their words.
    pub message: &'a str,
}

/// An Approval that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeApproval {
    /// Its name.
    pub name: String,
    /// Who made it, as the API server knows them.
    pub decided_by: String,
}

/// What the host says of an Approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalAnswer {
    /// Whether it counts.
    pub counts: bool,
    /// Why not, or what is still missing.
    pub message: String,
}

/// Why somebody can't decide.
#[derive(Debug, thiserror::Error)]
pub enum ApprovalError {
    /// The custom resource is not there.
    #[error(
        "the cluster knows no Approvals: install them with the chart (`approvals.enabled: true`), or decide without \
         `--in-cluster`"
    )]
    NotInstalled,
    /// The API server refuses.
    #[error("the API server refuses: {0}")]
    Refused(String),
    /// It can't be asked.
    #[error("the API server can't be asked: {0}")]
    Unreachable(#[source] kube::Error),
}

impl From<kube::Error> for ApprovalError {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if status.code == 404 => Self::NotInstalled,
            kube::Error::Api(status) => Self::Refused(status.message),
            other => Self::Unreachable(other),
        }
    }
}

/// Approvals in the namespace of a host.
#[derive(Clone)]
pub struct Approvals {
    client: Client,
    api: Api<DynamicObject>,
}

impl Approvals {
    /// Those in a namespace.
    pub fn new(client: Client, namespace: &str) -> Self {
        let (group, version) = API_VERSION.split_once('/').unwrap_or(("", API_VERSION));
        let resource = ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version: API_VERSION.to_owned(),
            kind: KIND.to_owned(),
            plural: "approvals".to_owned(),
        };
        Self { api: Api::namespaced_with(client.clone(), namespace, &resource), client }
    }

    /// Make one, in the name by which the API server knows whoever asks.
    ///
    /// # Errors
    /// That Approvals are not installed, that they may not approve, or what else the API server says.
    pub async fn make(&self, new: &NewApproval<'_>) -> Result<MadeApproval, ApprovalError> {
        let reviews: Api<SelfSubjectReview> = Api::all(self.client.clone());
        let review = reviews.create(&PostParams::default(), &SelfSubjectReview::default()).await?;
        let user = review.status.and_then(|status| status.user_info).and_then(|user| user.username);
        let decided_by = user.unwrap_or_default();
        let object = object(new, &decided_by);
        let made = self.api.create(&PostParams::default(), &object).await?;
        Ok(MadeApproval { name: made.metadata.name.unwrap_or_default(), decided_by })
    }

    /// What the host says of one; nothing before it has looked.
    ///
    /// # Errors
    /// What the API server says.
    pub async fn answer(&self, name: &str) -> Result<Option<ApprovalAnswer>, ApprovalError> {
        let object = self.api.get(name).await?;
        let status = object.data.get("status");
        let text = |field: &str| status.and_then(|status| status.get(field)).and_then(Value::as_str);
        Ok(text("result").map(|result| ApprovalAnswer {
            counts: result == "Counted",
            message: text("message").unwrap_or_default().to_owned(),
        }))
    }
}

fn object(new: &NewApproval<'_>, decided_by: &str) -> DynamicObject {
    let NewApproval { run, digest, rejects, rest, message } = new;
    let spec = json!({
        "run": run,
        "digest": digest,
        "decision": if *rejects { "Reject" } else { "Approve" },
        "scope": if *rest { "Run" } else { "Changes" },
        "message": message,
        "decidedBy": decided_by,
    });
    DynamicObject {
        types: Some(kube::api::TypeMeta { api_version: API_VERSION.to_owned(), kind: KIND.to_owned() }),
        metadata: kube::api::ObjectMeta { generate_name: Some(format!("{run}-")), ..Default::default() },
        data: json!({"spec": spec}),
    }
}
