//! A host that is looked after without curl: `suture status`, `pause`, `incidents`, `runs`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests stand outside of test functions")]

#[allow(dead_code, reason = "each file of tests uses a part of it")]
mod host;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use host::{ALERT, CLUSTER, Host, TOKEN, configure, free_address, http, serve, start, until};
use serde_json::Value;

/// What a call came to.
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

/// A user who has said once which host they mean.
struct User<'a> {
    host: &'a Host,
    dir: &'a Path,
}

impl User<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = suture(self.dir, arguments);
        let server = format!("http://{}", self.host.admin);
        command.env("SUTURE_SERVER", server).env("SUTURE_TOKEN_FILE", self.dir.join("admin"));
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        ran(self.command(arguments))
    }

    /// What a command says, which must succeed.
    fn says(&self, arguments: &[&str]) -> String {
        let Ran { code, stdout, stderr } = self.run(arguments);
        assert_eq!(code, 0, "{arguments:?}: {stdout}{stderr}");
        stdout
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.says(&[arguments, &["-o", "json"]].concat())).unwrap()
    }

    /// The first id in a list.
    fn first(&self, kind: &str) -> String {
        let table = self.says(&[kind, "list"]);
        let line = table.lines().nth(1).unwrap_or_else(|| panic!("{table}"));
        line.split_whitespace().next().unwrap().to_owned()
    }
}

/// A command of somebody whose home is a folder, and who has said nothing yet.
fn suture(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_suture"));
    command.args(arguments).current_dir(std::env::temp_dir()).stdin(Stdio::null());
    command.env("HOME", dir.join("home")).env_remove("XDG_CONFIG_HOME").env_remove("SUTURE_CA_FILE");
    command.env_remove("SUTURE_SERVER").env_remove("SUTURE_TOKEN_FILE");
    command
}

