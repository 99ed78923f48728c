//! The frame of every page.

use maud::{DOCTYPE, Markup, html};

use crate::form;

/// Who looks, and what they are offered.
#[derive(Clone, Copy, Debug, Default)]
pub struct Viewer<'a> {
    /// Their name.
    pub name: &'a str,
    /// The token that each form of this session carries; none where there is no session, and so
    /// nothing can be done.
    pub csrf: Option<&'a str>,
    /// Whether they may operate the host.
    pub may_operate: bool,
    /// Whether they may approve plans.
    pub may_approve: bool,
}

/// A part of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// What is going on.
    Now,
    /// All incidents.
    Incidents,
    /// All policies.
    Policies,
    /// The last month.
    Trends,
}

impl Section {
    const ALL: [(Self, &'static str, &'static str); 4] = [
        (Self::Now, "Now", "/"),
        (Self::Incidents, "Incidents", "/incidents"),
        (Self::Policies, "Policies", "/policies"),
        (Self::Trends, "Trends", "/trends"),
    ];
}

/// A page without its frame.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its title.
    pub title: String,
    /// The part of the console that it belongs to.
    pub section: Option<Section>,
    /// Which events make it another (the query of `/events`); none where it stays as it is.
    pub events: Option<String>,
    /// What is in it.
    pub content: Markup,
}

/// A whole document. Without a viewer it leads nowhere: nobody is signed in.
pub fn document(page: &Page, viewer: Option<&Viewer<'_>>) -> String {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (page.title) " · Suture" }
                link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/assets/console.css";
                script src="/assets/console.js" defer {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                @if let Some(viewer) = viewer { (header(page, viewer)) }
                main #main tabindex="-1" {
                    div #live data-events=[page.events.as_deref()] { (page.content) }
                }
                p #live-state .hidden role="status" {}
            }
        }
    };
    markup.into_string()
}

/// What of a page changes: the script exchanges it.
pub fn fragment(page: &Page) -> String {
    page.content.clone().into_string()
}

fn header(page: &Page, viewer: &Viewer<'_>) -> Markup {
    html! {
        header.top {
            a.brand href="/" {
                svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true" focusable="false" {
                    path d="M3 12h18M7 7v10M12 7v10M17 7v10" {}
                }
                "Suture"
            }
            nav aria-label="Console" {
                ul {
                    @for (section, name, path) in Section::ALL {
                        li {
                            a href=(path) aria-current=[(page.section == Some(section)).then_some("page")] { (name) }
                        }
                    }
                }
            }
            div.who {
                span.name { (viewer.name) }
                @if viewer.csrf.is_some() {
                    (form::button(&Viewer { may_operate: true, ..*viewer }, "/signout", "Sign out", &html! {}))
                } @else { span.note { "read-only" } }
            }
        }
    }
}
