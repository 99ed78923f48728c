//! Finding one run, and all there is of it.

use suture_journal::plan::Basis;
use suture_journal::{Entry, ListedIncident, ListedRun, NameError, Plan, RunHeader, RunRecord};

use super::{Records, following};
use suture_server::{RunDiff, ShownIncident};

use crate::error::CliError;
use crate::server::id_path;

/// A run with all that a journal has of it.
pub struct Whole {
    pub run: RunRecord,
    pub header: RunHeader,
    pub entries: Vec<Entry>,
}

impl Records {
    /// The run with an id, or the only one whose id ends or begins so.
    ///
    /// # Errors
    /// Where there is none, or more than one; and where the id is that of an incident.
    pub async fn run(&self, id: &str) -> Result<ListedRun, CliError> {
        match self {
            Self::Journal(journal, path) => {
                let run = journal.run_called(id).await.map_err(|error| unknown(error, path, "runs"))?;
                let incident = journal.incident(&run.incident).await.ok().flatten();
                Ok(ListedRun::new(run, incident))
            }
            // The smallest part of its record is enough.
            Self::Server(server) => server.get(&id_path("runs", id), &[("limit", "1".to_owned())]).await,
        }
    }

    /// The same for an incident.
    ///
    /// # Errors
    /// As of [`run`](Self::run).
    pub async fn incident(&self, id: &str) -> Result<ShownIncident, CliError> {
        match self {
            Self::Journal(journal, path) => {
                let found = journal.incident_called(id).await;
                let incident = found.map_err(|error| unknown(error, path, "incidents"))?;
                let last = match incident.runs.last() {
                    Some(last) => journal.run(last).await.ok().flatten(),
                    None => None,
                };
                let listed = ListedIncident::new(incident, last.and_then(|run| run.outcome));
                Ok(ShownIncident { listed, waiting_for: None })
            }
            Self::Server(server) => server.get(&id_path("incidents", id), &[]).await,
        }
    }

    /// What a run changed, or would change.
    ///
    /// # Errors
    /// As [`whole`](Self::whole).
    pub async fn diff(&self, id: &str) -> Result<RunDiff, CliError> {
        match self {
            Self::Journal(..) => {
                let listed = self.run(id).await?;
                let Whole { run, header, entries } = self.whole(listed.run.id.as_str()).await?;
                let plan = Plan::of(&run.id, &Basis::of(&run, &header), &entries);
                let incident = self.incident(run.incident.as_str()).await.ok();
                let approval = incident.and_then(|shown| shown.listed.incident.approval);
                let approval = approval.filter(|approval| approval.run == run.id).map(|approval| *approval);
                Ok(RunDiff { run: listed, plan, approval })
            }
            Self::Server(server) => server.get(&format!("{}/diff", id_path("runs", id)), &[]).await,
        }
    }

    /// A run with its header and all its entries. From a part of them nothing could be
    /// concluded.
    ///
    /// # Errors
    /// As [`run`](Self::run), and where its record is damaged: what of it.
    pub async fn whole(&self, id: &str) -> Result<Whole, CliError> {
        let run = self.run(id).await?.run;
        let damaged = |what: String| {
            CliError::usage(format!("the record of run {} is damaged: {what}", run.id))
                .at(self.place())
                .help("nothing can be concluded from a part of it; `suture runs show` shows what is legible")
        };
        let (header, entries) = match self {
            Self::Journal(journal, _) => {
                let header = journal.header(&run.id).await.map_err(|error| damaged(error.to_string()))?;
                (header, journal.entries(&run.id).await.map_err(|error| damaged(error.to_string()))?)
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

fn unknown(error: NameError, path: &str, kind: &str) -> CliError {
    match error {
        NameError::Journal(error) => CliError::internal(error.to_string()).at(path),
        error => {
            CliError::usage(error.to_string()).at(path).help(format!("`suture {kind} list` shows their ids"))
        }
    }
}
