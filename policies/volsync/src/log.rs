//! What containers have written, and what of it is shown.

use suture_policy::kube::{self, Pod};
use suture_policy::{Error, text, warn};

/// How much of a log is read, and how much is shown.
const LINES_READ: u32 = 100;
const LINES_SHOWN: usize = 4;
const BYTES_SHOWN: usize = 1_000;

/// Why there is nothing that a container has written.
pub enum NoLog {
    /// It has written nothing.
    Empty,
    /// It may have.
    Unreadable(Error),
}

/// What a container of a pod has written.
pub fn log(pod: &Pod, container: &str) -> Result<String, NoLog> {
    match kube::of(pod).logs(container, LINES_READ) {
        Ok(log) if log.trim().is_empty() => Err(NoLog::Empty),
        Ok(log) => Ok(log),
        Err(error) => {
            warn!("the log of {} can't be read: {}", pod.metadata.name, error.reason);
            Err(NoLog::Unreadable(error))
        }
    }
}

/// How lines begin that say why a program ends: restic's, Go's, and those of VolSync's scripts.
const TELLING: [&str; 5] = ["Fatal:", "panic:", "error:", "ERROR", "fatal error:"];

/// The last lines of a log, as one; before them the last that says why, if none of them does.
pub fn end_of(log: &str) -> Option<String> {
    let lines: Vec<&str> = log.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let end = text::last_lines(log, LINES_SHOWN, BYTES_SHOWN);
    let tells = |line: &&&str| TELLING.iter().any(|start| line.starts_with(start));
    let (before, shown) = lines.split_at(lines.len().saturating_sub(LINES_SHOWN));
    let why = before.iter().rfind(tells).filter(|_| !shown.iter().any(|line| tells(&line)));
    let end = match why {
        Some(why) => format!("{} | … | {end}", text::start(&text::one_line(why), BYTES_SHOWN)),
        None => end,
    };
    Some(end).filter(|end| !end.is_empty())
}

/// What restic's exit code says, since 0.17.
pub fn exit_code_says(code: i32) -> Option<&'static str> {
    match code {
        10 => Some("there is no repository"),
        11 => Some("the repository could not be locked"),
        12 => Some("wrong password"),
        _ => None,
    }
}
