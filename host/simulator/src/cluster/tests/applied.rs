use suture_core::effect::Apply;
use suture_core::{Fault, Prepared};

use super::*;

impl ClusterHarness {
    fn apply(&self, manager: &str, text: &str, object: Value, force: bool) -> Result<Object, Error> {
        let apply = Mutation::Apply(Apply { target: target(text), object, force });
        let prepared = Prepared { manager: manager.to_owned(), ..self.prepare(&mutate(apply))? };
        match self.run(self.cluster.perform(&prepared)) {
            Ok(Reply::Mutated(object)) => Ok(object),
            Err(Fault::Error(error)) => Err(error),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_apply_lays_its_fields_over_the_object_and_is_remembered_as_one() {
    let harness = ClusterHarness::media("");
    let applied = harness.apply("m", SOURCE, json!({"spec": {"trigger": {"manual": "x"}}}), false).unwrap();
    assert_eq!(applied["spec"]["trigger"], json!({"schedule": "0 * * * *", "manual": "x"}));
    let performed = &harness.cluster.mutations()[0];
    assert_eq!(performed.mutation.as_str(), "apply");
    assert_eq!(performed.patch.as_ref().unwrap()["spec"], json!({"trigger": {"manual": "x"}}));
}

#[test]
fn fields_of_the_fixture_belong_to_others() {
    let harness = ClusterHarness::media("");
    let other = json!({"spec": {"sourcePVC": "other"}});
    assert_eq!(reason(harness.apply("m", SOURCE, other.clone(), false)), "Conflict");
    assert_eq!(harness.apply("m", SOURCE, other, true).unwrap()["spec"]["sourcePVC"], "other");
    assert_eq!(harness.apply("m", SOURCE, json!({}), false).unwrap()["spec"].get("sourcePVC"), None);
}

#[test]
fn what_reactions_and_people_write_is_theirs() {
    let harness = ClusterHarness::media(
        "reactions:\n- when: {verb: patch, kind: ConfigMap, where: 'object.data.a == \"2\"'}\n  times: 1\n  \
         do: [{patch: {target: v1 ConfigMap NAMESPACE/NAME, body: {data: {a: \"3\"}}}}]\n",
    );
    let notes = "v1 ConfigMap media/notes";
    harness.apply("m", notes, json!({"data": {"a": "2"}}), true).unwrap();
    assert_eq!(harness.at(notes, "/data/a"), "3");
    assert_eq!(reason(harness.apply("m", notes, json!({"data": {"a": "4"}}), false)), "Conflict");
    harness.apply("m", notes, json!({"data": {"b": "1"}}), false).unwrap();
    harness.cluster.edit(&reference(notes), |object| object["data"]["b"] = json!("2")).unwrap();
    assert_eq!(reason(harness.apply("m", notes, json!({"data": {"b": "1"}}), false)), "Conflict");
}

#[test]
fn a_new_object_of_the_same_name_has_no_owners() {
    let harness = ClusterHarness::media("");
    let text = "v1 ConfigMap media/new";
    harness.apply("m", text, json!({"data": {"a": "1"}}), false).unwrap();
    harness.delete(text).unwrap();
    harness.create(create_in("media", json!({"metadata": {"name": "new"}, "data": {"b": "1"}}))).unwrap();
    let applied = harness.apply("m", text, json!({}), false).unwrap();
    assert_eq!(applied["data"], json!({"b": "1"}));
}
