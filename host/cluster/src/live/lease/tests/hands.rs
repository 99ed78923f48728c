//! What people do to a Lease with their hands.

use futures::future::{Either, select};
use k8s_openapi::api::coordination::v1::LeaseSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use suture_core::{Clock, Timestamp};

use super::harness::{LeaseHarness, seconds};
use crate::live::lease::Lost;

/// How long a candidate waits for a Lease that says this and never changes.
fn waits(spec: LeaseSpec) -> u64 {
    let harness = LeaseHarness::new();
    let began = harness.clock.now();
    harness.object.edit(|lease| lease.spec = Some(spec));
    harness.run(harness.host("a").acquire());
    assert_eq!(harness.object.holder(), "a");
    harness.elapsed_since(began).as_secs()
}

fn held(edit: impl FnOnce(&mut LeaseSpec)) -> LeaseSpec {
    let mut spec = LeaseSpec {
        holder_identity: Some("gone".to_owned()),
        lease_duration_seconds: Some(15),
        ..LeaseSpec::default()
    };
    edit(&mut spec);
    spec
}

#[test]
fn an_empty_lease_is_taken_at_once() {
    assert_eq!(waits(LeaseSpec::default()), 0);
    assert_eq!(waits(held(|spec| spec.holder_identity = Some(String::new()))), 0);
}

#[test]
fn a_duration_that_is_missing_or_makes_no_sense_is_our_own() {
    for seconds in [None, Some(0), Some(-5), Some(1)] {
        let waited = waits(held(|spec| spec.lease_duration_seconds = seconds));
        assert!((15..18).contains(&waited), "{seconds:?}: {waited}");
    }
}

#[test]
fn a_longer_duration_is_waited_for_but_no_edit_keeps_every_host_from_acting_for_years() {
    assert!((40..43).contains(&waits(held(|spec| spec.lease_duration_seconds = Some(40)))));
    assert!((600..603).contains(&waits(held(|spec| spec.lease_duration_seconds = Some(i32::MAX)))));
}

#[test]
fn a_renew_time_from_another_age_neither_keeps_nor_frees_a_lease() {
    for time in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
        let waited = waits(held(|spec| spec.renew_time = Some(MicroTime(time))));
        assert!((15..18).contains(&waited), "{time}: {waited}");
    }
}

#[test]
fn transitions_do_not_run_over() {
    let harness = LeaseHarness::new();
    for (written, then) in [(i32::MAX, i32::MAX), (-3, 1)] {
        harness.object.edit(|lease| {
            lease.spec = Some(LeaseSpec { lease_transitions: Some(written), ..LeaseSpec::default() });
        });
        harness.run(harness.host("a").acquire());
        assert_eq!(harness.object.spec().lease_transitions, Some(then));
    }
}

/// What becomes of a holder to whose Lease this is done.
fn after(edit: impl FnOnce(&LeaseHarness)) -> (LeaseHarness, Result<(), Lost>) {
    let harness = LeaseHarness::new();
    let a = harness.host("a");
    let kept = harness.run(async {
        let holder = a.acquire().await;
        let hand = async {
            harness.pass(seconds(7)).await;
            edit(&harness);
            harness.pass(seconds(20)).await;
        };
        holder.keep(hand).await
    });
    (harness, kept)
}

#[test]
fn a_lease_that_is_given_to_somebody_else_is_lost_and_left_alone() {
    let (harness, kept) = after(|harness| {
        harness.object.edit(|lease| lease.spec.as_mut().unwrap().holder_identity = Some("b".to_owned()));
    });
    let lost = kept.unwrap_err();
    assert_eq!(lost.to_string(), "the lease home/suture is held by b now");
    assert_eq!(harness.object.holder(), "b");
}

#[test]
fn a_lease_that_is_emptied_by_hand_is_lost() {
    let (harness, kept) = after(|harness| harness.object.edit(|lease| lease.spec = None));
    assert_eq!(kept, Err(Lost::Emptied("home/suture".to_owned())));
    assert_eq!(harness.object.holder(), "");
}

#[test]
fn a_label_on_the_lease_is_nobodys_loss() {
    let (harness, kept) = after(|harness| {
        harness.object.edit(|lease| {
            lease.metadata.labels = Some([("team".to_owned(), "home".to_owned())].into());
        });
    });
    assert_eq!(kept, Ok(()));
    assert!(harness.object.get().unwrap().metadata.labels.is_some());
}

#[test]
fn a_holder_makes_a_lease_anew_that_was_deleted() {
    let harness = LeaseHarness::new();
    let (a, b) = (harness.host("a"), harness.host("b"));
    harness.run(async {
        let holder = a.acquire().await;
        let tenure = holder.tenure();
        let hand = async {
            harness.pass(seconds(7)).await;
            harness.object.delete();
            harness.pass(seconds(60)).await;
            assert!(tenure.is_held());
            assert_eq!(harness.object.holder(), "a");
        };
        // Who has seen the holder does not take it for gone because the object is.
        let kept = match select(Box::pin(b.acquire()), Box::pin(holder.keep(hand))).await {
            Either::Left(_) => panic!("there were two"),
            Either::Right((kept, _)) => kept,
        };
        kept.unwrap();
    });
}
