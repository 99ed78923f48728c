//! How long ago, in few characters, as kubectl says it.

use std::time::Duration;

use crate::clock::Timestamp;

/// How long ago something was.
pub fn since(at: Timestamp, now: Timestamp) -> String {
    short(Duration::try_from(at.duration_until(now)).unwrap_or_default())
}

/// A duration, rounded down.
pub fn short(duration: Duration) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let seconds = duration.as_secs();
    let two = |unit: u64, name: &str, rest: u64, of: &str| match (seconds % unit) / rest {
        0 => format!("{}{name}", seconds / unit),
        more => format!("{}{name}{more}{of}", seconds / unit),
    };
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 => two(MINUTE, "m", 1, "s"),
        600..10_800 => format!("{}m", seconds / MINUTE),
        10_800..28_800 => two(HOUR, "h", MINUTE, "m"),
        28_800..172_800 => format!("{}h", seconds / HOUR),
        172_800..691_200 => two(DAY, "d", HOUR, "h"),
        _ => format!("{}d", seconds / DAY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_two_units_where_one_says_little() {
        let said = [0, 119, 125, 3_000, 3_600 * 4 + 60 * 5, 3_600 * 30, 3_600 * 50, 86_400 * 40];
        let said = said.map(|seconds| short(Duration::from_secs(seconds)));
        assert_eq!(said, ["0s", "119s", "2m5s", "50m", "4h5m", "30h", "2d2h", "40d"]);
    }
}
