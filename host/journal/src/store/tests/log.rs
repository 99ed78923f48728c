//! The write-ahead log beside the file stays small.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::store::wal;

/// What is written, in bytes, and what of it the log may hold at any time.
const WRITTEN: u64 = 96 << 20;
const BOUND: u64 = 32 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_overlap_do_not_let_the_log_grow() {
    let folder = TempDir::new().unwrap();
    // So its log is to have 4 MiB.
    let journal = Journal::open_bounded(folder.path(), Arc::new(RealClock), Some(64 << 20)).unwrap();
    let is_over = Arc::new(AtomicBool::new(false));
    let (told, begun) = std::sync::mpsc::channel();
    let reader = |first: u64| {
        let (path, is_over, told) = (journal.path().to_owned(), is_over.clone(), told.clone());
        std::thread::spawn(move || {
            let connection = rusqlite::Connection::open(path).unwrap();
            let begin = "BEGIN; SELECT count(*) FROM inbox";
            let look = |time| {
                connection.execute_batch(begin).unwrap();
                connection.query_row("SELECT count(*) FROM runs", [], |row| row.get::<_, i64>(0)).unwrap();
                std::thread::sleep(std::time::Duration::from_millis(time));
                connection.execute_batch("COMMIT").unwrap();
            };
            look(first);
            told.send(()).unwrap();
            while !is_over.load(Ordering::Acquire) {
                look(20);
            }
        })
    };
    let readers = [reader(1), reader(10)];
    readers.iter().for_each(|_| begun.recv().unwrap());
    let (mut written, mut largest) = (0, 0);
    while written < WRITTEN {
        let id = journal.reserve().unwrap();
        let Change::Accept(_, record) = notification(vec![b'x'; 1 << 20]) else { panic!() };
        journal.commit(vec![Change::Accept(Some(id), record)], Durability::Synced).await.unwrap();
        journal.commit(vec![Change::Routed(vec![id])], Durability::Synced).await.unwrap();
        written += 1 << 20;
        largest = largest.max(wal::beside(journal.path()).metadata().unwrap().len());
    }
    is_over.store(true, Ordering::Release);
    readers.into_iter().for_each(|reader| reader.join().unwrap());
    assert!(largest <= BOUND, "{largest} of {WRITTEN} bytes");
}
