//! Words for the people who read a run's timeline.

pub use crate::wit::log::Level;

use crate::host;

/// Write a line into the timeline. Usually written [`info!`](crate::info),
/// [`warn!`](crate::warn) or [`debug!`](crate::debug).
pub fn line(level: Level, message: &str) {
    host::call(|host| host.log(level, message));
}

/// Say what comes next: the headings of the timeline. Usually written
/// [`step!`](crate::step).
pub fn step(title: &str) {
    host::call(|host| host.step(title));
}

/// Say what comes next: a heading of the timeline. Takes what `format!` takes.
#[macro_export]
macro_rules! step {
    ($($words:tt)*) => { $crate::log::step(&::std::format!($($words)*)) };
}

/// Write a line into the timeline. Takes what `format!` takes.
#[macro_export]
macro_rules! info {
    ($($words:tt)*) => { $crate::log::line($crate::log::Level::Info, &::std::format!($($words)*)) };
}

/// Write a warning into the timeline. Takes what `format!` takes.
#[macro_export]
macro_rules! warn {
    ($($words:tt)*) => { $crate::log::line($crate::log::Level::Warn, &::std::format!($($words)*)) };
}

/// Write a line for the policy's author. Takes what `format!` takes.
#[macro_export]
macro_rules! debug {
    ($($words:tt)*) => { $crate::log::line($crate::log::Level::Debug, &::std::format!($($words)*)) };
}
