//! Who holds the Lease, and from when to when.

use std::future::pending;

use futures::future::{Either, join, select};

use suture_core::Clock;

use super::harness::{LeaseHarness, Network, seconds};
use crate::live::lease::{Lost, Standing};

#[test]
fn the_first_candidate_makes_the_lease_as_client_go_would() {
    let harness = LeaseHarness::new();
    let holder = harness.run(harness.host("a").acquire());
    let lease = harness.object.get().unwrap();
    assert_eq!(lease.metadata.namespace.as_deref(), Some("home"));
    assert_eq!(lease.metadata.name.as_deref(), Some("suture"));
    let spec = lease.spec.unwrap();
    assert_eq!(spec.holder_identity.as_deref(), Some("a"));
    assert_eq!(spec.lease_duration_seconds, Some(15));
    assert_eq!(spec.lease_transitions, Some(0));
    assert_eq!(spec.acquire_time, spec.renew_time);
    assert_eq!(spec.renew_time.unwrap().0, harness.clock.now());
    assert_eq!(holder.tenure().check(), Ok(seconds(10)));
}

#[test]
fn a_holder_that_lives_is_never_followed() {
    let harness = LeaseHarness::new();
    let (a, b) = (harness.host("a"), harness.host("b"));
    harness.run(async {
        let holder = a.acquire().await;
        let tenure = holder.tenure();
        let keeping = holder.keep(pending());
        let other = async {
            match select(Box::pin(b.acquire()), Box::pin(harness.pass(seconds(3600)))).await {
                Either::Left(_) => panic!("there are two"),
                Either::Right(_) => tenure.is_held(),
            }
        };
        let Either::Right((held, _)) = select(Box::pin(keeping), Box::pin(other)).await else {
            panic!("it lost it")
        };
        assert!(held);
    });
    assert_eq!(harness.object.spec().lease_transitions, Some(0));
    let told = b.told.lock();
    let text = told.last().unwrap().to_string();
    assert!(text.starts_with("the lease home/suture is held by a (renewed "), "{text}");
}

#[test]
fn a_holder_that_dies_is_followed_after_the_duration_and_had_stopped_before() {
    let harness = LeaseHarness::new();
    let (a, b) = (harness.host("a"), harness.host("b"));
    harness.run(async {
        let dead = a.acquire().await.tenure();
        let waits = b.acquire();
        let began = harness.clock.now();
        let (lost_after, took_after) = join(
            async {
                dead.lost().await;
                harness.elapsed_since(began)
            },
            async {
                waits.await;
                harness.elapsed_since(began)
            },
        )
        .await;
        assert!(lost_after >= seconds(10) && lost_after < seconds(11), "{lost_after:?}");
        assert!(took_after >= seconds(15) && took_after < seconds(18), "{took_after:?}");
    });
    assert_eq!((harness.object.holder().as_str(), harness.object.spec().lease_transitions), ("b", Some(1)));
}

#[test]
fn one_that_is_given_back_is_taken_at_once() {
    let harness = LeaseHarness::new();
    let (a, b) = (harness.host("a"), harness.host("b"));
    harness.run(async {
        let holder = a.acquire().await;
        let tenure = holder.tenure();
        let began = harness.clock.now();
        let takes = async {
            b.acquire().await;
            harness.elapsed_since(began)
        };
        let (kept, took_after) = join(holder.keep(harness.pass(seconds(60))), takes).await;
        assert_eq!(kept, Ok(()));
        assert_eq!(tenure.check(), Err(Lost::Released("home/suture".to_owned())));
        assert!(took_after >= seconds(60) && took_after <= seconds(62), "{took_after:?}");
    });
    assert_eq!(harness.object.holder(), "b");
}

#[test]
fn a_released_lease_says_so_as_client_go_does() {
    let harness = LeaseHarness::new();
    let a = harness.host("a");
    harness.run(async { a.acquire().await.keep(harness.pass(seconds(1))).await }).unwrap();
    let spec = harness.object.spec();
    assert_eq!((spec.holder_identity.as_deref(), spec.lease_duration_seconds), (Some(""), Some(1)));
    assert_eq!(spec.renew_time.unwrap().0, harness.clock.now());
}

#[test]
fn of_many_candidates_one_wins() {
    let harness = LeaseHarness::new();
    let hosts = ["a", "b", "c", "d", "e"].map(|name| harness.host(name));
    harness.run(async {
        // Each that wins gives it back a minute later; so all have their turn.
        let turns = hosts.iter().map(|host| async {
            let holder = host.acquire().await;
            let tenure = holder.tenure();
            let took = harness.clock.now();
            holder.keep(harness.pass(seconds(60))).await.unwrap();
            assert!(!tenure.is_held());
            (took, harness.clock.now())
        });
        let mut turns = futures::future::join_all(turns).await;
        turns.sort();
        for pair in turns.windows(2) {
            assert!(pair[0].1 <= pair[1].0, "two at once: {turns:?}");
        }
    });
    assert_eq!(harness.object.spec().lease_transitions, Some(4));
}

