//! What a policy hands over as text: read, checked and cut.

use std::fmt;

use serde_json::Value;

use crate::effect::{Op, Test};
use crate::error::{Error, Reason};
use crate::nesting::{MAX_NESTING, is_recordable, nesting};

/// The longest sentence for people that is kept, in bytes.
pub const MAX_TEXT: usize = 4096;
/// The most of a step's number that an error shows, in bytes.
const SHOWN: usize = 40;

/// What is said of JSON that is nested too deeply.
#[derive(Debug)]
pub struct TooDeep;

impl fmt::Display for TooDeep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nested more than {MAX_NESTING} levels deep, and could not be recorded and read again")
    }
}

/// A text of at most so many bytes, and a mark where something was left out.
pub fn cut(mut text: String, bytes: usize) -> String {
    if text.len() > bytes {
        text.truncate(text.floor_char_boundary(bytes));
        text.push('…');
    }
    text
}

fn invalid(message: String) -> Error {
    Error::new(Reason::INVALID, message)
}

fn too_deep(field: &str) -> Error {
    Error::new(Reason::BAD_REQUEST, format!("{field}: {TooDeep}"))
}

/// JSON as it can be recorded, read again, and still be the same.
///
/// # Errors
/// `Invalid` where it is none, and `BadRequest` where it is nested too deeply: both name the field.
pub fn json(field: &str, text: &str) -> Result<Value, Error> {
    let value = serde_json::from_str(text).map_err(|error| match text.is_empty() {
        true => invalid(format!("{field}: empty, where JSON is expected")),
        false => invalid(format!("{field}: {error}")),
    })?;
    if is_recordable(&value) { Ok(value) } else { Err(too_deep(field)) }
}

/// A JSON patch as it can be recorded, which makes of no shallow object a deep one: where
/// something is put counts, too.
///
/// # Errors
/// As [`json`].
pub fn json_patch(field: &str, text: &str) -> Result<Value, Error> {
    let body = json(field, text)?;
    let deepest = |operation: &Value| {
        let path = operation.get("path").and_then(Value::as_str).unwrap_or_default();
        path.matches('/').count() + operation.get("value").map_or(0, nesting)
    };
    match body.as_array().into_iter().flatten().map(deepest).max() {
        Some(levels) if levels > MAX_NESTING => Err(too_deep(field)),
        _ => Ok(body),
    }
}

/// One test of a wait.
///
/// # Errors
/// `Invalid` where the pointer or the value is none; as [`json`].
pub fn test(field: &str, pointer: String, op: Op, value: &str) -> Result<Test, Error> {
    let value = match op {
        Op::Exists | Op::Absent if value.is_empty() => Value::Null,
        Op::Exists | Op::Absent => {
            return Err(invalid(format!("{field}.value: must be empty for `exists` and `absent`")));
        }
        Op::Equals | Op::NotEquals => json(&format!("{field}.value"), value)?,
    };
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return Err(invalid(format!("{field}.pointer: `{pointer}` is no JSON pointer: it begins with `/`")));
    }
    Ok(Test { pointer, op, value })
}

/// The number of a step, as `mutated.step` gave it out.
///
/// # Errors
/// `Invalid` where it is none.
pub fn step(text: &str) -> Result<u32, Error> {
    text.parse().map_err(|_| {
        let shown = cut(text.to_owned(), SHOWN);
        invalid(format!("step: `{shown}` is no step: hand back what `mutate` returned"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(result: Result<impl fmt::Debug, Error>) -> String {
        let error = result.unwrap_err();
        assert_eq!((&error.reason, error.status), (&Reason::INVALID, Some(422)));
        error.message
    }

    #[test]
    fn json_nested_too_deeply_is_refused_and_not_a_stack_overflow() {
        assert!(message(json("x", &"[".repeat(100_000))).contains("recursion"));
    }

    /// Whatever is taken in is the same after it was written and read, as the journal does.
    #[test]
    fn what_is_taken_in_reads_back_as_it_was() {
        let mut dice = fastrand::Rng::with_seed(7);
        let odd = [
            "1e400",
            "-1e400",
            "18446744073709551616",
            "-0",
            "-0.0",
            "1e-400",
            "5e-324",
            "0.1",
            "1e21",
            "123456789012345678901234567890",
            "2.2250738585072011e-308",
            "1.7976931348623157e308",
            r#"{"a":1,"a":2}"#,
            r#""\ud800""#,
            r#""\u0000""#,
            "\"\u{202e}\"",
        ];
        let mut taken = 0;
        for round in 0..20_000 {
            let mut text = match odd.get(round) {
                Some(text) => (*text).to_owned(),
                None => format!("{:e}", f64::from_bits(dice.u64(..))),
            };
            for _ in 0..dice.usize(..MAX_NESTING + 10) {
                text = if dice.bool() { format!("[{text}]") } else { format!(r#"{{"k":{text}}}"#) };
            }
            let Ok(value) = json("x", &text) else { continue };
            taken += 1;
            let written = serde_json::json!({"body": {"call": {"effect": {"value": value}}}}).to_string();
            let read: Value = serde_json::from_str(&written).unwrap();
            assert_eq!(read["body"]["call"]["effect"]["value"], value, "{text}");
            // To the last bit and sign.
            assert_eq!(read["body"]["call"]["effect"]["value"].to_string(), value.to_string());
        }
        assert!(taken > 10_000, "{taken}");
    }

    #[test]
    fn a_step_is_the_number_that_was_given_out() {
        assert_eq!(step("12").unwrap(), 12);
        for text in ["", "-1", "x", "4294967296"] {
            assert!(message(step(text)).starts_with("step:"), "{text}");
        }
    }
}
