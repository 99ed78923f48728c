//! Amounts of bytes, as Kubernetes writes them.

use std::fmt;

use serde::{Deserialize, Deserializer};
use suture_policy::Value;

/// An amount of bytes. Reads itself from `10Gi`, `1.5T`, `1e9` or a number; what is none of these is
/// an error. Shows itself as people write it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity(u64);

const SUFFIXES: [(&str, u64); 12] = [
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("Ti", 1 << 40),
    ("Pi", 1 << 50),
    ("Ei", 1 << 60),
    ("k", 1_000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
    ("T", 1_000_000_000_000),
    ("P", 1_000_000_000_000_000),
    ("E", 1_000_000_000_000_000_000),
];

impl Quantity {
    /// A regular expression (ECMA 262) for the sizes that settings take.
    pub const PATTERN: &str = "^[1-9][0-9]{0,8}(Mi|Gi|Ti)$";
    /// What sizes are rounded up to.
    pub const GI: Self = Self(1 << 30);

    /// So many bytes.
    pub const fn bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// How many bytes that is.
    pub const fn as_bytes(self) -> u64 {
        self.0
    }

    /// Read what Kubernetes writes; a fraction of a byte counts as a whole one.
    pub fn parse(text: &str) -> Option<Self> {
        let suffix = SUFFIXES.iter().find(|(suffix, _)| text.ends_with(suffix));
        let (number, factor) = match suffix {
            Some((suffix, factor)) => (text.strip_suffix(suffix)?, *factor),
            None => (text, 1),
        };
        if let Ok(whole) = number.parse::<u64>() {
            return whole.checked_mul(factor).map(Self);
        }
        let is_number = number.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
        let bytes = (number.parse::<f64>().ok().filter(|_| is_number)? * factor as f64).ceil();
        (0.0..9e18).contains(&bytes).then_some(Self(bytes as u64))
    }

    /// The sum; no more than there can be.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference; nothing where the other is more.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// So many percent of it.
    #[must_use]
    pub const fn percent(self, percent: u32) -> Self {
        Self((self.0 / 100).saturating_mul(percent as u64))
    }

    /// The next whole Gi.
    #[must_use]
    pub const fn rounded_up(self) -> Self {
        Self(self.0.div_ceil(Self::GI.0).saturating_mul(Self::GI.0))
    }

    /// Exactly this, as an object says it.
    pub fn exact(self) -> String {
        let unit = ["Gi", "Mi", "Ki"].into_iter().find_map(|unit| {
            let (_, factor) = SUFFIXES.iter().find(|(suffix, _)| *suffix == unit)?;
            (self.0 > 0 && self.0.is_multiple_of(*factor)).then(|| format!("{}{unit}", self.0 / factor))
        });
        unit.unwrap_or_else(|| self.0.to_string())
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = SUFFIXES.iter().take(6).rev().find(|(_, factor)| self.0 >= *factor);
        match unit {
            // Gi up to ten thousand of them: that is how claims are written.
            Some((_, factor)) if *factor > Self::GI.0 && self.0 < 10_000 * Self::GI.0 => {
                tenths(f, self.0, Self::GI.0, "Gi")
            }
            Some((suffix, factor)) => tenths(f, self.0, *factor, suffix),
            None => write!(f, "{} bytes", self.0),
        }
    }
}

/// With one decimal, where it is not zero.
fn tenths(f: &mut fmt::Formatter<'_>, bytes: u64, factor: u64, suffix: &str) -> fmt::Result {
    let tenths = u128::from(bytes) * 10 / u128::from(factor);
    match tenths % 10 {
        0 => write!(f, "{}{suffix}", tenths / 10),
        rest => write!(f, "{}.{rest}{suffix}", tenths / 10),
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let text = match &value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Self::parse(&text)
            .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not an amount of bytes")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubernetes_writes_is_read() {
        let read = |text: &str| Quantity::parse(text).map(Quantity::as_bytes);
        assert_eq!(read("10Gi"), Some(10 << 30));
        assert_eq!(
            (read("1.5Gi"), read("1e3"), read("128974848")),
            (Some(3 << 29), Some(1000), Some(128_974_848))
        );
        assert_eq!((read("5G"), read("100k")), (Some(5_000_000_000), Some(100_000)));
        for odd in ["", "Gi", "-1Gi", "ten", "NaN", "inf", "1e400", "99999999999999999999Gi", "1 Gi"] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }

    #[test]
    fn sizes_are_shown_as_people_write_them() {
        let shown = |text: &str| Quantity::parse(text).unwrap().to_string();
        assert_eq!(
            (shown("10Gi"), shown("1536Mi"), shown("2Ti")),
            ("10Gi".into(), "1.5Gi".into(), "2048Gi".into())
        );
        assert_eq!(Quantity::parse("1536Mi").unwrap().exact(), "1536Mi");
        assert_eq!(Quantity::bytes(1_000_000_001).exact(), "1000000001");
    }
}
