//! Prometheus's effects, answered by a real one.

use suture_core::{Effect, Error, Reply};

use super::PrometheusClient;

impl PrometheusClient {
    /// Answer an effect, where it is Prometheus's.
    ///
    /// # Errors
    /// As the function for that effect.
    pub async fn answer(&self, effect: &Effect) -> Option<Result<Reply, Error>> {
        Some(match effect {
            Effect::Query { expression } => self.query(expression).await.map(Reply::Samples),
            Effect::QueryRange { expression, start_ms, end_ms, step_ms } => {
                self.query_range(expression, *start_ms, *end_ms, *step_ms).await.map(Reply::Series)
            }
            Effect::Alerts => self.alerts().await.map(Reply::Alerts),
            Effect::Get { .. }
            | Effect::List(_)
            | Effect::Mutate { .. }
            | Effect::Settle { .. }
            | Effect::Wait { .. }
            | Effect::Logs { .. }
            | Effect::Exclusive { .. }
            | Effect::Now
            | Effect::Sleep { .. }
            | Effect::Log { .. }
            | Effect::Step { .. } => return None,
        })
    }
}
