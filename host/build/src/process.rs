//! Programs that a build starts.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::progress::Progress;

/// Lines of output that an error keeps.
const KEPT_LINES: usize = 400;

/// What a program did that was run to its end.
pub(crate) struct Finished {
    /// Whether it says that all went well.
    pub(crate) success: bool,
    /// The last lines of what it wrote to stdout and stderr, in the order in which they came.
    pub(crate) output: String,
}

/// A program that asks nothing, in a folder.
pub(crate) fn command(program: impl AsRef<OsStr>, dir: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(dir).stdin(Stdio::null());
    command
}

/// The folders in which programs are looked for.
pub(crate) fn search_path() -> impl Iterator<Item = PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).collect::<Vec<_>>().into_iter()
}

/// Run a program to its end, passing on each line that it writes.
///
/// # Errors
/// Where it could not be started.
pub(crate) fn run(mut command: Command, progress: &dyn Progress) -> io::Result<Finished> {
    // One pipe for both, so that the lines keep their order.
    let (reader, writer) = io::pipe()?;
    let mut child = command.stdout(writer.try_clone()?).stderr(writer).spawn()?;
    // It holds the writing end, which would keep the pipe open.
    drop(command);
    finish(&mut child, reader, progress)
}

fn finish(child: &mut Child, output: impl Read, progress: &dyn Progress) -> io::Result<Finished> {
    let output = pass_on(output, progress);
    Ok(Finished { success: child.wait()?.success(), output })
}

/// Pass each line on, and keep the last ones.
pub(crate) fn pass_on(source: impl Read, progress: &dyn Progress) -> String {
    let mut kept = VecDeque::new();
    for line in BufReader::new(source).split(b'\n') {
        let Ok(line) = line else { break };
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        progress.line(&line);
        if kept.len() == KEPT_LINES {
            kept.pop_front();
        }
        kept.push_back(line);
    }
    Vec::from(kept).join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Silent;

    #[test]
    fn an_error_keeps_the_end_of_a_long_output() {
        let text: String = (0..KEPT_LINES + 5).map(|line| format!("line {line}\n")).collect();
        let kept = pass_on(text.as_bytes(), &Silent);
        assert!(kept.starts_with("line 5\n") && kept.ends_with(&format!("line {}", KEPT_LINES + 4)));
    }

    #[test]
    fn what_a_program_writes_to_both_outputs_is_kept_in_order() {
        let mut shell = command("sh", Path::new("."));
        shell.args(["-c", "echo one; echo two >&2; echo three; exit 3"]);
        let finished = run(shell, &Silent).unwrap();
        assert!(!finished.success);
        assert_eq!(finished.output, "one\ntwo\nthree");
    }
}
