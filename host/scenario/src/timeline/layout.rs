//! How a line looks: columns, wrapping, colour.

use std::time::Duration;

use anstyle::{AnsiColor, Style};
use suture_core::display;
use suture_core::effect::MutationType;
use suture_journal::wording::{Tone, Words};

/// How a timeline is to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// With ANSI colours.
    pub color: bool,
    /// The columns to fill; `None` never wraps.
    pub width: Option<usize>,
}

fn style(tone: Tone) -> Style {
    let color = |color: AnsiColor| Style::new().fg_color(Some(color.into()));
    match tone {
        Tone::Plain => Style::new(),
        Tone::Heading => Style::new().bold(),
        Tone::Dim => Style::new().dimmed(),
        Tone::Change => color(AnsiColor::Cyan),
        Tone::Undo => color(AnsiColor::Magenta),
        Tone::Good => color(AnsiColor::Green).bold(),
        Tone::Warn => color(AnsiColor::Yellow),
        Tone::Bad => color(AnsiColor::Red).bold(),
    }
}

/// A text in the colour of its tone.
pub(super) fn paint(tone: Tone, text: &str, look: &Look) -> String {
    let style = style(tone);
    if look.color && tone != Tone::Plain { format!("{style}{text}{style:#}") } else { text.to_owned() }
}

/// A line being put together: a prefix of fixed columns, then words.
#[derive(Debug)]
pub(super) struct Line {
    time: String,
    step: Option<String>,
    verb: Option<&'static str>,
    words: Vec<(Tone, String)>,
}

/// Columns of the time, the step's number, and the verb.
const TIME: usize = 8;
const STEP: usize = 4;
const VERB: usize = 10;
/// Words never get fewer columns than this, however narrow the terminal.
const LEAST: usize = 30;

impl Line {
    /// A line of one effect.
    pub(super) fn effect(time: Duration, step: Option<u32>, verb: &'static str) -> Self {
        let step = step.map(|step| step.to_string()).unwrap_or_default();
        Self { time: clock(time), step: Some(step), verb: Some(verb), words: Vec::new() }
    }

    /// A heading: it begins where the steps' numbers do.
    pub(super) fn heading(time: Duration) -> Self {
        Self { time: clock(time), step: None, verb: None, words: Vec::new() }
    }

    /// A line without a time: it is about the one above.
    pub(super) fn mark() -> Self {
        Self { time: String::new(), step: None, verb: None, words: Vec::new() }
    }

    /// Add text. What came from outside can't move or hide any of it; a line break stays one, and
    /// what follows it stands under the words before.
    pub(super) fn push(&mut self, tone: Tone, text: String) {
        for (index, line) in text.lines().enumerate() {
            if index > 0 {
                self.words.push((tone, "\n".to_owned()));
            }
            let words = line.split_whitespace().map(|word| (tone, display::one_line(word).into_owned()));
            self.words.extend(words);
        }
    }

    /// Add all of some words.
    pub(super) fn say(&mut self, words: Words) {
        for (tone, text) in words.pieces {
            self.push(tone, text);
        }
    }

    pub(super) fn render(&self, look: &Look) -> String {
        let mut text = paint(Tone::Dim, &format!("{:>TIME$}", self.time), look);
        let mut indent = TIME + 2;
        text.push_str("  ");
        if let Some(step) = &self.step {
            text.push_str(&paint(Tone::Dim, &format!("{step:>STEP$}"), look));
            text.push_str("  ");
            indent += STEP + 2;
        }
        if let Some(verb) = self.verb {
            let tone = match verb {
                verb if MutationType::ALL.iter().any(|one| one.as_str() == verb) => Tone::Change,
                "warn" => Tone::Warn,
                "error" => Tone::Bad,
                _ => Tone::Dim,
            };
            text.push_str(&paint(tone, verb, look));
            text.push_str(&" ".repeat((VERB + 1).saturating_sub(verb.len()).max(1)));
            indent += VERB + 1;
        }
        let width = look.width.map_or(usize::MAX, |width| width.saturating_sub(indent).max(LEAST));
        self.wrap(&mut text, indent, width, look);
        text.truncate(text.trim_end().len());
        text
    }

    fn wrap(&self, text: &mut String, indent: usize, width: usize, look: &Look) {
        let mut column = 0;
        let mut run: Option<(Tone, String)> = None;
        let flush = |text: &mut String, run: &mut Option<(Tone, String)>| {
            if let Some((tone, words)) = run.take() {
                text.push_str(&paint(tone, &words, look));
            }
        };
        for (tone, word) in &self.words {
            let length = word.chars().count();
            let breaks = word == "\n" || (column > 0 && column + 1 + length > width);
            if breaks {
                flush(text, &mut run);
                text.push('\n');
                text.push_str(&" ".repeat(indent));
                column = 0;
                if word == "\n" {
                    continue;
                }
            }
            if column > 0 {
                match &mut run {
                    Some((last, words)) if last == tone => words.push(' '),
                    _ => {
                        flush(text, &mut run);
                        text.push(' ');
                    }
                }
                column += 1;
            }
            match &mut run {
                Some((last, words)) if last == tone => words.push_str(word),
                _ => {
                    flush(text, &mut run);
                    run = Some((*tone, word.clone()));
                }
            }
            column += length;
        }
        flush(text, &mut run);
    }
}

/// `+00:04`, `+1:02:03`, `+2d 01:02:03`.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, hours, minutes, seconds) =
        (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    match (days, hours) {
        (0, 0) => format!("+{minutes:02}:{seconds:02}"),
        (0, _) => format!("+{hours}:{minutes:02}:{seconds:02}"),
        _ => format!("+{days}d {hours:02}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_and_days_show_only_where_there_are_any() {
        for (seconds, text) in [(4, "+00:04"), (3723, "+1:02:03"), (176_523, "+2d 01:02:03")] {
            assert_eq!(clock(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn text_from_outside_can_neither_turn_a_line_around_nor_hide_a_part_of_it() {
        let mut line = Line::effect(Duration::ZERO, Some(7), "info");
        line.push(Tone::Plain, "kept \u{202e}deteled\u{200b} \u{2067}x\u{2028}y\rz \u{336}ü".to_owned());
        let shown = line.render(&Look::default());
        assert_eq!(shown, r"  +00:00     7  info       kept \u{202e}deteled\u{200b} \u{2067}x y z \u{336}ü");
    }

    #[test]
    fn long_text_wraps_under_itself_and_escape_codes_from_outside_are_harmless() {
        let mut line = Line::effect(Duration::ZERO, Some(7), "info");
        line.push(Tone::Plain, "one two three four five six seven eight \u{1b}[31mred\nlast".to_owned());
        let look = Look { color: false, width: Some(60) };
        assert_eq!(
            line.render(&look),
            "  +00:00     7  info       one two three four five six seven\n\
             \u{20}                          eight \\u{1b}[31mred\n\
             \u{20}                          last"
        );
    }
}
