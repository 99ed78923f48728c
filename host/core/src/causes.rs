//! What an error comes down to.

use std::error::Error;

/// An error with what caused it: of those of HTTP only the last cause says what happened.
pub fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{what}")]
    struct Failed {
        what: &'static str,
        source: io::Error,
    }

    #[test]
    fn each_cause_is_told_once() {
        let refused = || io::Error::other("connection refused");
        assert_eq!(causes(&Failed { what: "not sent", source: refused() }), "not sent: connection refused");
        let told = Failed { what: "not sent: connection refused", source: refused() };
        assert_eq!(causes(&told), "not sent: connection refused");
    }
}
