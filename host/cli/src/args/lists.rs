//! What commands take that list incidents or runs.

use clap::Args;
use suture_journal::{Filter, Since};

/// Which, and how many.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which")]
pub struct ListArgs {
    /// Only those of this policy.
    #[arg(long, value_name = "NAME")]
    pub policy: Option<String>,
    /// Only those about objects in this namespace.
    #[arg(long, short = 'n', value_name = "NS")]
    pub namespace: Option<String>,
    /// Only those in this state; a state that does not exist gets a list of those that do.
    #[arg(long, value_name = "STATE")]
    pub state: Option<String>,
    /// Only those that came to this (of an incident: its last run).
    #[arg(long, value_name = "OUTCOME")]
    pub outcome: Option<String>,
    /// Only those that are not over.
    #[arg(long, conflicts_with = "closed")]
    pub open: bool,
    /// Only those that are over.
    #[arg(long)]
    pub closed: bool,
    /// Only those that began since: 2h, 7d, or a time as 2026-11-22T04:10:00Z.
    #[arg(long, value_name = "TIME")]
    pub since: Option<Since>,
    /// How many at most, newest first.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = at_least_one)]
    pub limit: usize,
    /// Go on, and show each that is new or has changed, until Ctrl-C.
    #[arg(long, short)]
    pub watch: bool,
}

impl ListArgs {
    /// The same, as a question to a journal or a host.
    pub fn filter(&self) -> Filter {
        Filter {
            policy: self.policy.clone(),
            namespace: self.namespace.clone(),
            state: self.state.clone(),
            outcome: self.outcome.clone(),
            open: self.open.then_some(true).or(self.closed.then_some(false)),
            since: self.since,
            limit: Some(self.limit.min(Filter::MAX_LIMIT)),
            after: None,
        }
    }
}

pub(super) fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("it is at least 1".to_owned()),
        Ok(limit) => Ok(limit),
        Err(error) => Err(error.to_string()),
    }
}
