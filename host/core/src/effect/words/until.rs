//! What a wait waits for, in words.

use std::fmt;

use super::{VALUE, cut, dotted};
use crate::effect::{Op, Predicate, Test};

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = |tests: &[Test], word: &str| tests.iter().map(test).collect::<Vec<_>>().join(word);
        match self {
            Self::Deleted => f.write_str("it is gone"),
            Self::All(tests) => f.write_str(&all(tests, " and ")),
            Self::Any(tests) => f.write_str(&one_of_a_list(tests).unwrap_or_else(|| all(tests, " or "))),
        }
    }
}

fn test(test: &Test) -> String {
    let path = dotted(&test.pointer);
    match test.op {
        Op::Exists => format!("{path} is set"),
        Op::Absent => format!("{path} is not set"),
        Op::Equals => format!("{path} = {}", value(test)),
        Op::NotEquals => format!("{path} ≠ {}", value(test)),
    }
}

fn value(test: &Test) -> String {
    cut(&test.value.to_string(), VALUE)
}

/// A pointer can't say "whichever of a list", so policies ask for its elements one by one, each
/// for the same values. That is what people want to read of it; none where it is not so.
fn one_of_a_list(tests: &[Test]) -> Option<String> {
    let (mut paths, mut values) = (Vec::new(), Vec::new());
    for test in tests {
        if test.op != Op::Equals {
            return None;
        }
        for (list, text) in [(&mut paths, dotted(&test.pointer)), (&mut values, value(test))] {
            if !list.contains(&text) {
                list.push(text);
            }
        }
    }
    let pattern = starred(paths.first()?);
    let is_all =
        paths.iter().all(|path| starred(path) == pattern) && paths.len() * values.len() == tests.len();
    (is_all && paths.len() > 1).then(|| format!("{pattern} = {}", values.join(" or ")))
}

/// A path with a star for each number.
fn starred(path: &str) -> String {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    path.split('.').map(|part| if is_number(part) { "*" } else { part }).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn any(tests: &[(&str, &str)]) -> String {
        let test = |(pointer, value): &(&str, &str)| Test {
            pointer: (*pointer).to_owned(),
            op: Op::Equals,
            value: json!(value),
        };
        Predicate::Any(tests.iter().map(test).collect()).to_string()
    }

    #[test]
    fn whichever_of_a_list_is_said_once() {
        let one = ("/conditions/0/type", "Complete");
        let all = [
            one,
            ("/conditions/0/type", "Failed"),
            ("/conditions/1/type", "Complete"),
            ("/conditions/1/type", "Failed"),
        ];
        assert_eq!(any(&all), r#"conditions.*.type = "Complete" or "Failed""#);
        assert_eq!(any(&all[..2]), r#"conditions.0.type = "Complete" or conditions.0.type = "Failed""#);
        assert_eq!(any(&all[1..3]), r#"conditions.0.type = "Failed" or conditions.1.type = "Complete""#);
        assert_eq!(
            any(&[one, ("/phase", "Complete")]),
            r#"conditions.0.type = "Complete" or phase = "Complete""#
        );
    }
}
