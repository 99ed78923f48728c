//! Where things are.

use maud::{Markup, html};
use suture_core::{IncidentId, RunId};
use suture_journal::Subject;

use crate::text;

/// The most characters of a name in a list.
const NAME: usize = 80;

/// The path of an incident.
pub fn to_incident(id: &IncidentId) -> String {
    format!("/incidents/{}", escaped(id.as_str()))
}

/// The path of a run.
pub fn to_run(id: &RunId) -> String {
    format!("/runs/{}", escaped(id.as_str()))
}

/// The path of a policy.
pub fn to_policy(name: &str) -> String {
    format!("/policies/{}", escaped(name))
}

/// A link to a policy.
pub fn policy(name: &str) -> Markup {
    html! { a href=(to_policy(name)) { (text::short(name, NAME)) } }
}

/// What an incident is about: `media/plex`.
pub fn about(subject: &Subject) -> String {
    let parts: Vec<&str> = subject.namespace.iter().chain(&subject.object).map(String::as_str).collect();
    if parts.is_empty() { "no object".to_owned() } else { text::short(&parts.join("/"), NAME) }
}

/// A parameter of a query, escaped.
pub fn escaped(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(char::from(byte));
            }
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

/// A URL that a page may lead to: of the web. An alert may name any other.
pub fn of_web(url: &str) -> Option<&str> {
    let is_web = ["http://", "https://"]
        .iter()
        .any(|scheme| url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    (is_web && url.len() <= 8192 && !url.bytes().any(|byte| byte.is_ascii_control() || byte == b' '))
        .then_some(url)
}

#[cfg(test)]
mod tests {
    use super::of_web;

    #[test]
    fn a_link_to_a_graph_is_one_of_the_web_and_of_nothing_else() {
        for (url, is_link) in [
            ("https://prometheus.example/graph", true),
            ("HTTP://p/", true),
            ("javascript:alert(1)", false),
            ("JAVASCRIPT://x%0aalert(1)", false),
            ("data:text/html,x", false),
            ("//evil.example", false),
            ("https://a b", false),
            ("", false),
        ] {
            assert_eq!(of_web(url).is_some(), is_link, "{url}");
        }
    }
}
