//! `kill -9` of the real `suture serve`, anywhere. The cluster lives on in this process, and
//! so the test knows where the host is: each request can be stopped before it is performed
//! and after. There the host is killed and started again on the same storage. It must end as
//! it does without, or in a doubt that people are told of; nothing is done twice, and nothing
//! is left to undo.

mod end;
mod harness;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use futures::{StreamExt, TryStreamExt};
use parking_lot::Mutex;
use suture_simulator::SimulatedCluster;
use suture_tests::gate::{Point, Side, Stop};
use tokio::sync::OnceCell;

use harness::{Kills, Play, Played, Shared};

/// How many cases are played at once by a test: each waits most of the time.
const AT_ONCE: usize = 6;
/// How often a case is played until its host comes to where it is to be killed: a busy machine
/// looks once less at a wait.
const TRIES: usize = 3;

/// An unlock, a sync, the schedule given back: two changes, and an undo.
pub(crate) const STALE_LOCK: Play = Play {
    scenario: "stale-lock.yaml",
    instead: &[("after: 3m", "after: 20s")],
    settings: "{}",
    meanwhile: nothing,
};
/// A sync alone.
const MISSED_SYNC: Play = Play { scenario: "missed-sync.yaml", ..STALE_LOCK };
/// A deletion, then a sync.
const HUNG_SNAPSHOT: Play = Play { scenario: "06-cleans-up-before-it-triggers.yaml", ..STALE_LOCK };
/// VolSync never answers: what was triggered is taken back, and people are told.
const NO_ANSWER: Play = Play {
    scenario: "08-gives-the-schedule-back.yaml",
    instead: &[],
    settings: "{syncTimeout: 2m}",
    meanwhile: nothing,
};

fn nothing(_: &SimulatedCluster) {}

/// Somebody triggers a sync by hand.
fn a_sync_by_hand(cluster: &SimulatedCluster) {
    if let Ok(source) = "volsync.backube/v1alpha1 ReplicationSource media/plex".parse() {
        // Where this fails, the test does not see what comes of it.
        let _ = cluster.edit(&source, |source| source["spec"]["trigger"]["manual"] = "somebody-else".into());
    }
}

async fn shared() -> anyhow::Result<&'static Shared> {
    static SHARED: OnceCell<Shared> = OnceCell::const_new();
    SHARED.get_or_try_init(Shared::new).await
}

fn never() -> Kills {
    Kills::After(Vec::new())
}

fn at(point: (usize, Side)) -> Kills {
    let mut is_done = false;
    let stop: Stop = Box::new(move |reached: &Point| {
        let is_here = !is_done && (reached.number, reached.side) == point;
        is_done |= is_here;
        is_here
    });
    Kills::At(stop)
}

/// It must have ended as without a crash. Nobody else was at the objects, so nothing is in
/// doubt.
fn compare(what: &str, played: &Played, reference: &Played) -> anyhow::Result<()> {
    let (end, expected) = (format!("{:#?}", played.end), format!("{:#?}", reference.end));
    let differences: Vec<_> = end.lines().zip(expected.lines()).filter(|(is, should)| is != should).collect();
    ensure!(
        played.end == reference.end,
        "{what}: it ends otherwise than without a crash (is, should be): {differences:#?}\nkilled: {:#?}\n{end}",
        played.killed
    );
    Ok(())
}

/// Kill the host once, at each point of a scenario.
async fn killed_once_anywhere(play: &Play, outcome: &str) -> anyhow::Result<()> {
    let shared = shared().await?;
    let reference = shared.play(play, never()).await?;
    ensure!(reference.end.runs.iter().all(|run| run["outcome"] == outcome), "{:#?}", reference.end);
    ensure!(!reference.end.mutations.is_empty(), "nothing was changed: {:#?}", reference.end);
    let points = reference.passed.iter().map(|point| (point.number, point.side));
    let killed = Arc::new(Mutex::new(BTreeSet::new()));
    futures::stream::iter(points)
        .map(Ok)
        .try_for_each_concurrent(AT_ONCE, async |point| {
            let what = format!("{} killed at {point:?}", play.scenario);
            for _ in 0..TRIES {
                let played = shared.play(play, at(point)).await.with_context(|| what.clone())?;
                compare(&what, &played, &reference)?;
                if !played.killed.is_empty() {
                    killed.lock().extend(played.killed);
                    break;
                }
            }
            anyhow::Ok(())
        })
        .await?;
    // After the last change Prometheus is asked until the alert has cleared: sometimes once
    // more, sometimes once less.
    let is_change = |point: &Point| point.what == "perform patch";
    let last = reference.passed.iter().rposition(is_change).context("no change")?;
    let killed: BTreeSet<_> = killed.lock().iter().map(|point| (point.number, point.side)).collect();
    for point in &reference.passed[..=last] {
        ensure!(killed.contains(&(point.number, point.side)), "never killed {point}");
    }
    eprintln!("{}: killed at {} points of {}", play.scenario, killed.len(), reference.passed.len());
    Ok(())
}

