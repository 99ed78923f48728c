//! Configurations, and what is said of those that are wrong.

use std::path::{Path, PathBuf};

use super::*;

const GOOD: &str = r#"
listen: 0.0.0.0:8080
admin: {listen: 127.0.0.1:8081}
webhook: {tokenFile: /etc/suture/token}
storage: {path: /var/lib/suture}
cluster: {live: {}}
prometheus: {url: http://prometheus:9090}
alertmanager: {url: http://alertmanager:9093}
policies:
- name: volsync
  source: {file: /policies/volsync.wasm}
  mode: observe
  match: ['alertname="VolSyncVolumeOutOfSync"']
  confirm: prometheus
  trust: 'alert.labels.cluster == "home"'
  settings: {}
  grants:
  - {groups: [volsync.backube], resources: [replicationsources], verbs: [get, patch], namespaces: [media], names: ["*"], fields: [/spec/trigger/manual, /spec/restic/unlock]}
  limits: {memory: 64Mi, cpu: 200ms, deadline: 2h, effects: 500}
  retry: {attempts: 3, backoff: 1m, settle: 10m}
"#;

fn parse(text: &str) -> Result<Loaded, Vec<ConfigError>> {
    Config::parse(text.to_owned(), Path::new("suture.yaml"), PathBuf::new())
}

fn wrong(find: &str, replace: &str) -> String {
    assert!(GOOD.contains(find), "{find}");
    match parse(&GOOD.replacen(find, replace, 1)) {
        Ok(_) => panic!("`{replace}` is accepted"),
        Err(errors) => errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    }
}

#[test]
fn the_documented_configuration_is_read() {
    let loaded = parse(GOOD).unwrap_or_else(|errors| panic!("{errors:#?}"));
    assert!(loaded.warnings.is_empty(), "{:#?}", loaded.warnings);
    let policy = &loaded.config.policies[0].value;
    assert_eq!(policy.mode, Mode::Observe);
    assert_eq!(policy.limits.effects, 500);
    assert_eq!(policy.retry.settle.to_string(), "10m");
}

#[test]
fn a_new_policy_observes_unless_it_is_told_to_act() {
    let text = GOOD.replace("  mode: observe\n", "").replace("  confirm: prometheus\n", "");
    let loaded = parse(&text).unwrap_or_else(|errors| panic!("{errors:#?}"));
    assert_eq!(loaded.config.policies[0].value.mode, Mode::Observe);
    assert_eq!(loaded.config.policies[0].value.confirm, ConfirmBy::Prometheus);
}

#[test]
fn the_live_cluster_has_defaults_and_can_be_told_otherwise() {
    let live = |text: &str| {
        let loaded = parse(&GOOD.replace("{live: {}}", text)).unwrap_or_else(|errors| panic!("{errors:#?}"));
        match loaded.config.cluster.value {
            ClusterConfig::Live(live) => live,
            other => panic!("{other:?}"),
        }
    };
    let bare = live("{live: {}}");
    let (reached, usual) = (bare.reached(Path::new("/etc")), suture_cluster::live::LiveConfig::default());
    assert_eq!((reached.burst, reached.timeout, reached.kubeconfig), (usual.burst, usual.timeout, None));
    let lease = bare.lease.get().unwrap();
    assert_eq!((lease.name.value.as_str(), lease.duration.value.to_string().as_str()), ("suture", "15s"));
    let full = live(
        "{live: {kubeconfig: admin.yaml, context: home, namespace: suture, requestsPerSecond: 20, burst: 40, \
         timeout: 5s, lease: {name: one, duration: 30s}}}",
    );
    let reached = full.reached(Path::new("/etc/suture"));
    assert_eq!(reached.kubeconfig.as_deref(), Some(Path::new("/etc/suture/admin.yaml")));
    assert_eq!((reached.requests_per_second, reached.burst, reached.timeout.as_secs()), (20, 40, 5));
    assert_eq!(full.lease.get().unwrap().name.value, "one");
    assert!(live("{live: {lease: false}}").lease.get().is_none());
}

#[test]
fn every_mistake_is_named_with_its_line_and_column() {
    for (find, replace, place, words) in [
        ("  mode: observe", "  modus: observe", "suture.yaml:12:3", "modus"),
        ("  mode: observe", "  mode: obey", "suture.yaml:12:9", "obey"),
        ("listen: 0.0.0.0:8080", "listen: everywhere", "suture.yaml:2:9", "everywhere"),
        ("backoff: 1m", "backoff: soon", "suture.yaml:20:", "soon"),
        ("memory: 64Mi", "memory: 64MB", "suture.yaml:19:", "64MB"),
        ("verbs: [get, patch]", "verbs: [get, update]", "suture.yaml:18:", "update"),
        ("namespaces: [media]", "namespace: [media]", "suture.yaml:18:", "namespace"),
        (r#"alertname="VolSyncVolumeOutOfSync""#, "alertname", "suture.yaml:13:", "not a matcher"),
        (r#"alert.labels.cluster == "home""#, "alert.labels.", "suture.yaml:15:", ""),
        ("http://prometheus:9090", "prometheus:9090", "suture.yaml:7:", "http or https"),
        ("name: volsync", "name: Vol Sync", "suture.yaml:10:9", "DNS label"),
        ("127.0.0.1:8081", "0.0.0.0:8081", "suture.yaml:3:", "admin.tokenFile"),
        ("127.0.0.1:8081", "0.0.0.0:8080, tokenFile: t", "suture.yaml:2:", "same address"),
        ("127.0.0.1:8081", "127.0.0.1:8081, metricsTokenFile: t", "suture.yaml:3:", "metrics need no token"),
        ("127.0.0.1:8081", "127.0.0.1:8081, hosts: ['https://x.example']", "suture.yaml:3:", "no host name"),
        ("127.0.0.1:8081", "127.0.0.1:8081, hosts: [x.example:443]", "suture.yaml:3:", "without a scheme"),
        ("127.0.0.1:8081", "127.0.0.1:8081, hosts: ['*.example']", "suture.yaml:3:", "no host name"),
        (
            "127.0.0.1:8081",
            "0.0.0.0:8081, tls: {certFile: c, keyFile: k}",
            "suture.yaml:3:",
            "admin.tokenFile",
        ),
        ("tokenFile: /etc/suture/token", "tls: {certFile: c}", "suture.yaml:4:", "`keyFile` is missing"),
        (
            "tokenFile: /etc/suture/token",
            "basicAuth: {username: 'a:b', passwordFile: p}",
            "suture.yaml:4:",
            "no colon",
        ),
        ("{file: /policies/volsync.wasm}", "{oci: ghcr.io/x}", "suture.yaml:11:", "names no version"),
        (
            "resources: [replicationsources]",
            "resources: [ReplicationSource]",
            "suture.yaml:18:",
            "looks like a kind",
        ),
        ("prometheus: {url: http://prometheus:9090}\n", "", "suture.yaml:9:", "prometheus.url"),
        ("listen: 0.0.0.0:8080", "listen: 8080", "suture.yaml:2:9", "an IP address and a port"),
        ("cluster: {live: {}}", "cluster: live", "suture.yaml:6:", "keys with values"),
        ("{live: {}}", "{live: {}, simulated: {scenario: x}}", "suture.yaml:6:", "give either `live: {}`"),
        ("{live: {}}", "{live: {namespace: Media}}", "suture.yaml:6:29", "DNS label"),
        ("{live: {}}", "{live: {burst: 0}}", "suture.yaml:6:25", "between 1 and 10000"),
        ("{live: {}}", "{live: {requestsPerSecond: -1}}", "suture.yaml:6:", "not a valid value"),
        ("{live: {}}", "{live: {timeout: soon}}", "suture.yaml:6:27", "not a duration"),
        ("{live: {}}", "{live: {timeout: 1h}}", "suture.yaml:6:27", "between 1s and 5m"),
        ("{live: {}}", "{live: {kubeConfig: x}}", "suture.yaml:6:18", "possible: `kubeconfig`"),
        ("{live: {}}", "{live: {lease: {name: A_b}}}", "suture.yaml:6:32", "not a valid Kubernetes name"),
        ("{live: {}}", "{live: {lease: {duration: 1500ms}}}", "suture.yaml:6:36", "whole seconds"),
        ("{live: {}}", "{live: {lease: {naem: x}}}", "suture.yaml:6:26", "possible: `name`, `duration`"),
        ("{live: {}}", "{live: {lease: never}}", "suture.yaml:6:18", "or `false`"),
        ("{live: {}}", "{dead: {}}", "suture.yaml:6:11", "possible: `live`, `simulated`"),
        ("{live: {}}", "{simulated: {scenario: x, speed: 0}}", "suture.yaml:6:", "between 1 and 100000"),
        ("{live: {}}", "{simulated: {}}", "suture.yaml:6:", "either `scenario: FILE` or `socket: PATH`"),
        (
            "{live: {}}",
            "{simulated: {scenario: x, socket: y}}",
            "suture.yaml:6:",
            "either `scenario: FILE` or",
        ),
        (
            "{live: {}}",
            "{simulated: {socket: y, speed: 9}}",
            "suture.yaml:6:",
            "`speed` goes with `scenario`",
        ),
        ("{live: {}}", "{simulated: {sokcet: y}}", "suture.yaml:6:", "`socket`"),
        ("storage: {path: /var/lib/suture}", "storage: {}", "suture.yaml:5:", "the key `path` is missing"),
        ("mode: observe", "mode: observe\n  mode: enforce", "suture.yaml:13:3", "stands here twice"),
        ("  settings: {}", "  settings: [1]", "suture.yaml:16:13", "keys with values"),
        ("['alertname=\"VolSyncVolumeOutOfSync\"']", "x", "suture.yaml:13:", "a list is expected"),
        ("effects: 500", "effects: many", "suture.yaml:19:", "not a valid value"),
        (
            "tokenFile: /etc/suture/token",
            "tokenFile: t, maxBody: 0",
            "suture.yaml:4:",
            "between 1Ki and 64Mi",
        ),
        ("tokenFile: /etc/suture/token", "tokenFile: t, maxPending: 0", "suture.yaml:4:", "turned away"),
        (
            "policies:",
            "budgets: {concurrentRuns: 0}\npolicies:",
            "suture.yaml:9:10",
            "no run would ever start",
        ),
    ] {
        let errors = wrong(find, replace);
        assert!(errors.contains(place) && errors.contains(words), "{replace}:\n{errors}");
    }
}

#[test]
fn an_error_shows_the_line_and_points_at_the_place() {
    let errors = wrong("  mode: observe", "  mode: obey");
    let lines: Vec<_> = errors.lines().collect();
    assert!(lines.contains(&"12 |   mode: obey"), "{errors}");
    assert!(lines.contains(&"   |         ^"), "{errors}");
}

#[test]
fn two_policies_of_one_name_are_refused() {
    let twice = format!("{GOOD}- name: volsync\n  source: {{file: other.wasm}}\n");
    let errors = parse(&twice).err().unwrap();
    assert!(errors[0].to_string().contains("two policies named `volsync`"), "{errors:#?}");
}

#[test]
fn what_is_allowed_but_dangerous_is_warned_about() {
    let text = GOOD
        .replace("confirm: prometheus", "confirm: none")
        .replace("namespaces: [media]", r#"namespaces: ["*"]"#)
        .replace("webhook: {tokenFile: /etc/suture/token}\n", "")
        .replace("alertmanager: {url: http://alertmanager:9093}\n", "");
    let loaded = parse(&text).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let warnings: String = loaded.warnings.iter().map(|warning| format!("{warning}\n")).collect();
    for words in ["confirms nothing", "every namespace", "whoever reaches this address", "reach nobody"] {
        assert!(warnings.contains(words), "{words}:\n{warnings}");
    }
}

#[test]
fn a_bomb_of_aliases_is_refused() {
    let mut bomb = String::from("a: &a [x, x, x, x, x, x, x, x, x]\n");
    for (new, old) in "bcdefghij".chars().zip("abcdefghi".chars()) {
        bomb.push_str(&format!("{new}: &{new} [{}]\n", vec![format!("*{old}"); 9].join(", ")));
    }
    assert!(parse(&bomb).is_err());
    assert!(parse(&"[".repeat(100_000)).is_err());
}

#[test]
fn a_file_that_is_missing_or_huge_is_named() {
    let error = Config::load(Path::new("/nowhere/suture.yaml")).err().unwrap();
    assert!(error[0].to_string().starts_with("/nowhere/suture.yaml: "));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("suture.yaml");
    std::fs::write(&file, "x".repeat(2 << 20)).unwrap();
    assert!(Config::load(&file).err().unwrap()[0].message.contains("more than"));
}

#[test]
fn a_schedule_that_never_comes_is_accepted_with_a_warning() {
    let with = |schedule: &str| {
        let text = format!("{GOOD}  sweep: {{schedule: '{schedule}'}}\n");
        let loaded = parse(&text).unwrap_or_else(|errors| panic!("{errors:#?}"));
        loaded.warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(with("0 0 29 2 *"), "");
    let warned = with("0 0 30 2 *");
    assert!(warned.contains("suture.yaml:21:") && warned.contains("never comes"), "{warned}");
}

#[test]
fn others_may_reach_the_api_that_asks_for_a_name_or_a_certificate() {
    for (more, warns) in [
        ("basicAuth: {username: op, passwordFile: p}", true),
        ("basicAuth: {username: op, passwordFile: p}, tls: {certFile: c, keyFile: k}", false),
        ("tls: {certFile: c, keyFile: k, clientCaFile: ca}", false),
        ("tokenFile: t, hosts: [Suture.Example.com, other.example.]", false),
    ] {
        let text = GOOD.replace("127.0.0.1:8081", &format!("0.0.0.0:8081, {more}"));
        let loaded = parse(&text).unwrap_or_else(|errors| panic!("{more}: {errors:#?}"));
        let crosses = loaded.warnings.iter().any(|warning| warning.message.contains("crosses the network"));
        assert_eq!(crosses, warns, "{more}: {:#?}", loaded.warnings);
    }
}

#[test]
fn people_have_names_tokens_and_roles_of_their_own() {
    let hash = |text: &str| suture_core::Digest::of(text.as_bytes()).to_string();
    let with = |people: &str| parse(&format!("{GOOD}people:\n{people}"));
    let person = |name: &str, token: &str, roles: &str| {
        format!("- {{name: \"{name}\", tokenHash: \"{}\", roles: [{roles}]}}\n", hash(token))
    };
    let good = with(&(person("alice", "a", "viewer, operator") + &person("bob", "b", "operator"))).unwrap();
    let warned = good.warnings.iter().any(|warning| warning.to_string().contains("`bob` may change things"));
    assert!(warned, "{:?}", good.warnings);
    let reserved = with(&person("carol", "c", "approver")).unwrap();
    let warned =
        reserved.warnings.iter().any(|warning| warning.to_string().contains("`carol` may do nothing"));
    assert!(warned, "{:?}", reserved.warnings);
    for (people, words) in [
        (person("admin", "a", "viewer"), "taken"),
        (person("a b", "a", "viewer"), "is no name"),
        (person("alice", "a", ""), "has no roles"),
        (person("alice", "a", "viewer") + &person("alice", "b", "viewer"), "two people named `alice`"),
        (person("alice", "a", "viewer") + &person("bob", "a", "viewer"), "somebody else has"),
        (person("alice", "a", "king"), "king"),
        ("- {name: alice, tokenHash: secret, roles: [viewer]}\n".to_owned(), "sha256:"),
    ] {
        let errors = with(&people).err().unwrap();
        assert!(errors.iter().any(|error| error.to_string().contains(words)), "{words}: {errors:?}");
    }
}

#[test]
fn what_would_let_no_run_do_anything_is_refused() {
    for (find, replace) in [
        ("deadline: 2h", "deadline: 0s"),
        ("cpu: 200ms", "cpu: 0s"),
        ("effects: 500", "effects: 0"),
        ("attempts: 3", "attempts: 0"),
        ("settle: 10m", "settle: 0s"),
    ] {
        let error = wrong(find, replace);
        assert!(error.contains(replace) && error.contains("policy `volsync`"), "{error}");
    }
}

#[test]
fn a_path_of_an_api_is_no_address_of_a_server() {
    let error = wrong("http://alertmanager:9093", "http://alertmanager:9093/api/v2/alerts");
    assert!(error.contains("write `http://alertmanager:9093`"), "{error}");
    let error = wrong("http://prometheus:9090", "http://prometheus:9090/api/v1");
    assert!(error.contains("write `http://prometheus:9090`"), "{error}");
}

#[test]
fn one_token_for_alertmanager_and_for_everything_is_warned_about() {
    let text = GOOD.replace("admin: {listen", "admin: {tokenFile: /etc/suture/token, listen");
    let loaded = parse(&text).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let warnings: Vec<_> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert!(warnings.len() == 1 && warnings[0].contains("`admin.tokenFile`, too"), "{warnings:#?}");
}
