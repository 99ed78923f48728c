//! Where Alertmanager's routes lead, as its own configuration has it.

use std::collections::BTreeMap;

use serde::Deserialize;
use suture_core::names::shortened;
use suture_core::{Labels, Matchers};

/// The longest configuration that is read, in bytes.
const MAX_CONFIG: usize = 4 << 20;

/// The routes and webhooks of an Alertmanager.
#[derive(Debug)]
pub struct Routing {
    route: Route,
    receivers: Vec<Receiver>,
}

#[derive(Debug)]
struct Route {
    receiver: String,
    matchers: Matchers,
    goes_on: bool,
    has_intervals: bool,
    routes: Vec<Route>,
}

/// A receiver, as far as it posts to webhooks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Receiver {
    /// Its name.
    pub name: String,
    /// Its webhooks.
    #[serde(default, rename = "webhook_configs")]
    pub webhooks: Vec<Webhook>,
}

/// A webhook of a receiver.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Webhook {
    /// Where it posts; `<secret>` in what newer Alertmanagers show, none where a file has it.
    pub url: Option<String>,
    /// Whether it posts that alerts are resolved.
    #[serde(default = "yes")]
    pub send_resolved: bool,
    /// How many alerts it posts at most; 0 for all.
    #[serde(default)]
    pub max_alerts: u64,
    #[serde(default)]
    payload: Option<serde_json::Value>,
}

fn yes() -> bool {
    true
}

impl Webhook {
    /// Where it posts, where that is shown.
    pub fn shown_url(&self) -> Option<&str> {
        self.url.as_deref().filter(|url| url.starts_with("http"))
    }

    /// Whether it posts a body of its own making.
    pub fn is_templated(&self) -> bool {
        self.payload.is_some()
    }
}

#[derive(Deserialize)]
struct Config {
    route: RawRoute,
    #[serde(default)]
    receivers: Vec<Receiver>,
}

#[derive(Deserialize)]
struct RawRoute {
    receiver: Option<String>,
    #[serde(default, rename = "match")]
    equal: BTreeMap<String, String>,
    #[serde(default, rename = "match_re")]
    like: BTreeMap<String, String>,
    #[serde(default)]
    matchers: Vec<String>,
    #[serde(default, rename = "continue")]
    goes_on: bool,
    #[serde(default)]
    mute_time_intervals: Vec<String>,
    #[serde(default)]
    active_time_intervals: Vec<String>,
    #[serde(default)]
    routes: Vec<RawRoute>,
}

impl Routing {
    /// Read the configuration as Alertmanager shows it.
    ///
    /// # Errors
    /// Why it can't be followed.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_CONFIG {
            return Err(format!("it has {} bytes, more than {MAX_CONFIG} are not read", text.len()));
        }
        let config: Config = serde_saphyr::from_str_with_options(text, crate::prometheus::yaml_options())
            .map_err(|error| format!("it can't be read: {error}"))?;
        Ok(Self { route: Route::read(config.route, "")?, receivers: config.receivers })
    }

    /// Whether a route is muted at times.
    pub fn has_time_intervals(&self) -> bool {
        self.route.has_time_intervals()
    }

    /// The receivers that an alert with these labels reaches.
    pub fn reached(&self, labels: &Labels) -> Vec<&Receiver> {
        let mut names = Vec::new();
        self.route.reach(labels, &mut names);
        let named = names.iter().filter_map(|name| self.receivers.iter().find(|one| one.name == *name));
        named.collect()
    }
}

