//! Times that others wrote.

use std::borrow::Cow;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::Timestamp;

/// Read a time of RFC 3339. One beyond the last that can be held is that one: people write it for
/// "never", and Go writes years of five digits (`10000-01-01T11:59:59.000Z`).
///
/// # Errors
/// Where it is no time.
pub fn written<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
    let text = Cow::<str>::deserialize(from)?;
    parse(&text).map_err(D::Error::custom)
}

/// The same, where there may be none.
///
/// # Errors
/// As [`written`].
pub fn written_if_any<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<Cow<'_, str>>::deserialize(from)?;
    text.map(|text| parse(&text)).transpose().map_err(D::Error::custom)
}

fn parse(text: &str) -> Result<Timestamp, jiff::Error> {
    let year = text.bytes().take_while(u8::is_ascii_digit).count();
    if year > 4 && text[year..].starts_with('-') {
        return Ok(Timestamp::MAX);
    }
    // The last ones that can be written with four digits can't be held, either.
    text.parse().or_else(|error| if text.starts_with("9999-12-3") { Ok(Timestamp::MAX) } else { Err(error) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_beyond_the_last_is_the_last() {
        for never in [
            "9999-12-31T23:59:59Z",
            "9999-12-31T23:59:59.000-12:00",
            "10000-01-01T11:59:59.000Z",
            "292277026596-12-04T15:30:07Z",
        ] {
            assert_eq!(parse(never).unwrap(), Timestamp::MAX, "{never}");
        }
        assert_eq!(parse("9999-12-30T21:00:00Z").unwrap().to_string(), "9999-12-30T21:00:00Z");
        for wrong in ["", "12345", "2026-11-31T00:00:00Z", "soon"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
