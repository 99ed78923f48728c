//! What Prometheus says of one alert.

use std::fmt;

use suture_core::{Labels, Timestamp};

/// How an alert stands in Prometheus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nobody was asked, for nothing is to be confirmed.
    Unasked,
    /// It fires.
    Firing {
        /// Since when it is active.
        since: Timestamp,
        /// Its annotations in Prometheus: those of a posted alert can be made up.
        annotations: Labels,
    },
    /// Its rule holds, for less than its `for`.
    Pending,
    /// Its rule holds no more since then (the Unix epoch where that is not told), and only its
    /// `keep_firing_for` has not passed.
    KeptFiring(Timestamp),
    /// It is not listed; with what is listed instead.
    Absent(String),
}

impl Standing {
    /// Whether it fires, or needs not to.
    pub fn is_confirmed(&self) -> bool {
        match self {
            Self::Unasked | Self::Firing { .. } => true,
            Self::Pending | Self::KeptFiring(_) | Self::Absent(_) => false,
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unasked => f.write_str("it was not asked for"),
            Self::Firing { since, .. } => write!(f, "it fires since {since}"),
            Self::Pending => f.write_str("it is pending: its rule has not held for its `for` yet"),
            Self::KeptFiring(since) => {
                f.write_str("its rule does not hold any more")?;
                if *since > Timestamp::UNIX_EPOCH {
                    write!(f, " since {since}")?;
                }
                f.write_str("; only `keep_firing_for` keeps it firing")
            }
            Self::Absent(instead) => f.write_str(instead),
        }
    }
}
