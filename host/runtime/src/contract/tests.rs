//! What a policy hands over, as the host takes it in.

use suture_core::contract::text::{MAX_TEXT, json};
use suture_core::nesting::MAX_NESTING;
use suture_core::{Error, Reason};

use super::v0_2::bindings::{kube, types};
use super::v0_2::convert::{mutation, outcome, predicate};

fn message(result: Result<impl std::fmt::Debug, Error>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.reason, Reason::INVALID);
    assert_eq!(error.status, Some(422));
    error.message
}

#[test]
fn json_that_is_none_names_its_field() {
    let kind = kube::Kind { api_version: "v1".into(), kind: "Pod".into() };
    let create = kube::Mutation::Create(kube::CreateOp {
        kind,
        namespace: None,
        object: "{\"a\":".into(),
        subresource: None,
    });
    let text = message(mutation("undo", create));
    assert!(text.starts_with("undo.create.object: EOF"), "{text}");

    let item = |op, value: &str| kube::Test { pointer: "/a".into(), op, value: value.into() };
    let tests = vec![item(kube::Op::Exists, ""), item(kube::Op::Equals, "")];
    let text = message(predicate(kube::Predicate::All(tests)));
    assert_eq!(text, "until.all[1].value: empty, where JSON is expected");
    let text = message(predicate(kube::Predicate::Any(vec![item(kube::Op::Absent, "1")])));
    assert_eq!(text, "until.any[0].value: must be empty for `exists` and `absent`");
}

fn nested(levels: usize) -> String {
    format!("{}1{}", "[".repeat(levels), "]".repeat(levels))
}

#[test]
fn json_that_could_not_be_read_again_is_a_bad_request_wherever_it_is_handed_over() {
    assert!(json("x", &nested(MAX_NESTING)).is_ok());
    let kind = || kube::Kind { api_version: "v1".into(), kind: "Pod".into() };
    let target =
        || kube::Target { kind: kind(), namespace: None, name: "x".into(), uid: None, subresource: None };
    let object = nested(MAX_NESTING + 1);
    let patch = |type_, body: String| {
        kube::Mutation::Patch(kube::PatchOp { target: target(), type_, body, resource_version: None })
    };
    let long = format!(r#"[{{"op":"add","path":"{}","value":{}}}]"#, "/a".repeat(60), nested(60));
    for (field, change) in [
        (
            "mutation.create.object",
            kube::Mutation::Create(kube::CreateOp {
                kind: kind(),
                namespace: None,
                object: object.clone(),
                subresource: None,
            }),
        ),
        (
            "mutation.apply.object",
            kube::Mutation::Apply(kube::ApplyOp { target: target(), object: object.clone(), force: false }),
        ),
        ("mutation.patch.body", patch(kube::PatchType::Merge, object.clone())),
        ("mutation.patch.body", patch(kube::PatchType::Json, long)),
    ] {
        let error = mutation("mutation", change).unwrap_err();
        assert_eq!(error.reason, Reason::BAD_REQUEST);
        assert!(error.message.starts_with(&format!("{field}: nested more than 100")), "{}", error.message);
    }
    let test = kube::Test { pointer: "/a".into(), op: kube::Op::Equals, value: object };
    assert_eq!(predicate(kube::Predicate::All(vec![test])).unwrap_err().reason, Reason::BAD_REQUEST);
}

#[test]
fn a_sentence_for_people_is_cut_between_characters() {
    let outcome = outcome(types::Outcome::Escalate("ü".repeat(5000)));
    assert!(outcome.summary().len() <= MAX_TEXT + "…".len());
    assert!(outcome.summary().ends_with("ü…"));
}
