//! The host itself: its journal, its clock beside others', its rights, and what waits.

use suture_core::clock::kubernetes_time;
use suture_core::{Clock, RealClock, Timestamp, display};
use suture_engine::Engine;
use suture_engine::waiting::Reason;

use super::report::About;
use crate::api::writable;
use crate::receivers::Posts;

/// From this part of `storage.maxSize` on it is warned about, and from this on nothing new is
/// taken.
const FULL: (u64, u64) = (80, 90);
/// How far clocks may be apart, in seconds: beyond it people are misled, and beyond it alerts are
/// taken for older or newer than they are.
const APART: (i64, i64) = (10, 120);

pub(super) async fn journal(engine: &Engine, report: &mut About<'_>) {
    let journal = engine.journal();
    match writable(engine).await {
        Ok(()) => report.ok("journal", "the journal can be written"),
        Err(failure) => {
            let remedy = "is the volume full, or its file system read-only? Nothing is accepted until it can be written";
            report.fail("journal", format!("the journal can't be written: {}", failure.message), remedy);
        }
    }
    let room = journal.room();
    let Some(max) = room.max.filter(|max| *max > 0) else { return };
    let part = room.used.saturating_mul(100) / max;
    let found = format!("the journal takes {part} % of `storage.maxSize`");
    let remedy = "raise `storage.maxSize` (and the volume), or lower `storage.retention`, and restart";
    match part {
        _ if part >= FULL.1 => report.fail("room", format!("{found}: nothing new is taken"), remedy),
        _ if part >= FULL.0 => report.warn("room", found, remedy),
        _ => report.ok("room", found),
    }
}

/// Whether work that waits for this goes on by itself only when something else changes.
fn keeps_back(reason: Reason) -> bool {
    match reason {
        Reason::Paused
        | Reason::Drained
        | Reason::Journal
        | Reason::JournalFull
        | Reason::Unreachable
        | Reason::Alertmanager
        | Reason::Approval
        | Reason::NotLoaded
        | Reason::Right
        | Reason::Storm
        | Reason::Budget => true,
        Reason::Inbox
        | Reason::Unconfirmed
        | Reason::Silenced
        | Reason::Stopping
        | Reason::Places
        | Reason::Key
        | Reason::Lock
        | Reason::Backoff
        | Reason::Cluster
        | Reason::Sleep
        | Reason::Alert => false,
    }
}

/// What keeps work from being done, or is never done.
pub(super) async fn work(engine: &Engine, report: &mut About<'_>) {
    if engine.is_paused() {
        report.warn("pause", "the host is paused: no run starts", "suture resume");
    }
    match engine.waiting().await {
        Ok(waiting) => {
            for one in waiting.into_iter().filter(|one| keeps_back(one.reason)) {
                let whose =
                    if one.policy.is_empty() { String::new() } else { format!(" of `{}`", one.policy) };
                let found = format!("{} wait{whose}: {}", one.count, one.message);
                report.warn("waiting", found, "`suture status` says since when, and what waits");
            }
        }
        Err(error) => report.fail("waiting", error.to_string(), "is the volume well?"),
    }
    let (unmatched, others) = engine.unmatched();
    let names: Vec<&str> = unmatched
        .iter()
        .filter(|alert| alert.reason != "notLoaded")
        .map(|alert| alert.alertname.as_str())
        .collect();
    if names.is_empty() && others == 0 {
        report.ok("unmatched", "all alerts that were posted since the start are for a policy");
    } else {
        let shown = names.iter().take(5).copied().collect::<Vec<_>>().join(", ");
        report.warn(
            "unmatched",
            format!(
                "alerts of {} were posted that no policy is for or can take: {shown}",
                counted(names.len() as u64, "name")
            ),
            "`suture alerts --unmatched` shows their labels; correct `match`, use `matchers`, or route less to this host",
        );
    }
}

/// Whether what is posted is accepted.
pub(super) fn webhook(posts: &Posts, report: &mut About<'_>) {
    let last = posts.accepted_at.map_or_else(
        || "none was accepted since the start".to_owned(),
        |at| format!("the last that was accepted came at {}", kubernetes_time(at)),
    );
    let Some((at, why)) = &posts.last_refused else {
        return report.ok("webhook", format!("no post to the webhook was refused; {last}"));
    };
    let found = format!(
        "refused at the webhook: {}, the last at {}: {}; {last}",
        counted(posts.refused, "post"),
        kubernetes_time(*at),
        display::one_line(why)
    );
    let remedy = "correct the receiver in Alertmanager (deploy/alertmanager/receiver.yaml): its URL ends in /hooks or \
                  /hooks/POLICY, and its token is that of `webhook.tokenFile`";
    report.warn("webhook", found, remedy);
}

fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// The clock of another server beside that of this host.
pub(super) fn clock(whose: &str, theirs: Option<Timestamp>, report: &mut About<'_>) {
    let Some(theirs) = theirs else { return };
    let apart = RealClock.now().duration_until(theirs).as_secs();
    let found = format!("the clock of {whose} and this host's are {} s apart", apart.abs());
    let remedy = "set both clocks by NTP: times in alerts, timelines and certificates are compared";
    match apart.abs() {
        _ if apart.abs() > APART.1 => report.fail("clock", found, remedy),
        _ if apart.abs() > APART.0 => report.warn("clock", found, remedy),
        _ => report.ok("clock", found),
    }
}
