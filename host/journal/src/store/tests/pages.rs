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

/// Incidents in two namespaces with a run each that came to something; the last has none.
async fn incidents_with_runs(journal: &Journal) {
    for (number, namespace, outcome) in [
        (1, "media", Some("failed")),
        (2, "home", Some("remediated")),
        (3, "media", Some("remediated")),
        (4, "media", None),
    ] {
        let (id, run_id) = (format!("i{number}"), format!("r{number}"));
        let key = Labels::from(
            [("obj_namespace", namespace), ("obj_name", "plex")]
                .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        let mut record = IncidentRecord { key, ..incident(&id, IncidentState::Escalated) };
        let mut changes = Vec::new();
        if let Some(outcome) = outcome {
            record.runs = vec![RunId::new(&run_id)];
            let run = RunRecord {
                incident: IncidentId::new(&id),
                outcome: Some(outcome.to_owned()),
                ..ended(&run_id, 9)
            };
            changes.push(Change::Begin(run, header()));
        }
        changes.push(Change::Incident(record));
        journal.commit(changes, Durability::Synced).await.unwrap();
    }
}

#[tokio::test]
async fn lists_tell_what_each_is_about_and_came_to_and_are_filtered_by_it() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    incidents_with_runs(&journal).await;
    let media = || Filter { namespace: Some("media".into()), ..Filter::default() };
    let failed = |filter| Filter { outcome: Some("failed".into()), ..filter };
    let runs = journal.list_runs(media()).await.unwrap().items;
    let shown = |run: &crate::ListedRun| {
        (run.run.id.to_string(), run.subject.namespace.clone().unwrap(), run.subject.object.clone().unwrap())
    };
    let is = |id: &str| (id.to_owned(), "media".to_owned(), "plex".to_owned());
    assert_eq!(runs.iter().map(shown).collect::<Vec<_>>(), [is("r3"), is("r1")]);
    assert_eq!(ids(&journal, failed(media())).await.0, ["r1"]);
    let incidents = journal.list_incidents(media()).await.unwrap().items;
    let outcomes: Vec<_> = incidents.iter().map(|one| one.outcome.as_deref().unwrap_or("-")).collect();
    assert_eq!(outcomes, ["-", "remediated", "failed"]);
    let found = journal.incidents(failed(Filter::default())).await.unwrap().items;
    assert_eq!(found.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["i1"]);
}

#[tokio::test]
async fn what_is_open_and_what_began_since_a_time_is_found() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    let id = |second| {
        ulid::Ulid::from_parts(u64::try_from(time(second).as_millisecond()).unwrap(), 1)
            .to_string()
            .to_lowercase()
    };
    for second in [10, 20, 30] {
        let closed_at = (second == 20).then(|| time(25));
        let record = IncidentRecord { closed_at, ..incident(&id(second), IncidentState::Planned) };
        journal.commit(vec![Change::Incident(record)], Durability::Synced).await.unwrap();
    }
    let found = async |filter| -> Vec<String> {
        let page = journal.incidents(filter).await.unwrap();
        page.items.into_iter().map(|incident| incident.id.to_string()).collect()
    };
    let open = |open| Filter { open: Some(open), ..Filter::default() };
    assert_eq!(found(open(true)).await, [id(30), id(10)]);
    assert_eq!(found(open(false)).await, [id(20)]);
    let since = |second| Filter { since: Some(crate::Since::At(time(second))), ..Filter::default() };
    assert_eq!(found(since(20)).await, [id(30), id(20)]);
    assert!(found(since(31)).await.is_empty());
}

#[tokio::test]
async fn a_page_of_what_is_rare_ends_after_so_many_rows_and_the_next_goes_on_there() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    incidents_with_runs(&journal).await;
    let many =
        (0..10_050).map(|number| Change::Incident(incident(&format!("x{number}"), IncidentState::Planned)));
    journal.commit(many.collect(), Durability::Synced).await.unwrap();
    let rare = Filter { namespace: Some("home".into()), ..Filter::default() };
    let first = journal.list_incidents(rare.clone()).await.unwrap();
    assert!(first.items.is_empty() && first.next.is_some());
    let second = journal.list_incidents(Filter { after: first.next, ..rare }).await.unwrap();
    assert_eq!((second.items.len(), second.next), (1, None));
}

#[tokio::test]
async fn a_record_is_found_by_the_end_of_its_id_and_by_its_beginning() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    for (incident_id, run_id) in
        [("01ka00aaaaaaaaaa", "01kb00bbbbbbbbqr"), ("01ka00cccccccccc", "01kb00ddddddddqr")]
    {
        let run = RunRecord { incident: IncidentId::new(incident_id), ..run(run_id) };
        let incident =
            IncidentRecord { runs: vec![run.id.clone()], ..incident(incident_id, IncidentState::Planned) };
        journal
            .commit(vec![Change::Begin(run, header()), Change::Incident(incident)], Durability::Synced)
            .await
            .unwrap();
    }
    let run = async |name: &str| match journal.run_called(name).await {
        Ok(run) => run.id.to_string(),
        Err(error) => error.to_string(),
    };
    for name in ["01kb00bbbbbbbbqr", "bbqr", "BBQR", "01kb00b"] {
        assert_eq!(run(name).await, "01kb00bbbbbbbbqr", "{name}");
    }
    assert!(run("qr").await.contains("more than one run: 01kb00bbbbbbbbqr, 01kb00ddddddddqr"));
    assert_eq!(
        run("aaaa").await,
        "`aaaa` is an incident, and a run is wanted; its runs, newest first: 01kb00bbbbbbbbqr"
    );
    for nobody in ["", "zz", "%", "_", "b' OR 1", "ä"] {
        assert!(run(nobody).await.starts_with("there is no run"), "{nobody}");
    }
    assert_eq!(journal.incident_called("cc").await.unwrap().id.as_str(), "01ka00cccccccccc");
    let error = journal.incident_called("bbqr").await.unwrap_err().to_string();
    assert_eq!(error, "`bbqr` is a run, and an incident is wanted; its incident is 01ka00aaaaaaaaaa");
}

#[tokio::test]
async fn a_place_that_no_page_named_is_an_error() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    let filter = Filter { after: Some("' OR 1".into()), ..Filter::default() };
    assert!(journal.runs(filter).await.unwrap_err().to_string().contains("`next` of an earlier page"));
}
