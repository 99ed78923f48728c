//! Finding out afterwards whether something was done.

use serde_json::json;
use suture_core::effect::{Delete, PatchType};
use suture_core::{Effect, Mutation, Prepared, Resolution};

use crate::bench::Bench;
use crate::case::group;
use crate::client::{apply, patch};
use crate::objects::{CONFIG_MAP, config_map};

group!("resolve":
    what_was_not_performed_was_not_done,
    what_was_performed_was_done,
    a_patch_of_what_has_moved_on_is_in_doubt,
);

/// One of each, for objects that `prepared` makes before.
fn mutations(b: &Bench) -> Vec<(&'static str, Mutation)> {
    let target = |name| b.target(CONFIG_MAP, name);
    let delete = Delete::of(target("delete"));
    vec![
        ("create", Mutation::Create(b.policy().creation(CONFIG_MAP, config_map("create")))),
        ("merge", Mutation::Patch(patch(&target("merge"), PatchType::Merge, json!({"data": {"b": "2"}})))),
        (
            "json",
            Mutation::Patch(patch(
                &target("json"),
                PatchType::Json,
                json!([{"op": "add", "path": "/data/b", "value": "2"}]),
            )),
        ),
        (
            "json-undo",
            Mutation::Patch(patch(
                &target("json-undo"),
                PatchType::Json,
                json!([{"op": "test", "path": "/data/a", "value": "1"}, {"op": "remove", "path": "/data/a"}]),
            )),
        ),
        ("apply", Mutation::Apply(apply(&target("apply"), json!({"data": {"b": "2"}}), false))),
        ("apply-new", Mutation::Apply(apply(&target("apply-new"), json!({"data": {"b": "2"}}), false))),
        ("delete", Mutation::Delete(delete)),
    ]
}

async fn prepared(b: &Bench) -> anyhow::Result<Vec<(&'static str, Prepared)>> {
    for name in ["merge", "json", "json-undo", "apply", "delete"] {
        b.other().create(CONFIG_MAP, config_map(name)).await?;
    }
    let mut all = vec![];
    for (name, mutation) in mutations(b) {
        all.push((name, b.policy().prepare(Effect::Mutate { mutation, undo: None }).await?));
    }
    Ok(all)
}

async fn what_was_not_performed_was_not_done(b: &Bench) -> anyhow::Result<()> {
    for (name, prepared) in prepared(b).await? {
        b.same(name, b.policy().resolve(&prepared).await?, Resolution::NotDone);
    }
    Ok(())
}

async fn what_was_performed_was_done(b: &Bench) -> anyhow::Result<()> {
    for (name, prepared) in prepared(b).await? {
        b.policy().perform(&prepared).await?;
        let resolved = b.policy().resolve(&prepared).await?;
        b.same(name, matches!(resolved, Resolution::Done(_)), true);
    }
    Ok(())
}

async fn a_patch_of_what_has_moved_on_is_in_doubt(b: &Bench) -> anyhow::Result<()> {
    for (name, prepared) in prepared(b).await? {
        if !["merge", "json", "json-undo"].contains(&name) {
            continue;
        }
        b.other().merge(&b.target(CONFIG_MAP, name), json!({"data": {"c": "3"}})).await?;
        let resolved = b.policy().resolve(&prepared).await?;
        b.same(name, matches!(resolved, Resolution::Unknown(_)), true);
    }
    Ok(())
}
