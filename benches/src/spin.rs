//! What policies that spin cost those that don't.

mod behind;
mod beside;

use crate::figure::Report;

pub fn figures(report: &mut Report) -> anyhow::Result<()> {
    // As the host's own executor: see `suture serve`.
    let executor = tokio::runtime::Builder::new_multi_thread().enable_all().event_interval(1).build()?;
    let (beside, behind) = (report.count(6, 1), report.count(20, 3));
    report.add(executor.block_on(async { tokio::spawn(beside::figure(beside)).await? })?);
    report.add(executor.block_on(async { tokio::spawn(behind::figure(behind)).await? })?);
    Ok(())
}
