//! How large a claim becomes.

use crate::manifest::Settings;
use crate::quantity::Quantity;

/// The next size: a step of so many percent, in whole Gi, within the least and the most of a step and
/// never beyond the largest size. None where that is no more than it is.
pub fn next(size: Quantity, largest: Quantity, settings: &Settings) -> Option<Quantity> {
    let most = settings.maximum_step;
    let by = size.percent(settings.step).max(settings.minimum_step).min(most);
    let next = size.plus(by).rounded_up().min(size.plus(most)).min(largest);
    (next > size).then_some(next)
}

#[cfg(test)]
mod tests {
    use suture_policy::json;

    use super::*;

    fn next_of(size: &str, largest: &str) -> Option<String> {
        let settings: Settings =
            serde_json::from_value(json!({"maximum": "1Ti", "step": 20, "minimumStep": "1Gi",
            "maximumStep": "100Gi", "budget": "200Gi", "growBelow": 15, "timeout": "15m", "ofHelm": "leave",
            "ofOperators": "leave"}))
            .unwrap();
        let parse = |text: &str| Quantity::parse(text).unwrap();
        next(parse(size), parse(largest), &settings).map(Quantity::exact)
    }

    #[test]
    fn a_step_is_whole_and_bounded_on_both_sides() {
        assert_eq!(next_of("10Gi", "50Gi").as_deref(), Some("12Gi"));
        assert_eq!(next_of("11Gi", "50Gi").as_deref(), Some("14Gi"));
        assert_eq!(next_of("500Mi", "50Gi").as_deref(), Some("2Gi"));
        assert_eq!(next_of("1000Gi", "2000Gi").as_deref(), Some("1100Gi"));
    }

    #[test]
    fn the_largest_size_is_reached_and_never_passed() {
        assert_eq!(next_of("10Gi", "11Gi").as_deref(), Some("11Gi"));
        assert_eq!(next_of("10Gi", "10Gi"), None);
        assert_eq!(next_of("20Gi", "10Gi"), None);
    }
}
