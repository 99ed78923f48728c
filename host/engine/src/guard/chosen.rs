//! That pods which are made are chosen by nothing that was there before them: they would get the traffic,
//! the rights or the place of others.

use serde_json::{Map, Value};
use suture_core::grant::PodMap;
use suture_core::object::{self, Kind, is_own_annotation};
use suture_core::{Fault, Reason, names};

use super::templates::Template;
use super::{Guard, pods};

/// What chooses pods by their labels, in their namespace.
struct Chooser {
    kind: (&'static str, &'static str),
    selectors: fn(&Value) -> Vec<Selector<'_>>,
    /// Whether it only takes pods that nobody made for it: those that are made by themselves.
    takes_bare: bool,
    /// What the pod would get by it.
    gets: &'static str,
}

const CHOOSERS: [Chooser; 7] = [
    Chooser {
        kind: ("v1", "Service"),
        selectors: |service| plain(service.pointer("/spec/selector")),
        takes_bare: false,
        gets: "its traffic",
    },
    Chooser {
        kind: ("networking.k8s.io/v1", "NetworkPolicy"),
        selectors: of_network_policy,
        takes_bare: false,
        gets: "what that lets through",
    },
    Chooser {
        kind: ("policy/v1", "PodDisruptionBudget"),
        selectors: |budget| full(budget.pointer("/spec/selector")),
        takes_bare: false,
        gets: "a place in its count",
    },
    Chooser { kind: ("apps/v1", "ReplicaSet"), selectors: of_controller, takes_bare: true, gets: ADOPTED },
    Chooser { kind: ("apps/v1", "StatefulSet"), selectors: of_controller, takes_bare: true, gets: ADOPTED },
    Chooser { kind: ("apps/v1", "DaemonSet"), selectors: of_controller, takes_bare: true, gets: ADOPTED },
    Chooser {
        kind: ("v1", "ReplicationController"),
        selectors: |controller| plain(controller.pointer("/spec/selector")),
        takes_bare: true,
        gets: ADOPTED,
    },
];
const ADOPTED: &str = "it for its controller, which deletes those that are too many";

type Labels = Map<String, Value>;

impl Guard {
    /// That nothing chooses a pod by labels that are new on it, unless `pods.labels` of the grant lists
    /// them: what is wrong with it, where that is so.
    ///
    /// # Errors
    /// Where what chooses pods can't be read.
    pub(super) async fn chosen_by_others(
        &self,
        kind: &Kind,
        was: Option<&Value>,
        object: &Value,
        template: &Template,
        rules: &pods::Rules<'_>,
    ) -> Result<Option<String>, Fault> {
        let is_bare = kind.group().is_empty() && kind.kind == "Pod";
        let before = was.and_then(|was| was.pointer(&template.at)).map(labels).unwrap_or_default();
        let after = labels(&template.pod);
        let is_new =
            |(name, value): (&String, &Value)| before.get(name) != Some(value) && !is_own_annotation(name);
        if !after.iter().any(is_new) {
            return Ok(None);
        }
        for chooser in CHOOSERS.iter().filter(|chooser| is_bare || !chooser.takes_bare) {
            let (version, name) = chooser.kind;
            let others = Kind::new(version, name);
            let page = match self.all_of(&others, object::namespace(object), String::new()).await {
                Ok(page) => page,
                Err(Fault::Error(error)) if error.reason == Reason::FORBIDDEN => {
                    return Ok(Some(format!(
                        "whether {name} chooses the pod by its labels can't be told, for the host may not list them \
                         (`suture rbac` prints the right): {}",
                        error.message
                    )));
                }
                Err(fault) => return Err(fault),
            };
            for other in &page.items {
                let found = (chooser.selectors)(other);
                let Some(selector) = found.iter().find(|one| one.matches(&after) && !one.matches(&before))
                else {
                    continue;
                };
                if selector.keys().iter().all(|key| rules.lists_mark(PodMap::Labels, key)) {
                    continue;
                }
                let keys: Vec<_> = selector.keys().into_iter().map(names::shortened).collect();
                return Ok(Some(format!(
                    "by its labels ({}) {name} `{}` chooses the pod, which gets {}; `pods.labels` of the grant must list \
                     them where that is meant",
                    keys.join(", "),
                    names::shortened(object::name(other).unwrap_or_default()),
                    chooser.gets,
                )));
            }
            if page.next.is_some() {
                return Ok(Some(format!(
                    "there are too many of {name} to tell whether one chooses the pod by its labels"
                )));
            }
        }
        Ok(None)
    }
}

fn labels(pod: &Value) -> Labels {
    pod.pointer("/metadata/labels").and_then(Value::as_object).cloned().unwrap_or_default()
}

/// A selector of pods.
enum Selector<'a> {
    /// Labels with their values: nothing is chosen by none.
    Plain(&'a Labels),
    /// A label selector: everything is chosen by an empty one.
    Full(&'a Value),
}

fn plain(selector: Option<&Value>) -> Vec<Selector<'_>> {
    selector.and_then(Value::as_object).map(Selector::Plain).into_iter().collect()
}

fn full(selector: Option<&Value>) -> Vec<Selector<'_>> {
    selector.filter(|selector| selector.is_object()).map(Selector::Full).into_iter().collect()
}

fn of_controller(controller: &Value) -> Vec<Selector<'_>> {
    full(controller.pointer("/spec/selector"))
}

