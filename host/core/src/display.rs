//! Text from outside, shown to people so that it says what it says and nothing more.
//!
//! Policies, alerts and the cluster's objects choose texts that end up on a terminal, in a
//! timeline, a table, a log line or a page. In there a line break makes a line of its own,
//! an escape sequence commands the terminal, and a bidirectional sign turns what follows
//! around. All of that is shown as in Rust's strings: `\u{202e}`.

use std::borrow::Cow;

/// The most combining marks on one letter. More than this, and they are drawn over the
/// lines above and below.
const MAX_MARKS: usize = 4;

/// A text in one line.
///
/// What can't be seen or moves what can is escaped: control characters, line breaks among
/// them; bidirectional signs and other format characters, the joiner of emoji too; line and
/// paragraph separators; spaces other than the space; unassigned and private characters;
/// letters without a shape; marks that belong to no letter, or are too many. All other
/// letters, in every script, stay as they are.
pub fn one_line(text: &str) -> Cow<'_, str> {
    shown(text, false)
}

/// Labels in one line: `a="1", b="2"`. Their names are as much from outside as their values.
pub fn labels<'a>(labels: impl IntoIterator<Item = (&'a String, &'a String)>) -> String {
    let label = |(name, value): (&String, &String)| one_line(&format!("{name}={value:?}")).into_owned();
    labels.into_iter().map(label).collect::<Vec<_>>().join(", ")
}

/// A text with its line breaks (`\n`); each line as [`one_line`] has it.
pub fn lines(text: &str) -> Cow<'_, str> {
    shown(text, true)
}

/// Text that is about to go to a terminal, the host's own colours in it, and whatever found its
/// way in without [`one_line`]: line breaks and the colours that the host uses stay.
pub fn terminal(text: &str) -> Cow<'_, str> {
    const COLORS: [&str; 10] = [
        "\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[34m", "\x1b[35m",
        "\x1b[36m", "\x1b[m",
    ];
    if !text.contains('\x1b') {
        return lines(text);
    }
    let mut shown = String::with_capacity(text.len());
    for (index, part) in text.split('\x1b').enumerate() {
        let color = COLORS.iter().find(|color| part.starts_with(&color[1..]));
        let rest = match (index, color) {
            (0, _) => part,
            (_, Some(color)) => {
                shown.push_str(color);
                &part[color.len() - 1..]
            }
            (_, None) => {
                shown.push_str(r"\u{1b}");
                part
            }
        };
        shown.push_str(&lines(rest));
    }
    Cow::Owned(shown)
}