#[test]
fn a_holder_that_is_cut_off_ends_before_another_begins() {
    for network in [Network::Cut, Network::Refused] {
        let harness = LeaseHarness::new();
        let (a, b) = (harness.host("a"), harness.host("b"));
        harness.run(async {
            let holder = a.acquire().await;
            let cut = async {
                harness.pass(seconds(60)).await;
                a.network(network);
            };
            let lost = async {
                let lost = holder.keep(pending()).await.unwrap_err();
                (lost, harness.clock.now())
            };
            let ((lost, stopped), (), took) = futures::join!(lost, cut, async {
                b.acquire().await;
                harness.clock.now()
            });
            assert!(matches!(lost, Lost::Expired { .. }), "{lost}");
            assert!(lost.to_string().starts_with("the lease home/suture was not renewed for 10 s"), "{lost}");
            assert!(stopped.duration_until(took) >= seconds(4).try_into().unwrap(), "{stopped} {took}");
        });
    }
}

#[test]
fn a_short_failure_changes_nothing() {
    let harness = LeaseHarness::new();
    let a = harness.host("a");
    harness.run(async {
        let holder = a.acquire().await;
        let tenure = holder.tenure();
        let failing = async {
            for _ in 0..20 {
                harness.pass(seconds(20)).await;
                a.network(Network::Refused);
                harness.pass(seconds(4)).await;
                a.network(Network::Up);
            }
            assert!(tenure.is_held());
        };
        holder.keep(failing).await.unwrap();
    });
}

#[test]
fn a_renewal_whose_answer_is_lost_does_not_prolong_and_does_not_end_a_tenure() {
    let harness = LeaseHarness::new();
    let a = harness.host("a");
    harness.run(async {
        let holder = a.acquire().await;
        let tenure = holder.tenure();
        let deaf = async {
            harness.pass(seconds(1)).await;
            a.network(Network::Deaf);
            // The renewal of about the fifth second is written, and its answer is lost.
            harness.pass(seconds(6)).await;
            assert!(tenure.check().unwrap() <= seconds(3));
            a.network(Network::Up);
            harness.pass(seconds(60)).await;
            assert!(tenure.is_held());
        };
        holder.keep(deaf).await.unwrap();
    });
}

#[test]
fn who_loses_every_race_goes_on_trying_and_wins_when_it_ends() {
    let harness = LeaseHarness::new();
    let a = harness.host("a");
    harness.object.edit(|lease| lease.metadata.name = Some("suture".to_owned()));
    a.network(Network::Raced);
    harness.run(async {
        let calm = async {
            harness.pass(seconds(30)).await;
            assert_eq!(harness.object.holder(), "");
            a.network(Network::Up);
        };
        join(a.acquire(), calm).await;
    });
    assert_eq!(harness.object.holder(), "a");
    assert!(harness.object.get().unwrap().metadata.labels.is_some(), "what others wrote is kept");
}

#[test]
fn an_api_server_that_does_not_answer_is_named_and_waited_for() {
    let harness = LeaseHarness::new();
    let a = harness.host("a");
    a.network(Network::Cut);
    harness.run(join(a.acquire(), async {
        harness.pass(seconds(60)).await;
        a.network(Network::Up);
    }));
    let told = a.told.lock();
    let text = told[0].to_string();
    assert_eq!(text, "the lease home/suture can't be had: the API server does not answer in time");
    assert!(told.iter().all(|standing| !standing.is_news_after(&told[0])));
    let held = |holder: &str, ago| Standing::HeldBy {
        lease: "l".to_owned(),
        holder: holder.to_owned(),
        renewed_ago: Some(seconds(ago)),
    };
    assert!(held("b", 1).is_news_after(&told[0]) && held("b", 1).is_news_after(&held("c", 1)));
    assert!(!held("b", 2).is_news_after(&held("b", 1)), "time alone is no news");
}

#[test]
fn a_candidate_does_not_believe_the_clock_of_the_holder_nor_its_own_wall_clock() {
    for (name, ahead, behind) in [("ahead", 3600, 0), ("behind", 0, 3600)] {
        let harness = LeaseHarness::new();
        let (a, b) = (harness.host("a"), harness.host("b"));
        *b.clock.ahead.lock() = seconds(ahead);
        *b.clock.behind.lock() = seconds(behind);
        harness.run(async {
            let holder = a.acquire().await;
            let jump = async {
                harness.pass(seconds(100)).await;
                // The candidate's time of day is corrected, by a day.
                *b.clock.ahead.lock() += seconds(86_400);
                harness.pass(seconds(100)).await;
            };
            let none = select(Box::pin(b.acquire()), Box::pin(jump));
            let Either::Right((Either::Right(_), _)) = select(Box::pin(holder.keep(pending())), none).await
            else {
                panic!("{name}: it was followed")
            };
        });
        assert_eq!(harness.object.holder(), "a");
    }
}
