//! The log of `suture serve`: text for people, or an object a line.
//!
//! Both say the same of a line: when, how bad, where from, what, and the fields of the event and
//! of the spans that it is in, `run`, `incident` and `policy` among them.

use std::fmt::{self, Write};

use anstyle::{AnsiColor, Style};
use serde_json::{Map, Value};
use suture_core::{Clock, RealClock, display};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use crate::output::{BAD, DIM, WARN};

/// Begin to log to stderr.
pub fn start(is_json: bool) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let color = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    let form = if is_json { Form::Json } else { Form::Text { color } };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .fmt_fields(JsonFields::new())
        .event_format(form)
        .init();
}

/// What lines look like.
#[derive(Clone, Copy)]
enum Form {
    /// An object a line.
    Json,
    /// `TIME LEVEL TARGET: MESSAGE NAME=VALUE …`
    Text {
        /// Whether a terminal reads it.
        color: bool,
    },
}

impl<S> FormatEvent<S, JsonFields> for Form
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            let extensions = span.extensions();
            let written = extensions.get::<FormattedFields<JsonFields>>();
            if let Some(Ok(written)) =
                written.map(|written| serde_json::from_str::<Map<_, _>>(&written.fields))
            {
                fields.0.extend(written);
            }
        }
        event.record(&mut fields);
        let trace =
            fields.0.get("incident").and_then(Value::as_str).and_then(suture_telemetry::sent_trace_id);
        fields.0.extend(trace.map(|trace| ("trace_id".to_owned(), trace.into())));
        let from = fields.from();
        let level = event.metadata().level();
        let target = from.as_deref().unwrap_or(event.metadata().target());
        match *self {
            Self::Json => fields.json(writer, level, target),
            Self::Text { color } => fields.text(writer, level, target, color),
        }
    }
}

/// What a line says.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    /// Where a line is from that came through the `log` crate, in whose fields that stands.
    fn from(&mut self) -> Option<String> {
        for name in ["log.file", "log.line", "log.module_path"] {
            self.0.remove(name);
        }
        self.0.remove("log.target")?.as_str().map(str::to_owned)
    }

    fn json(mut self, mut writer: Writer<'_>, level: &Level, target: &str) -> fmt::Result {
        self.0.insert("timestamp".to_owned(), RealClock.now().to_string().into());
        self.0.insert("level".to_owned(), level.as_str().into());
        self.0.insert("target".to_owned(), target.into());
        writeln!(writer, "{}", display::json(&Value::Object(self.0).to_string()))
    }

    fn text(mut self, mut writer: Writer<'_>, level: &Level, target: &str, color: bool) -> fmt::Result {
        let style = |style: Style| if color { style } else { Style::new() };
        let of_level = match *level {
            Level::ERROR => BAD,
            Level::WARN => WARN,
            Level::INFO => Style::new().fg_color(Some(AnsiColor::Green.into())),
            _ => DIM,
        };
        let (of_level, dim) = (style(of_level), style(DIM));
        let message = self.0.remove("message");
        let message = message.as_ref().and_then(Value::as_str).unwrap_or_default();
        let now = format!("{:.6}", RealClock.now());
        write!(writer, "{dim}{now}{dim:#} {of_level}{level:>5}{of_level:#} {dim}{target}:{dim:#} ")?;
        in_a_line(&mut writer, message)?;
        for (name, value) in &self.0 {
            write!(writer, " {dim}{name}={dim:#}")?;
            match value {
                // A value that could be taken for something else stands in quotes; a map has its own.
                Value::String(text) if !text.starts_with('{') && text.contains([' ', '"', '=']) => {
                    in_a_line(&mut writer, &format!("{text:?}"))?;
                }
                Value::String(text) => in_a_line(&mut writer, text)?,
                other => in_a_line(&mut writer, &other.to_string())?,
            }
        }
        writeln!(writer)
    }

    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

/// Write what may come from outside. A policy, or who names an object, must not be able to write
/// a line of their own, nor to command a terminal.
fn in_a_line(writer: &mut impl Write, text: &str) -> fmt::Result {
    writer.write_str(&display::one_line(text))
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
}

#[cfg(test)]
mod tests;
