//! What a dispatcher asks of the open incidents.

use super::*;
use crate::store::Sought;

fn sought(id: &str) -> Sought {
    let incident = incident(id, IncidentState::Queued);
    Sought { policy: incident.policy, key: incident.key, fingerprint: incident.fingerprint }
}

async fn write(journal: &Journal, incidents: impl IntoIterator<Item = IncidentRecord>) {
    let changes = incidents.into_iter().map(Change::Incident).collect();
    journal.commit(changes, Durability::Synced).await.unwrap();
}

fn ids(incidents: &[IncidentRecord]) -> Vec<&str> {
    incidents.iter().map(|incident| incident.id.as_str()).collect()
}

#[tokio::test]
async fn an_open_incident_is_found_by_its_alert_and_one_that_is_handled_by_its_key() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    let other_alert =
        |id: &str, state| IncidentRecord { key: incident("i1", state).key, ..incident(id, state) };
    write(
        &journal,
        [
            incident("i1", IncidentState::Unnecessary),
            other_alert("i2", IncidentState::Escalated),
            other_alert("i3", IncidentState::Retrying),
            IncidentRecord { policy: "other".into(), ..incident("i4", IncidentState::Queued) },
            // Very many may be posted that are never confirmed.
            other_alert("i5", IncidentState::Received),
        ],
    )
    .await;
    assert_eq!(ids(&journal.open_of(vec![sought("i1")]).await.unwrap()), ["i1", "i3"]);
    assert_eq!(ids(&journal.received_of(vec![sought("i1")]).await.unwrap()), Vec::<&str>::new());
    let keyed = Sought { fingerprint: "f-i5".into(), ..sought("i1") };
    assert_eq!(ids(&journal.received_of(vec![keyed]).await.unwrap()), ["i5"]);
    assert!(journal.open_of(vec![sought("i4")]).await.unwrap().is_empty());
    let closed = IncidentRecord { closed_at: Some(time(9)), ..incident("i1", IncidentState::Unnecessary) };
    write(&journal, [closed, other_alert("i3", IncidentState::Failed)]).await;
    assert!(journal.open_of(vec![sought("i1")]).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_due_comes_in_the_order_of_its_times_and_what_is_not_stays() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    let due = |id: &str, state, at| IncidentRecord { due: Some(at), ..incident(id, state) };
    let between = time(5) + std::time::Duration::from_micros(1);
    write(
        &journal,
        [
            due("i1", IncidentState::Retrying, time(7)),
            due("i2", IncidentState::Verifying, between),
            due("i3", IncidentState::Retrying, time(99)),
            due("i4", IncidentState::Escalated, time(1)),
        ],
    )
    .await;
    // A part of a millisecond too early would be to ask again and again.
    assert!(journal.due(time(5), 9).await.unwrap().is_empty());
    assert_eq!(ids(&journal.due(time(7), 9).await.unwrap()), ["i2", "i1"]);
    assert_eq!(ids(&journal.due(time(100), 2).await.unwrap()), ["i2", "i1"]);
    assert!(journal.next_due(time(0)).await.unwrap().unwrap() >= between);
    assert_eq!(journal.next_due(time(7)).await.unwrap(), Some(time(99)));
    assert_eq!(journal.next_due(time(99)).await.unwrap(), None);
}

#[tokio::test]
async fn what_is_queued_comes_in_slices_that_meet_without_gaps() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    let queued = |number: usize| incident(&format!("i{number}"), IncidentState::Queued);
    let said = IncidentRecord { said_resolved: true, ..queued(3) };
    let running = IncidentRecord { state: IncidentState::Running, ..queued(4) };
    write(&journal, [queued(1), queued(2), said, running, queued(5), queued(6)]).await;
    let first = journal.queued("volsync", &IncidentId::new(""), 3).await.unwrap();
    assert_eq!(
        (ids(&first.incidents), first.next.clone()),
        (vec!["i1", "i2", "i5"], Some(IncidentId::new("i6")))
    );
    let last = journal.queued("volsync", &first.next.unwrap(), 3).await.unwrap();
    assert_eq!((ids(&last.incidents), last.next), (vec!["i6"], None));
    assert!(journal.queued("other", &IncidentId::new(""), 3).await.unwrap().incidents.is_empty());
    assert_eq!(ids(&journal.said_resolved(&IncidentId::new(""), 9).await.unwrap().incidents), ["i3"]);
    assert_eq!(ids(&journal.owed(&IncidentId::new(""), 9).await.unwrap().incidents), ["i4"]);
    let counts = journal.open_counts();
    assert_eq!(
        counts,
        [("volsync".to_owned(), IncidentState::Queued, 5), ("volsync".to_owned(), IncidentState::Running, 1)]
    );
}

#[tokio::test]
async fn a_column_by_which_an_incident_is_found_is_guarded_like_the_rest() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    let due = IncidentRecord { due: Some(time(5)), ..incident("i1", IncidentState::Retrying) };
    write(&journal, [due]).await;
    journal.close().await.unwrap();
    drop(journal);
    tamper(&folder, "UPDATE incidents SET due = NULL");
    let damage = open(&folder).survey().await.damage;
    assert_eq!(damage, ["incidents i1 is damaged: its checksum is wrong"]);
}

#[tokio::test]
async fn a_journal_of_an_earlier_version_is_filled_in_and_one_that_is_cut_off_meanwhile_goes_on() {
    let folder = TempDir::new().unwrap();
    drop(open(&folder));
    let row = |id: &str| {
        let record = incident(id, IncidentState::Queued);
        let json = serde_json::to_string(&record).unwrap();
        let crc = crate::store::seal::Seal::of_record(id, &record.policy, "queued", None, json.as_bytes());
        format!(
            "INSERT INTO incidents (id, policy, state, key, fingerprint, opened_at, crc, record)
             VALUES ('{id}', 'volsync', 'queued', '{{}}', 'f', 0, {crc}, '{json}');"
        )
    };
    // As the columns are added, and before they are filled in.
    let rows: String = (0..1200).map(|number| row(&format!("i{number:04}"))).collect();
    tamper(&folder, &format!("BEGIN; {rows} DELETE FROM tallies; COMMIT;"));
    let journal = open(&folder);
    assert_eq!(journal.open_counts(), [("volsync".to_owned(), IncidentState::Queued, 1200)]);
    let slice = journal.queued("volsync", &IncidentId::new("i1190"), 99).await.unwrap();
    assert_eq!(slice.incidents.len(), 10);
    assert_eq!(ids(&journal.open_of(vec![sought("i0007")]).await.unwrap()), ["i0007"]);
    assert!(journal.survey().await.damage.is_empty());
}
