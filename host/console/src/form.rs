//! What can be done on a page, without a script: forms, each with the session's token.

use maud::{Markup, html};

use crate::layout::Viewer;

/// The field that has the session's token.
const TOKEN: &str = "csrf";

/// A button that does something; nothing where the viewer may not.
pub fn button(viewer: &Viewer<'_>, action: &str, label: &str, fields: &Markup) -> Markup {
    if !viewer.may_operate {
        return html! {};
    }
    decision(viewer, action, label, fields)
}

/// The same for who decides about plans.
pub fn decision(viewer: &Viewer<'_>, action: &str, label: &str, fields: &Markup) -> Markup {
    let Some(token) = viewer.csrf else { return html! {} };
    html! {
        form.act method="post" action=(action) {
            input type="hidden" name=(TOKEN) value=(token);
            (fields)
            button type="submit" { (label) }
        }
    }
}

/// The same for what is not lightly done: it is unfolded first, and says what it does.
pub fn careful(viewer: &Viewer<'_>, action: &str, label: &str, what: &str) -> Markup {
    if viewer.csrf.is_none() || !viewer.may_operate {
        return html! {};
    }
    html! {
        details.careful {
            summary { (label) "…" }
            div.confirm {
                p { (what) }
                (button(viewer, action, label, &html! {}))
            }
        }
    }
}