/// The pods that a policy is about, and those that it lets in and out.
fn of_network_policy(policy: &Value) -> Vec<Selector<'_>> {
    let rules = |direction: &str, peers: &'static str| {
        let rules = policy.pointer(direction).and_then(Value::as_array).into_iter().flatten();
        rules.filter_map(move |rule| rule.get(peers)?.as_array()).flatten()
    };
    let peers = rules("/spec/ingress", "from").chain(rules("/spec/egress", "to"));
    let mut found = full(policy.pointer("/spec/podSelector"));
    found.extend(peers.flat_map(|peer| full(peer.get("podSelector"))));
    found
}

impl<'a> Selector<'a> {
    /// Whether it chooses a pod with these labels. What can't be read does.
    fn matches(&self, labels: &Labels) -> bool {
        let has = |(name, value): (&String, &Value)| labels.get(name) == Some(value);
        match self {
            Self::Plain(wanted) => !wanted.is_empty() && wanted.iter().all(has),
            Self::Full(selector) => {
                let mut wanted = selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten();
                let mut expressions =
                    selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten();
                wanted.all(has) && expressions.all(|expression| holds(expression, labels))
            }
        }
    }

    /// The labels that it looks at.
    fn keys(&self) -> Vec<&'a str> {
        let of_map = |map: &'a Labels| map.keys().map(String::as_str).collect::<Vec<_>>();
        match *self {
            Self::Plain(wanted) => of_map(wanted),
            Self::Full(selector) => {
                let mut keys =
                    selector.get("matchLabels").and_then(Value::as_object).map(of_map).unwrap_or_default();
                let expressions =
                    selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten();
                keys.extend(expressions.filter_map(|expression| expression.get("key")?.as_str()));
                keys
            }
        }
    }
}

fn holds(expression: &Value, labels: &Labels) -> bool {
    let text = |field: &str| expression.get(field).and_then(Value::as_str);
    let Some((key, operator)) = text("key").zip(text("operator")) else { return true };
    let value = labels.get(key);
    let is_listed = || {
        let values = expression.get("values").and_then(Value::as_array).into_iter().flatten();
        value.is_some_and(|value| values.into_iter().any(|one| one == value))
    };
    match operator {
        "In" => is_listed(),
        "NotIn" => !is_listed(),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use suture_core::rbac::{Needs, Purpose, Requester};

    use super::*;

    fn labelled(labels: Value) -> Labels {
        labels.as_object().cloned().unwrap()
    }

    #[test]
    fn a_selector_chooses_as_that_of_kubernetes_does() {
        let (web, none) = (labelled(json!({"app": "web", "tier": "a"})), Labels::new());
        let full = |selector: Value| {
            [Selector::Full(&selector).matches(&web), Selector::Full(&selector).matches(&none)]
        };
        let expression = |operator: &str, values: Value| json!({"matchExpressions": [{"key": "tier", "operator": operator, "values": values}]});
        assert_eq!(full(json!({"matchLabels": {"app": "web"}})), [true, false]);
        assert_eq!(full(json!({"matchLabels": {"app": "web", "x": "y"}})), [false, false]);
        assert_eq!(full(json!({})), [true, true]);
        assert_eq!(full(expression("In", json!(["a", "b"]))), [true, false]);
        assert_eq!(full(expression("NotIn", json!(["a"]))), [false, true]);
        assert_eq!(full(expression("Exists", Value::Null)), [true, false]);
        assert_eq!(full(expression("DoesNotExist", Value::Null)), [false, true]);
        assert_eq!(full(expression("Gt", json!(["1"]))), [true, true], "what is not known may choose");
        assert!(!Selector::Plain(&none).matches(&web), "a Service without a selector chooses nothing");
    }

    #[test]
    fn what_is_looked_at_is_what_the_host_asks_the_right_to_list_for() {
        let grant =
            json!([{"groups": [""], "resources": ["pods"], "verbs": ["create"], "namespaces": ["media"]}]);
        let grants: Vec<suture_core::Grant> = serde_json::from_value(grant).unwrap();
        let needs = Needs::of([Requester { policy: "any", grants: &grants, requested: None }]);
        let asked = needs.rights(|purpose| matches!(purpose, Purpose::Policy(_)));
        let mut asked: Vec<_> = asked
            .into_iter()
            .filter(|right| right.verb == "list")
            .map(|right| (right.group, right.resource))
            .collect();
        let mut looked_at: Vec<_> = CHOOSERS.iter().map(|chooser| plural(chooser.kind)).collect();
        asked.sort();
        looked_at.sort();
        assert_eq!(looked_at, asked);
    }

    fn plural((version, kind): (&str, &str)) -> (String, String) {
        let group = version.split_once('/').map_or("", |(group, _)| group);
        let lower = kind.to_lowercase();
        let resource =
            lower.strip_suffix('y').map_or_else(|| format!("{lower}s"), |stem| format!("{stem}ies"));
        (group.to_owned(), resource)
    }

    #[test]
    fn a_network_policy_chooses_those_that_it_is_about_and_those_that_it_lets_through() {
        let policy = json!({"spec": {
            "podSelector": {"matchLabels": {"app": "db"}},
            "ingress": [{"from": [{"podSelector": {"matchLabels": {"role": "client"}}}, {"ipBlock": {"cidr": "10.0.0.0/8"}}]}],
            "egress": [{"to": [{"podSelector": {"matchLabels": {"app": "dns"}}}]}]}});
        let keys: Vec<_> = of_network_policy(&policy).iter().flat_map(Selector::keys).collect();
        assert_eq!(keys, ["app", "role", "app"]);
    }
}
