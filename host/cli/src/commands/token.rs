//! `suture token`: tokens for people.

use std::collections::BTreeSet;

use serde_json::json;
use suture_core::Digest;

use crate::CommandResult;
use crate::args::{TokenCommand, TokenNewArgs};
use crate::error::{CliError, Exit};
use crate::output::Output;

/// The random bytes of a token: nobody guesses 256 bits, so that a plain SHA-256 of it may be
/// known to whoever reads the configuration.
const BYTES: usize = 32;

pub fn run(command: &TokenCommand, output: &Output) -> CommandResult {
    match command {
        TokenCommand::New(args) => new(args, output),
    }
}

fn new(args: &TokenNewArgs, output: &Output) -> CommandResult {
    let mut random = [0; BYTES];
    getrandom::fill(&mut random)
        .map_err(|error| CliError::internal(format!("the system gives no random bytes: {error}")))?;
    let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    // What it begins with lets scanners for leaked secrets know it.
    let token = format!("suture_{digits}");
    let hash = Digest::of(token.as_bytes());
    let roles: BTreeSet<&str> = args.roles.iter().map(|role| role.role().as_str()).collect();
    let name = &args.name;
    if output.is_json() {
        output.json(&json!({"name": name, "token": token, "tokenHash": hash, "roles": roles}));
        return Ok(Exit::Done);
    }
    output.line(token);
    let roles = roles.into_iter().collect::<Vec<_>>().join(", ");
    output.note(format!(
        "this is the only time that it is shown; to let {name} in, add to the configuration:\n\n\
         people:\n- {{name: \"{name}\", tokenHash: \"{hash}\", roles: [{roles}]}}"
    ));
    Ok(Exit::Done)
}