/// A JSON text that people may look at, too: the same values, written so that what can't be
/// seen or moves what can is escaped.
pub fn json(text: &str) -> Cow<'_, str> {
    let is_escaped = |c: char| !c.is_ascii() && is_deceptive(c) || c == '\x7f';
    if !text.contains(is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_escaped(character) {
            // Only strings have such characters, and in strings each may be escaped.
            for unit in character.encode_utf16(&mut [0; 2]) {
                shown.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// Whether a character is never shown as it is, whatever stands before it.
pub fn is_deceptive(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_control();
    }
    // Rust's own escapes follow Unicode's categories, and know what is assigned. In a string, after
    // another character, they leave combining marks alone.
    let mut buffer = [b'a', 0, 0, 0, 0];
    let length = character.encode_utf8(&mut buffer[1..]).len();
    let is_escaped = std::str::from_utf8(&buffer[..=length])
        .is_ok_and(|pair| pair.escape_debug().nth(1).is_some_and(|second| second == '\\'));
    is_escaped || is_shapeless(character)
}

/// Letters and marks that Unicode wants drawn as nothing, though they are no format characters.
fn is_shapeless(character: char) -> bool {
    matches!(
        character,
        '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{2800}' | '\u{3164}' | '\u{ffa0}' | '\u{e0100}'..='\u{e01ef}'
    )
}

/// Whether a character is drawn on the one before it.
fn is_mark(character: char) -> bool {
    !character.is_ascii() && !is_deceptive(character) && character.escape_debug().len() > 1
}

fn shown(text: &str, keeps_breaks: bool) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~') || keeps_breaks && byte == b'\n') {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    // No letter before the first: a mark there would be drawn on what we wrote ourselves.
    let mut marks = MAX_MARKS;
    for character in text.chars() {
        if keeps_breaks && character == '\n' {
            shown.push(character);
            marks = MAX_MARKS;
        } else if is_mark(character) {
            if marks < MAX_MARKS {
                shown.push(character);
                marks += 1;
            } else {
                shown.extend(character.escape_unicode());
            }
        } else if is_deceptive(character) {
            shown.extend(character.escape_debug());
            if shown.ends_with(character) {
                // A shapeless one, which Rust takes for a letter.
                shown.pop();
                shown.extend(character.escape_unicode());
            }
            marks = 0;
        } else {
            shown.push(character);
            marks = if character == ' ' { MAX_MARKS } else { 0 };
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_that_hide_or_move_text_are_shown_as_escapes() {
        for (text, expected) in [
            ("a\u{202e}b", r"a\u{202e}b"),
            ("\u{202a}\u{202b}\u{202c}\u{202d}", r"\u{202a}\u{202b}\u{202c}\u{202d}"),
            ("\u{2066}\u{2067}\u{2068}\u{2069}", r"\u{2066}\u{2067}\u{2068}\u{2069}"),
            ("\u{200e}\u{200f}\u{61c}", r"\u{200e}\u{200f}\u{61c}"),
            (
                "\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}\u{ad}",
                r"\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}\u{ad}",
            ),
            ("a\u{2028}b\u{2029}c\u{85}d", r"a\u{2028}b\u{2029}c\u{85}d"),
            ("\x1b[31mred\x1b[0m", r"\u{1b}[31mred\u{1b}[0m"),
            ("\u{9b}31m\x07\x7f\0", r"\u{9b}31m\u{7}\u{7f}\0"),
            ("one\r\ntwo\tthree", r"one\r\ntwo\tthree"),
            ("\u{e0041}\u{e000}\u{a0}\u{3000}", r"\u{e0041}\u{e000}\u{a0}\u{3000}"),
            ("\u{115f}\u{3164}\u{ffa0}\u{34f}\u{2800}", r"\u{115f}\u{3164}\u{ffa0}\u{34f}\u{2800}"),
        ] {
            assert_eq!(one_line(text), expected);
        }
        assert_eq!(lines("one\n\u{202e}two\r\n"), "one\n\\u{202e}two\\r\n");
    }

    #[test]
    fn letters_of_every_script_quotes_and_backslashes_stay() {
        for text in [
            "plex: größer als 5 €",
            "u\u{308}ber",
            "резервная копия",
            "バックアップ",
            "גיבוי",
            "🙂 \u{2764}\u{fe0f}",
            r#"{"a": "b\n"} 'c'"#,
            "",
        ] {
            assert_eq!(one_line(text), text);
        }
    }

    #[test]
    fn marks_stay_on_a_letter_of_their_own_text_and_are_few() {
        assert_eq!(one_line("\u{336}text"), r"\u{336}text");
        assert_eq!(one_line("a \u{336}b"), r"a \u{336}b");
        assert_eq!(lines("a\n\u{336}b"), "a\n\\u{336}b");
        let heap = format!("a{}", "\u{336}".repeat(6));
        assert_eq!(one_line(&heap), format!(r"a{}\u{{336}}\u{{336}}", "\u{336}".repeat(4)));
    }

    #[test]
    fn a_terminal_gets_the_colours_of_the_host_and_no_other_command() {
        let own = "\x1b[31m\x1b[1mrun\x1b[0m größer\n";
        assert_eq!(terminal(own), own);
        assert_eq!(
            terminal("\x1b[8mhidden\x1b[2J\x1b]0;title\x07\x1b[31mx\u{202e}\x1b"),
            "\\u{1b}[8mhidden\\u{1b}[2J\\u{1b}]0;title\\u{7}\x1b[31mx\\u{202e}\\u{1b}"
        );
    }

    #[test]
    fn json_keeps_its_values_and_shows_what_hides() {
        let value = serde_json::json!({"k\u{202e}": ["\u{200b}\u{e0041}\x7f\x1b ü 🙂"]});
        let shown = json(&value.to_string()).into_owned();
        assert!(!shown.contains(is_deceptive), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }

    #[test]
    fn what_was_shown_once_is_shown_again_as_it_is() {
        for text in ["a\u{202e}\u{336}b", "\n\t\x1b", "\u{336}\u{336}", " \u{308}"] {
            let shown = one_line(text).into_owned();
            assert_eq!(one_line(&shown), shown);
        }
    }
}
