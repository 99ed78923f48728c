//! `suture audit`: what people did, and whether the trail of it is whole.

mod listing;
mod rows;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde_json::{Value, json};
use suture_journal::{AuditFilter, BrokenChain, Extent, Verified, Verifier};

use crate::CommandResult;
use crate::args::{AuditCommand, AuditExportArgs, AuditVerifyArgs};
use crate::error::{CliError, Exit};
use crate::output::{self, BAD, DIM, GOOD, Output};
use crate::records::Records;
use rows::Rows;

pub fn run(command: AuditCommand, output: &Output) -> CommandResult {
    crate::executor()?.block_on(async {
        match command {
            AuditCommand::List(args) => listing::list(&args, output).await,
            AuditCommand::Verify(args) => verify(&args, output).await,
            AuditCommand::Export(args) => export(&args, output).await,
        }
    })
}

async fn export(args: &AuditExportArgs, output: &Output) -> CommandResult {
    let records = Records::open(&args.source)?;
    let mut rows = Rows::of(&records, AuditFilter { since: args.since, ..AuditFilter::default() });
    while let Some(row) = rows.next().await? {
        output.item(&row);
        if !output::is_writable() {
            break;
        }
    }
    match rows.damaged() {
        [] => Ok(Exit::Done),
        damaged => {
            damaged.iter().for_each(|damage| output.warn(damage));
            Ok(Exit::Failed)
        }
    }
}

async fn verify(args: &AuditVerifyArgs, output: &Output) -> CommandResult {
    let verifier = Verifier::new(args.head);
    let verified = match &args.file {
        Some(file) => of_file(file, verifier)?,
        None => of_records(&Records::open(&args.source)?, verifier, output).await?,
    };
    Ok(report(&verified, args, output))
}

async fn of_records(
    records: &Records,
    mut verifier: Verifier,
    output: &Output,
) -> Result<Result<Verified, BrokenChain>, CliError> {
    let mut rows = Rows::of(records, AuditFilter::default());
    while let Some(row) = rows.next().await? {
        if let Err(broken) = verifier.add(&row) {
            // What can't be read shows as what is missing.
            rows.damaged().iter().for_each(|damage| output.warn(damage));
            return Ok(Err(broken));
        }
    }
    if let [damage, ..] = rows.damaged() {
        return Err(CliError { exit: Exit::Failed, ..CliError::usage(damage) }.at(records.place()));
    }
    Ok(verifier.finish(Extent::Whole))
}

fn of_file(file: &Path, mut verifier: Verifier) -> Result<Result<Verified, BrokenChain>, CliError> {
    let reader: Box<dyn BufRead> = match file.to_str() {
        Some("-") => Box::new(BufReader::new(std::io::stdin())),
        Some(_) | None => {
            let opened =
                File::open(file).map_err(|error| CliError::usage(error.to_string()).at(file.display()))?;
            Box::new(BufReader::new(opened))
        }
    };
    for (number, line) in reader.lines().enumerate() {
        let place = format!("{}:{}", file.display(), number + 1);
        let line = line.map_err(|error| CliError::usage(error.to_string()).at(&place))?;
        if line.trim().is_empty() {
            continue;
        }
        // What is no JSON is no row.
        let row: Value = serde_json::from_str(&line).unwrap_or_default();
        if let Err(broken) = verifier.add(&row) {
            return Ok(Err(broken));
        }
    }
    Ok(verifier.finish(Extent::Part))
}

fn report(verified: &Result<Verified, BrokenChain>, args: &AuditVerifyArgs, output: &Output) -> Exit {
    match verified {
        Ok(Verified { rows, first, head }) => {
            if output.is_json() {
                let head = head.map(|head| head.to_string());
                output.json(
                    &json!({"intact": true, "rows": rows, "first": first, "head": head, "broken": null}),
                );
                return Exit::Done;
            }
            match (first, head) {
                (Some(first), Some(head)) => {
                    let last = head.sequence;
                    output.line(format!("{GOOD}rows {first} to {last} are as they were written{GOOD:#}"));
                    output.line(format!("head {head}"));
                }
                (None, _) | (_, None) => output.line("there are no rows"),
            }
            if let Some(first) = first.filter(|first| *first > 1) {
                output.note(format!("{DIM}the rows before {first} are not among them{DIM:#}"));
            }
            if args.head.is_none() {
                output.note(format!(
                    "{DIM}that rows are missing at the end shows only against a head that was noted elsewhere: \
                     --head{DIM:#}"
                ));
            }
            Exit::Done
        }
        Err(broken) => {
            let message = broken.to_string();
            if output.is_json() {
                let broken = json!({"sequence": broken.row(), "message": message});
                output.json(&json!({"intact": false, "broken": broken}));
            } else {
                output.line(format!("{BAD}the trail is broken:{BAD:#} {message}"));
            }
            Exit::Failed
        }
    }
}
