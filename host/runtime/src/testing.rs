//! Policies written by hand, and a host that says what it is told to.
//!
//! A [`Guest`] is a core module in text form whose two exports return fixed records
//! unless a test gives them other code; `wit-component` makes a component of it, as it
//! does of every policy. So a test can do what no language's own tools would let it do.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use parking_lot::Mutex;
use suture_core::clock::Hold;
use suture_core::effect::Reply;
use suture_core::{
    Clock, Effect, Ending, Error, Halt, Host, Incident, IncidentId, Limits, Program, VirtualClock,
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::{Compiler, LoadError, PolicyModule, Runtime};

/// One engine for all tests: a pool reserves terabytes of addresses.
pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new(Compiler::InProcess).unwrap());

/// Where a guest's fixed data begins.
const DATA: u32 = 1024;
/// Where what it allocates begins.
const HEAP: u32 = 64 << 10;

/// Code for a policy. In it, `$done` and `$failed` are what `remediate` can return.
pub(crate) struct Guest {
    pub(crate) imports: &'static str,
    pub(crate) manifest: &'static str,
    pub(crate) remediate: &'static str,
    pub(crate) items: &'static str,
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) pages: u32,
    /// The folder of the contract, below the repository's.
    pub(crate) contract: &'static str,
}

impl Default for Guest {
    fn default() -> Self {
        Self {
            imports: "",
            manifest: "global.get $manifest",
            remediate: "global.get $done",
            items: "",
            name: "demo",
            version: "0.1.0",
            pages: 2,
            contract: "wit",
        }
    }
}

/// A policy whose `remediate` is this code.
pub(crate) fn remediate(imports: &'static str, code: &'static str) -> Guest {
    Guest { imports, remediate: code, ..Guest::default() }
}

/// Fixed data of a guest: texts, and records of little-endian words that point to them.
#[derive(Default)]
struct Data(Vec<u8>);

impl Data {
    fn put(&mut self, bytes: &[u8]) -> u32 {
        self.0.resize(self.0.len().next_multiple_of(8), 0);
        let at = DATA + self.0.len() as u32;
        self.0.extend(bytes);
        at
    }

    fn words(&mut self, words: &[u32]) -> u32 {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.put(&bytes)
    }

    fn text(&mut self, text: &str) -> [u32; 2] {
        [self.put(text.as_bytes()), text.len() as u32]
    }

    fn list(&mut self, texts: &[&str]) -> [u32; 2] {
        let words: Vec<u32> = texts.iter().flat_map(|text| self.text(text)).collect();
        [self.words(&words), texts.len() as u32]
    }
}

impl Guest {
    /// Its core module.
    pub(crate) fn module(&self) -> Vec<u8> {
        let mut data = Data::default();
        let fields = [
            data.text(self.name),
            data.text(self.version),
            data.text("A policy for tests."),
            data.list(&["alertname=\"Demo\""]),
            data.list(&["name"]),
            [0, 0],
            data.text("{\"type\":\"object\"}"),
        ];
        let manifest = data.words(&fields.concat());
        let [text, length] = data.text("all is well");
        // ok, padding, remediated, padding, the sentence
        let done = data.words(&[0, 0, 0, 0, text, length, 0, 0]);
        let [text, length] = data.text("could not tell");
        let failed = data.words(&[1, 0, text, length, 0, 0, 0, 0]);
        let bytes: String = data.0.iter().map(|byte| format!("\\{byte:02x}")).collect();
        let Self { imports, manifest: manifest_code, remediate, items, pages, .. } = self;
        let text = format!(
            r#"(module {imports}
              (memory (export "memory") {pages})
              (data (i32.const {DATA}) "{bytes}")
              (global $manifest i32 (i32.const {manifest}))
              (global $done i32 (i32.const {done}))
              (global $failed i32 (i32.const {failed}))
              (global $heap (mut i32) (i32.const {HEAP}))
              (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (local $at i32)
                (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
                (global.set $heap (i32.add (local.get $at) (local.get 3)))
                (block $fits (loop $grow
                  (br_if $fits (i32.le_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536))))
                  (br_if $grow (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))
                  unreachable))
                (local.get $at))
              (func (export "manifest") (result i32) {manifest_code})
              (func $remediate (export "remediate") (param $incident i32) (result i32) {remediate})
              {items})"#
        );
        let mut module = wat::parse_str(&text).unwrap();
        let mut resolve = Resolve::default();
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        let (package, _) = resolve.push_dir(root.join(self.contract)).unwrap();
        let world = resolve.select_world(&[package], Some("policy")).unwrap();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
        module
    }

    /// The component.
    pub(crate) fn component(&self) -> Vec<u8> {
        ComponentEncoder::default().validate(true).module(&self.module()).unwrap().encode().unwrap()
    }

    pub(crate) async fn load(&self) -> Result<PolicyModule, LoadError> {
        RUNTIME.load(&self.component(), None).await
    }

    /// Load it and run it once.
    pub(crate) async fn run(&self, limits: &Limits, host: Arc<Scripted>) -> Ending {
        self.load().await.unwrap().remediate(&incident(), limits, host).await
    }
}

