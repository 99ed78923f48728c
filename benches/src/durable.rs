//! What durability costs: writing a run down, bringing it back, and waiting.

mod bed;
mod recording;
mod replaying;
mod waiting;

use crate::figure::Figure;

pub use bed::{Deed, Native, cluster};
pub use waiting::child;

pub async fn figures() -> anyhow::Result<Vec<Figure>> {
    let figures = vec![recording::figure().await?, replaying::figure().await?];
    waiting::print().await?;
    Ok(figures)
}