fn ran(mut command: Command) -> Ran {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// A host with one incident, whose run waits for an hour; only who has a token is let in.
fn waiting(dir: &Path) -> Host {
    configure(dir);
    std::fs::write(dir.join("admin"), TOKEN).unwrap();
    let host = start(dir);
    assert_eq!(http(host.webhook, "POST", "/hooks", ALERT).unwrap().0, 200);
    until("the run waits", || host.incident()["state"] == "waiting");
    host
}

/// Ended however the test ends.
struct Spawned(Child);

impl Drop for Spawned {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn an_incident_is_seen_cancelled_and_closed_by_the_ends_of_ids() {
    let dir = tempfile::tempdir().unwrap();
    let host = waiting(dir.path());
    let user = User { host: &host, dir: dir.path() };

    let status = user.says(&["status"]);
    for words in ["ready     yes", "1 open: 1 waiting", "volsync", "enforce", "works"] {
        assert!(status.contains(words), "{words}: {status}");
    }
    let incidents = user.says(&["incidents", "list"]);
    let words: Vec<_> = incidents.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(words[2..6], ["volsync", "media", "plex", "waiting"], "{incidents}");
    let (incident, run) = (user.first("incidents"), user.first("runs"));
    let all = user.json(&["incidents", "list"]);
    let id = all["items"][0]["id"].as_str().unwrap();
    assert_eq!((incident.len(), id.ends_with(&incident)), (8, true), "{incident} of {id}");
    assert_eq!(all["items"][0]["namespace"], "media");

    let shown = user.says(&["incidents", "show", &incident]);
    assert!(shown.contains(id) && shown.contains("about     media/plex"), "{shown}");
    let wide = user.says(&["runs", "list", "-o", "wide", "-n", "media"]);
    assert!(wide.contains(id) && wide.contains("MODE"), "{wide}");
    let yaml: Value = serde_saphyr::from_str(&user.says(&["runs", "list", "-o", "yaml"])).unwrap();
    assert!(yaml["items"][0]["id"].as_str().unwrap().ends_with(&run));
    assert_eq!(user.json(&["runs", "list", "--namespace", "home"])["items"], Value::Array(vec![]));

    let refused = user.run(&["incidents", "close", &incident]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("a run is at work on the incident"), "{}", refused.stderr);
    let cancelled = user.says(&["runs", "cancel", &run]);
    assert!(cancelled.contains("what it must undo is undone"), "{cancelled}");
    let followed = user.run(&["runs", "follow", &run]);
    assert_eq!(followed.code, 1, "{}", followed.stderr);
    assert!(followed.stdout.contains("cancelled: by anonymous, through the API"), "{}", followed.stdout);
    until("the incident rests", || host.incident()["state"] == "cancelled");
    assert_eq!(
        user.json(&["incidents", "list", "--outcome", "cancelled"])["items"].as_array().unwrap().len(),
        1
    );
    user.says(&["incidents", "close", &incident]);
    assert_eq!(user.json(&["incidents", "list", "--open"])["items"], Value::Array(vec![]));
    let again = user.run(&["incidents", "retry", &incident]);
    assert!(again.code == 2 && again.stderr.contains("the incident is over"), "{}", again.stderr);

    let log = std::fs::read_to_string(dir.path().join("log")).unwrap();
    let line = |words: &[&str]| {
        let fits = |line: &&str| words.iter().all(|word| line.contains(word));
        assert!(log.lines().any(|line| fits(&line)), "no line has {words:?}: {log}");
    };
    line(&[
        "done by hand",
        "what=cancel",
        "who=anonymous",
        "object=media/plex",
        &format!("incident={id}"),
        "run=",
    ]);
    line(&["done by hand", "what=close", "policy=volsync", "object=media/plex"]);
    line(&[
        "changed",
        "verb=patch",
        "object=\"ReplicationSource media/plex\"",
        "manager=suture-volsync",
        "run=",
    ]);
}

#[test]
fn a_value_that_does_not_exist_is_told_which_do_and_an_id_that_nobody_has_how_to_find_one() {
    let dir = tempfile::tempdir().unwrap();
    let host = waiting(dir.path());
    let user = User { host: &host, dir: dir.path() };
    let journal = dir.path().join("state").display().to_string();
    for source in [&[][..], &["--journal", &journal]] {
        for (arguments, words) in [
            (&["incidents", "list", "--state", "bogus"][..], "received, queued, held, running"),
            (&["runs", "list", "--state", "bogus"], "running, waiting, ended"),
            (&["runs", "list", "--outcome", "bogus"], "remediated, unnecessary"),
            (&["runs", "show", "nobody"], "there is no run `nobody`"),
            (&["incidents", "show", "nobody"], "there is no incident `nobody`"),
            (&["runs", "show", &user.first("incidents")], "is an incident, and a run is wanted"),
        ] {
            let ran = user.run(&[arguments, source].concat());
            assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{arguments:?}: {}", ran.stderr);
            assert!(ran.stderr.contains(words), "{arguments:?}: {}", ran.stderr);
        }
    }
    let ran = user.run(&["runs", "list", "--since", "yesterday"]);
    assert!(ran.code == 2 && ran.stderr.contains("neither a duration"), "{}", ran.stderr);
}

#[test]
fn a_list_that_is_watched_shows_what_changes() {
    let dir = tempfile::tempdir().unwrap();
    let host = waiting(dir.path());
    let user = User { host: &host, dir: dir.path() };
    let mut watching = user.command(&["runs", "list", "--watch", "-o", "json"]);
    let mut watching = Spawned(watching.stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(watching.0.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    assert_eq!(next()["state"], "waiting");
    user.says(&["runs", "cancel", &user.first("runs")]);
    assert_eq!(next()["outcome"], "cancelled");
}

#[test]
fn a_run_is_started_and_followed_to_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let host = waiting(dir.path());
    let user = User { host: &host, dir: dir.path() };
    let labels = [
        "alertname=VolSyncVolumeOutOfSync",
        "obj_namespace=media",
        "obj_name=gone",
        "role=source",
        "method=restic",
    ];
    let not_firing = user.run(&[&["runs", "start", "volsync"][..], &labels].concat());
    assert!(not_firing.code == 2 && not_firing.stderr.contains("force"), "{}", not_firing.stderr);
    let ended = user.run(&[&["runs", "start", "volsync", "--force", "--follow"][..], &labels].concat());
    assert!(ended.stdout.contains("about media/gone"), "{}{}", ended.stdout, ended.stderr);
    let outcome = user.json(&["runs", "list", "--limit", "1"])["items"][0]["outcome"].clone();
    let is_well = ["remediated", "unnecessary", "planned"].map(Value::from).contains(&outcome);
    assert_eq!(ended.code == 0, is_well, "{outcome}: {}", ended.stdout);
    let none = user.run(&["runs", "start", "volsync"]);
    assert_eq!(none.code, 2, "{}", none.stderr);
}

#[test]
fn a_paused_host_says_so_wherever_one_looks() {
    let dir = tempfile::tempdir().unwrap();
    let host = waiting(dir.path());
    let user = User { host: &host, dir: dir.path() };
    user.says(&["pause", "--reason", "storage migration"]);
    assert!(
        user.says(&["policies", "list"])
            .lines()
            .any(|line| line.starts_with("volsync") && line.ends_with("paused"))
    );
    assert!(user.says(&["status"]).contains("paused"));
    user.says(&["resume"]);
    assert!(user.says(&["policies", "list"]).contains("works"));
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file_in_the_home() {
    let dir = tempfile::tempdir().unwrap();
    let host = waiting(dir.path());
    let (url, nowhere) = (format!("http://{}", host.admin), "http://127.0.0.1:9");
    let write = |text: &str| {
        std::fs::create_dir_all(dir.path().join("home/.config/suture")).unwrap();
        std::fs::write(dir.path().join("home/.config/suture/config.yaml"), text).unwrap();
    };
    let code = |arguments: &[&str], server: Option<&str>| {
        let mut command = suture(dir.path(), &[&["status"][..], arguments].concat());
        ran({
            command.envs(server.map(|server| ("SUTURE_SERVER", server)));
            command
        })
    };
    let nothing = code(&[], None);
    assert!(nothing.code == 2 && nothing.stderr.contains("SUTURE_SERVER"), "{}", nothing.stderr);
    write(&format!("server: {nowhere}\n"));
    assert_eq!(code(&[], None).code, 3, "nobody answers there");
    assert_eq!(code(&[], Some(&url)).code, 0);
    assert_eq!(code(&["--server", &url], Some(nowhere)).code, 0);
    write(&format!("server: {url}\n"));
    assert_eq!(code(&[], None).code, 0);
    // The token that is written there is for that host: a token that can't be read is not missed elsewhere.
    write(&format!("server: {url}\ntokenFile: ../../../nowhere\n"));
    let unreadable = code(&[], None);
    assert!(unreadable.code == 2 && unreadable.stderr.contains("nowhere"), "{}", unreadable.stderr);
    let elsewhere = url.replace("127.0.0.1", "localhost");
    assert_eq!(code(&["--server", &elsewhere], None).code, 0);
    write("sever: x\n");
    let wrong = code(&[], None);
    assert!(wrong.code == 2 && wrong.stderr.contains("config.yaml"), "{}", wrong.stderr);
}

#[test]
fn the_journal_of_a_configuration_is_read_without_its_host() {
    let dir = tempfile::tempdir().unwrap();
    let host = waiting(dir.path());
    drop(host);
    let config = dir.path().join("suture.yaml").display().to_string();
    let list = |arguments: &[&str]| ran(suture(dir.path(), &[arguments, &["--config", &config]].concat()));
    let runs = list(&["runs", "list"]);
    assert!(runs.code == 0 && runs.stdout.contains("media"), "{}{}", runs.stdout, runs.stderr);
    let id = runs.stdout.lines().nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    assert!(list(&["runs", "show", &id]).stdout.contains("about media/plex"));
    assert!(list(&["incidents", "list", "--open"]).stdout.contains("waiting"));
}

/// Answers one request.
fn answering(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
    });
    format!("http://{address}")
}

#[test]
fn what_a_host_says_of_its_refusal_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    for (answer, code, words) in [
        (
            "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n{\"error\": {\"code\": \"unavailable\", \"message\": \
             \"standing by: suture-0 holds the lease\", \"path\": null}}",
            3,
            "standing by: suture-0 holds the lease",
        ),
        (
            "HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n{\"error\": {\"code\": \"forbidden\", \"message\": \
             \"needs the role `operator`\", \"path\": null}}",
            2,
            "needs the role `operator`",
        ),
        (
            "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n{\"error\": {\"code\": \"unauthorized\", \"message\": \
             \"a bearer token is needed\", \"path\": null}}",
            2,
            "a bearer token is needed",
        ),
        ("HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\n\r\n<html>", 3, "502"),
    ] {
        let ran = ran(suture(dir.path(), &["resume", "--server", &answering(answer)]));
        assert_eq!(ran.code, code, "{}", ran.stderr);
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    }
}

#[test]
fn a_configuration_that_just_lies_in_the_folder_sends_no_token_to_another_machine() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("token"), "a-token-of-somebody-else").unwrap();
    let config = "listen: 127.0.0.1:8080\nstorage: {path: state}\ncluster: {simulated: {socket: none.sock}}\nadmin: {listen: 192.0.2.1:8081, tokenFile: token}\n";
    std::fs::write(dir.path().join("suture.yaml"), config).unwrap();
    let mut command = suture(dir.path(), &["status"]);
    command.current_dir(dir.path());
    let Ran { code, stderr, .. } = ran(command);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("not this machine") && stderr.contains("--config suture.yaml"), "{stderr}");
}

