//! Reading objects and logs.
//!
//! Every read is consistent: without a `resourceVersion` the API server answers a get, and the
//! first page of a list, as things are when it is asked, not from a cache that lags behind. On
//! what was read so a lock is broken or a Job is made. Later pages are of the time of the first.

use std::collections::VecDeque;
use std::sync::Arc;

use http::{Method, Request, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use suture_core::effect::{Page, Query, Target};
use suture_core::names::shortened;
use suture_core::object::{self, Kind, Object};
use suture_core::{Error, Reason, Tried};

use super::LiveCluster;
use super::answer::Answer;
use super::path;
use super::tries::Tries;
use super::wire::{NoAnswer, all, lost};

/// The most bytes of a log that a policy gets.
const MOST_LOG: usize = 1 << 20;
/// The most bytes of a log that are read for its end.
const MOST_READ: usize = 256 << 20;
/// How many lines of a log are read where the policy sets no limit.
const MOST_LINES: u32 = 50_000;
/// Only the metadata of each object.
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

impl LiveCluster {
    /// One object, or a subresource of it.
    pub(super) async fn get(&self, target: &Target) -> Result<Object, Error> {
        let resource = self.find(&target.kind).await?;
        let subresource = target.subresource.as_deref();
        let path = path::of_target(target, &resource, subresource)?;
        let request = path::request(Method::GET, &path, &[], None, Vec::new())?;
        let answer = self.wire.read(request).await?;
        if answer.has_no_path() {
            self.known.forget(&target.kind.api_version);
            // It may be the whole kind that is gone.
            self.find(&target.kind).await?;
        }
        let object = Arc::new(answer.json()?);
        if target.uid.is_some() && target.uid.as_deref() != object::uid(&object) {
            let message = format!("{} with the uid that was asked for does not exist", target.reference());
            return Err(Error::new(Reason::NOT_FOUND, message));
        }
        Ok(object)
    }

    /// One page.
    pub(super) async fn list(&self, query: &Query) -> Result<Page, Error> {
        let resource = self.find(&query.kind).await?;
        let path = path::of_kind(&query.kind, &resource, query.namespace.as_deref())?;
        let limit = limit_of(query).to_string();
        let mut request = path::request(Method::GET, &path, &parameters(query, &limit), None, Vec::new())?;
        if query.metadata_only {
            request.headers_mut().insert(header::ACCEPT, header::HeaderValue::from_static(METADATA));
        }
        let mut list = self.wire.read(request).await?.json()?;
        let text = |pointer: &str| list.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let next = text("/metadata/continue").filter(|token| !token.is_empty());
        let resource_version = text("/metadata/resourceVersion").unwrap_or_default();
        let items = match list.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        };
        let items = items.into_iter().map(|item| Arc::new(of_kind(item, &query.kind))).collect();
        Ok(Page { items, next, resource_version })
    }

    /// The end of a container's log.
    pub(super) async fn logs(
        &self,
        pod: &Target,
        container: &str,
        lines: u32,
        bytes: u32,
    ) -> Result<String, Error> {
        if pod.kind != Kind::new("v1", "Pod") {
            let message = format!("a {} has no logs; ask for those of a v1 Pod", pod.kind);
            return Err(Error::new(Reason::BAD_REQUEST, message));
        }
        let resource = self.find(&pod.kind).await?;
        let path = path::of_target(pod, &resource, Some("log"))?;
        let tail = if lines == 0 { MOST_LINES } else { lines.min(MOST_LINES) }.to_string();
        let mut pairs = vec![("tailLines", tail.as_str())];
        if !container.is_empty() {
            pairs.push(("container", container));
        }
        let request = path::request(Method::GET, &path, &pairs, None, Vec::new())?;
        let most = match usize::try_from(bytes).unwrap_or(usize::MAX) {
            0 => MOST_LOG,
            bytes => bytes.min(MOST_LOG),
        };
        let mut tries = Tries::new(&self.wire, Tried::Read);
        loop {
            let error = match self.log(request.clone(), most).await {
                Ok(text) => return Ok(text),
                Err(error) => error,
            };
            if !tries.again(&error).await {
                return Err(error);
            }
        }
    }

    /// `limitBytes` of the API cuts a log's end off, so the end is kept here.
    async fn log(&self, request: Request<Vec<u8>>, most: usize) -> Result<String, Error> {
        let read = async {
            let response = self.wire.open(request).await.map_err(NoAnswer::error)?;
            let status = response.status().as_u16();
            let retry_after = self.wire.asked_pause(&response);
            let mut body = response.into_body();
            if !(200..300).contains(&status) {
                let body = all(body, MOST_LOG).await?;
                return Answer { status, retry_after, body }.text();
            }
            let mut end: VecDeque<u8> = VecDeque::new();
            let mut read = 0;
            while let Some(frame) = body.frame().await {
                let frame = frame.map_err(|error| lost(&error))?;
                let Ok(data) = frame.into_data() else { continue };
                read += data.len();
                if read > MOST_READ {
                    let message = format!("more than {} MiB of log; ask for fewer lines", MOST_READ >> 20);
                    return Err(Error::new(Reason::other("RequestEntityTooLarge"), message));
                }
                end.extend(&data[..]);
                end.drain(..end.len().saturating_sub(most));
            }
            Ok(text(end.into(), read > most))
        };
        self.wire.turn().await;
        match self.wire.clock.timeout(self.patience, read).await {
            Some(log) => log,
            None => Err(Error::new(Reason::TIMEOUT, "the log did not arrive in time")),
        }
    }
}

