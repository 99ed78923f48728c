//! `suture runs export`: from incident to test.

use serde_json::json;
use suture_scenario::{Recording, Report, export};

use crate::args::RunsExportArgs;
use crate::error::Exit;
use crate::output::{DIM, Output};
use crate::records::{Records, Whole};
use crate::{CommandResult, exported, module};

pub async fn run(args: &RunsExportArgs, output: &Output) -> CommandResult {
    let records = Records::open(&args.source)?;
    let Whole { run, header, entries } = records.whole(&args.id).await?;
    let export = export(&Recording { run: &run, header: &header, entries: &entries })
        .map_err(|error| exported::refused(&run.id.to_string(), error))?;
    let module = module::of(&run, &args.module, args.source.config.as_deref(), records.storage()).await;
    // It was asked for by name, so it must be one.
    if args.module.policy.is_some()
        && let Err(error) = module
    {
        return Err(error);
    }
    if !output.is_json() {
        output.document(export.text.trim_end());
    }
    exported::say_what_is_masked(&export, output);
    let report = match module {
        Ok(module) => {
            let which = if module.program.digest() == run.digest {
                "the module of the run"
            } else {
                "another module"
            };
            let which = format!("{which} {DIM}({}){DIM:#}", module.file.display());
            Some(exported::check(&export.text, module.program, &which, output).await?)
        }
        Err(error) => {
            output.warn(format!("not checked whether it passes: {}", error.what));
            None
        }
    };
    if output.is_json() {
        output.json(
            &json!({"run": run, "scenario": export.text, "passes": report.as_ref().map(Report::passed),
            "report": report.as_ref().map(Report::json)}),
        );
    }
    Ok(if report.is_none_or(|report| report.passed()) { Exit::Done } else { Exit::Failed })
}