/// A host without policies, under a configuration that says more.
fn without_policies(dir: &Path, more: &str) -> Host {
    let (webhook, admin) = (free_address(), free_address());
    let config = format!(
        "listen: {webhook}\nadmin: {{listen: {admin}}}\nwebhook: {{tokenFile: of-webhook}}\n\
         storage: {{path: state}}\ncluster: {{simulated: {{scenario: cluster.yaml}}}}\n{more}"
    );
    for (file, text) in
        [("admin", TOKEN), ("of-webhook", "another"), ("cluster.yaml", CLUSTER), ("suture.yaml", &config)]
    {
        std::fs::write(dir.join(file), text).unwrap();
    }
    let host = Host { child: serve(dir).spawn().unwrap(), webhook, admin };
    until("ready", || http(host.admin, "GET", "/readyz", "").is_some_and(|(status, _)| status == 200));
    host
}

#[test]
fn the_status_says_what_stands_in_the_configuration_and_is_not_in_force() {
    let dir = tempfile::tempdir().unwrap();
    let host = without_policies(dir.path(), "");
    let user = User { host: &host, dir: dir.path() };
    let status = || user.says(&["status"]);
    let at_first = status();
    assert!(!at_first.contains("refused") && !at_first.contains("restart"), "{at_first}");
    let file = dir.path().join("suture.yaml");
    let config = std::fs::read_to_string(&file).unwrap();
    // As careful writers do: beside its place, then moved there.
    let write = |more: &str| {
        std::fs::write(dir.path().join(".new"), format!("{config}{more}")).unwrap();
        std::fs::rename(dir.path().join(".new"), &file).unwrap();
    };
    write("polices: []\n");
    until("it is refused", || status().contains("config    refused: "));
    let refused = status();
    assert!(refused.contains("suture.yaml:6:") && refused.contains("polices"), "{refused}");
    write("budgets: {concurrentRuns: 3}\n");
    until("it waits for a restart", || status().contains("config    after a restart: budgets"));
    assert!(!status().contains("refused"), "{}", status());
}

