//! One policy: what it is, what it asks for and what it is granted, and what waits.

use maud::{Markup, html};
use serde_json::Value;
use suture_core::{Grant, Permission, Timestamp};
use suture_engine::{BackTested, CandidateStatus, PolicyStatus};

use crate::layout::{Page, Section, Viewer};
use crate::{age, badge, form, link, now, policies, text};

/// What the page of a policy shows.
#[derive(Debug)]
pub struct PolicyDetail<'a> {
    /// How it stands.
    pub status: &'a PolicyStatus,
    /// What it says of itself; empty where it is not loaded.
    pub description: &'a str,
    /// What it asks for.
    pub requested: &'a [Permission],
    /// What it is granted.
    pub grants: &'a [Grant],
    /// Its settings.
    pub settings: &'a Value,
    /// What time it is to the host.
    pub now: Timestamp,
}

/// The page of a policy.
pub fn policy(shown: &PolicyDetail<'_>, viewer: &Viewer<'_>) -> Page {
    let status = shown.status;
    let name = text::short(&status.name, 80);
    let content = html! {
        p.crumbs { a href="/policies" { "Policies" } }
        h1 { (name) " " (policies::standing(status)) }
        @if !shown.description.is_empty() { p.verdict { (text::long(shown.description, 400)) } }
        (troubles(status, shown.now, viewer))
        (facts(status, shown.now))
        (actions(status, viewer))
        @if let Some(candidate) = &status.candidate { (waits(candidate, shown.now)) }
        (rights(shown))
        section { h2 { "Settings" } (text::block(&serde_json::to_string_pretty(shown.settings).unwrap_or_default(), 4000)) }
        section {
            h2 { "In a terminal" }
            pre tabindex="0" { "suture policies show " (name) "\nsuture runs list --policy " (name) }
        }
    };
    Page { title: name, section: Some(Section::Policies), events: Some(String::new()), content }
}

fn troubles(status: &PolicyStatus, at: Timestamp, viewer: &Viewer<'_>) -> Markup {
    html! {
        @if let Some(pause) = &status.pause { (now::paused(pause, at, viewer)) }
        @if let Some(error) = &status.error { p.alarm { (text::long(error, 400)) } }
        @for (namespace, why) in status.held_namespaces.iter().take(20) {
            p.alarm { "In " (text::short(namespace, 80)) ": " (text::long(why, 300)) }
        }
        @if status.storm { p.alarm { "Too much broke at once: it starts no runs until somebody resumes it." } }
    }
}

fn facts(status: &PolicyStatus, now: Timestamp) -> Markup {
    html! {
        dl.facts {
            div { dt { "Mode" } dd { (badge::of_mode(status.mode)) } }
            div { dt { "Version" } dd { (text::short(status.version.as_deref().unwrap_or("–"), 40)) } }
            div { dt { "Loaded" } dd { (age::ago(status.loaded_at, now)) } }
            div.wide { dt { "Source" } dd { code { (text::long(&status.source, 120)) } } }
            div.wide { dt { "Digest" } dd { code { (status.digest.as_deref().unwrap_or("–")) } } }
        }
    }
}

fn actions(status: &PolicyStatus, viewer: &Viewer<'_>) -> Markup {
    let path = link::to_policy(&status.name);
    html! {
        @if viewer.csrf.is_some() && viewer.may_operate {
            section.actions aria-label="What can be done" {
                @if status.storm && status.pause.is_none() { (form::button(viewer, &format!("{path}/resume"), "Resume", &html! {})) }
                @if status.pause.is_none() {
                    (form::careful(viewer, &format!("{path}/pause"), "Pause this policy",
                        "It starts no more runs; its alerts are accepted and wait; runs at work go on."))
                }
            }
        }
    }
}

fn waits(candidate: &CandidateStatus, now: Timestamp) -> Markup {
    html! {
        section {
            h2 { "A newer module waits" }
            p { (text::long(&candidate.why, 400)) }
            dl.facts {
                div { dt { "Version" } dd { (text::short(&candidate.version, 40)) } }
                div { dt { "Waits" } dd { (age::took(candidate.since, now)) } }
                div.wide { dt { "Digest" } dd { code { (candidate.digest) } } }
            }
            @if let Some(test) = &candidate.backtest { (backtest(test)) }
            p.note { "Whoever is " code { "admin" } " accepts it: " code { "suture policies accept POLICY " (text::short(&candidate.digest, 19)) } }
        }
    }
}

fn backtest(test: &BackTested) -> Markup {
    html! {
        p { "Asked again for the last " (test.compared) " runs, it would have done the same in " (test.same) " of them." }
        @if !test.differences.is_empty() {
            ul.plain {
                @for difference in test.differences.iter().take(20) {
                    li {
                        a href=(link::to_run(&difference.run)) { (difference.run) } ": "
                        @if difference.changes { "it would have changed something else" }
                        @else if difference.cant_tell { "the record can't tell" }
                        @else { "it would have done otherwise, and changed the same" }
                        ", " (difference.effects.len() + difference.more) " effects differ"
                    }
                }
            }
        }
    }
}

fn rights(shown: &PolicyDetail<'_>) -> Markup {
    html! {
        section {
            h2 { "What it asks for" }
            @if shown.requested.is_empty() { p.empty { "Nothing that is known." } }
            @else {
                div.scroll tabindex="0" role="region" aria-label="What it asks for" {
                    table.list {
                        thead { tr { th scope="col" { "May" } th scope="col" { "Of" } th scope="col" { "Because" } } }
                        tbody { @for permission in shown.requested { (requested(permission)) } }
                    }
                }
            }
            @if !shown.status.not_granted.is_empty() {
                p.alarm { "Asked for and not granted, so denied when it tries: " (text::long(&shown.status.not_granted.join(", "), 400)) }
            }
        }
        section {
            h2 { "What it is granted" }
            @if shown.grants.is_empty() { p.empty { "Nothing." } }
            @for grant in shown.grants.iter().take(100) {
                (text::block(&serde_json::to_string(grant).unwrap_or_default(), 1000))
            }
            @for unusable in &shown.status.unusable_grants { p.warn { (text::long(unusable, 300)) } }
        }
    }
}

fn requested(permission: &Permission) -> Markup {
    let verbs: Vec<&str> = permission.verbs.iter().map(|verb| verb.as_str()).collect();
    let metrics: Vec<&str> = permission.metrics.iter().map(|metric| metric.as_str()).collect();
    html! {
        tr {
            th scope="row" { @if verbs.is_empty() { "query" } @else { (verbs.join(", ")) } }
            td {
                (text::short(&permission.resources.iter().chain(metrics.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>().iter()).cloned().collect::<Vec<_>>().join(", "), 300))
                @let groups: Vec<&str> = permission.groups.iter().map(String::as_str).filter(|group| !group.is_empty()).collect();
                @if !groups.is_empty() { div.note { (text::short(&groups.join(", "), 200)) } }
            }
            td.summary { (text::long(&permission.reason, 300)) }
        }
    }
}
