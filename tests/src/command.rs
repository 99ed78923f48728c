//! The commands of `suture`, as people give them.

use std::path::Path;

use anyhow::ensure;

use crate::host::program;

/// What a command prints, and its exit code; where it fails, what it says of that.
///
/// # Errors
/// Where it can't be started.
pub async fn suture(folder: &Path, arguments: &[&str]) -> anyhow::Result<(Option<i32>, String)> {
    let command = tokio::process::Command::new(program()?).args(arguments).current_dir(folder).output();
    let done = command.await?;
    let text = if done.status.success() { done.stdout } else { done.stderr };
    Ok((done.status.code(), String::from_utf8(text)?))
}

/// That a command succeeds and prints all of this. What it prints.
///
/// # Errors
/// Where it does not.
pub async fn shows(folder: &Path, arguments: &[&str], wanted: &[&str]) -> anyhow::Result<String> {
    let (code, text) = suture(folder, arguments).await?;
    ensure!(code == Some(0), "{arguments:?}: {code:?} {text}");
    for wanted in wanted {
        ensure!(text.contains(wanted), "{arguments:?}: no {wanted:?} in\n{text}");
    }
    Ok(text)
}

/// That a command fails and says this.
///
/// # Errors
/// Where it does not.
pub async fn refuses(folder: &Path, arguments: &[&str], wanted: &str) -> anyhow::Result<()> {
    let (code, text) = suture(folder, arguments).await?;
    let is_failure = code.is_some_and(|code| code != 0);
    ensure!(is_failure && text.contains(wanted), "{arguments:?}: no {wanted:?} in {code:?} {text}");
    Ok(())
}
