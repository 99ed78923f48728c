//! Moments in time, as Kubernetes writes them.

use std::fmt;
use std::ops::Add;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Duration;

/// A moment, to the millisecond. Reads and writes itself as RFC 3339, as in
/// `metadata.creationTimestamp`; [`clock::now`](crate::clock::now) is the present one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

impl Time {
    /// A moment from the milliseconds since the Unix epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; nothing where it is before.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::millis(self.0.saturating_sub(earlier.0))
    }

    /// Read RFC 3339: `2026-11-22T04:10:00Z`, with a fraction or an offset too.
    pub fn parse(text: &str) -> Option<Self> {
        let (date, time) = text.split_once(['T', 't'])?;
        let [year, month, day] = numbers(date, '-')?;
        let zone = time.find(['Z', 'z', '+', '-'])?;
        let (clock, zone) = time.split_at(zone);
        let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
        let [hour, minute, second] = numbers(clock, ':')?;
        let offset = match zone {
            "Z" | "z" => 0,
            _ => {
                let [hours, minutes] = numbers(zone.get(1..)?, ':')?;
                let minutes = hours * 60 + minutes;
                if zone.starts_with('-') { -minutes } else { minutes }
            }
        };
        let in_range = (1..=12).contains(&month)
            && (1..=31).contains(&day)
            && hour < 24
            && minute < 60
            && second <= 60
            && fraction.bytes().all(|byte| byte.is_ascii_digit());
        if !in_range {
            return None;
        }
        let millis: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
        let minutes = (days_since_epoch(year, month, day) * 24 + hour) * 60 + minute - offset;
        u64::try_from((minutes * 60 + second) * 1_000 + millis).ok().map(Self)
    }
}

/// The numbers between separators, digits only.
fn numbers<const N: usize>(text: &str, separator: char) -> Option<[i64; N]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; N];
    for number in &mut numbers {
        let part = parts.next()?;
        let fits = (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        *number = if fits { part.parse().ok()? } else { return None };
    }
    parts.next().is_none().then_some(numbers)
}

/// Days from 1970-01-01 in the Gregorian calendar. Years begin in March here, so that
/// the leap day is a year's last.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    365 * year + leap_days + (153 * month + 2) / 5 + day - 719_469
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.as_millis()))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, seconds) = ((self.0 / 86_400_000).cast_signed(), self.0 / 1_000 % 86_400);
        // The first of March of the year, and the month in it, by search: a few steps.
        let mut year = 1970 + days / 366;
        while days_since_epoch(year + 1, 1, 1) <= days {
            year += 1;
        }
        let mut month = 12;
        while days_since_epoch(year, month, 1) > days {
            month -= 1;
        }
        let day = days - days_since_epoch(year, month, 1) + 1;
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not a time (RFC 3339)")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_back_as_it_is_written() {
        for text in
            ["1970-01-01T00:00:00Z", "2000-02-29T23:59:59Z", "2026-11-22T04:10:00Z", "2100-03-01T00:00:00Z"]
        {
            assert_eq!(Time::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Time::parse("2026-11-22T04:10:00Z"), Some(Time::from_millis(1_795_320_600_000)));
    }

    #[test]
    fn fractions_and_offsets_are_understood() {
        let expected = Time::parse("2026-11-22T04:10:00Z").unwrap() + Duration::millis(250);
        assert_eq!(Time::parse("2026-11-22T05:40:00.25+01:30"), Some(expected));
        assert_eq!(Time::parse("2026-11-22T04:10:00.250000Z"), Some(expected));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "2026-11-22", "2026-13-01T00:00:00Z", "2026-11-22T04:10:00", "2026-11-22T25:00:00Z"]
        {
            assert_eq!(Time::parse(text), None, "{text}");
        }
    }
}
