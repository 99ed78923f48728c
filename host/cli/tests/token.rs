//! Tokens for people: what is printed where, and that a configuration takes it.

#![allow(clippy::unwrap_used, reason = "a test that can not go on panics")]

use std::process::{Command, Output};

use serde_json::Value;
use suture_core::Digest;

fn suture(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_suture")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn stdout_is_the_token_alone_and_the_entry_that_knows_it_is_a_configuration() {
    let made = suture(&["token", "new", "alice@example.com", "--role", "viewer", "--role", "operator"]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let token = text(&made.stdout).trim();
    assert_eq!(token.len(), "suture_".len() + 64);
    let entry = text(&made.stderr);
    assert!(!entry.contains(token), "the token is printed once");
    assert!(entry.contains(&Digest::of(token.as_bytes()).to_string()), "{entry}");
    let people = entry.split_once("people:").unwrap().1;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("suture.yaml");
    let rest = "listen: 127.0.0.1:0\nstorage: {path: state}\ncluster: {simulated: {scenario: s.yaml}}\n";
    std::fs::write(&file, format!("{rest}people:{people}")).unwrap();
    let loaded = suture_server::Config::load(&file).unwrap_or_else(|errors| panic!("{errors:?}"));
    let person = &loaded.config.people[0];
    assert_eq!(person.name.value, "alice@example.com");
    assert_eq!(person.roles.value.len(), 2);
}

#[test]
fn no_two_tokens_are_the_same_and_json_has_all_of_it() {
    let made = || -> Value {
        let made = suture(&["--output", "json", "token", "new", "bob", "--role", "admin"]);
        serde_json::from_slice(&made.stdout).unwrap()
    };
    let (first, second) = (made(), made());
    assert_ne!(first["token"], second["token"]);
    let token = first["token"].as_str().unwrap();
    assert_eq!(first["tokenHash"].as_str().unwrap(), Digest::of(token.as_bytes()).to_string());
    assert_eq!(first["roles"], serde_json::json!(["admin"]));
}

#[test]
fn a_name_that_is_taken_and_a_role_that_is_none_are_refused() {
    for (arguments, words) in [
        (&["token", "new", "admin", "--role", "viewer"][..], "taken"),
        (&["token", "new", "a b", "--role", "viewer"], "is no name"),
        (&["token", "new", "alice"], "--role"),
        (&["token", "new", "alice", "--role", "king"], "approver"),
    ] {
        let refused = suture(arguments);
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}");
        assert!(text(&refused.stderr).contains(words), "{}", text(&refused.stderr));
        assert!(refused.stdout.is_empty());
    }
}
