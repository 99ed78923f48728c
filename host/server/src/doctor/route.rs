//! Whether Alertmanager's routes lead here.

use std::collections::BTreeSet;

use suture_cluster::alertmanager::routing::{Receiver as Reached, Webhook};
use suture_core::Labels;
use suture_engine::Receiver;

use super::policy::Seen;
use super::report::About;

/// How a receiver stands to this host.
enum Posts {
    Here,
    /// Its URL is not shown.
    Perhaps,
    Elsewhere,
}

pub(super) fn examine(
    policy: &str,
    rule: &str,
    alerts: &BTreeSet<Labels>,
    seen: &Seen,
    report: &mut About<'_>,
) {
    for (url, routing) in &seen.routings {
        // Of many alerts that go the same wrong way one is shown.
        let mut astray = BTreeSet::new();
        for labels in alerts {
            let reached = routing.reached(labels);
            let posts = reached.iter().map(|receiver| (*receiver, posts(receiver, policy, &seen.receivers)));
            let posts: Vec<(&Reached, Posts)> = posts.collect();
            if let Some((receiver, _)) = posts.iter().find(|(_, posts)| matches!(posts, Posts::Here)) {
                report.ok(
                    "route",
                    format!("{url} sends alerts of `{rule}` to `{}`, which posts here", receiver.name),
                );
                body(receiver, report);
                continue;
            }
            if let Some((receiver, _)) = posts.iter().find(|(_, posts)| matches!(posts, Posts::Perhaps)) {
                report.warn(
                    "route",
                    format!(
                        "{url} sends alerts of `{rule}` to `{}`, which posts to a URL that Alertmanager does not show",
                        receiver.name
                    ),
                    "`suture doctor --drill` tells whether it is this host",
                );
                continue;
            }
            let names: Vec<&str> = reached.iter().map(|receiver| receiver.name.as_str()).collect();
            if !astray.insert(names.clone()) {
                continue;
            }
            report.fail(
                "route",
                format!("{url} sends alerts of `{rule}` to {}, and none posts here: {labels:?}", names.join(", ")),
                "put a route to a receiver with a webhook to http://…/hooks before the others, with `continue: true` \
                 (deploy/alertmanager/receiver.yaml)",
            );
        }
    }
}

/// Whether what a receiver posts is whole, and what this host reads.
fn body(receiver: &Reached, report: &mut About<'_>) {
    for webhook in &receiver.webhooks {
        if webhook.is_templated() {
            let found =
                format!("the receiver `{}` has a `payload` of its own, which is refused here", receiver.name);
            report.fail("route", found, "take `payload` out of the webhook that posts here");
        }
        if !webhook.send_resolved {
            let found = format!("the receiver `{}` has `send_resolved: false`", receiver.name);
            report.warn(
                "route",
                found,
                "set it to true: without it an incident that rests is not closed when its alert clears",
            );
        }
    }
}

fn posts(receiver: &Reached, policy: &str, heard: &BTreeSet<Receiver>) -> Posts {
    let is_for = |by_name: Option<&str>| by_name.is_none_or(|name| name == policy);
    let shown = receiver.webhooks.iter().filter_map(Webhook::shown_url);
    if shown.clone().any(|url| hook(url).is_some_and(is_for)) {
        return Posts::Here;
    }
    // What it posted once says nothing against a URL that is shown, and is another by now.
    if shown.count() == receiver.webhooks.len() {
        return Posts::Elsewhere;
    }
    let has_posted = heard.iter().any(|one| one.name == receiver.name && is_for(one.policy.as_deref()));
    if has_posted { Posts::Here } else { Posts::Perhaps }
}

/// The policy in the URL of a webhook (none for all); nothing where it has another path than ours.
fn hook(url: &str) -> Option<Option<&str>> {
    let path = url.split(['?', '#']).next().unwrap_or(url).trim_end_matches('/');
    let (before, last) = path.rsplit_once('/')?;
    match (last, before.ends_with("/hooks")) {
        ("hooks", _) => Some(None),
        (policy, true) => Some(Some(policy)),
        (_, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receiver(webhooks: serde_json::Value) -> Reached {
        serde_json::from_value(serde_json::json!({"name": "suture", "webhook_configs": webhooks})).unwrap()
    }

    #[test]
    fn a_url_that_is_shown_says_more_than_what_was_posted_once() {
        let heard = BTreeSet::from([Receiver { name: "suture".to_owned(), policy: None }]);
        let stands = |webhooks, heard: &BTreeSet<Receiver>| posts(&receiver(webhooks), "volsync", heard);
        let right = serde_json::json!([{"url": "http://suture:8080/hooks"}]);
        let wrong = serde_json::json!([{"url": "http://suture:8080/hook"}]);
        let hidden = serde_json::json!([{"url": "<secret>"}]);
        assert!(matches!(stands(right, &BTreeSet::new()), Posts::Here));
        assert!(matches!(stands(wrong, &heard), Posts::Elsewhere));
        assert!(matches!(stands(hidden.clone(), &heard), Posts::Here));
        assert!(matches!(stands(hidden, &BTreeSet::new()), Posts::Perhaps));
        assert!(matches!(stands(serde_json::json!([]), &heard), Posts::Elsewhere));
    }

    #[test]
    fn the_path_of_a_webhook_says_whose_it_is() {
        assert_eq!(hook("http://suture:8080/hooks"), Some(None));
        assert_eq!(hook("http://suture:8080/hooks/?a=b"), Some(None));
        assert_eq!(hook("http://suture:8080/hooks/volsync"), Some(Some("volsync")));
        assert_eq!(hook("http://chat:8080/services/hook"), None);
    }
}
