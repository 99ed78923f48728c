//! An expression before it is parsed: bounded, and without what the parser need not see.

/// The longest expression that is read, in bytes.
pub const MAX_BYTES: usize = 4 << 10;

/// The most operators and brackets. Each can nest the expression one level deeper, and the
/// parser and what it builds recurse.
const MAX_PARTS: usize = 128;

/// An expression that the parser can take: its comments are left out, and so is what stands
/// in its regular expressions, which say nothing of names and would be compiled. Strings and
/// comments begin and end as Prometheus' own lexer has it.
///
/// # Errors
/// Why it is not parsed at all.
pub(super) fn readable(expression: &str) -> Result<String, String> {
    if expression.len() > MAX_BYTES {
        return Err(format!("it has more than {MAX_BYTES} bytes"));
    }
    let mut text = String::with_capacity(expression.len());
    let mut parts = 0_usize;
    let mut rest = expression.chars();
    while let Some(c) = rest.next() {
        match c {
            '"' | '\'' | '`' => {
                let string = string(c, &mut rest)?;
                let is_regex = text.trim_end().ends_with('~');
                if c == '`' && !is_regex && string.contains('\\') {
                    // None to Prometheus, and the begin of an escape to the parser.
                    return Err("it has a backslash in a raw string".to_owned());
                }
                text.push(c);
                text.push_str(if is_regex { "x" } else { &string });
                text.push(c);
            }
            '#' => {
                // Prometheus ends a comment at either.
                rest.find(|c| matches!(c, '\n' | '\r'));
                text.push('\n');
            }
            '\n' | '\r' | '\t' => text.push(' '),
            _ if c == ' ' || c.is_ascii_graphic() => {
                if "([+-*/%^<>!=".contains(c) || is_operator(&text, c, &rest) {
                    parts += 1;
                }
                text.push(c);
            }
            _ => return Err(format!("it has the character {c:?} outside a string")),
        }
    }
    if parts > MAX_PARTS {
        return Err(format!("it has more than {MAX_PARTS} operators and brackets"));
    }
    Ok(text)
}

/// Whether a character begins a word that is an operator.
fn is_operator(before: &str, first: char, rest: &std::str::Chars<'_>) -> bool {
    let in_word = |c: char| c.is_ascii_alphanumeric() || "_:".contains(c);
    if before.ends_with(in_word) || !in_word(first) {
        return false;
    }
    let word: String = std::iter::once(first).chain(rest.clone().take_while(|c| in_word(*c))).collect();
    ["and", "or", "unless", "atan2"].iter().any(|operator| word.eq_ignore_ascii_case(operator))
}

/// What stands in a string whose opening quote was taken, as it is written.
fn string(quote: char, rest: &mut std::str::Chars<'_>) -> Result<String, String> {
    let mut string = String::new();
    while let Some(c) = rest.next() {
        match c {
            _ if c == quote => return Ok(string),
            '\\' if quote != '`' => {
                string.push(c);
                string.extend(rest.next());
            }
            '\n' | '\r' => return Err("it has a string of several lines".to_owned()),
            _ => string.push(c),
        }
    }
    Err("it has a string that does not end".to_owned())
}
