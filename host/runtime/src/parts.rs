//! What a component consists of, counted before anything is made of it.
//!
//! Reading is cheap (a header for each part, nothing is validated), compiling is not. The
//! bounds keep out what no language's tools write; what is within them and still too dear to
//! compile ends at the limits of the [compiler](crate::Compiler). A policy in Python, with the
//! interpreter and its libraries, is the largest that is known.

use wasmparser::{ComponentTypeRef, Parser, Payload, TypeBounds};

use crate::load::LoadError;

/// More parts of a kind than a policy may have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it has more than {limit} {of}, which is more than a policy may have")]
pub struct TooMany {
    /// Parts of which kind.
    pub of: &'static str,
    /// How many there may be.
    pub limit: u64,
}

/// A count and its bound.
struct Count {
    of: &'static str,
    limit: u64,
    count: u64,
}

impl Count {
    const fn new(of: &'static str, limit: u64) -> Self {
        Self { of, limit, count: 0 }
    }

    fn add(&mut self, more: u32) -> Result<(), TooMany> {
        self.add_long(more.into())
    }

    fn add_long(&mut self, more: u64) -> Result<(), TooMany> {
        self.count = self.count.saturating_add(more);
        if self.count > self.limit { Err(TooMany { of: self.of, limit: self.limit }) } else { Ok(()) }
    }

    /// A bound on each rather than on all of them.
    fn each(&mut self, size: u64) -> Result<(), TooMany> {
        self.count = 0;
        self.add_long(size)
    }
}

/// The bounds, all of them over the whole component, unless they say "of one".
struct Counts {
    sections: Count,
    depth: Count,
    modules: Count,
    instances: Count,
    functions: Count,
    types: Count,
    imports: Count,
    exports: Count,
    data: Count,
    elements: Count,
    globals: Count,
    aliases: Count,
    code: Count,
    body: Count,
    locals: Count,
}

const fn bounds() -> Counts {
    Counts {
        sections: Count::new("sections", 100_000),
        depth: Count::new("components and modules within one another", 16),
        modules: Count::new("core modules and components", 256),
        instances: Count::new("instances", 1_024),
        functions: Count::new("functions", 150_000),
        types: Count::new("types", 50_000),
        imports: Count::new("imports", 50_000),
        exports: Count::new("exports", 100_000),
        data: Count::new("data segments", 100_000),
        elements: Count::new("element segments", 10_000),
        globals: Count::new("globals", 50_000),
        aliases: Count::new("aliases and canonical functions", 100_000),
        code: Count::new("bytes of code", 48 << 20),
        body: Count::new("bytes of code of one function", 2 << 20),
        locals: Count::new("locals of one function", 20_000),
    }
}

/// Count a component's parts, and name what it imports.
///
/// # Errors
/// Where there are too many of a kind, or it is damaged.
pub(crate) fn check(bytes: &[u8]) -> Result<Vec<String>, LoadError> {
    let wrong = |error: wasmparser::BinaryReaderError| LoadError::Invalid(error.to_string());
    let mut counts = bounds();
    let mut imports = Vec::new();
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(wrong)?;
        match &payload {
            Payload::Version { .. } => {
                depth += 1;
                counts.depth.each(depth.into())?;
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 1 => {
                counts.imports.add(section.count())?;
                for import in section.clone() {
                    let import = import.map_err(wrong)?;
                    // A name for a type that is there already is nothing that is imported.
                    if !matches!(import.ty, ComponentTypeRef::Type(TypeBounds::Eq(_))) {
                        imports.push(import.name.name.to_owned());
                    }
                }
            }
            Payload::CodeSectionEntry(body) => {
                let range = body.range();
                let size = range.end.saturating_sub(range.start);
                counts.code.add_long(size)?;
                counts.body.each(size)?;
                let mut locals = 0_u64;
                for group in body.get_locals_reader().map_err(wrong)? {
                    locals = locals.saturating_add(group.map_err(wrong)?.0.into());
                    counts.locals.each(locals)?;
                }
            }
            other => {
                counts.sections.add(1)?;
                counts.section(other)?;
            }
        }
    }
    Ok(imports)
}

