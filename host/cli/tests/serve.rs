//! `suture serve` as a process: killed in the middle, stopped in good order, started twice.

#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside of test functions")]

#[allow(dead_code, reason = "each file of tests uses a part of it")]
mod host;

use std::process::{Command, Stdio};

use host::{ALERT, CLUSTER, Host, TOKEN, configure, free_address, http, serve, start, until};

#[test]
fn a_host_that_is_killed_in_the_middle_of_a_run_goes_on_with_it() {
    let dir = tempfile::tempdir().unwrap();
    configure(dir.path());
    let mut first = start(dir.path());
    let log = || std::fs::read_to_string(dir.path().join("log")).unwrap();
    assert!(!log().contains("begins anew"), "nothing was there before: {}", log());
    assert_eq!(http(first.webhook, "POST", "/hooks", ALERT).unwrap().0, 200);
    until("the run waits", || first.incident()["state"] == "waiting");
    let first_run = first.incident()["runs"].clone();
    first.child.kill().unwrap();
    first.child.wait().unwrap();

    let second = start(dir.path());
    let said = log();
    assert!(said.contains("the simulated cluster begins anew") && said.contains("suture simulate"), "{said}");
    // What it waits for is not in the new cluster: to the policy, somebody has taken it back.
    until("the run ends", || second.incident()["state"] == "escalated");
    let incident = second.incident();
    assert_eq!(incident["runs"], first_run, "it goes on with the run, and begins no other");
    assert_eq!(incident["attempts"], 1);
    assert!(incident["summary"].as_str().unwrap().contains("was removed by somebody"), "{incident}");
}

#[test]
fn sigterm_ends_a_host_in_good_order_and_a_second_one_on_its_journal_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    configure(dir.path());
    let mut host = start(dir.path());
    // The same journal, at other addresses.
    let config = std::fs::read_to_string(dir.path().join("suture.yaml")).unwrap();
    let config = config
        .replace(&host.webhook.to_string(), "127.0.0.1:0")
        .replace(&host.admin.to_string(), "127.0.0.1:0");
    std::fs::write(dir.path().join("suture.yaml"), config).unwrap();
    let output = serve(dir.path()).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("journal"), "{output:?}");
    assert_eq!(http(host.webhook, "POST", "/hooks", ALERT).unwrap().0, 200);
    let id = host.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert_eq!(host.child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_log_says_once_who_is_refused_and_at_which_path_but_not_what_they_offered() {
    let dir = tempfile::tempdir().unwrap();
    let (admin, log) = (free_address(), dir.path().join("log"));
    std::fs::write(dir.path().join("token"), TOKEN).unwrap();
    std::fs::write(dir.path().join("cluster.yaml"), CLUSTER).unwrap();
    // The token of the webhook is here that of who may read metrics, and no more.
    let config = format!(
        "listen: 127.0.0.1:0\nadmin: {{listen: {admin}, tokenFile: admin-token, metricsTokenFile: token}}\n\
         storage: {{path: state}}\ncluster: {{simulated: {{scenario: cluster.yaml}}}}\n"
    );
    std::fs::write(dir.path().join("admin-token"), "another").unwrap();
    std::fs::write(dir.path().join("suture.yaml"), config).unwrap();
    let child = serve(dir.path()).stderr(std::fs::File::create(&log).unwrap()).spawn().unwrap();
    let _host = Host { child, webhook: admin, admin };
    until("ready", || http(admin, "GET", "/readyz", "").is_some_and(|(status, _)| status == 200));
    for _ in 0..3 {
        assert_eq!(http(admin, "GET", "/api/v1/runs", "").unwrap().0, 403);
    }
    std::fs::write(dir.path().join("token"), "something else").unwrap();
    until("the token is another", || http(admin, "GET", "/api/v1/policies/p/", "").unwrap().0 == 401);
    let said = || std::fs::read_to_string(&log).unwrap();
    until("it is said", || said().contains("unknownToken"));
    let said = said();
    let refused: Vec<_> = said.lines().filter(|line| line.contains("refused: ")).collect();
    assert_eq!(refused.len(), 2, "{said}");
    for (line, words) in refused.iter().zip([
        ["WARN", "path=/api/v1/runs", "peer=127.0.0.1", "who=metrics", "needs the role `viewer`"],
        [
            "WARN",
            "path=/api/v1/policies/p/",
            "peer=127.0.0.1",
            "reason=unknownToken",
            "not one that this host knows",
        ],
    ]) {
        assert!(words.iter().all(|word| line.contains(word)), "{words:?}: {line}");
    }
    assert!(!said.contains(TOKEN), "{said}");
}

#[test]
fn a_host_says_at_its_start_what_is_wrong_with_the_servers_that_it_asks() {
    let dir = tempfile::tempdir().unwrap();
    let (admin, log) = (free_address(), dir.path().join("log"));
    // Nobody listens there.
    let (prometheus, alertmanager) = (free_address().to_string(), free_address().to_string());
    std::fs::write(dir.path().join("cluster.yaml"), CLUSTER).unwrap();
    let config = format!(
        "listen: 127.0.0.1:0\nadmin: {{listen: {admin}}}\nstorage: {{path: state}}\n\
         cluster: {{simulated: {{scenario: cluster.yaml}}}}\nprometheus: {{url: \"http://{prometheus}\"}}\n\
         alertmanager: {{url: \"http://{alertmanager}\"}}\n"
    );
    std::fs::write(dir.path().join("suture.yaml"), config).unwrap();
    let child = serve(dir.path()).stderr(std::fs::File::create(&log).unwrap()).spawn().unwrap();
    let _host = Host { child, webhook: admin, admin };
    let said = || std::fs::read_to_string(&log).unwrap();
    for words in [
        ["WARN", "about=prometheus", &prometheus, "can't be reached", "`prometheus.url`"],
        ["WARN", "about=alertmanager", &alertmanager, "can't be reached", "NetworkPolicy"],
    ] {
        let is_said = |line: &str| words.iter().all(|word| line.contains(word));
        until("it is said what is wrong", || said().lines().any(is_said));
    }
}
