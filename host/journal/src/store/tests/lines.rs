use super::*;
use crate::store::Line;

fn held(id: &str, namespace: &str) -> IncidentRecord {
    IncidentRecord { held_in: Some(namespace.into()), ..incident(id, IncidentState::Held) }
}

#[tokio::test]
async fn of_each_line_it_is_known_since_when_the_first_waits() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    let since = |second, incident: IncidentRecord| IncidentRecord { since: Some(time(second)), ..incident };
    let other = IncidentRecord { policy: "other".into(), ..incident("i9", IncidentState::Queued) };
    let changes = [
        // It came back to its place only now.
        since(90, incident("i1", IncidentState::Queued)),
        since(20, incident("i2", IncidentState::Queued)),
        since(30, incident("i3", IncidentState::Retrying)),
        since(40, incident("i4", IncidentState::Received)),
        since(60, held("i5", "media")),
        since(50, held("i6", "home")),
        since(70, held("i7", "home")),
        incident("i8", IncidentState::Running),
        other,
    ];
    journal.commit(changes.into_iter().map(Change::Incident).collect(), Durability::Synced).await.unwrap();
    let mut lines = journal.lines().await.unwrap();
    lines.sort_by_key(|line| line.since);
    let line = |policy: &str, state, held_in: Option<&str>, second| Line {
        policy: policy.into(),
        state,
        held_in: held_in.map(str::to_owned),
        since: time(second),
    };
    assert_eq!(
        lines,
        [
            line("other", IncidentState::Queued, None, 1),
            line("volsync", IncidentState::Queued, None, 20),
            line("volsync", IncidentState::Retrying, None, 30),
            line("volsync", IncidentState::Received, None, 40),
            line("volsync", IncidentState::Held, Some("home"), 50),
            line("volsync", IncidentState::Held, Some("media"), 60),
        ]
    );
}

#[tokio::test]
async fn those_that_are_held_back_stand_in_no_queue_and_are_found_by_their_namespace() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    let changes = [held("i1", "media"), held("i2", "home"), incident("i3", IncidentState::Queued)];
    journal.commit(changes.into_iter().map(Change::Incident).collect(), Durability::Synced).await.unwrap();
    let queued = journal.queued("volsync", &IncidentId::new(""), 9).await.unwrap();
    assert_eq!(queued.incidents, [incident("i3", IncidentState::Queued)]);
    let mut namespaces = journal.held_in("volsync").await.unwrap();
    namespaces.sort();
    assert_eq!(namespaces, ["home", "media"]);
    assert_eq!(journal.held("volsync", "home", 9).await.unwrap(), [held("i2", "home")]);
    assert_eq!(journal.held("other", "home", 9).await.unwrap(), []);
    journal
        .commit(vec![Change::Incident(incident("i2", IncidentState::Queued))], Durability::Synced)
        .await
        .unwrap();
    assert_eq!(journal.held_in("volsync").await.unwrap(), ["media"]);
}

#[tokio::test]
async fn the_first_of_a_line_is_found_by_an_index() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    let plan = |sql: &'static str| {
        let job = move |connection: &mut rusqlite::Connection| {
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
            let steps = plan.query_map([], |row| row.get::<_, String>(3))?;
            steps.collect::<Result<Vec<_>, _>>()
        };
        let journal = journal.clone();
        async move { journal.writer().unwrap().job(job).await.unwrap().join("; ") }
    };
    for sql in [
        "SELECT record FROM incidents WHERE policy = 'p' AND queued = 1 AND id >= '' ORDER BY id LIMIT 9",
        "SELECT record FROM incidents WHERE policy = 'p' AND queued = -5 ORDER BY id LIMIT 9",
        "SELECT min(queued) FROM incidents WHERE policy = 'p' AND queued > -9223372036854775808",
    ] {
        let plan = plan(sql).await;
        assert!(plan.contains("incidents_lines") && !plan.contains("TEMP B-TREE"), "{sql}: {plan}");
    }
}
