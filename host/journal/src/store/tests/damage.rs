use super::*;

/// A journal with an inbox of 2, two incidents and two runs of three entries.
async fn filled(folder: &TempDir) {
    let journal = open(folder);
    journal.commit(vec![notification("one"), notification("two")], Durability::Synced).await.unwrap();
    for id in ["1", "2"] {
        let incident = incident(&format!("i{id}"), IncidentState::Escalated);
        journal.commit(vec![Change::Incident(incident)], Durability::Synced).await.unwrap();
        let log = begin(&journal, &format!("r{id}")).await;
        for step in 1..=3 {
            log.append(entry(step, &"repeated ".repeat(200)), Durability::Lazy).await.unwrap();
        }
    }
    journal.close().await.unwrap();
}

#[tokio::test]
async fn a_changed_byte_in_an_entry_is_named_and_the_rest_can_be_read() {
    let folder = TempDir::new().unwrap();
    filled(&folder).await;
    // One byte in the middle of a compressed entry.
    tamper(
        &folder,
        "UPDATE entries SET body = CAST(substr(body, 1, 30) || x'ff' || substr(body, 32) AS BLOB)
         WHERE run = 'r1' AND seq = 2;",
    );
    let journal = open(&folder);
    let error = journal.entries(&RunId::new("r1")).await.unwrap_err().to_string();
    assert_eq!(error, "entries r1/2 is damaged: its checksum is wrong");
    let (legible, damaged) = journal.legible_entries(&RunId::new("r1")).await.unwrap();
    assert_eq!(legible.iter().map(|entry| entry.step).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(damaged.len(), 1);
    assert_eq!(journal.entries(&RunId::new("r2")).await.unwrap().len(), 3);
}

#[tokio::test]
async fn every_single_byte_of_an_entry_is_guarded() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    let log = begin(&journal, "r1").await;
    log.append(entry(1, "x"), Durability::Synced).await.unwrap();
    journal.close().await.unwrap();
    drop((journal, log));
    let connection = rusqlite::Connection::open(folder.path().join(Journal::FILE)).unwrap();
    let body: Vec<u8> = connection.query_row("SELECT body FROM entries", [], |row| row.get(0)).unwrap();
    let reader = Journal::open_read_only(folder.path()).unwrap();
    for place in 0..body.len() {
        let mut changed = body.clone();
        changed[place] ^= 1;
        connection.execute("UPDATE entries SET body = ?", [changed]).unwrap();
        assert!(reader.entries(&RunId::new("r1")).await.is_err(), "byte {place}");
    }
}

#[tokio::test]
async fn an_entry_that_is_missing_is_named() {
    let folder = TempDir::new().unwrap();
    filled(&folder).await;
    tamper(&folder, "DELETE FROM entries WHERE run = 'r1' AND seq = 2;");
    let error = open(&folder).entries(&RunId::new("r1")).await.unwrap_err().to_string();
    assert_eq!(error, "entries r1/2 is missing");
}

#[tokio::test]
async fn entries_that_changed_places_are_noticed() {
    let folder = TempDir::new().unwrap();
    filled(&folder).await;
    tamper(
        &folder,
        "UPDATE entries SET seq = 9 WHERE run = 'r1' AND seq = 1;
         UPDATE entries SET seq = 1 WHERE run = 'r1' AND seq = 2;
         UPDATE entries SET seq = 2 WHERE run = 'r1' AND seq = 9;",
    );
    assert!(open(&folder).entries(&RunId::new("r1")).await.is_err());
}

#[tokio::test]
async fn a_damaged_row_of_each_table_is_named_and_the_others_are_found() {
    let folder = TempDir::new().unwrap();
    filled(&folder).await;
    tamper(
        &folder,
        "UPDATE inbox SET body = x'00' WHERE id = 1;
         UPDATE incidents SET record = replace(record, 'new', 'old') WHERE id = 'i1';
         UPDATE runs SET record = CAST(x'7bff' AS TEXT), packed_header = x'7b' WHERE id = 'r1';",
    );
    let journal = open(&folder);
    let inbox = journal.inbox(9).await.unwrap();
    assert_eq!(inbox.len(), 1);
    assert_eq!(inbox[0].1.body, b"two");
    assert_eq!(journal.open_incidents().await.unwrap().len(), 1);
    assert_eq!(journal.unfinished_runs().await.unwrap(), [run("r2")]);

    let page = journal.incidents(crate::Filter::default()).await.unwrap();
    assert_eq!(page.items.len(), 1);
    assert_eq!(page.damaged, ["incidents i1 is damaged: its checksum is wrong"]);
    assert_eq!(page.next, None);
    let error = journal.run(&RunId::new("r1")).await.unwrap_err().to_string();
    assert_eq!(error, "runs r1 is damaged: its checksum is wrong");
    let error = journal.header(&RunId::new("r1")).await.unwrap_err().to_string();
    assert_eq!(error, "header of runs r1 is damaged: its checksum is wrong");
    assert!(journal.incident(&IncidentId::new("i1")).await.is_err());
    assert!(journal.incident(&IncidentId::new("i2")).await.unwrap().is_some());
}

#[tokio::test]
async fn a_record_without_its_end_does_not_look_whole() {
    let folder = TempDir::new().unwrap();
    filled(&folder).await;
    tamper(&folder, "DELETE FROM entries WHERE run = 'r1' AND seq = 3;");
    let error = open(&folder).entries(&RunId::new("r1")).await.unwrap_err().to_string();
    assert_eq!(error, "entries r1/3 is missing, and 2 are there of 3");
}

#[tokio::test]
async fn a_row_that_damage_has_ended_is_not_passed_over() {
    let folder = TempDir::new().unwrap();
    filled(&folder).await;
    tamper(
        &folder,
        "UPDATE runs SET state = 'ended', ended_at = 5 WHERE id = 'r1';
         UPDATE incidents SET closed_at = 5 WHERE id = 'i2';
         UPDATE inbox SET policy = 'another' WHERE id = 2;",
    );
    let journal = open(&folder);
    let damage = &journal.survey().await.damage;
    for row in ["runs r1", "incidents i2", "inbox 2"] {
        assert!(damage.contains(&format!("{row} is damaged: its checksum is wrong")), "{damage:?}");
    }
    assert_eq!(journal.unfinished_runs().await.unwrap(), [run("r2")]);
    assert_eq!(journal.inbox(9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_index_that_is_not_as_its_table_is_made_anew() {
    let folder = TempDir::new().unwrap();
    filled(&folder).await;
    // Rows move while their index is out of sight.
    let index = "name = 'runs_unfinished'";
    let connection = rusqlite::Connection::open(folder.path().join(Journal::FILE)).unwrap();
    let (root, sql): (i64, String) = connection
        .query_row(&format!("SELECT rootpage, sql FROM sqlite_schema WHERE {index}"), [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    drop(connection);
    tamper(&folder, &format!("PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE {index};"));
    tamper(&folder, "UPDATE runs SET place = place + 10;");
    tamper(
        &folder,
        &format!(
            "PRAGMA writable_schema = ON;
             INSERT INTO sqlite_schema VALUES ('index', 'runs_unfinished', 'runs', {root}, '{sql}');"
        ),
    );
    let journal = open(&folder);
    let survey = journal.survey().await;
    assert!(survey.damage.is_empty() && survey.is_reindexed, "{survey:?}");
    assert_eq!(journal.unfinished_runs().await.unwrap().len(), 2);
}
