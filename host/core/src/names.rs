//! What Kubernetes and Prometheus accept as names.

use crate::display;

/// A DNS label (RFC 1123): what namespaces and most names must be.
///
/// # Errors
/// What is wrong, with the name.
pub fn dns_label(text: &str) -> Result<(), String> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let valid = (1..=63).contains(&text.len())
        && text.bytes().all(|byte| fits(byte) || byte == b'-')
        && text.bytes().next().is_some_and(fits)
        && text.bytes().last().is_some_and(fits);
    if valid {
        Ok(())
    } else {
        Err(format!(
            "`{}` is not a DNS label (lower case letters, digits and `-`, at most 63)",
            shortened(text)
        ))
    }
}

/// A DNS subdomain (RFC 1123): what an object may be called at most.
///
/// # Errors
/// What is wrong, with the name.
pub fn dns_subdomain(text: &str) -> Result<(), String> {
    let part = |part: &str| {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        part.bytes().all(|byte| fits(byte) || byte == b'-')
            && part.bytes().next().is_some_and(fits)
            && part.bytes().last().is_some_and(fits)
    };
    if (1..=253).contains(&text.len()) && text.split('.').all(part) {
        Ok(())
    } else {
        Err(format!(
            "`{}` is not a valid Kubernetes name (lower case letters, digits, `-` and `.`, at most 253)",
            shortened(text)
        ))
    }
}

/// The key of a label, an annotation or a finalizer: `name`, or `prefix/name` with a DNS
/// subdomain before the slash.
///
/// # Errors
/// What is wrong, with the key.
pub fn label_key(text: &str) -> Result<(), String> {
    let name = match text.split_once('/') {
        Some((prefix, name)) => dns_subdomain(prefix).map(|()| name)?,
        None => text,
    };
    if !name.is_empty() && label_value(name).is_ok() {
        return Ok(());
    }
    Err(format!("`{}` is not a qualified name (`name` or `prefix/name`)", shortened(text)))
}

/// The value of a label: at most 63 letters, digits, `-`, `_` and `.`, with a letter or
/// digit at both ends; or nothing.
///
/// # Errors
/// What is wrong, with the value.
pub fn label_value(text: &str) -> Result<(), String> {
    let edge = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    let valid = text.is_empty()
        || (text.len() <= 63
            && edge(text.bytes().next())
            && edge(text.bytes().last())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)));
    if valid { Ok(()) } else { Err(format!("`{}` is not a label value", shortened(text))) }
}

/// A Prometheus label name.
///
/// # Errors
/// What is wrong, with the name.
pub fn label_name(text: &str) -> Result<(), String> {
    let valid = !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if valid { Ok(()) } else { Err(format!("`{}` is not a Prometheus label name", shortened(text))) }
}

/// At most 80 characters of a text from outside, for messages: in one line, and without what
/// can't be seen (see [`display::one_line`]).
pub fn shortened(text: &str) -> String {
    let end = text.char_indices().nth(80).map(|(end, _)| end);
    let mut short = display::one_line(&text[..end.unwrap_or(text.len())]).into_owned();
    if end.is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_message_quotes_is_short_and_shows_what_hides() {
        assert_eq!(shortened("a\u{202e}b\n\u{1b}[2J"), r"a\u{202e}b\n\u{1b}[2J");
        assert_eq!(shortened(&"ä".repeat(80)), "ä".repeat(80));
        assert_eq!(shortened(&"ä".repeat(81)), format!("{}…", "ä".repeat(80)));
    }

    #[test]
    fn names_that_kubernetes_refuses_are_refused() {
        for name in ["plex", "a", "a-1", "1a"] {
            assert!(dns_label(name).is_ok(), "{name}");
        }
        for name in ["", "Plex", "-a", "a-", "a.b", "a/b", "../x", "ä", &"a".repeat(64)] {
            assert!(dns_label(name).is_err(), "{name}");
        }
        for key in ["app", "A_b.c", "volsync.backube/cleanup"] {
            assert!(label_key(key).is_ok(), "{key}");
        }
        for key in ["", "a/", "/a", "a/b/c", "UP.x/a", "-a", &"a".repeat(64)] {
            assert!(label_key(key).is_err(), "{key}");
        }
        assert!(label_value("").is_ok() && label_value("a b").is_err());
        assert!(dns_subdomain("plex.v1").is_ok());
        for name in ["", "a..b", ".a", "a.", "a_b", "a\nb", &"a".repeat(254)] {
            assert!(dns_subdomain(name).is_err(), "{name}");
        }
    }
}
