//! What pages are shown with: served by the host itself.

/// The style of all pages.
pub const STYLE: &str = include_str!("assets/console.css");
/// Fetches what changed. The pages work without it.
pub const SCRIPT: &str = include_str!("assets/console.js");
/// The icon.
pub const ICON: &str = include_str!("assets/icon.svg");
