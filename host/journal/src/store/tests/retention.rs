use super::*;
use crate::store::Pruned;

async fn old_runs(journal: &Journal, count: i64) {
    let closed = IncidentRecord { closed_at: Some(time(10)), ..incident("i1", IncidentState::Resolved) };
    journal.commit(vec![Change::Incident(closed)], Durability::Synced).await.unwrap();
    for number in 1..=count {
        let id = format!("r{number}");
        journal.commit(vec![Change::Begin(ended(&id, number), header())], Durability::Lazy).await.unwrap();
        let log = journal.run_log(RunId::new(id));
        log.append(entry(1, "a"), Durability::Lazy).await.unwrap();
    }
}

async fn count(journal: &Journal, table: &'static str) -> i64 {
    let job = move |connection: &mut rusqlite::Connection| {
        connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))
    };
    journal.writer().unwrap().job(job).await.unwrap()
}

#[tokio::test]
async fn what_is_old_leaves_with_all_that_belongs_to_it() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    old_runs(&journal, 130).await;
    let pruned = journal.prune(time(1000), 0).await.unwrap();
    assert_eq!(pruned, Pruned { runs: 130, incidents: 1 });
    for table in ["runs", "entries", "incidents"] {
        assert_eq!(count(&journal, table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn what_is_young_or_at_work_or_among_the_newest_stays() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    begin(&journal, "at-work").await;
    old_runs(&journal, 10).await;
    assert_eq!(journal.prune(time(6), 0).await.unwrap(), Pruned { runs: 5, incidents: 0 });
    assert_eq!(journal.prune(time(1000), 3).await.unwrap().runs, 2);
    let page = journal.runs(crate::Filter::default()).await.unwrap();
    let left: Vec<_> = page.items.iter().map(|run| run.id.as_str()).collect();
    assert_eq!(left, ["r10", "r9", "r8", "at-work"]);
    // The incident is over, and has runs that are still told of.
    assert_eq!(count(&journal, "incidents").await, 1);
    assert_eq!(journal.entries(&RunId::new("r10")).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_incident_that_is_open_stays_however_old() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    journal
        .commit(vec![Change::Incident(incident("i9", IncidentState::Escalated))], Durability::Synced)
        .await
        .unwrap();
    assert_eq!(journal.prune(Timestamp::MAX, 0).await.unwrap(), Pruned::default());
    assert_eq!(journal.open_incidents().await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_room_goes_back_to_the_disk() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    let body: Vec<u8> = (0..4_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    journal.commit(vec![notification(body)], Durability::Synced).await.unwrap();
    let id = journal.inbox(1).await.unwrap()[0].0;
    journal.commit(vec![Change::Routed(vec![id])], Durability::Synced).await.unwrap();
    journal.prune(time(0), 0).await.unwrap();
    journal.close().await.unwrap();
    let length = std::fs::metadata(journal.path()).unwrap().len();
    assert!(length < 1_000_000, "{length} bytes are left");
}