fn limit_of(query: &Query) -> u32 {
    match query.limit {
        0 => Query::DEFAULT_LIMIT,
        limit => limit.min(Query::DEFAULT_LIMIT),
    }
}

/// What a list is asked with; see the module on what is left out.
fn parameters<'a>(query: &'a Query, limit: &'a str) -> Vec<(&'static str, &'a str)> {
    let mut parameters = vec![("limit", limit)];
    for (name, selector) in [("labelSelector", &query.labels), ("fieldSelector", &query.fields)] {
        if !selector.is_empty() {
            parameters.push((name, selector));
        }
    }
    parameters.extend(query.next.as_deref().map(|token| ("continue", token)));
    parameters
}

/// Bytes as text; where the beginning is cut off, from the first whole character.
fn text(bytes: Vec<u8>, is_cut: bool) -> String {
    let is_continuation = |byte: &&u8| (**byte & 0b1100_0000) == 0b1000_0000;
    let skipped = if is_cut { bytes.iter().take(3).take_while(is_continuation).count() } else { 0 };
    String::from_utf8_lossy(&bytes[skipped..]).into_owned()
}

/// Items of a list don't say what they are.
fn of_kind(mut item: Value, kind: &Kind) -> Value {
    if let Some(fields) = item.as_object_mut() {
        fields.insert("apiVersion".to_owned(), json!(kind.api_version));
        fields.insert("kind".to_owned(), json!(kind.kind));
    }
    item
}

impl LiveCluster {
    /// The name of a target is looked at before the cluster is asked for its kind.
    pub(super) fn named(target: &Target) -> Result<(), Error> {
        if target.name.is_empty() {
            let message = format!("the target has no name; say which {} is meant", target.kind.kind);
            return Err(Error::new(Reason::BAD_REQUEST, message));
        }
        if target.name.len() > 253 {
            return Err(Error::new(Reason::BAD_REQUEST, format!("`{}` is no name", shortened(&target.name))));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_asked_for_as_things_are_now() {
        let text = |text: &str| Some(text.to_owned());
        let query = Query {
            kind: Kind::new("v1", "Pod"),
            namespace: text("media"),
            labels: "a=b".to_owned(),
            fields: "metadata.name=x".to_owned(),
            limit: 50,
            next: text("token"),
            metadata_only: false,
        };
        // Any `resourceVersion` would let the API server answer from the past.
        let names: Vec<_> = parameters(&query, "50").into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["limit", "labelSelector", "fieldSelector", "continue"]);
    }

    #[test]
    fn a_log_that_is_cut_begins_with_a_whole_character() {
        let bytes = "aä".as_bytes()[2..].to_vec();
        assert_eq!(text([bytes, b"end".to_vec()].concat(), true), "end");
        assert_eq!(text("ä".into(), false), "ä");
    }
}
