//! `suture console`: a link that opens the web console of a running host.

use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::{Value, json};
use suture_core::{Timestamp, display};

use crate::CommandResult;
use crate::args::ConsoleArgs;
use crate::error::{CliError, Exit};
use crate::output::{DIM, Output};
use crate::server::Server;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Link {
    path: String,
    expires_at: Option<Timestamp>,
}

pub fn run(args: &ConsoleArgs, output: &Output) -> CommandResult {
    crate::executor()?.block_on(async {
        show(&Server::of(&args.server)?, args.no_open, output).await?;
        Ok(Exit::Done)
    })
}

/// Print a link to a host's console, and open it.
///
/// # Errors
/// Where the host makes none.
pub async fn show(server: &Server, no_open: bool, output: &Output) -> Result<(), CliError> {
    let link: Link = server.post("/api/v1/console/links", &Value::Null).await?;
    let url = address(server.url(), &link.path)?;
    if output.is_json() {
        output.json(&json!({"url": url, "expiresAt": link.expires_at}));
        return Ok(());
    }
    output.line(&url);
    output.note(match link.expires_at {
        Some(_) => format!("{DIM}opens the console once, within a minute, and signs you in{DIM:#}"),
        None => format!("{DIM}nobody needs a token there: everybody may look, and nobody do anything{DIM:#}"),
    });
    if !no_open && output.is_read_by_people() && !open(&url) {
        output.note(format!("{DIM}no browser could be opened: open it yourself{DIM:#}"));
    }
    Ok(())
}

/// The path that the host says, at its address and nowhere else.
fn address(server: &str, path: &str) -> Result<String, CliError> {
    let is_path = path.starts_with('/')
        && !path.starts_with("//")
        && path.len() <= 200
        && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/?=-_.".contains(&byte));
    if !is_path {
        return Err(CliError::internal("the host answers with something that is no path of its own")
            .at(display::one_line(path)));
    }
    Ok(format!("{server}{path}"))
}

/// Open it in the browser of whoever sits here. The link stands in the list of processes for a
/// moment: it is used up as soon as it is opened.
fn open(url: &str) -> bool {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = Command::new(opener);
    command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().is_ok()
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn a_link_leads_to_the_host_that_was_asked() {
        let url = address("http://127.0.0.1:8081", "/signin?link=0f").unwrap();
        assert_eq!(url, "http://127.0.0.1:8081/signin?link=0f");
        for bad in [
            "//evil.example/",
            "@evil.example/",
            "https://evil.example",
            "/a b",
            "/\u{202e}",
            ".evil.example/",
            "",
        ] {
            assert!(address("http://127.0.0.1:8081", bad).is_err(), "{bad}");
        }
    }
}
