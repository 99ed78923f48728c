//! One run, with all that it did.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use suture_core::{RunId, names};
use suture_engine::Engine;
use suture_journal::{Body, Entry};

use super::Answer;
use crate::failure::Failure;
use crate::name::Name;

pub(super) async fn run(State(engine): State<Engine>, Name(id): Name) -> Answer {
    let id = RunId::new(id);
    let journal = engine.journal();
    let internal = |error: suture_journal::JournalError| Failure::internal(error.to_string());
    let Some(record) = journal.run(&id).await.map_err(internal)? else {
        return Err(Failure::not_found(format!("there is no run `{}`", names::shortened(id.as_str()))));
    };
    let entries = journal.entries(&id).await.map_err(internal)?;
    let header = journal.header(&id).await.map_err(internal)?;
    let mut run = json!(record);
    run["header"] = json!(header);
    run["effects"] = Value::Array(effects(&entries));
    run["entries"] = json!(entries);
    Ok(Json(run))
}

/// `{"step", "at", "effect", "reply"}` for each effect; an intent takes the reply that
/// follows it, and has none (null) while it is at work or in doubt.
fn effects(entries: &[Entry]) -> Vec<Value> {
    let mut effects: Vec<Value> = Vec::new();
    for entry in entries {
        match &entry.body {
            Body::Call { effect, answer, undo_of } => effects
                .push(json!({"step": entry.step, "at": entry.at,
                "effect": effect, "reply": answer, "undoOf": undo_of})),
            Body::Intent { prepared, undo_of, .. } => effects
                .push(json!({"step": entry.step, "at": entry.at,
                "effect": prepared.effect, "reply": null, "undoOf": undo_of, "dryRun": prepared.dry_run})),
            Body::Reply { answer } => {
                if let Some(effect) = effects.iter_mut().rev().find(|effect| effect["step"] == entry.step) {
                    effect["reply"] = json!(answer);
                }
            }
            Body::Kept { .. } | Body::Ended { .. } => {}
        }
    }
    effects
}
