//! `suture pull`: a component from a registry.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::json;
use suture_registry::PublicKey;
use suture_runtime::MAX_COMPONENT_BYTES;

use crate::CommandResult;
use crate::args::PullArgs;
use crate::error::{CliError, Exit};
use crate::output::{DIM, GOOD, Output};
use crate::registry;

pub fn run(args: &PullArgs, output: &Output) -> CommandResult {
    let key = args.key.as_ref().map(|file| PublicKey::load(file)).transpose().map_err(registry::error)?;
    let client = registry::client(&args.registry)?;
    let pulling = registry::Waiting::new(output, format!("pulling {}", args.reference));
    let pulled = crate::executor()?.block_on(client.pull(&args.reference, MAX_COMPONENT_BYTES, key.as_ref()));
    pulling.done();
    let pulled = pulled.map_err(registry::error)?;
    let name = args.reference.repository().rsplit('/').next().unwrap_or("policy");
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from(format!("{name}.wasm")));
    write(&out, &pulled.bytes)
        .map_err(|error| CliError::usage(format!("it can't be written: {error}")).at(out.display()))?;
    let pinned = args.reference.at(pulled.manifest);
    if output.is_json() {
        output.json(
            &json!({"path": out, "pinned": pinned, "manifest": pulled.manifest, "digest": pulled.digest,
            "bytes": pulled.bytes.len(), "verified": key.map(|key| key.fingerprint())}),
        );
        return Ok(Exit::Done);
    }
    let verified = if key.is_some() { ", signed as it must be" } else { "" };
    output.line(format!(
        "{GOOD}pulled{GOOD:#} {} ({} KiB){verified}",
        out.display(),
        pulled.bytes.len().div_ceil(1024)
    ));
    output.line(format!("  {DIM}{pinned}{DIM:#}"));
    output.line(format!("  {DIM}module {}{DIM:#}", pulled.digest));
    Ok(Exit::Done)
}

/// All of it, or nothing: beside its place, then moved there.
fn write(out: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = match out.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(out)?;
    Ok(())
}
