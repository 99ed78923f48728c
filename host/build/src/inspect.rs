//! What a component is, by its bytes alone.

use serde::Serialize;
use sha2::{Digest, Sha256};
use wasmparser::{Encoding, Parser, Payload};
use wit_component::DecodedWasm;
use wit_parser::{Resolve, WorldItem, WorldKey};

/// What a component is, by its bytes alone. Its manifest is the runtime's to ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspection {
    /// `sha256:…`.
    pub digest: String,
    /// Of the whole, in bytes.
    pub size: u64,
    /// The interfaces and functions it imports: `suture:policy/kube@0.2.0`.
    pub imports: Vec<String>,
    /// What it exports.
    pub exports: Vec<String>,
    /// The sizes of the core modules inside, in bytes.
    pub core_modules: Vec<u64>,
}

/// Why bytes are no component.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// No WebAssembly at all.
    #[error("not WebAssembly: it does not begin with `\\0asm`")]
    NotWasm,
    /// A core module.
    #[error("a core WebAssembly module, not a component: run `suture build` in the policy's folder")]
    CoreModule,
    /// A package of types.
    #[error("a WIT package, not a component")]
    WitPackage,
    /// Damaged, or newer than this host.
    #[error("not a valid component: {0}")]
    Invalid(String),
}

/// Look at a component without running it.
///
/// # Errors
/// Why it is none.
pub fn inspect(bytes: &[u8]) -> Result<Inspection, InspectError> {
    if !bytes.starts_with(b"\0asm") {
        return Err(InspectError::NotWasm);
    }
    let core_modules = core_modules(bytes)?;
    let (resolve, world) = match wit_component::decode(bytes) {
        Ok(DecodedWasm::Component(resolve, world)) => (resolve, world),
        Ok(DecodedWasm::WitPackage(..)) => return Err(InspectError::WitPackage),
        Err(error) => return Err(InspectError::Invalid(format!("{error:#}"))),
    };
    let Some(world) = resolve.worlds.get(world) else {
        return Err(InspectError::Invalid("it has no world".to_owned()));
    };
    Ok(Inspection {
        digest: digest(bytes),
        size: bytes.len() as u64,
        imports: names(&resolve, &world.imports),
        exports: names(&resolve, &world.exports),
        core_modules,
    })
}

/// The names of what can be called; a world also lists the types that it uses.
fn names<'a>(
    resolve: &Resolve,
    items: impl IntoIterator<Item = (&'a WorldKey, &'a WorldItem)>,
) -> Vec<String> {
    let called = items.into_iter().filter(|(_, item)| !matches!(item, WorldItem::Type { .. }));
    called.map(|(key, _)| resolve.name_world_key(key)).collect()
}

fn core_modules(bytes: &[u8]) -> Result<Vec<u64>, InspectError> {
    let mut sizes = Vec::new();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(|error| InspectError::Invalid(error.to_string()))? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                return Err(InspectError::CoreModule);
            }
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ModuleSection { unchecked_range, .. } => {
                sizes.push(unchecked_range.end - unchecked_range.start);
            }
            _ => {}
        }
    }
    Ok(sizes)
}

pub(crate) fn digest(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    format!("sha256:{}", hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_component_is_told_apart() {
        assert!(matches!(inspect(b"#!/bin/sh"), Err(InspectError::NotWasm)));
        assert!(matches!(inspect(&wat::parse_str("(module)").unwrap()), Err(InspectError::CoreModule)));
        let component = wat::parse_str("(component)").unwrap();
        let half = &component[..component.len() - 1];
        assert!(inspect(&component).is_ok());
        assert!(matches!(inspect(half), Err(InspectError::Invalid(_))));
    }

    #[test]
    fn imports_are_read_from_the_components_type() {
        let component = wat::parse_str(
            r#"(component (import "wasi:cli/exit@0.2.0" (instance))
                (core module) (core module (memory 1)))"#,
        )
        .unwrap();
        let found = inspect(&component).unwrap();
        assert_eq!(found.imports, ["wasi:cli/exit@0.2.0"]);
        assert_eq!(found.core_modules.len(), 2);
        assert_eq!(found.size, component.len() as u64);
    }
}
