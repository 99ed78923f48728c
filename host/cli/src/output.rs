//! Where output goes: results to stdout, everything else to stderr.

use std::fmt::Display;
use std::io::{Error, ErrorKind, IsTerminal, Write};
use std::sync::OnceLock;

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use serde_json::Value;
use suture_core::display;
use suture_scenario::Look;

use crate::error::CliError;

/// The form of results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    #[value(alias = "text")]
    Table,
    /// For people, with all columns.
    Wide,
    /// For programs: JSON alone on stdout.
    Json,
    /// For programs and people: YAML alone on stdout.
    Yaml,
}

/// Writes what a command has to say.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    format: Format,
}

/// Bold red, for errors.
pub const BAD: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Red))).bold();
/// Bold green, for what went well.
pub const GOOD: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Green))).bold();
/// Bold yellow, for warnings.
pub const WARN: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Yellow))).bold();
/// Bold, for headings.
pub const HEADING: Style = Style::new().bold();
/// Dimmed, for what matters less.
pub const DIM: Style = Style::new().dimmed();

impl Output {
    /// Output in a form.
    pub fn new(format: Format) -> Self {
        Self { format }
    }

    /// Whether results are for programs: JSON, or the same as YAML.
    pub fn is_json(&self) -> bool {
        matches!(self.format, Format::Json | Format::Yaml)
    }

    /// Whether tables have all columns.
    pub fn is_wide(&self) -> bool {
        self.format == Format::Wide
    }

    /// Whether results are for people, and they watch.
    pub fn is_read_by_people(&self) -> bool {
        !self.is_json() && std::io::stdout().is_terminal()
    }

    /// A line of the result, for people. With JSON it goes to stderr.
    pub fn line(&self, line: impl Display) {
        if self.is_json() {
            self.note(line);
        } else {
            written(writeln!(anstream::stdout(), "{}", display::terminal(&line.to_string())));
        }
    }

    /// A file as the result: as it is, unless a terminal shows it.
    pub fn document(&self, text: &str) {
        if self.is_json() || std::io::stdout().is_terminal() {
            self.line(text);
        } else {
            written(writeln!(std::io::stdout(), "{text}"));
        }
    }

    /// A line that is no result: progress, hints.
    pub fn note(&self, line: impl Display) {
        let _ = writeln!(anstream::stderr(), "{}", display::terminal(&line.to_string()));
    }

    /// A warning.
    pub fn warn(&self, warning: impl Display) {
        self.note(format!("{WARN}warning:{WARN:#} {warning}"));
    }

    /// The result, for programs.
    pub fn json(&self, value: &Value) {
        let text = match self.format {
            Format::Yaml => yaml(value),
            Format::Json | Format::Table | Format::Wide => format!("{value:#}"),
        };
        written(writeln!(std::io::stdout().lock(), "{}", display::json(&text).trim_end()));
    }

    /// One of several results that come one by one: a line of JSON, or a document of YAML.
    pub fn item(&self, value: &Value) {
        let text = match self.format {
            Format::Yaml => format!("---\n{}", yaml(value)),
            Format::Json | Format::Table | Format::Wide => value.to_string(),
        };
        written(writeln!(std::io::stdout().lock(), "{}", display::json(&text).trim_end()));
    }

    /// An error. With JSON it is on stderr too, as text: stdout holds results alone.
    pub fn error(&self, error: &CliError) {
        let mut lines = format!("{BAD}error:{BAD:#} {}", error.what);
        if let Some(place) = &error.place {
            lines.push_str(&format!("\n  {DIM}at:{DIM:#} {place}"));
        }
        if let Some(help) = &error.help {
            lines.push_str(&format!("\n{GOOD}help:{GOOD:#} {help}"));
        }
        self.note(lines);
    }

    /// How many columns the terminal has; none where it is no terminal.
    pub fn width(&self) -> Option<usize> {
        self.look().width
    }

    /// How timelines are to look here: in colour where colour is shown, and as wide as
    /// the terminal.
    pub fn look(&self) -> Look {
        let stdout = std::io::stdout();
        let color = AutoStream::choice(&stdout) != anstream::ColorChoice::Never && !self.is_json();
        let width = stdout
            .is_terminal()
            .then(terminal_size::terminal_size)
            .flatten()
            .map(|(terminal_size::Width(columns), _)| usize::from(columns));
        Look { color, width }
    }
}

/// Why a result could not be written, the first time that one could not.
static UNWRITTEN: OnceLock<Error> = OnceLock::new();

fn written(result: Result<(), Error>) {
    if let Err(error) = result {
        // Only the first is told.
        let _ = UNWRITTEN.set(error);
    }
}

/// Whether stdout takes results: no longer where its reader has gone, or the disk is full.
pub fn is_writable() -> bool {
    UNWRITTEN.get().is_none()
}

/// That results are missing on stdout. A reader that has gone away (`| head`) wants no more, and
/// misses none.
///
/// # Errors
/// Why they could not be written.
pub fn all_written() -> Result<(), CliError> {
    match UNWRITTEN.get() {
        Some(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(CliError::internal(format!("the result can't be written: {error}")).at("stdout"))
        }
        Some(_) | None => Ok(()),
    }
}

/// YAML of what is JSON.
fn yaml(value: &Value) -> String {
    serde_saphyr::to_string(value).unwrap_or_else(|error| format!("# {error}\n{value:#}"))
}
