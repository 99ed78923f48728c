//! The alerts that a policy sees: its own.

use super::ALERTS;
use crate::effect::ActiveAlert;
use crate::grant::{Grant, metrics};
use crate::manifest::Permission;
use crate::{Incident, Labels};

const ALERT_NAME: &str = "alertname";

/// Of the alerts that Prometheus knows, those that a policy may see: all of them, where it may
/// query `ALERTS`; otherwise its own.
pub fn visible_alerts(
    alerts: Vec<ActiveAlert>,
    incident: &Incident,
    requested: &[Permission],
    grants: &[Grant],
) -> Vec<ActiveAlert> {
    if metrics::is_requested(requested, ALERTS) && metrics::is_granted(grants, ALERTS) {
        return alerts;
    }
    own_alerts(alerts, incident)
}

/// Of the alerts that Prometheus knows, those of an incident: of the same name, with the same
/// key labels. This is what a policy sees that may not query `ALERTS`.
pub fn own_alerts(alerts: Vec<ActiveAlert>, incident: &Incident) -> Vec<ActiveAlert> {
    alerts.into_iter().filter(|alert| is_own(&alert.labels, incident)).collect()
}

fn is_own(labels: &Labels, Incident { key, alert, .. }: &Incident) -> bool {
    let own = &alert.labels;
    let agree = |name: &String, value: &String| labels.get(name) == Some(value);
    // Labels that Prometheus adds on the way to Alertmanager (external labels) are missing from
    // its own list: then it must be the very alert, and so it is where no labels are the key.
    let is_the_same = || labels.iter().all(|(name, value)| own.get(name) == Some(value));
    let has_key = key.keys().all(|name| own.contains_key(name)) && !key.is_empty();
    labels.get(ALERT_NAME) == own.get(ALERT_NAME)
        && (is_the_same() || has_key && key.iter().all(|(name, value)| agree(name, value)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{IncidentId, Timestamp};

    fn labels(text: &str) -> Labels {
        text.split(',').filter_map(|pair| pair.split_once('=')).map(|(n, v)| (n.into(), v.into())).collect()
    }

    fn seen(key: &str, alert: &str, all: &[&str]) -> Vec<usize> {
        let alert = serde_json::from_value(json!({"status": "firing", "labels": labels(alert),
            "startsAt": "2026-11-22T04:10:00Z"}));
        let incident = Incident {
            id: IncidentId::new("i"),
            key: labels(key),
            alert: alert.unwrap(),
            attempt: 1,
            settings: json!({}),
        };
        let active = |text: &&str| ActiveAlert {
            labels: labels(text),
            annotations: Labels::new(),
            firing: true,
            active_at: Timestamp::UNIX_EPOCH,
            kept_firing_since: None,
        };
        let own = own_alerts(all.iter().map(active).collect(), &incident);
        (0..all.len()).filter(|at| own.iter().any(|own| own.labels == labels(all[*at]))).collect()
    }

    #[test]
    fn a_policy_sees_the_alerts_of_its_key_and_no_others() {
        let all = [
            "alertname=A,ns=media,name=plex",
            "alertname=A,ns=media,name=plex,method=restic",
            "alertname=A,ns=media,name=radarr",
            "alertname=A,ns=media",
            "alertname=B,ns=media,name=plex",
            "ns=media,name=plex",
        ];
        assert_eq!(seen("ns=media,name=plex", "alertname=A,ns=media,name=plex,role=source", &all), [0, 1, 3]);
        assert_eq!(seen("name=plex", "alertname=A,name=plex", &["alertname=A,name=other"]), [0; 0]);
    }

    #[test]
    fn an_alert_without_key_labels_is_the_very_one() {
        let own = "alertname=A,pod=x,cluster=home";
        let all = ["alertname=A,pod=x", "alertname=A,pod=y", "alertname=A,pod=x,more=1"];
        assert_eq!(seen("fingerprint=0123", own, &all), [0]);
        assert_eq!(seen("", own, &all), [0]);
    }

    #[test]
    fn an_external_label_in_the_key_hides_not_the_alert_itself() {
        let own = "alertname=A,cluster=home,ns=media";
        assert_eq!(seen("cluster=home,ns=media", own, &["alertname=A,ns=media", "alertname=A,ns=ops"]), [0]);
    }
}
