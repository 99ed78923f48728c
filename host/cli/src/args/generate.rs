//! What the commands take that print what other programs read.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use clap_complete::Shell;

/// A file that people write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// suture.yaml.
    Config,
    /// A scenario.
    Scenario,
    /// What a policy says of itself, as `suture inspect --output json` shows it.
    Manifest,
    /// The admin API, as OpenAPI 3.1: what a host answers at /api/v1/openapi.json.
    Api,
}

/// `suture schema`.
#[derive(Debug, Args)]
#[command(after_help = "\
An editor with yaml-language-server checks and completes a file whose first line is
  # yaml-language-server: $schema=https://…/docs/schemas/config.schema.json

Examples:
  suture schema config > suture.schema.json
  suture schema scenario > scenario.schema.json
  suture schema api > openapi.json")]
pub struct SchemaArgs {
    /// Of what.
    #[arg(value_enum, value_name = "FORMAT")]
    pub format: Format,
}

/// `suture completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  suture completions bash > /etc/bash_completion.d/suture
  suture completions zsh > \"${fpath[1]}/_suture\"
  suture completions fish > ~/.config/fish/completions/suture.fish")]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

/// `suture man`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  suture man --out /usr/local/share/man/man1
  suture man | man -l -")]
pub struct ManArgs {
    /// A folder for a page a command [default: the page of `suture` alone, to stdout].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}
