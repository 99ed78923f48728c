//! Tables for people.

use anstyle::Style;
use suture_core::display;

use crate::output::{HEADING, Output};

/// What stands in a cell, and how.
pub struct Cell {
    text: String,
    style: Style,
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::styled(text, Style::new())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<Option<&str>> for Cell {
    fn from(text: Option<&str>) -> Self {
        Self::from(text.filter(|text| !text.is_empty()).unwrap_or("-"))
    }
}

impl Cell {
    /// A text in a style, in one line.
    pub fn styled(text: &str, style: Style) -> Self {
        Self { text: display::one_line(text).into_owned(), style }
    }
}

/// The widest that a cell makes its column, the last one apart.
const WIDEST: usize = 40;
/// What the last column has at least, however narrow the terminal is.
const LAST: usize = 20;

/// Rows under headings; the last column takes what the terminal has left.
pub struct Table {
    headings: Vec<&'static str>,
    widths: Vec<usize>,
}

impl Table {
    /// An empty table.
    pub fn new(headings: Vec<&'static str>) -> Self {
        let widths = headings.iter().map(|heading| heading.len()).collect();
        Self { headings, widths }
    }

    /// Print the headings and rows.
    pub fn print(&mut self, rows: Vec<Vec<Cell>>, output: &Output) {
        self.widen(&rows);
        let headings = self.headings.iter().map(|heading| Cell::styled(heading, HEADING)).collect();
        self.add(vec![headings], output);
        self.add(rows, output);
    }

    /// Print more rows, in the columns that there are; wider ones, where they need it.
    pub fn add(&mut self, rows: Vec<Vec<Cell>>, output: &Output) {
        self.widen(&rows);
        rows.iter().for_each(|row| output.line(self.line(row, output.width())));
    }

    fn widen(&mut self, rows: &[Vec<Cell>]) {
        let last = self.headings.len() - 1;
        for row in rows {
            for (width, cell) in self.widths.iter_mut().zip(row).take(last) {
                *width = (*width).max(cell.text.chars().count().min(WIDEST));
            }
        }
    }

    fn line(&self, row: &[Cell], terminal: Option<usize>) -> String {
        let (last, mut line, mut used) = (row.len().saturating_sub(1), String::new(), 0);
        for (index, (cell, width)) in row.iter().zip(&self.widths).enumerate() {
            let Cell { text, style } = cell;
            if index == last {
                let room = terminal.map_or(usize::MAX, |terminal| terminal.saturating_sub(used).max(LAST));
                line += &format!("{style}{}{style:#}", cut(text, room));
            } else {
                // In a pipe nothing is cut: whoever reads it wants it whole.
                let text = if terminal.is_some() { cut(text, *width) } else { text.clone() };
                let padding = width.saturating_sub(text.chars().count());
                line += &format!("{style}{text}{style:#}{:padding$}  ", "");
                used += width + 2;
            }
        }
        line.trim_end().to_owned()
    }
}

fn cut(text: &str, room: usize) -> String {
    match text.char_indices().nth(room) {
        Some(_) => text.chars().take(room.saturating_sub(1)).chain(['…']).collect(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_is_in_them_and_the_last_ends_with_the_terminal() {
        let mut table = Table::new(vec!["ID", "WHY"]);
        table.print(vec![vec!["long".into(), "x".into()]], &Output::new(crate::output::Format::Table));
        let row = [Cell::from("a"), Cell::from("a sentence that is too long for it")];
        assert_eq!(table.line(&row, Some(26)), "a     a sentence that is …");
        assert_eq!(table.line(&row, None), "a     a sentence that is too long for it");
        let row = [Cell::from("longer"), Cell::from("\u{202e}b\n")];
        assert_eq!(table.line(&row, Some(80)), r"lon…  \u{202e}b\n");
    }
}
