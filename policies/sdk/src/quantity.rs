//! Amounts, as Kubernetes writes them.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Add, Sub};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// An amount of memory, of CPU, of anything: `1Gi`, `500m`, `1.5`, `1e3`. It reads every form that
/// Kubernetes reads, and writes itself as Kubernetes does. Two are equal where they are the same
/// amount, however they are written: `1024Mi` and `1Gi`.
///
/// ```
/// use suture_policy::Quantity;
///
/// let size: Quantity = "1536Mi".parse()?;
/// assert!(size > Quantity::bytes(1 << 30));
/// assert_eq!((size + "512Mi".parse()?).to_string(), "2Gi");
/// assert_eq!("0.1".parse::<Quantity>()?.to_string(), "100m");
/// # Ok::<(), suture_policy::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Quantity {
    /// Billionths: nothing smaller is kept, by Kubernetes either.
    nanos: i128,
    /// In which form it is written.
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `Ki`, `Mi`, …
    Binary,
    /// `m`, `k`, `M`, …, and plain numbers.
    Decimal,
    /// `e3`, `e6`, …
    Exponent,
}

const NANO: i128 = 1_000_000_000;
/// The largest amount, of either sign: as much as fits into 64 bits.
const MOST: i128 = i64::MAX as i128 * NANO;
const BINARY: [(&str, u32); 6] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];
/// By the power of ten.
const DECIMAL: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self { nanos: 0, form: Form::Decimal };

    /// A regular expression (ECMA 262) for what can be read, for JSON schemas.
    pub const PATTERN: &str = "^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$";

    /// So many bytes; written in `Ki`, `Mi`, …
    pub const fn bytes(bytes: u64) -> Self {
        let bytes = bytes as i128 * NANO;
        Self { nanos: if bytes > MOST { MOST } else { bytes }, form: Form::Binary }
    }

    /// So many thousandths: `500m` of CPU is half a core.
    pub const fn millis(millis: i64) -> Self {
        Self { nanos: millis as i128 * 1_000_000, form: Form::Decimal }
    }

    /// In whole units, a fraction counted as a whole one, as Kubernetes does; 0 of less than nothing.
    pub fn whole(self) -> u64 {
        u64::try_from(rounded_up(self.nanos, NANO)).unwrap_or_default()
    }

    /// In thousandths, a fraction of one counted as one.
    pub fn as_millis(self) -> i128 {
        rounded_up(self.nanos, 1_000_000)
    }

    /// Whether it is nothing.
    pub const fn is_zero(self) -> bool {
        self.nanos == 0
    }

    fn of(nanos: i128, form: Form) -> Self {
        Self { nanos: nanos.clamp(-MOST, MOST), form }
    }
}

/// The quotient, away from zero where there is a rest.
const fn rounded_up(nanos: i128, unit: i128) -> i128 {
    let whole = nanos / unit;
    match nanos % unit {
        0 => whole,
        rest if rest > 0 => whole + 1,
        _ => whole - 1,
    }
}

/// The sum, in the form of the first; no more than there can be.
impl Add for Quantity {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::of(self.nanos + other.nanos, self.form)
    }
}

/// The difference, in the form of the first.
impl Sub for Quantity {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self::of(self.nanos - other.nanos, self.form)
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Quantity {}

impl Hash for Quantity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.nanos.hash(state);
    }
}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

impl Default for Quantity {
    fn default() -> Self {
        Self::ZERO
    }
}

impl FromStr for Quantity {
    type Err = crate::Error;

    fn from_str(text: &str) -> Result<Self, crate::Error> {
        parse(text).ok_or_else(|| {
            let shown = crate::text::start(text, 64);
            crate::Error::new(format!("`{shown}` is no amount; write it like `10Gi`, `500m` or `1.5`"))
        })
    }
}

fn parse(text: &str) -> Option<Quantity> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let (form, factor, tens) = unit(suffix)?;
    let nanos = digits(whole, fraction, factor, tens)?;
    Some(Quantity::of(if negative { -nanos } else { nanos }, form))
}

/// What a suffix stands for: a power of two, and a power of ten.
fn unit(suffix: &str) -> Option<(Form, i128, i32)> {
    if let Some((_, bits)) = BINARY.iter().find(|(name, _)| *name == suffix) {
        return Some((Form::Binary, 1 << bits, 0));
    }
    if let Some((_, tens)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        return Some((Form::Decimal, 1, *tens));
    }
    let exponent = suffix.strip_prefix(['e', 'E'])?;
    let is_number = exponent.trim_start_matches(['+', '-']).bytes().all(|byte| byte.is_ascii_digit());
    exponent.parse().ok().filter(|_| is_number).map(|tens: i32| (Form::Exponent, 1, tens))
}

