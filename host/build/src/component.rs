//! From a core module to a component that is a policy.

use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

use crate::PACKAGE;
use crate::error::BuildError;
use crate::inspect::{Inspection, inspect};

/// What the world asks for.
pub(crate) const EXPORTS: [&str; 2] = ["manifest", "remediate"];

/// Make a component of a core module.
pub(crate) fn encode(module: &[u8]) -> Result<Vec<u8>, BuildError> {
    // Before the encoder, which names only the first module that it does not know.
    let foreign = foreign_imports(module).map_err(|error| BuildError::Encode(error.to_string()))?;
    if !foreign.is_empty() {
        return Err(BuildError::ForeignImports(foreign));
    }
    ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|encoder| encoder.encode())
        .map_err(|error| BuildError::Encode(format!("{error:#}")))
}

/// Check that a component can be a policy: that it imports nothing but the contract, and exports what
/// the contract asks for. What else a language's runtime exports does no harm.
pub(crate) fn check(component: &[u8]) -> Result<Inspection, BuildError> {
    let found = inspect(component).map_err(|error| BuildError::Encode(error.to_string()))?;
    let foreign: Vec<_> = found.imports.iter().filter(|name| !name.starts_with(PACKAGE)).cloned().collect();
    if !foreign.is_empty() {
        return Err(BuildError::ForeignImports(foreign));
    }
    let missing = EXPORTS.iter().filter(|name| !found.exports.iter().any(|export| export == *name));
    let missing: Vec<_> = missing.map(|name| (*name).to_owned()).collect();
    if missing.is_empty() { Ok(found) } else { Err(BuildError::NotAPolicy(missing)) }
}

/// The imports of a core module that belong to no interface: `env.now`.
///
/// Interfaces have a `:` in their names and are checked in the component, by its type.
fn foreign_imports(module: &[u8]) -> wasmparser::Result<Vec<String>> {
    let mut names = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::ImportSection(section) = payload? {
            for import in section.into_imports() {
                let import = import?;
                if !import.module.contains(':') {
                    names.push(format!("{}.{}", import.module, import.name));
                }
            }
        }
    }
    names.sort();
    names.dedup();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_that_wants_a_system_is_refused_with_all_names() {
        let module = wat::parse_str(
            r#"(module (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
                (import "env" "now" (func)))"#,
        )
        .unwrap();
        let error = encode(&module).unwrap_err().to_string();
        assert!(error.contains("`env.now`, `wasi_snapshot_preview1.fd_write`"), "{error}");
    }

    #[test]
    fn a_library_that_is_no_policy_says_what_it_lacks() {
        let module = wat::parse_str("(module (memory (export \"memory\") 1))").unwrap();
        let error = check(&encode(&module).unwrap()).unwrap_err().to_string();
        assert!(error.contains("`manifest` and `remediate`") && error.contains("policy!"), "{error}");
    }
}