impl Route {
    fn read(raw: RawRoute, above: &str) -> Result<Self, String> {
        let receiver = raw.receiver.filter(|name| !name.is_empty()).unwrap_or_else(|| above.to_owned());
        let quoted = |value: &str| format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
        let equal = raw.equal.iter().map(|(name, value)| format!("{name}={}", quoted(value)));
        let like = raw.like.iter().map(|(name, value)| format!("{name}=~{}", quoted(value)));
        let matchers: Vec<String> = equal.chain(like).chain(raw.matchers).collect();
        let matchers = Matchers::parse_all(&matchers)
            .map_err(|error| format!("a route to `{}` can't be read: {error}", shortened(&receiver)))?;
        let routes = raw.routes.into_iter().map(|route| Self::read(route, &receiver));
        let routes = routes.collect::<Result<_, _>>()?;
        let has_intervals = !raw.mute_time_intervals.is_empty() || !raw.active_time_intervals.is_empty();
        Ok(Self { receiver, matchers, goes_on: raw.goes_on, has_intervals, routes })
    }

    fn has_time_intervals(&self) -> bool {
        self.has_intervals || self.routes.iter().any(Self::has_time_intervals)
    }

    /// As Alertmanager goes: the first branch that takes an alert is the last, unless it goes on;
    /// where none takes it, it ends here.
    fn reach<'a>(&'a self, labels: &Labels, reached: &mut Vec<&'a str>) -> bool {
        if !self.matchers.matches(labels) {
            return false;
        }
        let mut is_taken = false;
        for route in &self.routes {
            let takes = route.reach(labels, reached);
            is_taken |= takes;
            if takes && !route.goes_on {
                break;
            }
        }
        if !is_taken {
            reached.push(&self.receiver);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Alertmanager 0.25 shows it, defaults filled in.
    const SHOWN: &str = r#"
global: {resolve_timeout: 5m}
route:
  receiver: people
  group_by: [alertname]
  continue: false
  routes:
  - receiver: suture
    matchers: ['alertname="A"', severity=~"critical|warning"]
    continue: true
  - match: {team: "b\\c"}
    match_re: {ns: "me.*"}
    continue: false
    routes:
    - receiver: night
      matchers: [night="yes"]
receivers:
- name: people
- name: suture
  webhook_configs:
  - {send_resolved: true, http_config: {follow_redirects: true}, url: "http://suture:8080/hooks", url_file: "", max_alerts: 0}
- name: night
  webhook_configs:
  - {url: <secret>, max_alerts: 5, send_resolved: false, payload: {text: x}}
"#;

    fn reached(pairs: &[(&str, &str)]) -> Vec<String> {
        let labels = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let routing = Routing::parse(SHOWN).unwrap();
        routing.reached(&labels).iter().map(|receiver| receiver.name.clone()).collect()
    }

    #[test]
    fn an_alert_goes_where_alertmanager_sends_it() {
        assert_eq!(reached(&[("alertname", "A"), ("severity", "critical")]), ["suture"]);
        assert_eq!(reached(&[("alertname", "A"), ("severity", "info")]), ["people"]);
        let both = [("alertname", "A"), ("severity", "warning"), ("team", "b\\c"), ("ns", "media")];
        assert_eq!(reached(&both), ["suture", "people"]);
        assert_eq!(reached(&[("team", "b\\c"), ("ns", "media"), ("night", "yes")]), ["night"]);
    }

    #[test]
    fn a_route_that_is_muted_at_times_is_told_from_others() {
        assert!(!Routing::parse(SHOWN).unwrap().has_time_intervals());
        for field in ["mute_time_intervals", "active_time_intervals"] {
            let muted = SHOWN.replace("continue: true", &format!("{field}: [night]"));
            assert!(Routing::parse(&muted).unwrap().has_time_intervals(), "{field}");
        }
    }

    #[test]
    fn what_is_shown_of_a_webhook_is_told_from_what_is_kept_secret() {
        let routing = Routing::parse(SHOWN).unwrap();
        let webhook = |name: &str| {
            let receiver = routing.receivers.iter().find(|receiver| receiver.name == name).unwrap();
            receiver.webhooks[0].clone()
        };
        assert_eq!(webhook("suture").shown_url(), Some("http://suture:8080/hooks"));
        assert_eq!((webhook("night").shown_url(), webhook("night").is_templated()), (None, true));
        assert!(!webhook("suture").is_templated());
    }
}
