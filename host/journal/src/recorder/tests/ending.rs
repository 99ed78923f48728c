use serde_json::json;
use suture_core::effect::{Patch, PatchType};
use suture_core::{Effect, Ending, Halt, Host, Mutation, Outcome, Reason, Reply};

use super::fake::{Fake, RecorderHarness, change, create, delete, failure, made, merge, target};

fn concluded() -> Ending {
    Ending::Concluded(Outcome::Remediated { summary: "done".into() })
}

/// A run that made three changes with undos, one of each kind.
fn three_changes(fake: Fake) -> RecorderHarness {
    let harness = RecorderHarness::new(fake);
    harness.drive(async {
        for (name, undo) in [("a", merge("a")), ("b", delete("b")), ("c", merge("c"))] {
            harness.recorder.answer(change(merge(name), Some(undo))).await.unwrap().unwrap();
        }
    });
    harness
}

#[test]
fn undos_run_newest_first_at_every_kind_of_end() {
    let endings = [
        concluded(),
        Ending::Failed("no idea".into()),
        Ending::Trapped("unreachable".into()),
        Ending::Halted(Halt::Cancelled("by hand".into())),
        Ending::from(suture_core::Limits::default().exceeded(suture_core::Limit::Cpu)),
    ];
    for ending in endings {
        let harness = three_changes(Fake::default());
        harness.cancel.halt(Halt::Shutdown);
        assert_eq!(harness.drive(harness.recorder.finish(&ending)).unwrap(), Vec::<String>::new());
        let record = harness.record();
        let expected = [
            &format!("3 ended {}", ending.name()),
            "4 intent patch undo of 3",
            "4 reply ok",
            "5 intent delete undo of 2",
            "5 reply ok",
            "6 intent patch undo of 1",
            "6 reply ok",
        ];
        assert_eq!(record[6..], expected);
    }
}

#[test]
fn the_effects_limit_does_not_keep_an_undo_from_running() {
    let limits = suture_core::Limits { effects: 1, ..Default::default() };
    let harness = RecorderHarness::with(Fake::default(), limits, None);
    harness.drive(async {
        harness.recorder.answer(change(merge("a"), Some(merge("a")))).await.unwrap().unwrap();
        let halt = harness.recorder.answer(Effect::Now).await.unwrap_err();
        harness.recorder.finish(&Ending::Halted(halt)).await.unwrap();
    });
    assert_eq!(harness.record()[2..], ["1 ended failed", "2 intent patch undo of 1", "2 reply ok"]);
}

#[test]
fn what_failed_has_no_undo() {
    let harness = RecorderHarness::new(Fake::default().performs([failure(Reason::INVALID)]));
    harness.drive(async {
        harness.recorder.answer(change(merge("a"), Some(merge("a")))).await.unwrap().unwrap_err();
        harness.recorder.finish(&concluded()).await.unwrap();
    });
    assert_eq!(harness.record(), ["1 intent patch", "1 reply Invalid", "1 ended remediated"]);
}

#[test]
fn an_undo_whose_object_is_gone_is_done() {
    let fake = Fake::default().prepares([Ok(()), failure(Reason::NOT_FOUND)]);
    let harness = RecorderHarness::new(fake);
    let doubts = harness.drive(async {
        harness.recorder.answer(change(merge("a"), Some(delete("a")))).await.unwrap().unwrap();
        harness.recorder.finish(&concluded()).await.unwrap()
    });
    assert!(doubts.is_empty(), "{doubts:?}");
    assert_eq!(harness.record()[3..], ["2 delete undo of 1 NotFound", "2 kept 1"]);
}

#[test]
fn an_undo_never_touches_another_object_of_the_same_name() {
    let fake = Fake::default().prepares([Ok(()), failure(Reason::CONFLICT)]);
    let harness = RecorderHarness::new(fake);
    let doubts = harness.drive(async {
        harness.recorder.answer(change(merge("a"), Some(delete("a")))).await.unwrap().unwrap();
        harness.recorder.finish(&concluded()).await.unwrap()
    });
    assert!(doubts.is_empty(), "{doubts:?}");
    assert_eq!(harness.record().last().unwrap(), "2 kept 1");
    assert_eq!(harness.fake.asked(), ["perform patch a"]);
}

