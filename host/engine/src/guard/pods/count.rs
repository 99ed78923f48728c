//! How many pods at a time an object asks for: beside the run's budget of objects, one object can ask for
//! any number.

use serde_json::Value;

/// Where objects say how many at a time, of whatever kind they are.
const COUNTS: [&str; 4] =
    ["/spec/replicas", "/spec/maxReplicas", "/spec/parallelism", "/spec/jobTemplate/spec/parallelism"];

/// That a change raises no count above `most`.
pub(in super::super) fn check(before: Option<&Value>, after: &Value, most: u32) -> Result<(), String> {
    let count = |object: &Value, pointer| object.pointer(pointer).and_then(Value::as_f64).unwrap_or_default();
    let raised = COUNTS.into_iter().find(|pointer| {
        let asked = count(after, pointer);
        asked > f64::from(most) && asked > before.map_or(0.0, |before| count(before, pointer))
    });
    match raised {
        None => Ok(()),
        Some(pointer) => Err(format!(
            "`{pointer}` becomes {}, and the grant lets no object ask for more than {most} pods (`pods.replicas`)",
            count(after, pointer)
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_is_not_raised_above_the_count_that_a_grant_allows_and_may_always_be_lowered() {
        let of = |count: f64| json!({"spec": {"replicas": count}});
        let (few, many) = (of(3.0), of(100_000.0));
        assert_eq!(check(Some(&few), &of(100.0), 100), Ok(()));
        assert_eq!(check(Some(&many), &of(99_999.0), 100), Ok(()), "it was more");
        let refused = check(Some(&few), &many, 100).unwrap_err();
        assert!(
            refused.contains("`/spec/replicas` becomes 100000") && refused.contains("100 pods"),
            "{refused}"
        );
        for spec in [
            json!({"parallelism": 101}),
            json!({"maxReplicas": 101}),
            json!({"jobTemplate": {"spec": {"parallelism": 101}}}),
        ] {
            assert!(check(None, &json!({"spec": spec}), 100).is_err(), "{spec}");
        }
    }
}
