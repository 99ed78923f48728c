//! What this host may do on the cluster, asked of the API server itself. Everybody who has
//! a name may ask this (`system:basic-user`).

use futures::stream::{self, StreamExt, TryStreamExt};
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::PostParams;
use kube::{Api, Client};
use suture_core::rbac::Right;

/// How many questions are asked at the same time.
const AT_ONCE: usize = 8;

/// Which of these rights the API server does not grant, in the order in which they stand
/// there. What it can't decide (a binding to a role that is gone, say) counts as not
/// granted.
///
/// # Errors
/// Why it could not be asked. Then nothing is known of any of them.
pub async fn missing(client: &Client, rights: &[Right]) -> Result<Vec<Right>, kube::Error> {
    let reviews: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    stream::iter(rights.to_vec())
        .map(|right| ask(reviews.clone(), right))
        .buffered(AT_ONCE)
        .try_filter_map(|missing| std::future::ready(Ok(missing)))
        .try_collect()
        .await
}

/// The right, where it is missing.
async fn ask(reviews: Api<SelfSubjectAccessReview>, right: Right) -> Result<Option<Right>, kube::Error> {
    let review = SelfSubjectAccessReview { spec: question(&right), ..SelfSubjectAccessReview::default() };
    let answer = reviews.create(&PostParams::default(), &review).await?;
    let allowed = answer.status.is_some_and(|status| status.allowed);
    Ok((!allowed).then_some(right))
}

fn question(right: &Right) -> SelfSubjectAccessReviewSpec {
    let (resource, subresource) = right.resource_parts();
    let attributes = ResourceAttributes {
        group: Some(right.group.clone()),
        resource: Some(resource.to_owned()),
        subresource: subresource.map(str::to_owned),
        verb: Some(right.verb.to_owned()),
        namespace: right.reach.namespace().map(str::to_owned),
        name: right.name.clone(),
        ..ResourceAttributes::default()
    };
    SelfSubjectAccessReviewSpec {
        resource_attributes: Some(attributes),
        ..SelfSubjectAccessReviewSpec::default()
    }
}

/// Whether a namespace is known not to exist. Who may not look at it does not know.
///
/// # Errors
/// Why it could not be asked.
pub async fn is_gone(client: &Client, namespace: &str) -> Result<bool, kube::Error> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    match namespaces.get_metadata(namespace).await {
        Ok(_) => Ok(false),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 403 => Ok(false),
        Err(error) => Err(error),
    }
}

/// Who this host is to the API server: `system:serviceaccount:NAMESPACE:NAME`.
///
/// # Errors
/// Why it could not be asked.
pub async fn who_am_i(client: &Client) -> Result<String, kube::Error> {
    let reviews: Api<SelfSubjectReview> = Api::all(client.clone());
    let answer = reviews.create(&PostParams::default(), &SelfSubjectReview::default()).await?;
    let user = answer.status.and_then(|status| status.user_info);
    Ok(user.and_then(|user| user.username).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use suture_core::rbac::Reach;

    use super::*;

    #[test]
    fn a_right_becomes_the_question_that_its_rule_answers() {
        let right = Right {
            reach: Reach::Namespace("media".to_owned()),
            group: String::new(),
            resource: "pods/log".to_owned(),
            verb: "get",
            name: None,
        };
        let asked = question(&right).resource_attributes.unwrap();
        assert_eq!((asked.resource.as_deref(), asked.subresource.as_deref()), (Some("pods"), Some("log")));
        assert_eq!((asked.namespace.as_deref(), asked.name), (Some("media"), None));
        let everywhere = Right { reach: Reach::AllNamespaces, name: Some("a".to_owned()), ..right };
        let asked = question(&everywhere).resource_attributes.unwrap();
        assert_eq!((asked.namespace, asked.name.as_deref()), (None, Some("a")));
    }
}
