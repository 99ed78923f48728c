use std::io;
use std::sync::{Arc, Mutex};

use super::*;

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a log has of something.
fn logged(form: Form, filter: &str, something: impl FnOnce()) -> String {
    let written = Written::default();
    let writer = written.clone();
    let log = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(move || writer.clone())
        .fmt_fields(JsonFields::new())
        .event_format(form)
        .finish();
    tracing::subscriber::with_default(log, something);
    let bytes = written.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

fn in_a_run(something: impl FnOnce()) {
    tracing::error_span!("run", run = %"r", incident = %"i", policy = "volsync").in_scope(something);
}

const TEXT: Form = Form::Text { color: false };

#[test]
fn a_line_of_a_run_says_whose_it_is_in_either_form_and_at_any_level() {
    for filter in ["info", "warn", "error"] {
        let line = logged(Form::Json, filter, || in_a_run(|| tracing::error!(count = 3, "it failed")));
        let line: Value = serde_json::from_str(&line).unwrap();
        for (name, value) in [
            ("run", Value::from("r")),
            ("incident", "i".into()),
            ("policy", "volsync".into()),
            ("message", "it failed".into()),
            ("level", "ERROR".into()),
            ("count", 3.into()),
        ] {
            assert_eq!(line[name], value, "{name}: {line}");
        }
        let time: Result<suture_core::Timestamp, _> = line["timestamp"].as_str().unwrap().parse();
        assert!(time.is_ok(), "{line}");
        let line = logged(TEXT, filter, || in_a_run(|| tracing::error!("it failed")));
        assert!(line.ends_with("tests: it failed incident=i policy=volsync run=r\n"), "{line}");
    }
}

#[test]
fn what_a_line_says_itself_is_said_once() {
    let line = logged(TEXT, "info", || in_a_run(|| tracing::info!(run = "r", outcome = "in doubt", "over")));
    assert!(line.ends_with("over incident=i outcome=\"in doubt\" policy=volsync run=r\n"), "{line}");
}

#[test]
fn nobody_can_forge_a_line_or_command_a_terminal() {
    let forged = "a\r\n2026-11-23T09:00:00Z ERROR b \u{1b}[2J\u{202e}\u{9b}";
    for form in [Form::Json, TEXT, Form::Text { color: true }] {
        let written = logged(form, "info", || in_a_run(|| tracing::info!(error = forged, "{forged}")));
        assert_eq!(written.lines().count(), 1, "{written}");
        assert!(!written.contains("\u{1b}[2J"), "{written:?}");
        assert!(!written.contains(['\u{202e}', '\u{9b}']), "{written:?}");
        if matches!(form, Form::Json) {
            let line: Value = serde_json::from_str(&written).unwrap();
            assert_eq!((line["message"].as_str(), line["error"].as_str()), (Some(forged), Some(forged)));
        }
    }
}

#[test]
fn a_line_that_came_through_the_log_crate_says_where_it_is_from() {
    let through_log = || {
        tracing::info!(target: "log", { log.target = "cranelift", log.file = "context.rs", log.line = 3 }, "compiled");
    };
    let line: Value = serde_json::from_str(&logged(Form::Json, "info", through_log)).unwrap();
    assert_eq!((&line["target"], &line["log.file"]), (&"cranelift".into(), &Value::Null), "{line}");
}
