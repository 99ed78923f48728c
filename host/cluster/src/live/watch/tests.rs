//! Who is told of what.

use futures::FutureExt;
use serde_json::json;

use super::*;

fn waiter(watch: &Arc<Watch>, name: &str) -> Arc<Waiter> {
    watch.clone().wait(key(Some("media"), name))
}

fn line(kind: &str, name: &str, version: u32) -> Vec<u8> {
    let object = json!({"metadata": {"namespace": "media", "name": name,
        "resourceVersion": version.to_string()}});
    json!({"type": kind, "object": object}).to_string().into_bytes()
}

#[test]
fn a_waiter_is_told_of_its_own_object_and_only_of_how_it_is_now() {
    let watch = Arc::new(Watch::default());
    let (plex, other) = (waiter(&watch, "plex"), waiter(&watch, "other"));
    let mut version = String::new();
    for (kind, version_then) in [("ADDED", 1), ("MODIFIED", 2)] {
        assert!(event(&watch, &line(kind, "plex", version_then), &mut version).is_none());
    }
    let Some(Seen::Object(object)) = plex.next().now_or_never() else { panic!("not told") };
    assert_eq!(object["metadata"]["resourceVersion"], "2");
    assert!(plex.next().now_or_never().is_none() && other.next().now_or_never().is_none());
    event(&watch, &line("DELETED", "plex", 3), &mut version);
    assert!(matches!(plex.next().now_or_never(), Some(Seen::Gone(_))));
    assert_eq!(version, "3");
}

#[test]
fn a_bookmark_moves_the_place_and_tells_nobody() {
    let watch = Arc::new(Watch::default());
    let plex = waiter(&watch, "plex");
    let mut version = "3".to_owned();
    let bookmark = json!({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "9"}}});
    assert!(event(&watch, bookmark.to_string().as_bytes(), &mut version).is_none());
    assert_eq!(version, "9");
    assert!(plex.next().now_or_never().is_none());
}

#[test]
fn a_place_that_has_expired_is_begun_anew() {
    let watch = Arc::new(Watch::default());
    let gone = json!({"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired"}});
    let ended = event(&watch, gone.to_string().as_bytes(), &mut String::new());
    assert!(matches!(ended, Some(Ended::Expired)));
    let nonsense = event(&watch, b"<html>\n", &mut String::new());
    assert!(matches!(nonsense, Some(Ended::Expired)));
}

#[test]
fn that_something_was_missed_is_not_covered_by_what_comes_after() {
    let watch = Arc::new(Watch::default());
    let plex = waiter(&watch, "plex");
    watch.tell_all(&Seen::LookAgain);
    event(&watch, &line("MODIFIED", "plex", 4), &mut String::new());
    assert_eq!(plex.next().now_or_never(), Some(Seen::LookAgain));
}

#[test]
fn those_who_have_gone_are_forgotten() {
    let watch = Arc::new(Watch::default());
    let stays = waiter(&watch, "plex");
    drop((waiter(&watch, "plex"), waiter(&watch, "other")));
    assert_eq!(watch.waiters.lock().values().map(Vec::len).sum::<usize>(), 1);
    drop(stays);
    assert!(watch.waiters.lock().is_empty());
}
