//! `policies[].sweep`: when Prometheus is asked for what is firing.

use std::fmt;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, de};
use suture_core::Timestamp;
use suture_core::names::shortened;

/// `policies[].sweep`.
#[derive(Clone, Debug, PartialEq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sweep {
    /// When, as in a crontab: five fields, or `@hourly` and its like.
    pub schedule: Schedule,
    /// By which clock on the wall, as `Europe/Berlin`. A time that daylight saving skips is
    /// swept right after it; one that it repeats, once.
    #[serde(default)]
    pub time_zone: Zone,
}

impl Sweep {
    /// When the schedule fires next after a time; none where it never does again.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let after = after.to_zoned(self.time_zone.0.clone());
        self.schedule.0.find_next_occurrence(&after, false).ok().map(|next| next.timestamp())
    }
}

/// A line of a crontab.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule(Cron);

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.len() > 200 {
            return Err(de::Error::custom("this schedule is too long"));
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        parser.parse(&text).map(Self).map_err(|error| {
            let short = shortened(&text);
            de::Error::custom(format!(
                "`{short}` is not a schedule ({error}); write minute, hour, day, month and weekday, `*/15 * * * *`"
            ))
        })
    }
}

/// A time zone by its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone(TimeZone);

impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        TimeZone::get(&text).map(Self).map_err(|_| {
            de::Error::custom(format!(
                "`{}` is not a time zone; write its name, `Europe/Berlin`",
                shortened(&text)
            ))
        })
    }
}

impl schemars::JsonSchema for Schedule {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Schedule".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "description": "A line of a crontab: minute, hour, day, month, weekday.", "examples": ["*/15 * * * *"]})
    }
}

impl schemars::JsonSchema for Zone {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Zone".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "description": "The name of a time zone.", "examples": ["Europe/Berlin"]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Sweep, String> {
        serde_saphyr::from_str(text).map_err(|error| error.to_string())
    }

    fn next(text: &str, after: &str) -> Option<String> {
        read(text).unwrap().next(after.parse().unwrap()).map(|next| next.to_string())
    }

    #[test]
    fn a_schedule_fires_after_a_time_and_by_its_own_clock() {
        let after = "2026-11-23T10:07:00Z";
        assert_eq!(next("{schedule: '*/15 * * * *'}", after).unwrap(), "2026-11-23T10:15:00Z");
        assert_eq!(next("{schedule: '@hourly'}", "2026-11-23T10:00:00Z").unwrap(), "2026-11-23T11:00:00Z");
        let berlin = "{schedule: '30 2 * * *', timeZone: Europe/Berlin}";
        assert_eq!(next(berlin, after).unwrap(), "2026-11-24T01:30:00Z");
        // On 2027-03-28 there is no 02:30 in Berlin.
        assert_eq!(next(berlin, "2027-03-27T12:00:00Z").unwrap(), "2027-03-28T01:00:00Z");
        // On 2026-10-25 there are two.
        assert_eq!(next(berlin, "2026-10-24T12:00:00Z").unwrap(), "2026-10-25T00:30:00Z");
        assert_eq!(next(berlin, "2026-10-25T00:30:00Z").unwrap(), "2026-10-26T01:30:00Z");
    }

    #[test]
    fn one_that_never_fires_is_read_and_has_no_next() {
        assert_eq!(next("{schedule: '0 0 30 2 *'}", "2026-11-23T10:07:00Z"), None);
    }

    #[test]
    fn what_is_no_schedule_says_how_to_write_one() {
        for wrong in ["every day", "61 * * * *", "* * * *", "0 0 0 * * *", ""] {
            let error = read(&format!("{{schedule: '{wrong}'}}")).unwrap_err();
            assert!(error.contains("*/15"), "{wrong}: {error}");
        }
        assert!(read("{schedule: '* * * * *', timeZone: Mars/Base}").unwrap_err().contains("Europe/Berlin"));
    }
}
