//! What hosts have left in a journal.

use std::path::Path;

use anyhow::ensure;
use suture_journal::{Filter, Journal, Ledger};

/// That no run is unfinished, and none has an undo that is still to be done.
///
/// # Errors
/// What is left.
pub async fn nothing_is_left(state: &Path) -> anyhow::Result<()> {
    let journal = Journal::open_read_only(state)?;
    let unfinished = journal.unfinished_runs().await?;
    ensure!(unfinished.is_empty(), "unfinished: {unfinished:#?}");
    for run in journal.runs(Filter { limit: Some(1000), ..Filter::default() }).await?.items {
        let entries = journal.entries(&run.id).await?;
        let open = Ledger::of(&entries).open().to_vec();
        ensure!(open.is_empty(), "left to undo in run {}: {open:#?}\n{entries:#?}", run.id);
    }
    Ok(())
}
