//! What Alertmanager has: alerts that fire.

use std::collections::BTreeSet;

use suture_core::names::label_name;
use suture_core::{AlertGroup, KnownAlert};

use super::{AlertmanagerClient, AlertmanagerError};

/// The most bytes of filters in a URL, before they are encoded: what stands in between takes 8 KiB
/// or so. What does not fit is not asked for, and chosen here.
const MOST_FILTERS: usize = 2000;

impl AlertmanagerClient {
    /// Alerts that fire, those included of which nobody is told: all that have these labels, and
    /// maybe others.
    ///
    /// # Errors
    /// Why it can't be asked.
    pub async fn alerts_with(&self, labels: &[(&str, &str)]) -> Result<Vec<KnownAlert>, AlertmanagerError> {
        let mut room = MOST_FILTERS;
        let mut filters = Vec::new();
        for (name, value) in labels.iter().filter(|(name, value)| is_plain(name, value)) {
            let filter = format!("{name}=\"{value}\"");
            if let Some(left) = room.checked_sub(filter.len()) {
                room = left;
                filters.push(("filter", filter));
            }
        }
        let query: Vec<(&str, &str)> = filters.iter().map(|(key, filter)| (*key, filter.as_str())).collect();
        self.grouped(&query).await
    }

    /// Alerts that fire and whose routes lead to one of these receivers.
    ///
    /// # Errors
    /// Why it can't be asked.
    pub async fn alerts_for(&self, receivers: &BTreeSet<&str>) -> Result<Vec<KnownAlert>, AlertmanagerError> {
        // It anchors the expression at both ends.
        let names = receivers.iter().map(|name| regex::escape(name)).collect::<Vec<_>>().join("|");
        let query = [("receiver", names.as_str())];
        let mut alerts = self.grouped(if names.len() <= MOST_FILTERS { &query } else { &[] }).await?;
        // Older ones know no such filter, and it is an expression.
        alerts.retain(|alert| receivers.iter().any(|name| alert.is_for(name)));
        Ok(alerts)
    }

    async fn grouped(&self, query: &[(&str, &str)]) -> Result<Vec<KnownAlert>, AlertmanagerError> {
        let path = self.server.path_with("api/v2/alerts/groups", query);
        let (groups, _): (Vec<AlertGroup>, _) = self.answered_at_length(&path).await?;
        Ok(KnownAlert::of_groups(groups))
    }
}

/// Whether a label can be asked for without quoting, of which each version has rules of its own.
fn is_plain(name: &str, value: &str) -> bool {
    let is_quoted = |one: char| one == '"' || one == '\\' || one.is_control();
    label_name(name).is_ok() && !value.contains(is_quoted)
}
