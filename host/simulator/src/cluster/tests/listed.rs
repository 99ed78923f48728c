use suture_core::effect::{Page, Query};

use super::*;

fn config_maps() -> Query {
    Query {
        kind: Kind::new("v1", "ConfigMap"),
        namespace: Some("media".to_owned()),
        labels: String::new(),
        fields: String::new(),
        limit: 0,
        next: None,
        metadata_only: false,
    }
}

fn names(page: &Page) -> Vec<&str> {
    page.items.iter().map(|item| item["metadata"]["name"].as_str().unwrap()).collect()
}

impl ClusterHarness {
    fn list(&self, query: Query) -> Result<Page, Error> {
        match self.effect(&Effect::List(query))? {
            Reply::Page(page) => Ok(page),
            other => panic!("{other:?}"),
        }
    }
}

fn with_three() -> ClusterHarness {
    ClusterHarness::media(
        "- {apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: media, labels: {app: x}}}\n\
         - {apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: media}, data: {k: v}}\n\
         - {apiVersion: v1, kind: ConfigMap, metadata: {name: z, namespace: home}}\n",
    )
}

#[test]
fn a_list_is_in_order_and_keeps_to_its_namespace_and_selectors() {
    let harness = with_three();
    assert_eq!(names(&harness.list(config_maps()).unwrap()), ["a", "b", "notes"]);
    let everywhere = Query { namespace: None, ..config_maps() };
    assert_eq!(names(&harness.list(everywhere).unwrap()), ["z", "a", "b", "notes"]);
    assert_eq!(names(&harness.list(Query { labels: "app=x".to_owned(), ..config_maps() }).unwrap()), ["b"]);
    let by_name = Query { fields: "metadata.name!=a".to_owned(), ..config_maps() };
    assert_eq!(names(&harness.list(by_name).unwrap()), ["b", "notes"]);
    let nowhere = Query { namespace: Some("nowhere".to_owned()), ..config_maps() };
    assert!(harness.list(nowhere).unwrap().items.is_empty());
}

#[test]
fn pages_show_one_moment_even_when_the_cluster_moves_on() {
    let harness = with_three();
    let first = harness.list(Query { limit: 2, ..config_maps() }).unwrap();
    assert_eq!(names(&first), ["a", "b"]);
    harness.delete("v1 ConfigMap media/notes").unwrap();
    let second = Query { limit: 2, next: first.next.clone(), ..config_maps() };
    let page = harness.list(second.clone()).unwrap();
    assert_eq!((names(&page), &page.next), (vec!["notes"], &None));
    assert_eq!(page.resource_version, first.resource_version);
    assert_eq!(harness.list(second).unwrap(), page, "a page can be asked for again");
}

#[test]
fn a_token_that_is_too_old_has_expired_and_one_that_is_none_is_a_bad_request() {
    let harness = with_three();
    let next = harness.list(Query { limit: 1, ..config_maps() }).unwrap().next;
    for wrong in ["", "x", "1", "x/media/a", "1/media/", "1/media", "99/media/a", "1/media/a/b", "-1/media/a"]
    {
        let query = Query { next: Some(wrong.to_owned()), ..config_maps() };
        assert_eq!(reason(harness.list(query)), "BadRequest", "{wrong}");
    }
    // As on a real API server, a token says where to go on, not what was asked for.
    let other = Query { next: next.clone(), labels: "app=x".to_owned(), ..config_maps() };
    assert_eq!(names(&harness.list(other).unwrap()), ["b"]);
    harness.pass(3600);
    let error = harness.list(Query { next, ..config_maps() }).unwrap_err();
    assert_eq!((error.reason.as_str(), error.status), ("Expired", Some(410)));
}

#[test]
fn metadata_alone_is_metadata_alone() {
    let harness = with_three();
    let page = harness.list(Query { metadata_only: true, ..config_maps() }).unwrap();
    assert!(page.items.iter().all(|item| item.get("data").is_none() && item["kind"] == "ConfigMap"));
}

#[test]
fn what_cannot_be_selected_by_is_refused() {
    let harness = with_three();
    for query in [
        Query { fields: "data.k=v".to_owned(), ..config_maps() },
        Query { fields: "nonsense".to_owned(), ..config_maps() },
        Query { labels: "a within (b)".to_owned(), ..config_maps() },
        Query { kind: Kind::new("v1", "Node"), ..config_maps() },
    ] {
        assert_eq!(reason(harness.list(query.clone())), "BadRequest", "{query:?}");
    }
    assert_eq!(reason(harness.list(Query { kind: Kind::new("v1", "Cat"), ..config_maps() })), "NotServed");
    let pods =
        Query { kind: Kind::new("v1", "Pod"), fields: "status.phase=Running".to_owned(), ..config_maps() };
    assert_eq!(names(&harness.list(pods).unwrap()), ["mover"]);
}
