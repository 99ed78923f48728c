//! Times, as people read them: how long ago, with the exact time for whoever asks.

use maud::{Markup, html};
use suture_core::Timestamp;
use suture_core::age::since;
use suture_core::clock::kubernetes_time;

/// `3m ago`.
pub fn ago(at: Timestamp, now: Timestamp) -> Markup {
    time(at, &format!("{} ago", since(at, now)))
}

/// `in 3m`; `now` where that is over.
pub fn until(at: Timestamp, now: Timestamp) -> Markup {
    if at <= now { time(at, "now") } else { time(at, &format!("in {}", since(now, at))) }
}

/// How long something took, or has taken so far.
pub fn took(from: Timestamp, to: Timestamp) -> Markup {
    html! { span.number { (since(from, to)) } }
}

/// The time itself: `2026-11-22 04:10:00 UTC`.
pub fn exact(at: Timestamp) -> Markup {
    time(at, &readable(at))
}

fn time(at: Timestamp, shown: &str) -> Markup {
    html! { time.number datetime=(kubernetes_time(at)) title=(readable(at)) { (shown) } }
}

fn readable(at: Timestamp) -> String {
    kubernetes_time(at).replace('T', " ").replace('Z', " UTC")
}
