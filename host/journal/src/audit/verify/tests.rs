use serde_json::json;
use suture_core::Timestamp;

use super::super::seal;
use super::*;

/// So many rows, each chained to the one before.
fn trail(count: i64) -> Vec<Value> {
    let mut rows: Vec<Value> = Vec::new();
    for sequence in 1..=count {
        append(&mut rows, sequence, json!({"who": "alice", "what": "pause"}));
    }
    rows
}

fn append(rows: &mut Vec<Value>, sequence: i64, act: Value) {
    let at = Timestamp::from_second(1_800_000_000 + sequence).unwrap();
    let previous = rows.last().map(|row| row["hash"].as_str().unwrap().to_owned());
    let sealed = seal(act.as_object().unwrap(), sequence, at, previous.as_deref());
    let mut row: Value = serde_json::from_str(&sealed.text).unwrap();
    row["hash"] = sealed.hash.to_string().into();
    rows.push(row);
}

fn head(row: &Value) -> AuditHead {
    AuditHead::of(row.as_object().unwrap()).unwrap()
}

fn verify(rows: &[Value], noted: Option<AuditHead>, extent: Extent) -> Result<Verified, BrokenChain> {
    let mut verifier = Verifier::new(noted);
    rows.iter().try_for_each(|row| verifier.add(row))?;
    verifier.finish(extent)
}

fn broken(rows: &[Value]) -> String {
    verify(rows, None, Extent::Whole).unwrap_err().to_string()
}

#[test]
fn rows_as_they_were_written_are_whole_and_their_head_is_told() {
    let rows = trail(3);
    let found = verify(&rows, Some(head(&rows[2])), Extent::Whole).unwrap();
    assert_eq!(found, Verified { rows: 3, first: Some(1), head: Some(head(&rows[2])) });
    assert_eq!(
        verify(&rows, Some(head(&rows[0])), Extent::Whole).unwrap().rows,
        3,
        "an older head is among them"
    );
    let none = Verified { rows: 0, first: None, head: None };
    assert_eq!(verify(&[], None, Extent::Whole), Ok(none));
}

#[test]
fn a_row_that_was_changed_is_named_whichever_of_its_fields_it_was() {
    for (field, value) in [
        ("who", json!("mallory")),
        ("at", json!("2026-11-22T04:10:00Z")),
        ("reason", json!("it was so")),
        ("previous", json!(Digest::of(b"x"))),
        ("hash", json!(Digest::of(b"x"))),
    ] {
        let mut rows = trail(5);
        rows[2][field] = value;
        assert_eq!(broken(&rows), "row 3 is not as it was written: its hash is another", "{field}");
    }
    let mut rows = trail(5);
    rows[2].as_object_mut().unwrap().remove("what");
    assert!(broken(&rows).starts_with("row 3 is not as it was written"));
}

#[test]
fn a_row_that_was_changed_with_its_hash_no_longer_fits_the_next() {
    let mut rows = trail(5);
    rows[2]["who"] = "mallory".into();
    let hash = sealed_hash(rows[2].as_object().unwrap());
    rows[2]["hash"] = hash.to_string().into();
    assert_eq!(broken(&rows), "row 4 does not follow the row before it: it names another hash");
}

#[test]
fn rows_that_were_removed_in_the_middle_are_named() {
    let mut rows = trail(6);
    rows.remove(2);
    assert_eq!(broken(&rows), "row 3 is missing, between rows 2 and 4");
    rows.remove(2);
    assert_eq!(broken(&rows), "rows 3 to 4 are missing, between rows 2 and 5");
}

#[test]
fn rows_in_another_order_or_twice_are_no_trail() {
    let mut rows = trail(4);
    rows.insert(3, rows[2].clone());
    assert_eq!(broken(&rows), "row 3 stands after row 3");
    let mut rows = trail(4);
    rows.reverse();
    assert_eq!(broken(&rows), "row 3 stands after row 4");
}

#[test]
fn an_end_that_was_cut_off_shows_only_where_its_head_was_noted() {
    let mut rows = trail(5);
    let noted = head(&rows[4]);
    rows.truncate(3);
    assert_eq!(
        verify(&rows, None, Extent::Whole).unwrap().rows,
        3,
        "nothing in the rows says that there were more"
    );
    let error = verify(&rows, Some(noted), Extent::Whole).unwrap_err();
    assert_eq!(error.row(), Some(4));
    assert_eq!(error.to_string(), "row 5, which was noted, is missing: the end has been cut off after row 3");
    let error = verify(&[], Some(noted), Extent::Whole).unwrap_err();
    assert!(error.to_string().ends_with("after the beginning"), "{error}");
}

#[test]
fn a_trail_that_was_written_anew_shows_only_against_what_was_noted() {
    let noted = head(&trail(5)[3]);
    let mut anew: Vec<Value> = Vec::new();
    (1..=5).for_each(|sequence| append(&mut anew, sequence, json!({"who": "nobody", "what": "nothing"})));
    assert_eq!(verify(&anew, None, Extent::Whole).unwrap().rows, 5);
    let error = verify(&anew, Some(noted), Extent::Whole).unwrap_err();
    assert!(error.to_string().starts_with("row 4 has another hash than was noted"), "{error}");
}

#[test]
fn a_beginning_may_be_missing_only_where_a_later_row_says_which_row_was_the_last_of_it() {
    let mut rows = trail(4);
    let checkpoint = json!({"who": "suture", "what": "prune", "checkpoint": head(&rows[1])});
    append(&mut rows, 5, checkpoint);
    assert_eq!(verify(&rows[2..], None, Extent::Whole).unwrap().first, Some(3));
    let error = verify(&rows[3..], None, Extent::Whole).unwrap_err();
    assert_eq!(error, BrokenChain::Beheaded { first: 4 });
    assert_eq!(
        error.to_string(),
        "rows 1 to 3 are missing, and no later row says that they were removed for their age"
    );
    assert_eq!(verify(&rows[3..], None, Extent::Part).unwrap().rows, 2, "a part may begin anywhere");
}

#[test]
fn what_was_noted_of_a_row_that_has_left_is_compared_as_far_as_it_can_be() {
    let rows = trail(5);
    let part = &rows[2..];
    assert_eq!(verify(part, Some(head(&rows[1])), Extent::Part).unwrap().rows, 3, "row 3 names row 2's hash");
    let wrong = AuditHead { sequence: 2, hash: Digest::of(b"x") };
    assert!(matches!(verify(part, Some(wrong), Extent::Part), Err(BrokenChain::Rewritten { .. })));
    let error = verify(part, Some(head(&rows[0])), Extent::Part).unwrap_err();
    assert_eq!(error, BrokenChain::TooOld { noted: head(&rows[0]), first: 3 });
}

#[test]
fn what_is_no_row_is_named_by_the_row_before_it() {
    for wrong in [json!(null), json!([]), json!({}), json!({"sequence": 0, "hash": Digest::of(b"")})] {
        let error = verify(&[trail(1), vec![wrong]].concat(), None, Extent::Whole).unwrap_err();
        assert_eq!(error, BrokenChain::NotARow { after: Some(1) });
    }
    assert_eq!(broken(&[json!("x")]), "what stands first is no row of an audit trail");
}