#[test]
fn a_json_patch_whose_own_test_fails_has_nothing_to_undo() {
    let undo = Mutation::Patch(Patch {
        target: target("a"),
        patch_type: PatchType::Json,
        body: json!([{"op": "test", "path": "/spec/manual", "value": "r1"}, {"op": "remove", "path": "/spec/manual"}]),
        resource_version: None,
    });
    let fake = Fake::default().performs([Ok(made("a")), failure(Reason::INVALID)]);
    let harness = RecorderHarness::new(fake);
    let doubts = harness.drive(async {
        harness.recorder.answer(change(merge("a"), Some(undo))).await.unwrap().unwrap();
        harness.recorder.finish(&concluded()).await.unwrap()
    });
    assert!(doubts.is_empty(), "{doubts:?}");
    assert_eq!(harness.record().last().unwrap(), "2 kept 1");
}

#[test]
fn a_json_patch_that_is_refused_though_its_test_holds_is_a_doubt() {
    let undo = Mutation::Patch(Patch {
        target: target("a"),
        patch_type: PatchType::Json,
        body: json!([{"op": "test", "path": "/metadata/name", "value": "a"}, {"op": "add", "path": "/data", "value": {}}]),
        resource_version: None,
    });
    // As an admission webhook does.
    let fake = Fake::default().performs([Ok(made("a")), failure(Reason::INVALID)]);
    let harness = RecorderHarness::new(fake);
    let doubts = harness.drive(async {
        harness.recorder.answer(change(merge("a"), Some(undo))).await.unwrap().unwrap();
        harness.recorder.finish(&concluded()).await.unwrap()
    });
    assert_eq!(doubts, ["the undo of step 1 (patch v1 ConfigMap media/a) failed: Invalid: because"]);
}

#[test]
fn a_patch_without_a_test_that_is_invalid_is_a_doubt_with_step_and_object() {
    let fake = Fake::default().performs([Ok(made("a")), failure(Reason::INVALID)]);
    let harness = RecorderHarness::new(fake);
    let doubts = harness.drive(async {
        harness.recorder.answer(change(merge("a"), Some(merge("a")))).await.unwrap().unwrap();
        harness.recorder.finish(&concluded()).await.unwrap()
    });
    assert_eq!(doubts, ["the undo of step 1 (patch v1 ConfigMap media/a) failed: Invalid: because"]);
}

#[test]
fn an_undo_is_tried_again_while_the_cluster_is_away() {
    let fake = Fake::default().prepares([
        Ok(()),
        failure(Reason::UNAVAILABLE),
        failure(Reason::other("TooManyRequests")),
        failure(Reason::TIMEOUT),
    ]);
    let harness = RecorderHarness::new(fake);
    let doubts = harness.drive(async {
        harness.recorder.answer(change(merge("a"), Some(merge("a")))).await.unwrap().unwrap();
        harness.recorder.finish(&concluded()).await.unwrap()
    });
    assert!(doubts.is_empty(), "{doubts:?}");
    assert_eq!(harness.record().last().unwrap(), "5 reply ok");
    assert_eq!(harness.passed(), 1 + 2 + 4);
}

#[test]
fn an_undo_that_fails_does_not_keep_the_others_from_running() {
    let fake = Fake::default().prepares([
        Ok(()),
        Ok(()),
        Ok(()),
        failure(Reason::DENIED),
        Ok(()),
        failure(Reason::FORBIDDEN),
    ]);
    let harness = three_changes(fake);
    let doubts = harness.drive(harness.recorder.finish(&concluded())).unwrap();
    assert_eq!(
        doubts,
        [
            "the undo of step 3 (patch v1 ConfigMap media/c) failed: Denied: because",
            "the undo of step 1 (patch v1 ConfigMap media/a) failed: Forbidden: because",
        ]
    );
    assert_eq!(harness.fake.asked().last().unwrap(), "perform delete b");
}