/// Billionths; what is too much is as much as there can be, and a fraction of one counts as one.
fn digits(whole: &str, fraction: &str, factor: i128, tens: i32) -> Option<i128> {
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some(0);
    }
    // The amount is 0.DIGITS times this power of ten, in billionths.
    let places = i64::try_from(digits.len()).ok()? - i64::try_from(fraction.len()).ok()?;
    let shift = i64::from(tens) + 9 - i64::try_from(fraction.len()).ok()?;
    if places + i64::from(tens) > 20 {
        return Some(MOST);
    }
    // Digits beyond these say less than a billionth, whatever the unit is.
    let kept = digits.get(..digits.len().min(30)).unwrap_or(digits);
    let cut = i64::try_from(digits.len() - kept.len()).ok()?;
    let value: i128 = kept.parse().ok()?;
    let rest = i128::from(digits.bytes().skip(kept.len()).any(|digit| digit != b'0'));
    let power = shift + cut;
    let scaled = if power >= 0 {
        let power = 10_i128.checked_pow(u32::try_from(power).ok()?);
        power.and_then(|power| value.checked_mul(power)).and_then(|value| value.checked_mul(factor))
    } else {
        match u32::try_from(-power).ok().and_then(|power| 10_i128.checked_pow(power)) {
            // So little that one billionth is the next that can be said.
            None => Some(1),
            Some(power) => match value.checked_mul(factor) {
                Some(value) => Some(value / power + i128::from(value % power != 0 || rest != 0)),
                // Of such a long number the lowest digits don't matter.
                None => (value / power).checked_mul(factor),
            },
        }
    };
    Some(scaled.unwrap_or(MOST).min(MOST))
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { nanos, form } = *self;
        let whole = (nanos % NANO == 0).then_some(nanos / NANO);
        match (form, whole) {
            (_, Some(0)) => f.write_str("0"),
            // As Kubernetes does: less than a Ki, or a fraction, is written as a plain number.
            (Form::Binary, Some(whole)) if whole.unsigned_abs() >= 1024 => {
                let unit = BINARY.iter().rev().find(|(_, bits)| whole % (1_i128 << bits) == 0);
                let (name, bits) = unit.copied().unwrap_or(("", 0));
                write!(f, "{}{name}", whole >> bits)
            }
            (Form::Binary | Form::Decimal, _) => {
                let (amount, tens) = thousands(nanos);
                let unit = DECIMAL.iter().find(|(_, power)| *power == tens).map_or("", |(name, _)| name);
                write!(f, "{amount}{unit}")
            }
            (Form::Exponent, _) => match thousands(nanos) {
                (amount, 0) => write!(f, "{amount}"),
                (amount, tens) => write!(f, "{amount}e{tens}"),
            },
        }
    }
}

/// The shortest whole number, and the power of a thousand that it is to be multiplied with.
fn thousands(nanos: i128) -> (i128, i32) {
    let (mut amount, mut tens) = (nanos, -9);
    while tens < 18 && amount % 1000 == 0 {
        amount /= 1000;
        tens += 3;
    }
    (amount, tens)
}

/// From a text or a number.
impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let text = match &value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        text.parse().map_err(|error: crate::Error| serde::de::Error::custom(error.message))
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Quantity {
        text.parse().unwrap()
    }

    /// What `resource.MustParse(text).String()` says, once it was made canonical.
    #[test]
    fn what_kubernetes_writes_is_read_and_written_as_it_does() {
        for (text, canonical) in [
            ("0", "0"),
            ("1Gi", "1Gi"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("1000Ki", "1000Ki"),
            ("100", "100"),
            ("0.5", "500m"),
            ("500m", "500m"),
            ("1500m", "1500m"),
            ("1000m", "1"),
            ("1000", "1k"),
            ("1e3", "1e3"),
            ("1E3", "1e3"),
            ("12e-1", "1200e-3"),
            ("1.2345M", "1234500"),
            ("-5Gi", "-5Gi"),
            ("+5", "5"),
            (".5", "500m"),
            ("5.", "5"),
            ("512Ki", "512Ki"),
            ("0.5Ki", "512"),
            ("100n", "100n"),
            ("0.1n", "1n"),
            ("1E", "1E"),
            ("128974848", "128974848"),
        ] {
            assert_eq!(read(text).to_string(), canonical, "{text}");
        }
        for odd in [
            "",
            "Gi",
            "1 Gi",
            "ten",
            "NaN",
            "1.2.3",
            "1Ki5",
            "1ki",
            "1e",
            "1e+-3",
            "--1",
            "1e3.5",
            "1e99999999999",
        ] {
            assert!(odd.parse::<Quantity>().is_err(), "{odd}");
        }
    }

    #[test]
    fn amounts_are_compared_and_added_however_they_are_written() {
        assert_eq!(read("1024Mi"), read("1Gi"));
        assert_eq!(read("1e3"), read("1k"));
        assert!(read("999m") < read("1") && read("1G") < read("1Gi") && read("-1") < Quantity::ZERO);
        assert_eq!((read("1Gi") + read("512Mi")).to_string(), "1536Mi");
        assert_eq!((read("1") - read("250m")).to_string(), "750m");
        assert_eq!((read("1.1").whole(), read("-1").whole(), read("1500m").as_millis()), (2, 0, 1500));
        assert_eq!((Quantity::bytes(1 << 30), Quantity::millis(500)), (read("1Gi"), read("500m")));
    }

    #[test]
    fn what_is_too_much_or_too_little_is_the_nearest_that_there_is() {
        let most = read("9223372036854775807");
        for text in ["1000000E", "1e400", "99999999999999999999999999999999999999999999999", "8Ei", "1e19"] {
            assert_eq!(read(text), most, "{text}");
        }
        assert_eq!(most + most, most);
        assert_eq!(read("1e-400"), read("1n"));
        assert_eq!(read(&format!("1.{}1", "0".repeat(60))), read("1000000001n"));
        assert_eq!(read(&format!("{}1", "0".repeat(90))), read("1"));
    }

    #[test]
    fn it_stands_in_json_as_a_text_and_is_read_from_a_number_too() {
        let read: Vec<Quantity> = serde_json::from_str(r#"["1Gi", 5, 0.5]"#).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), r#"["1Gi","5","500m"]"#);
        assert!(serde_json::from_str::<Quantity>("[]").is_err());
    }
}