/// Kill the hosts of one life whenever one comes to where none was before.
async fn killed_again_and_again(play: &Play) -> anyhow::Result<()> {
    let shared = shared().await?;
    let reference = shared.play(play, never()).await?;
    let steps: BTreeSet<_> = reference.passed.iter().filter_map(|point| point.step).collect();
    // Each host that takes something back does it in a step of its own.
    let mut seen = BTreeSet::new();
    let stop: Stop = Box::new(move |point: &Point| {
        let step = point.step.filter(|step| steps.contains(step));
        seen.insert((point.what.clone(), step, point.side))
    });
    let played = shared.play(play, Kills::At(stop)).await?;
    let points: BTreeSet<_> =
        reference.passed.iter().map(|point| (&point.what, point.step, point.side)).collect();
    ensure!(
        played.killed.len() >= points.len(),
        "killed {} times: {:#?}",
        played.killed.len(),
        played.killed
    );
    eprintln!("{}: killed {} times in one life", play.scenario, played.killed.len());
    compare(play.scenario, &played, &reference)
}

/// Kill hosts at any time, some of them before they listen.
async fn killed_at_any_time(play: &Play, cases: u64) -> anyhow::Result<()> {
    let shared = shared().await?;
    let reference = shared.play(play, never()).await?;
    futures::stream::iter(0..cases)
        .map(Ok)
        .try_for_each_concurrent(AT_ONCE, async |seed| {
            let mut chance = fastrand::Rng::with_seed(seed);
            let lives = (0..chance.usize(1..6)).map(|_| Duration::from_millis(chance.u64(1..900))).collect();
            let what = format!("{} with seed {seed}: lives of {lives:?}", play.scenario);
            let played = shared.play(play, Kills::After(lives)).await.with_context(|| what.clone())?;
            compare(&what, &played, &reference)
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_killed_anywhere_in_the_repair_of_a_stale_lock_ends_it() -> anyhow::Result<()> {
    killed_once_anywhere(&STALE_LOCK, "remediated").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_killed_anywhere_in_a_missed_sync_ends_it() -> anyhow::Result<()> {
    killed_once_anywhere(&MISSED_SYNC, "remediated").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_killed_anywhere_in_the_removal_of_a_snapshot_ends_it() -> anyhow::Result<()> {
    killed_once_anywhere(&HUNG_SNAPSHOT, "remediated").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_killed_anywhere_in_a_repair_that_fails_takes_back_and_tells_people()
-> anyhow::Result<()> {
    killed_once_anywhere(&NO_ANSWER, "escalate").await
}

/// A host dies right after its first change, and somebody else writes over that before the
/// next host looks.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_which_nobody_can_tell_whether_it_took_place_is_a_doubt_that_people_are_told_of()
-> anyhow::Result<()> {
    let play = Play { meanwhile: a_sync_by_hand, ..STALE_LOCK };
    let mut is_done = false;
    let stop: Stop = Box::new(move |point: &Point| {
        let is_here = !is_done && point.what == "perform patch" && point.side == Side::After;
        is_done |= is_here;
        is_here
    });
    let played = shared().await?.play(&play, Kills::At(stop)).await?;
    ensure!(played.killed.len() == 1 && played.end.is_named_doubt(), "{:#?}", played.end);
    ensure!(played.end.mutations.len() == 1, "{:#?}", played.end);
    let manual = played.end.objects.iter().find_map(|object| object.pointer("/spec/trigger/manual"));
    ensure!(
        manual.is_some_and(|manual| manual == "somebody-else"),
        "what is not ours was taken back: {manual:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_that_are_killed_wherever_they_come_to_end_the_repair_all_the_same() -> anyhow::Result<()> {
    for play in [&STALE_LOCK, &HUNG_SNAPSHOT, &NO_ANSWER] {
        killed_again_and_again(play).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_that_are_killed_at_any_time_end_the_repair_all_the_same() -> anyhow::Result<()> {
    for play in [&STALE_LOCK, &MISSED_SYNC, &HUNG_SNAPSHOT, &NO_ANSWER] {
        killed_at_any_time(play, 10).await?;
    }
    Ok(())
}