pub(crate) fn incident() -> Incident {
    let labels = || [("name".to_owned(), "plex".to_owned())].into_iter().collect();
    let alert = serde_json::from_value(serde_json::json!({"status": "firing",
        "labels": {"alertname": "Demo", "name": "plex"}, "startsAt": "2026-11-22T04:10:00Z"}))
    .unwrap();
    Incident { id: IncidentId::new("i"), key: labels(), alert, attempt: 1, settings: serde_json::json!({}) }
}

type Answer = Result<Result<Reply, Error>, Halt>;
type Script = dyn Fn(&Effect) -> Answer + Send + Sync;

/// Answers as it is told, and remembers what it was asked.
pub(crate) struct Scripted {
    script: Box<Script>,
    pub(crate) asked: Mutex<Vec<Effect>>,
    /// Wait before each answer until this gate is opened.
    pub(crate) gate: Option<tokio::sync::Semaphore>,
    /// The clock that the run lives by, where that is not the real one.
    pub(crate) clock: Option<VirtualClock>,
}

impl Scripted {
    pub(crate) fn new(script: impl Fn(&Effect) -> Answer + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { script: Box::new(script), asked: Mutex::default(), gate: None, clock: None })
    }

    /// Answers what needs no cluster.
    pub(crate) fn plain() -> Arc<Self> {
        Self::new(plain)
    }

    /// The same, in a run that lives by a clock.
    pub(crate) fn living_by(clock: &VirtualClock) -> Arc<Self> {
        let clock = Some(clock.clone());
        Arc::new(Self { script: Box::new(plain), asked: Mutex::default(), gate: None, clock })
    }

    /// Answers nothing until its gate is opened.
    pub(crate) fn waiting() -> Arc<Self> {
        let gate = Some(tokio::sync::Semaphore::new(0));
        Arc::new(Self { script: Box::new(plain), asked: Mutex::default(), gate, clock: None })
    }
}

fn plain(effect: &Effect) -> Answer {
    Ok(Ok(match effect {
        Effect::Sleep { .. } => Reply::Slept,
        Effect::Log { .. } | Effect::Step { .. } => Reply::Noted,
        Effect::Exclusive { .. } => Reply::Held,
        Effect::Settle { .. } => Reply::Settled,
        other => return Ok(Err(Error::new(suture_core::Reason::UNSUPPORTED, other.verb()))),
    }))
}

#[async_trait]
impl Host for Scripted {
    async fn answer(&self, effect: Effect) -> Answer {
        let answer = (self.script)(&effect);
        self.asked.lock().push(effect);
        if let Some(gate) = &self.gate {
            gate.acquire().await.unwrap().forget();
        }
        answer
    }

    fn hold(&self) -> Hold {
        self.clock.as_ref().map(Clock::hold).unwrap_or_default()
    }
}
