//! What durability costs: writing a run down, bringing it back, and waiting.

mod fixture;
mod recording;
mod replaying;
mod waiting;

use crate::figure::Report;

pub use fixture::{Deed, Native, cluster, policy};
pub use waiting::child;

pub async fn figures(report: &mut Report) -> anyhow::Result<()> {
    report.add(recording::figure().await?);
    report.add(replaying::figure().await?);
    waiting::print().await
}
