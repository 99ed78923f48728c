//! Incidents that came to nothing.

use super::*;

#[tokio::test]
async fn an_incident_that_is_forgotten_leaves_no_row_and_others_stay() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(&folder);
    let open = |id: &str| Change::Incident(incident(id, IncidentState::Received));
    let forgotten = Change::Forget(IncidentId::new("i2"));
    journal.commit(vec![open("i1"), open("i2"), forgotten], Durability::Synced).await.unwrap();
    let left = journal.open_incidents().await.unwrap();
    assert_eq!(left, [incident("i1", IncidentState::Received)]);
    assert_eq!(journal.incident(&IncidentId::new("i2")).await.unwrap(), None);
}