impl Counts {
    fn section(&mut self, payload: &Payload<'_>) -> Result<(), TooMany> {
        match payload {
            Payload::TypeSection(section) => self.types.add(section.count()),
            Payload::ComponentTypeSection(section) => self.types.add(section.count()),
            Payload::CoreTypeSection(section) => self.types.add(section.count()),
            Payload::ImportSection(section) => self.imports.add(section.count()),
            Payload::ComponentImportSection(section) => self.imports.add(section.count()),
            Payload::ExportSection(section) => self.exports.add(section.count()),
            Payload::ComponentExportSection(section) => self.exports.add(section.count()),
            Payload::FunctionSection(section) => self.functions.add(section.count()),
            Payload::GlobalSection(section) => self.globals.add(section.count()),
            Payload::TableSection(section) => self.globals.add(section.count()),
            Payload::MemorySection(section) => self.globals.add(section.count()),
            Payload::TagSection(section) => self.globals.add(section.count()),
            Payload::ElementSection(section) => self.elements.add(section.count()),
            Payload::DataSection(section) => self.data.add(section.count()),
            Payload::InstanceSection(section) => self.instances.add(section.count()),
            Payload::ComponentInstanceSection(section) => self.instances.add(section.count()),
            Payload::ComponentAliasSection(section) => self.aliases.add(section.count()),
            Payload::ComponentCanonicalSection(section) => self.aliases.add(section.count()),
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => self.modules.add(1),
            // What else there is costs no more than its bytes, which are bounded; whether it is
            // allowed at all is the validator's to say.
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Guest;

    fn refused(text: &str) -> String {
        check(&wat::parse_str(text).unwrap()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_imported_is_named_before_anything_is_compiled() {
        let bytes =
            wat::parse_str(r#"(component (import "a:b/c" (instance)) (import "now" (func)))"#).unwrap();
        assert_eq!(check(&bytes).unwrap(), ["a:b/c", "now"]);
        assert!(check(&Guest::default().component()).is_ok());
    }

    #[test]
    fn more_of_a_part_than_any_language_writes_is_refused_by_name() {
        let functions = "(func)".repeat(150_001);
        let text = refused(&format!("(component (core module {functions}))"));
        assert!(text.contains("more than 150000 functions"), "{text}");
        let text = refused(
            "(component (core module (func (local i32)) (func (local i32 i64 f32))))"
                .replace("(local i32 i64 f32)", &format!("(local {})", "i32 i64 ".repeat(10_001)))
                .as_str(),
        );
        assert!(text.contains("20000 locals of one function"), "{text}");
        let nested = (0..17).fold(String::new(), |inner, _| format!("(component {inner})"));
        let text = refused(&nested);
        assert!(text.contains("within one another"), "{text}");
        let text = refused(&format!("(component {})", "(core module)".repeat(257)));
        assert!(text.contains("256 core modules"), "{text}");
        let types = "(type (func (param i32)))".repeat(50_001);
        assert!(refused(&format!("(component (core module {types}))")).contains("50000 types"));
        let sections = [b"\0asm\r\0\x01\0".as_slice(), &b"\x06\x01\0".repeat(100_001)].concat();
        assert!(check(&sections).unwrap_err().to_string().contains("100000 sections"));
        let data = r#"(data "x")"#.repeat(100_001);
        assert!(refused(&format!("(component (core module (memory 1) {data}))")).contains("data segments"));
        let code = "i32.const 1234567 drop ".repeat(500_000);
        assert!(refused(&format!("(component (core module (func {code})))")).contains("of one function"));
    }

    #[test]
    fn a_component_that_ends_in_the_middle_is_damaged_and_no_panic() {
        let component = Guest::default().component();
        for end in 8..component.len() {
            let _ = check(&component[..end]);
        }
        assert!(matches!(check(&component[..component.len() / 2]), Err(LoadError::Invalid(_))));
    }
}