/// An Alertmanager that takes every alert, and sends it to nobody.
fn silent_alertmanager() -> String {
    const BODY: &str = r#"{"config": {"original": "route: {receiver: nobody}\nreceivers: [{name: nobody}]"},
        "versionInfo": {"version": "0.28.0"}}"#;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        // Who has not sent all of it yet is let finish.
        let mut asked = Vec::new();
        while let Ok((mut stream, _)) = listener.accept() {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).unwrap();
            let length = BODY.len();
            let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
            stream.write_all(format!("{head}{BODY}").as_bytes()).unwrap();
            asked.push(stream);
        }
    });
    format!("http://{address}")
}

#[test]
fn a_drill_that_does_not_come_back_says_what_was_refused_at_the_webhook() {
    let dir = tempfile::tempdir().unwrap();
    let more = format!("alertmanager: {{url: \"{}\"}}\n", silent_alertmanager());
    let host = without_policies(dir.path(), &more);
    let user = User { host: &host, dir: dir.path() };
    assert_eq!(user.json(&["doctor"])["worst"], "warn", "nothing fails but the drill");
    let drill = || {
        let ran = user.run(&["doctor", "--drill", "--wait", "1s", "-o", "json"]);
        assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
        let report: Value = serde_json::from_str(&ran.stdout).unwrap();
        let finding = report["findings"].as_array().unwrap().last().unwrap().clone();
        assert!(finding["about"] == "drill" && finding["verdict"] == "fail", "{finding:#}");
        let text = |field: &str| finding[field].as_str().unwrap().to_owned();
        (text("found"), text("remedy"))
    };
    let (found, remedy) = drill();
    assert!(found.ends_with("it did not come back within 1s"), "{found}");
    assert!(remedy.contains("group_wait"), "what it may be: {remedy}");

    assert_eq!(http(host.webhook, "POST", "/hooks", ALERT).unwrap().0, 401);
    let (found, remedy) = drill();
    for words in [
        "did not come back within 1s; refused at the webhook: 1 post,",
        "the token is not one that this host knows",
    ] {
        assert!(found.contains(words), "{words}: {found}");
    }
    assert!(remedy.contains("deploy/alertmanager/receiver.yaml"), "{remedy}");
}
