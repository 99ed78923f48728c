//! Other programs' words, short and harmless enough for a sentence.

/// The lines of a text as one, without what a terminal would make of it.
pub fn one_line(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join(" | ").chars().filter(|c| !c.is_control()).collect()
}

/// The last lines of a text, without the empty ones, as one; at most so many bytes.
pub fn last_lines(text: &str, lines: usize, bytes: usize) -> String {
    let all: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let shown = all.get(all.len().saturating_sub(lines)..).unwrap_or_default();
    end(&one_line(&shown.join("\n")), bytes).to_owned()
}

/// The last bytes of a text, cut between characters.
pub fn end(text: &str, bytes: usize) -> &str {
    let mut start = text.len().saturating_sub(bytes);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text.get(start..).unwrap_or_default()
}

/// The first bytes of a text, cut between characters.
pub fn start(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!((end("aäb", 2), end("aäb", 3), end("ab", 9)), ("b", "äb", "ab"));
        assert_eq!((start("aäb", 2), start("aäb", 3), start("ab", 9)), ("a", "aä", "ab"));
    }

    #[test]
    fn lines_become_one_without_control_characters() {
        assert_eq!(one_line(" a\n\n b\u{1b}[31m \n"), "a | b[31m");
        assert_eq!(last_lines("a\nb\n\nc\n", 2, 100), "b | c");
        assert_eq!(last_lines("a\nb\nc\n", 2, 3), "| c");
        assert_eq!(last_lines("\n", 2, 100), "");
    }
}
