//! The smallest policy there is: it sleeps, and says that all is well.

use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Where the fixed data begins.
const DATA: u32 = 1024;

/// Texts, and records of little-endian words that point to them.
#[derive(Default)]
struct Data(Vec<u8>);

impl Data {
    fn put(&mut self, bytes: &[u8]) -> u32 {
        self.0.resize(self.0.len().next_multiple_of(8), 0);
        let at = DATA + self.0.len() as u32;
        self.0.extend(bytes);
        at
    }

    fn text(&mut self, text: &str) -> [u32; 2] {
        [self.put(text.as_bytes()), text.len() as u32]
    }

    fn words(&mut self, words: &[u32]) -> u32 {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.put(&bytes)
    }

    fn list(&mut self, text: &str) -> [u32; 2] {
        let words = self.text(text);
        [self.words(&words), 1]
    }
}

/// A component for alerts named `Demo`, whose key is the label `name` and whose one
/// setting is `pause`, a number.
pub fn component(sleep_ms: u64) -> Vec<u8> {
    named("demo", "pause", sleep_ms)
}

/// The same under another name, and with another setting.
pub fn named(name: &str, setting: &str, sleep_ms: u64) -> Vec<u8> {
    Guest { name, setting, ..Guest::default() }.component(&sleeping(sleep_ms))
}

/// The same in another version.
pub fn versioned(version: &str) -> Vec<u8> {
    Guest { version, ..Guest::default() }.component(&sleeping(1))
}

/// One for alerts named `Spin`, which never ends.
pub fn spinning() -> Vec<u8> {
    Guest { name: "spin", matcher: "alertname=\"Spin\"", ..Guest::default() }.component("(loop $on (br $on))")
}

fn sleeping(ms: u64) -> String {
    format!("(call $sleep (i64.const {ms}))")
}

/// What a policy says of itself.
struct Guest<'a> {
    name: &'a str,
    version: &'a str,
    matcher: &'a str,
    setting: &'a str,
}

impl Default for Guest<'_> {
    fn default() -> Self {
        Self { name: "demo", version: "0.1.0", matcher: "alertname=\"Demo\"", setting: "pause" }
    }
}

impl Guest<'_> {
    fn component(&self, code: &str) -> Vec<u8> {
        component_of(self, code)
    }
}

fn component_of(Guest { name, version, matcher, setting }: &Guest<'_>, code: &str) -> Vec<u8> {
    let mut data = Data::default();
    let schema = format!(
        r#"{{"type":"object","additionalProperties":false,"properties":{{"{setting}":{{"type":"integer"}}}}}}"#
    );
    let manifest = [
        data.text(name),
        data.text(version),
        data.text("A policy for tests."),
        data.list(matcher),
        data.list("name"),
        [0, 0],
        data.text(&schema),
    ]
    .concat();
    let manifest = data.words(&manifest);
    let [text, length] = data.text("all is well");
    // ok, padding, remediated, padding, the sentence
    let done = data.words(&[0, 0, 0, 0, text, length, 0, 0]);
    let bytes: String = data.0.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let module = format!(
        r#"(module
          (import "suture:policy/clock@0.2.0" "sleep" (func $sleep (param i64)))
          (memory (export "memory") 2)
          (data (i32.const {DATA}) "{bytes}")
          (global $heap (mut i32) (i32.const 65536))
          (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
            (local $at i32)
            (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
            (global.set $heap (i32.add (local.get $at) (local.get 3)))
            (local.get $at))
          (func (export "manifest") (result i32) (i32.const {manifest}))
          (func (export "remediate") (param i32) (result i32)
            {code}
            (i32.const {done})))"#
    );
    let mut module = wat::parse_str(module).unwrap();
    let mut resolve = Resolve::default();
    let mut above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join("wit"));
    let (package, _) = resolve.push_dir(above.find(|wit| wit.is_dir()).unwrap()).unwrap();
    let world = resolve.select_world(&[package], Some("policy")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
    ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap()
}
