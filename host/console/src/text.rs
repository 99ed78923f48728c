//! Text from outside: it says what it says, and takes no more room than it should.
//!
//! Maud escapes markup. What it does not know are signs that turn text around or hide a part of it:
//! those are shown as escapes, as in a terminal.

use maud::{Markup, html};
use suture_core::display;

/// The most characters of a text that a page shows, what is folded away included.
const MOST: usize = 16_000;

/// A text in one line, of at most so many characters.
pub fn short(text: &str, most: usize) -> String {
    let (head, rest) = split(text, most);
    let mut shown = display::one_line(head).into_owned();
    if !rest.is_empty() {
        shown.push('…');
    }
    shown
}

/// A text in one line; what is beyond so many characters is folded away.
pub fn long(text: &str, most: usize) -> Markup {
    let (head, rest) = split(text, most);
    html! {
        (display::one_line(head))
        @if !rest.is_empty() { "…" (folded(rest)) }
    }
}

/// A text with its lines; what is beyond so many characters is folded away.
pub fn block(text: &str, most: usize) -> Markup {
    let (head, rest) = split(text, most);
    html! {
        pre tabindex="0" { (display::lines(head)) @if !rest.is_empty() { "…" } }
        @if !rest.is_empty() { (folded(rest)) }
    }
}

fn folded(rest: &str) -> Markup {
    let (shown, left) = split(rest, MOST);
    html! {
        details.rest {
            summary { "the rest: " (rest.chars().count()) " characters" }
            pre tabindex="0" { (display::lines(shown)) @if !left.is_empty() { "…" } }
            @if !left.is_empty() {
                p.note { "and " (left.chars().count()) " more, which the API has" }
            }
        }
    }
}

fn split(text: &str, most: usize) -> (&str, &str) {
    let end = text.char_indices().nth(most).map_or(text.len(), |(end, _)| end);
    text.split_at(end)
}
