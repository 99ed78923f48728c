//! What is in doubt after the runs, against what was expected to be.

use crate::expect::Difference;
use crate::format::Then;

/// A doubt that was expected and is none, or one that was not expected where `then.doubts`
/// says which there are.
pub(crate) fn check(then: &Then, doubts: &[String]) -> Option<Difference> {
    let wanted = then.doubts.as_ref()?;
    let missing =
        wanted.iter().enumerate().find(|(_, text)| !doubts.iter().any(|doubt| text.value.is_in(doubt)));
    if let Some((index, text)) = missing {
        let had = if doubts.is_empty() { "nothing is in doubt".to_owned() } else { doubts.join("\n") };
        let message = format!("{} is not in doubt: {had}", text.value);
        return Some(Difference {
            expectation: format!("doubts[{index}]"),
            line: text.line,
            message,
            at: None,
        });
    }
    let extra = doubts.iter().find(|doubt| !wanted.iter().any(|text| text.value.is_in(doubt)))?;
    let line = wanted.first().map_or(0, |text| text.line);
    let message = format!("this is in doubt, and was not expected to be: {extra}");
    Some(Difference { expectation: "doubts".to_owned(), line, message, at: None })
}
