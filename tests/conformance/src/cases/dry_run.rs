//! Asking what would happen.

use serde_json::json;
use suture_core::effect::{Delete, PatchType};
use suture_core::{Mutation, Reason, object};

use crate::bench::Bench;
use crate::case::group;
use crate::client::{apply, patch};
use crate::objects::{CONFIG_MAP, SOURCE, config_map, source};

group!("dry_run":
    a_dry_run_shows_what_would_be_and_changes_nothing,
    a_dry_run_is_refused_as_the_change_would_be,
);

async fn a_dry_run_shows_what_would_be_and_changes_nothing(b: &Bench) -> anyhow::Result<()> {
    let made = b.other().create(SOURCE, source("plex")).await?;
    let (plex, new) = (b.target(SOURCE, "plex"), b.target(SOURCE, "new"));
    let paused = json!({"spec": {"paused": true}});
    let merge = Mutation::Patch(patch(&plex, PatchType::Merge, paused.clone()));
    b.at(&*b.policy().mutate(merge, true).await?, "/spec/paused", &json!(true));
    let applied = Mutation::Apply(apply(&plex, paused.clone(), false));
    b.at(&*b.policy().mutate(applied, true).await?, "/spec/paused", &json!(true));
    let delete = Delete::of(plex.clone());
    let shown = b.policy().mutate(Mutation::Delete(delete), true).await?;
    b.same("uid", object::uid(&shown), object::uid(&made));
    let create = Mutation::Create(b.policy().creation(SOURCE, source("new")));
    b.at(&*b.policy().mutate(create, true).await?, "/metadata/generation", &json!(1));
    b.same("made", b.policy().exists(&new).await, false);
    let applied = Mutation::Apply(apply(&new, paused, false));
    b.at(&*b.policy().mutate(applied, true).await?, "/spec/paused", &json!(true));
    b.same("made", b.policy().exists(&new).await, false);
    b.same("the object", b.policy().get(&plex).await?, made);
    Ok(())
}

async fn a_dry_run_is_refused_as_the_change_would_be(b: &Bench) -> anyhow::Result<()> {
    b.other().create(CONFIG_MAP, config_map("x")).await?;
    let again = Mutation::Create(b.policy().creation(CONFIG_MAP, config_map("x")));
    b.refused("create", b.policy().mutate(again, true).await, &Reason::ALREADY_EXISTS);
    let x = b.target(CONFIG_MAP, "x");
    let wrong = patch(&x, PatchType::Merge, json!({"metadata": {"labels": {"a": "b c"}}}));
    b.refused("patch", b.policy().mutate(Mutation::Patch(wrong), true).await, &Reason::INVALID);
    let conflict = Mutation::Apply(apply(&x, json!({"data": {"a": "2"}}), false));
    b.refused("apply", b.policy().mutate(conflict, true).await, &Reason::CONFLICT);
    Ok(())
}
