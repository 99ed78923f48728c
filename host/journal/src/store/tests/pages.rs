use super::*;
use crate::page::Filter;

async fn five_runs(journal: &Journal) {
    for number in 1..=5 {
        let id = format!("r{number}");
        begin(journal, &id).await;
        if number % 2 == 0 {
            let mut run = ended(&id, 9);
            run.policy = "other".into();
            journal.commit(vec![Change::Run(run)], Durability::Synced).await.unwrap();
        }
    }
}

async fn ids(journal: &Journal, filter: Filter) -> (Vec<String>, Option<String>) {
    let page = journal.runs(filter).await.unwrap();
    assert!(page.damaged.is_empty());
    (page.items.into_iter().map(|run| run.id.to_string()).collect(), page.next)
}

#[tokio::test]
async fn pages_go_from_the_newest_to_the_oldest_and_meet_without_gaps() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    five_runs(&journal).await;
    let page = |after| Filter { limit: Some(2), after, ..Filter::default() };
    let (first, next) = ids(&journal, page(None)).await;
    // What comes meanwhile does not move the next page.
    begin(&journal, "r6").await;
    let (second, next) = ids(&journal, page(next)).await;
    let (third, end) = ids(&journal, page(next)).await;
    assert_eq!(
        (first, second, third),
        (vec!["r5".into(), "r4".into()], vec!["r3".into(), "r2".into()], vec!["r1".into()])
    );
    assert_eq!(end, None);
}

#[tokio::test]
async fn a_run_that_changes_keeps_its_place_and_is_found_by_its_new_state() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    five_runs(&journal).await;
    let state = |state: &str| Filter { state: Some(state.into()), ..Filter::default() };
    assert_eq!(ids(&journal, state("ended")).await.0, ["r4", "r2"]);
    assert_eq!(ids(&journal, state("running")).await.0, ["r5", "r3", "r1"]);
    assert!(ids(&journal, state("no such state")).await.0.is_empty());
    let by_policy =
        Filter { policy: Some("volsync".into()), state: Some("running".into()), ..Filter::default() };
    assert_eq!(ids(&journal, by_policy).await.0, ["r5", "r3", "r1"]);
}

#[tokio::test]
async fn incidents_are_found_by_state_and_policy() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    let changes =
        [("i1", IncidentState::Escalated), ("i2", IncidentState::Queued), ("i3", IncidentState::Escalated)]
            .map(|(id, state)| Change::Incident(incident(id, state)));
    journal.commit(changes.into(), Durability::Synced).await.unwrap();
    let closed = IncidentRecord { closed_at: Some(time(5)), ..incident("i3", IncidentState::Resolved) };
    journal.commit(vec![Change::Incident(closed)], Durability::Synced).await.unwrap();

    let filter = Filter { state: Some("escalated".into()), ..Filter::default() };
    let page = journal.incidents(filter).await.unwrap();
    assert_eq!(page.items, [incident("i1", IncidentState::Escalated)]);
    assert_eq!(journal.open_incidents().await.unwrap().len(), 2);
    let nobody = Filter { policy: Some("nobody".into()), ..Filter::default() };
    assert!(journal.incidents(nobody).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn a_place_that_no_page_named_is_an_error() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    let filter = Filter { after: Some("' OR 1".into()), ..Filter::default() };
    assert!(journal.runs(filter).await.unwrap_err().0.contains("`next` of an earlier page"));
}
