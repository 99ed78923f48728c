//! Where things are in the Kubernetes API.

use http::request::Builder;
use http::{Method, Request, header};
use suture_core::effect::Target;
use suture_core::handler::Resource;
use suture_core::names::shortened;
use suture_core::object::Kind;
use suture_core::{Error, Reason};

/// The path of a group and version: `/api/v1`, `/apis/batch/v1`.
pub(super) fn of_version(api_version: &str) -> Result<String, Error> {
    let parts: Vec<&str> = api_version.split('/').collect();
    match parts[..] {
        [version] => Ok(format!("/api/{}", segment("API version", version)?)),
        [group, version] => {
            Ok(format!("/apis/{}/{}", segment("API group", group)?, segment("API version", version)?))
        }
        _ => Err(bad(format!("`{}` is no API version", shortened(api_version)))),
    }
}

/// The path of the objects of a kind.
pub(super) fn of_kind(kind: &Kind, resource: &Resource, namespace: Option<&str>) -> Result<String, Error> {
    let version = of_version(&kind.api_version)?;
    match namespace {
        Some(namespace) if resource.namespaced => {
            Ok(format!("{version}/namespaces/{}/{}", segment("namespace", namespace)?, resource.plural))
        }
        Some(_) => Err(bad(format!("`{}` have no namespace; leave it out", resource.plural))),
        None => Ok(format!("{version}/{}", resource.plural)),
    }
}

/// The path of one object, or of its subresource.
pub(super) fn of_target(
    target: &Target,
    resource: &Resource,
    subresource: Option<&str>,
) -> Result<String, Error> {
    if target.name.is_empty() {
        return Err(bad(format!("the target has no name; say which {} is meant", target.kind.kind)));
    }
    if resource.namespaced && target.namespace.is_none() {
        return Err(bad(format!("a {} has a namespace; say which", target.kind.kind)));
    }
    let objects = of_kind(&target.kind, resource, target.namespace.as_deref())?;
    let name = segment("name", &target.name)?;
    match subresource {
        Some(subresource) => Ok(format!("{objects}/{name}/{}", segment("subresource", subresource)?)),
        None => Ok(format!("{objects}/{name}")),
    }
}

/// A part of a path that comes from a policy: it can't lead anywhere else.
fn segment<'a>(what: &str, text: &'a str) -> Result<&'a str, Error> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    if text.is_empty() || text.len() > 253 || !text.bytes().all(is_plain) || matches!(text, "." | "..") {
        return Err(bad(format!("`{}` is no {what}", shortened(text))));
    }
    Ok(text)
}

fn bad(message: String) -> Error {
    Error::new(Reason::BAD_REQUEST, message)
}

/// A request.
pub(super) fn request(
    method: Method,
    path: &str,
    query: &[(&str, &str)],
    content_type: Option<&str>,
    body: Vec<u8>,
) -> Result<Request<Vec<u8>>, Error> {
    let mut uri = path.to_owned();
    if !query.is_empty() {
        let pairs = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        uri = format!("{path}?{pairs}");
    }
    let mut builder: Builder = Request::builder().method(method).uri(uri);
    builder = builder.header(header::ACCEPT, "application/json");
    if let Some(content_type) = content_type {
        builder = builder.header(header::CONTENT_TYPE, content_type);
    }
    builder.body(body).map_err(|error| bad(format!("this can't be asked of the API server: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(name: &str) -> Target {
        Target {
            kind: Kind::new("batch/v1", "Job"),
            namespace: Some("media".to_owned()),
            name: name.to_owned(),
            uid: None,
            subresource: None,
        }
    }

    #[test]
    fn a_name_leads_nowhere_but_to_its_object() {
        let jobs = Resource { plural: "jobs".to_owned(), namespaced: true };
        let path = of_target(&target("plex"), &jobs, Some("status")).unwrap();
        assert_eq!(path, "/apis/batch/v1/namespaces/media/jobs/plex/status");
        for name in ["", "..", "a/../../secrets/b", "a?b", "a%2fb", "a b", "ä", &"x".repeat(254)] {
            assert_eq!(of_target(&target(name), &jobs, None).unwrap_err().reason, Reason::BAD_REQUEST);
        }
        for version in ["", "a/b/c", "v1?", "../v1"] {
            assert!(of_version(version).is_err(), "{version}");
        }
    }
}
