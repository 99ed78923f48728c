use super::*;
use crate::pause::PauseRecord;

fn pause(policy: Option<&str>) -> PauseRecord {
    PauseRecord {
        policy: policy.map(str::to_owned),
        who: "alice".into(),
        reason: "the storage is moved".into(),
        since: time(1),
        until: policy.is_some().then(|| time(60)),
        drain: None,
    }
}

#[tokio::test]
async fn a_pause_is_there_after_reopening_until_somebody_resumes() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    let both = [pause(None), pause(Some("volsync"))];
    let changes = both.iter().cloned().map(Change::Pause).collect();
    journal.commit(changes, Durability::Synced).await.unwrap();
    journal.close().await.unwrap();
    let journal = open(&folder);
    assert_eq!(journal.pauses().await.unwrap(), both);
    let again = PauseRecord { who: "bob".into(), ..pause(None) };
    let changes = vec![Change::Pause(again.clone()), Change::Resume(Some("volsync".into()))];
    journal.commit(changes, Durability::Synced).await.unwrap();
    assert_eq!(journal.pauses().await.unwrap(), [again]);
    journal.commit(vec![Change::Resume(None)], Durability::Synced).await.unwrap();
    assert_eq!(journal.pauses().await.unwrap(), []);
}

#[tokio::test]
async fn a_pause_whose_record_is_damaged_holds_and_is_told() {
    let folder = TempDir::new().unwrap();
    let journal = open(&folder);
    journal.commit(vec![Change::Pause(pause(Some("volsync")))], Durability::Synced).await.unwrap();
    journal.close().await.unwrap();
    tamper(&folder, "UPDATE pauses SET record = replace(record, 'alice', 'mallory')");
    let journal = open(&folder);
    let found = journal.pauses().await.unwrap();
    assert_eq!((found.len(), found[0].policy.as_deref(), found[0].until), (1, Some("volsync"), None));
    assert!(found[0].reason.contains("pauses volsync is damaged"), "{found:?}");
    let damage = journal.survey().await.damage;
    assert!(damage.iter().any(|damage| damage.contains("pauses volsync")), "{damage:?}");
}
