//! A disk that is full, as SQLite's `max_page_count` plays it.

use super::*;

async fn allow_pages(journal: &Journal, more: Option<i64>) {
    let job = move |connection: &mut rusqlite::Connection| {
        let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        let used = number("PRAGMA page_count")?;
        number(&format!("PRAGMA max_page_count = {}", more.map_or(1 << 30, |more| used + more)))
    };
    journal.writer().unwrap().job(job).await.unwrap();
}

#[tokio::test]
async fn a_full_disk_refuses_and_room_heals() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    journal.commit(vec![notification("before")], Durability::Synced).await.unwrap();
    allow_pages(&journal, Some(0)).await;

    let large = || notification("x".repeat(100_000));
    let error = journal.commit(vec![large()], Durability::Synced).await.unwrap_err().to_string();
    assert!(error.contains("is full") && error.contains("make room"), "{error}");
    assert_eq!(journal.health().unwrap_err().to_string(), error);
    assert_eq!(journal.inbox_len(), 1);
    assert_eq!(journal.inbox(9).await.unwrap().len(), 1);

    allow_pages(&journal, None).await;
    journal.commit(vec![large()], Durability::Synced).await.unwrap();
    journal.health().unwrap();
    assert_eq!(journal.inbox_len(), 2);
}

#[tokio::test]
async fn a_lazy_entry_outlives_a_full_disk() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    let log = begin(&journal, "r1").await;
    allow_pages(&journal, Some(0)).await;
    // Nothing that zstd could make small: a page that is half empty must not do.
    let mut seed = 1_u64;
    let noise: String = (0..100_000)
        .map(|_| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b' ' + (seed >> 58) as u8)
        })
        .collect();
    log.append(entry(1, &noise), Durability::Lazy).await.unwrap();
    let large = || notification("x".repeat(100_000));
    journal.commit(vec![large()], Durability::Synced).await.unwrap_err();
    // Nothing is promised on a disk that has just refused, not even lazily.
    log.append(entry(2, "refused"), Durability::Lazy).await.unwrap_err();

    allow_pages(&journal, None).await;
    log.append(entry(3, "after"), Durability::Lazy).await.unwrap();
    journal.health().unwrap();
    let entries = journal.entries(&RunId::new("r1")).await.unwrap();
    assert_eq!(entries.iter().map(|entry| entry.step).collect::<Vec<_>>(), [1, 3]);
}

#[tokio::test]
async fn what_a_full_disk_swallows_at_the_end_is_told() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    allow_pages(&journal, Some(0)).await;
    let large = notification("x".repeat(100_000));
    journal.commit(vec![large], Durability::Lazy).await.unwrap();
    let error = journal.close().await.unwrap_err().to_string();
    assert!(error.contains("lost") && error.contains("is full"), "{error}");
}

#[tokio::test]
async fn notifications_that_are_routed_make_room_again() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    let large = || notification("x".repeat(50_000));
    journal.commit(vec![large()], Durability::Synced).await.unwrap();
    allow_pages(&journal, Some(0)).await;
    for _ in 0..20 {
        let ids = journal.inbox(9).await.unwrap().into_iter().map(|(id, _)| id).collect();
        journal.commit(vec![Change::Routed(ids)], Durability::Synced).await.unwrap();
        journal.commit(vec![large()], Durability::Synced).await.unwrap();
    }
}
