//! Finding one run, and all there is of it.

use suture_journal::{Entry, Filter, RunHeader, RunRecord};

use super::{Records, following};
use crate::error::CliError;

/// A run with all that a journal has of it.
pub struct Whole {
    pub run: RunRecord,
    pub header: RunHeader,
    pub entries: Vec<Entry>,
}

/// The most ids that an error lists.
const LISTED: usize = 3;

impl Records {
    /// The run with an id, or the only one whose id begins so.
    ///
    /// # Errors
    /// Where there is none, or more than one; and where the id is that of an incident.
    pub async fn find(&self, id: &str) -> Result<RunRecord, CliError> {
        let id = id.to_lowercase();
        let mut found: Vec<RunRecord> = Vec::new();
        let (mut of_incident, mut damaged) = (Vec::new(), Vec::new());
        let mut filter = Filter { limit: Some(Filter::MAX_LIMIT), ..Filter::default() };
        loop {
            let page = self.runs(&filter).await?;
            damaged.extend(page.damaged);
            for run in page.items {
                if run.id.as_str() == id {
                    return Ok(run);
                }
                if run.incident.as_str() == id {
                    of_incident.push(run.id.to_string());
                }
                if run.id.as_str().starts_with(&id) {
                    found.push(run);
                }
            }
            match page.next {
                Some(next) => filter.after = Some(next),
                None => break,
            }
        }
        if !of_incident.is_empty() {
            let what = format!("`{id}` is an incident, and a run is wanted; its runs, newest first: ");
            return Err(CliError::usage(what + &of_incident.join(", ")));
        }
        match (found.pop(), found.len()) {
            (Some(run), 0) => Ok(run),
            (None, _) => Err(self.unknown(&id, &damaged)),
            (Some(run), others) => {
                let more =
                    found.iter().take(LISTED).map(|run| run.id.as_str()).collect::<Vec<_>>().join(", ");
                let rest = if others > LISTED { ", …" } else { "" };
                let what = format!("{} runs begin with `{id}`: {}, {more}{rest}", others + 1, run.id);
                Err(CliError::usage(what).help("write more of the id"))
            }
        }
    }

    fn unknown(&self, id: &str, damaged: &[String]) -> CliError {
        let mut what = format!("there is no run `{id}`");
        if !damaged.is_empty() {
            what.push_str(&format!("; but not all runs can be read: {}", damaged.join("; ")));
        }
        CliError::usage(what).at(self.place()).help("`suture runs list` shows their ids")
    }

    /// A run with its header and all its entries. From a part of them nothing could be
    /// concluded.
    ///
    /// # Errors
    /// As [`find`](Self::find), and where its record is damaged: what of it.
    pub async fn whole(&self, id: &str) -> Result<Whole, CliError> {
        let run = self.find(id).await?;
        let damaged = |what: String| {
            CliError::usage(format!("the record of run {} is damaged: {what}", run.id))
                .at(self.place())
                .help("nothing can be concluded from a part of it; `suture runs show` shows what is legible")
        };
        let (header, entries) = match self {
            Self::Journal(journal, _) => {
                let header = journal.header(&run.id).await.map_err(|error| damaged(error.0))?;
                (header, journal.entries(&run.id).await.map_err(|error| damaged(error.0))?)
            }
            Self::Server(server) => {
                let mut whole = self.detail(server, &run.id, 0).await?;
                let mut after = following(server, whole.next.take(), 0)?;
                while let Some(step) = after {
                    let part = self.part(&run.id, step).await?;
                    whole.entries.extend(part.entries);
                    after = part.next;
                }
                (whole.header, whole.entries)
            }
        };
        let header = header.ok_or_else(|| damaged("its header is missing".to_owned()))?;
        Ok(Whole { run, header, entries })
    }
}
