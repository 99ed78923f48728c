//! What went wrong, as a page that says what to do next.

use maud::html;

use crate::layout::Page;
use crate::text;

/// An answer that is an error.
pub fn failure(status: u16, message: &str) -> Page {
    let (title, next) = match status {
        400 => ("That can't be read", "Go back and look at the address or the form."),
        401 => ("Nobody is signed in", "Run `suture console` and open the link that it prints."),
        403 => (
            "That is not allowed",
            "Ask whoever keeps the configuration of this host for the role, under `people`.",
        ),
        404 => {
            ("There is no such thing", "Look for it in the list of incidents: old ones leave the journal.")
        }
        405 => ("That is done otherwise", "Go back to the page that has the button."),
        409 => ("It stands elsewhere by now", "Go back and load the page again."),
        413 => ("That is too large", "Say it in fewer words."),
        421 => ("The host has no such name", "Ask by its address, or add the name under `admin.hosts`."),
        429 | 503 => ("It can't be done now", "Try again in a moment; `suture status` says how the host is."),
        _ => ("Something inside is wrong", "The log of the host says more; `suture doctor` looks further."),
    };
    let content = html! {
        h1 { (title) }
        p.verdict { (text::long(message, 600)) }
        p { (next) }
        @if status != 401 { p { a href="/" { "To what is going on" } } }
    };
    Page { title: title.to_owned(), section: None, events: None, content }
}

/// For who is not signed in.
pub fn sign_in(why: &str) -> Page {
    let content = html! {
        h1 { "Sign in" }
        p.verdict { (text::long(why, 300)) }
        p { "Where your token is, run this. It prints a link that signs you in here, once, within a minute:" }
        pre tabindex="0" { "suture console" }
        p.note { "A person has the roles that the configuration gives them. A session lasts for twelve hours." }
    };
    Page { title: "Sign in".to_owned(), section: None, events: None, content }
}
