//! The audit trail of a running host, of its journal, and of what was exported.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests stand outside of test functions")]

#[allow(dead_code, reason = "each file of tests uses a part of it")]
mod host;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use host::{CLUSTER, Host, TOKEN, free_address, http, serve, until};
use serde_json::{Value, json};

/// A host without policies, to which its administrator needs a token.
fn start(dir: &Path) -> Host {
    let (webhook, admin) = (free_address(), free_address());
    std::fs::write(dir.join("admin"), TOKEN).unwrap();
    std::fs::write(dir.join("cluster.yaml"), CLUSTER).unwrap();
    let config = format!(
        "listen: {webhook}\nadmin: {{listen: {admin}, tokenFile: admin}}\nstorage: {{path: state}}\n\
         cluster: {{simulated: {{scenario: cluster.yaml}}}}\n"
    );
    std::fs::write(dir.join("suture.yaml"), config).unwrap();
    let log = std::fs::File::create(dir.join("log")).unwrap();
    let child = serve(dir).stderr(log).spawn().unwrap();
    let host = Host { child, webhook, admin };
    until("ready", || http(host.admin, "GET", "/readyz", "").is_some_and(|(status, _)| status == 200));
    host
}

/// What a call came to: its exit code, stdout and stderr.
type Ran = (i32, String, String);

fn suture(dir: &Path, arguments: &[&str], input: &str) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_suture"));
    command.arg("audit").args(arguments).current_dir(dir);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env("HOME", dir.join("home")).env_remove("XDG_CONFIG_HOME").env_remove("SUTURE_CA_FILE");
    command.env_remove("SUTURE_SERVER").env_remove("SUTURE_TOKEN_FILE");
    let mut child = command.spawn().unwrap();
    // One that does not read it is no failure.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

fn says(dir: &Path, arguments: &[&str]) -> String {
    let (code, stdout, stderr) = suture(dir, arguments, "");
    assert_eq!(code, 0, "{arguments:?}: {stdout}{stderr}");
    stdout
}

fn act(host: &Host, path: &str, body: &Value) {
    let (status, answer) = http(host.admin, "POST", &format!("/api/v1{path}"), &body.to_string()).unwrap();
    assert_eq!(status, 200, "{answer}");
}

#[test]
fn a_trail_is_listed_exported_and_verified_with_its_host_in_its_journal_and_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let mut host = start(dir);
    let deceptive = "<b>fine</b>\u{202e} \u{1b}[31m\nrow 9 done";
    act(&host, "/pause", &json!({"reason": deceptive}));
    act(&host, "/resume", &json!({}));
    act(&host, "/pause", &json!({"reason": "the NAS is being replaced"}));
    let server = format!("http://{}", host.admin);
    let at = ["--server", &server, "--token-file", "admin"];
    let with = |arguments: &[&'static str]| -> Vec<String> {
        arguments.iter().copied().chain(at).map(str::to_owned).collect()
    };
    let says_at = |arguments: &[&'static str]| {
        let all = with(arguments);
        says(dir, &all.iter().map(String::as_str).collect::<Vec<_>>())
    };

    // For people: what can't be seen, or moves what can, is shown as what it is.
    let table = says_at(&["list", "-o", "wide"]);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 4, "{table}");
    assert!(lines[0].starts_with("ROW") && lines[0].ends_with("REASON"), "{table}");
    assert!(lines[1].contains("admin") && lines[1].ends_with("the NAS is being replaced"), "{table}");
    assert!(lines[3].ends_with(r"<b>fine</b>\u{202e} \u{1b}[31m\nrow 9 done"), "{table}");
    assert_eq!(says_at(&["list", "--what", "resume"]).lines().count(), 2);
    let found: Value = serde_json::from_str(&says_at(&["list", "--limit", "1", "-o", "json"])).unwrap();
    assert_eq!(found["items"][0]["by"], "adminToken");

    let exported = says_at(&["export"]);
    assert_eq!(exported.lines().count(), 3);
    assert!(!exported.contains('\u{202e}'), "{exported}");
    let verified: Value = serde_json::from_str(&says_at(&["verify", "-o", "json"])).unwrap();
    let head = verified["head"].as_str().unwrap().to_owned();
    assert_eq!((&verified["intact"], &verified["rows"]), (&json!(true), &json!(3)));

    // A host that is killed leaves it as it was.
    host.child.kill().unwrap();
    host.child.wait().unwrap();
    let said = says(dir, &["verify", "--journal", "state", "--head", &head]);
    assert!(said.contains("rows 1 to 3 are as they were written") && said.contains(&head), "{said}");
    assert_eq!(says(dir, &["export", "--journal", "state"]), exported);

    // And elsewhere.
    std::fs::write(dir.join("audit.jsonl"), &exported).unwrap();
    says(dir, &["verify", "audit.jsonl", "--head", &head]);
    let rows: Vec<&str> = exported.lines().collect();
    let verify = |input: &str, head: Option<&str>| {
        let head: Vec<&str> = head.into_iter().flat_map(|head| ["--head", head]).collect();
        suture(dir, &[&["verify", "-"][..], &head].concat(), input)
    };
    let (code, said, noted) = verify(&exported, None);
    assert!(code == 0 && noted.contains("missing at the end shows only against a head"), "{said}{noted}");
    let (code, said, _) = verify(&exported.replace("the NAS", "the UPS"), None);
    assert!(code == 1 && said.contains("row 3 is not as it was written"), "{said}");
    let (code, said, _) = verify(&[rows[0], rows[2]].join("\n"), None);
    assert!(code == 1 && said.contains("row 2 is missing, between rows 1 and 3"), "{said}");
    let cut = rows[..2].join("\n");
    assert_eq!(verify(&cut, None).0, 0, "an end that was cut off can't be seen without a head");
    let (code, said, _) = verify(&cut, Some(&head));
    assert!(code == 1 && said.contains("the end has been cut off after row 2"), "{said}");
    let (code, said, _) = verify(&format!("{}\nnonsense\n", rows[0]), None);
    assert!(code == 1 && said.contains("what stands after row 1 is no row"), "{said}");
    let (code, said, noted) = verify(&rows[1..].join("\n\n"), Some(&head));
    assert!(code == 0 && noted.contains("the rows before 2 are not among them"), "{said}{noted}");
    let (code, _, error) = verify(&exported, Some("17"));
    assert!(code == 2 && error.contains("NUMBER:sha256:HASH"), "{error}");

    let log = std::fs::read_to_string(dir.join("log")).unwrap();
    assert!(!log.contains("audit trail can't"), "{log}");
}

#[test]
fn any_tool_that_knows_json_and_sha_256_can_verify_what_was_exported() {
    let documented =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/audit.md")).unwrap();
    let (_, script) = documented.split_once("```python\n").unwrap();
    let (script, _) = script.split_once("```").unwrap();
    let Ok(found) = Command::new("python3").arg("--version").output() else { return };
    assert!(found.status.success());
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let host = start(dir);
    act(&host, "/pause", &json!({"reason": "\u{e9}\u{202e}\u{1f600}\u{7f}\u{1}\"\\/\t"}));
    act(&host, "/resume", &json!({}));
    let exported =
        says(dir, &["export", "--server", &format!("http://{}", host.admin), "--token-file", "admin"]);
    let run = |rows: &str| {
        std::fs::write(dir.join("audit.jsonl"), rows).unwrap();
        Command::new("python3").args(["-c", script]).current_dir(dir).output().unwrap()
    };
    let ran = run(&exported);
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    assert!(!run(&exported.replace("\"resume\"", "\"pause\"")).status.success());
}
