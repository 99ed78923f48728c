//! `suture schema`: JSON schemas of what people write.

use suture_core::Manifest;
use suture_scenario::Scenario;
use suture_server::Config;

use crate::CommandResult;
use crate::args::{SchemaArgs, SchemaFormat};
use crate::error::Exit;
use crate::output::Output;

pub fn run(args: &SchemaArgs, output: &Output) -> CommandResult {
    output.json(&match args.format {
        SchemaFormat::Config => Config::schema(),
        SchemaFormat::Scenario => Scenario::schema(),
        SchemaFormat::Manifest => Manifest::schema(),
        SchemaFormat::Api => suture_server::openapi(),
    });
    Ok(Exit::Done)
}
