use std::os::unix::fs::PermissionsExt;

use super::*;

fn refusal(folder: &TempDir) -> String {
    let Err(error) = Journal::open(folder.path(), Arc::new(RealClock)) else {
        panic!("it was opened");
    };
    let error = error.to_string();
    assert!(error.contains(folder.path().to_str().unwrap()), "{error}");
    error
}

fn mode(path: &std::path::Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn the_folder_and_the_files_are_for_their_owner_alone() {
    let folder = TempDir::new().unwrap();
    let storage = folder.path().join("a/b");
    let journal = Journal::open(&storage, Arc::new(RealClock)).unwrap();
    journal.commit(vec![notification("a")], Durability::Synced).await.unwrap();
    assert_eq!(mode(&storage), 0o700);
    for file in ["journal.db", "journal.db-wal", "journal.lock"] {
        assert_eq!(mode(&storage.join(file)), 0o600, "{file}");
    }
}

#[tokio::test]
async fn the_file_is_as_the_design_wants_it() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    let pragma = |name: &'static str| {
        let job = move |connection: &mut rusqlite::Connection| {
            connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, rusqlite::types::Value>(0))
        };
        let journal = journal.clone();
        async move { journal.writer().unwrap().job(job).await.unwrap() }
    };
    use rusqlite::types::Value::{Integer, Text};
    assert_eq!(pragma("journal_mode").await, Text("wal".into()));
    assert_eq!(pragma("synchronous").await, Integer(2));
    assert_eq!(pragma("auto_vacuum").await, Integer(2));
    assert_eq!(pragma("foreign_keys").await, Integer(1));
    assert_eq!(pragma("application_id").await, Integer(0x5375_7472));
    assert_eq!(pragma("integrity_check").await, Text("ok".into()));
}

#[test]
fn a_second_process_is_refused_while_the_first_is_at_work() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    let error = refusal(&folder);
    assert!(error.contains("in use by another suture process (pid "), "{error}");
    drop(journal);
    open(&folder);
}

#[tokio::test]
async fn a_reader_needs_no_lock_and_cannot_write() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    begin(&journal, "r1").await;
    for path in [folder.path().to_owned(), folder.path().join("journal.db")] {
        let reader = Journal::open_read_only(&path).unwrap();
        assert_eq!(reader.run(&RunId::new("r1")).await.unwrap(), Some(run("r1")));
        let error = reader.commit(vec![notification("a")], Durability::Synced).await.unwrap_err();
        assert!(error.to_string().contains("read only"), "{error}");
    }
    journal.close().await.unwrap();
    drop(journal);
    let reader = Journal::open_read_only(folder.path()).unwrap();
    assert_eq!(reader.run(&RunId::new("r1")).await.unwrap(), Some(run("r1")));
}

#[test]
fn a_reader_of_nothing_is_told_what_to_name() {
    let folder = TempDir::new().unwrap();
    let error = Journal::open_read_only(folder.path()).err().unwrap().to_string();
    assert!(error.contains("there is no journal at"), "{error}");
    assert!(!folder.path().join("journal.db").exists());
}

#[test]
fn garbage_is_refused_and_left_as_it_is() {
    let folder = TempDir::new().unwrap();
    let garbage = b"these are not the pages you are looking for".repeat(500);
    std::fs::write(folder.path().join("journal.db"), &garbage).unwrap();
    assert!(refusal(&folder).contains("is not a journal"));
    assert_eq!(std::fs::read(folder.path().join("journal.db")).unwrap(), garbage);
}

#[tokio::test]
async fn a_file_that_was_cut_off_is_refused() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    for _ in 0..20 {
        journal.commit(vec![notification("x".repeat(20_000))], Durability::Synced).await.unwrap();
    }
    journal.close().await.unwrap();
    drop(journal);
    let path = folder.path().join("journal.db");
    let length = std::fs::metadata(&path).unwrap().len();
    std::fs::File::options().write(true).open(&path).unwrap().set_len(length / 2).unwrap();
    let error = refusal(&folder);
    assert!(error.contains("is damaged") && error.contains("backup"), "{error}");
    let error = Journal::open_read_only(&path).err().unwrap().to_string();
    assert!(error.contains("is damaged"), "{error}");
}

#[test]
fn the_database_of_another_application_is_refused_and_left_as_it_is() {
    let folder = TempDir::new().unwrap();
    tamper(&folder, "CREATE TABLE photos (id INTEGER); PRAGMA user_version = 7;");
    assert!(refusal(&folder).contains("another application"));
    tamper(&folder, "INSERT INTO photos VALUES (1);");
}

#[test]
fn a_journal_of_a_newer_version_is_refused() {
    let folder = TempDir::new().unwrap();
    drop(open(&folder));
    tamper(&folder, "PRAGMA user_version = 99;");
    let error = refusal(&folder);
    assert!(error.contains("newer version of suture (schema 99"), "{error}");
}

#[test]
fn a_folder_that_is_a_file_is_named() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("occupied");
    std::fs::write(&path, "").unwrap();
    let error = Journal::open(&path, Arc::new(RealClock)).err().unwrap().to_string();
    assert!(error.contains("occupied") && error.contains("storage.path"), "{error}");
}

#[test]
fn a_journal_from_before_the_first_release_is_refused_and_left_as_it_is() {
    let folder = TempDir::new().unwrap();
    drop(open(&folder));
    tamper(&folder, "PRAGMA user_version = 1;");
    let before = std::fs::read(folder.path().join("journal.db")).unwrap();
    let error = refusal(&folder);
    assert!(error.contains("schema 1") && error.contains("move it away"), "{error}");
    assert_eq!(std::fs::read(folder.path().join("journal.db")).unwrap(), before);
}

#[tokio::test]
async fn a_file_that_was_emptied_is_refused_and_its_log_is_kept() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    journal.commit(vec![notification("a")], Durability::Synced).await.unwrap();
    let copy = TempDir::new().unwrap();
    std::fs::copy(folder.path().join("journal.db-wal"), copy.path().join("journal.db-wal")).unwrap();
    for database in [None, Some(b"")] {
        if let Some(database) = database {
            std::fs::write(copy.path().join("journal.db"), database).unwrap();
        }
        let error = refusal(&copy);
        assert!(error.contains("journal.db-wal is not") && error.contains("backup"), "{error}");
        let length =
            |folder: &TempDir| std::fs::metadata(folder.path().join("journal.db-wal")).unwrap().len();
        assert_eq!(length(&copy), length(&folder));
        assert_eq!(copy.path().join("journal.db").exists(), database.is_some());
    }
}

#[tokio::test]
async fn a_journal_whose_first_page_is_gone_is_refused_and_left_as_it_is() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    journal.commit(vec![notification("a")], Durability::Synced).await.unwrap();
    journal.close().await.unwrap();
    let path = folder.path().join("journal.db");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[..8192].fill(0);
    std::fs::write(&path, &bytes).unwrap();
    let error = refusal(&folder);
    assert!(error.contains("is not a journal") && error.contains("move it away"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}