#[test]
fn a_change_of_which_nothing_is_known_is_undone_and_told() {
    let unknown = suture_core::Resolution::Unknown("its mark is gone".into());
    let fake = Fake::default().performs([failure(Reason::TIMEOUT)]).resolves([Ok(unknown)]);
    let harness = RecorderHarness::new(fake);
    let doubts = harness.drive(async {
        let undo = Some(delete("a"));
        let error =
            harness.recorder.answer(change(create(json!({"name": "a", "namespace": "media"})), undo)).await;
        assert_eq!(error.unwrap().unwrap_err().reason, Reason::UNKNOWN);
        harness.recorder.finish(&concluded()).await.unwrap()
    });
    assert_eq!(doubts.len(), 1);
    assert!(
        doubts[0]
            .starts_with("step 1 (create v1 ConfigMap media/a) may or may not have taken place: its mark"),
        "{doubts:?}"
    );
    assert_eq!(harness.fake.asked(), ["perform create a", "resolve create a", "perform delete a"]);
}

#[test]
fn an_undo_of_which_nothing_is_known_is_not_run_twice() {
    let unknown = suture_core::Resolution::Unknown("it can't be told".into());
    let fake = Fake::default().performs([Ok(made("a")), failure(Reason::TIMEOUT)]).resolves([Ok(unknown)]);
    let harness = RecorderHarness::new(fake);
    let doubts = harness.drive(async {
        harness.recorder.answer(change(merge("a"), Some(merge("a")))).await.unwrap().unwrap();
        harness.recorder.finish(&concluded()).await.unwrap()
    });
    assert_eq!(doubts.len(), 1);
    assert!(
        doubts[0].starts_with("the undo of step 1 (patch v1 ConfigMap media/a) may or may not"),
        "{doubts:?}"
    );
    assert_eq!(harness.fake.asked(), ["perform patch a", "perform patch a", "resolve patch a"]);
}

#[test]
fn a_dropped_call_is_looked_up_at_the_end() {
    struct Stuck(Fake);
    #[async_trait::async_trait]
    impl suture_core::EffectHandler for Stuck {
        async fn prepare(
            &self,
            step: &suture_core::Step,
            effect: &Effect,
        ) -> Result<suture_core::Prepared, suture_core::Fault> {
            self.0.prepare(step, effect).await
        }
        async fn perform(&self, _: &suture_core::Prepared) -> Result<Reply, suture_core::Fault> {
            std::future::pending().await
        }
        async fn resolve(
            &self,
            prepared: &suture_core::Prepared,
        ) -> Result<suture_core::Resolution, suture_core::Fault> {
            self.0.resolve(prepared).await
        }
    }
    let harness = RecorderHarness::new(Fake::default());
    let stuck = Stuck(Fake::default().resolves([Ok(suture_core::Resolution::NotDone)]));
    let recorder = std::sync::Arc::into_inner(harness.recorder).unwrap();
    let recorder = super::super::Recorder { inner: std::sync::Arc::new(stuck), ..recorder };
    pollster::block_on(async {
        let call = std::pin::pin!(recorder.answer(change(merge("a"), Some(merge("a")))));
        assert!(futures::poll!(call).is_pending());
        assert!(recorder.finish(&Ending::Trapped("dropped".into())).await.unwrap().is_empty());
    });
    let bodies: Vec<_> = harness.log.entries().into_iter().map(|entry| entry.body).collect();
    assert_eq!(bodies.len(), 3, "{bodies:?}");
}

#[test]
fn in_observe_mode_an_undo_that_fails_is_no_doubt() {
    let fake = Fake::default().observing().performs([Ok(made("a")), failure(Reason::FORBIDDEN)]);
    let harness = RecorderHarness::new(fake);
    let doubts = harness.drive(async {
        harness.recorder.answer(change(merge("a"), Some(merge("a")))).await.unwrap().unwrap();
        harness.recorder.finish(&Ending::Halted(Halt::Planned)).await.unwrap()
    });
    assert!(doubts.is_empty(), "{doubts:?}");
    assert_eq!(harness.record().last().unwrap(), "2 kept 1");
}

#[test]
fn finishing_twice_ends_the_record_once() {
    let harness = three_changes(Fake::default());
    harness.drive(async {
        harness.recorder.finish(&concluded()).await.unwrap();
        let length = harness.record().len();
        harness.recorder.finish(&concluded()).await.unwrap();
        assert_eq!(harness.record().len(), length);
    });
}
