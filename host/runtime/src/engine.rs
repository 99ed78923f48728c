//! The one wasmtime engine of a process.

use std::sync::Arc;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::coop::unconstrained;
use wasmtime::component::Linker;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::cap::{MAX_CORE_INSTANCES, MAX_TABLE_ELEMENTS, MAX_TABLES};
use crate::compiler::Compiler;
use crate::contract;
use crate::instance::State;
use crate::lane::Lane;
use crate::ticker::{Live, Ticker};

/// Instances that live at the same time; a further run waits for its turn. Each takes a
/// few of the kernel's 65,530 mappings even while it is suspended (10,000 took 60,077).
const MAX_INSTANCES: u32 = 1000;

/// Tables for each of them. A component that has more, or more than one memory, counts as
/// several instances.
const TABLES_EACH: u32 = 4;

/// Reset in place when an instance ends, rather than given back to the kernel: cheaper
/// where `PAGEMAP_SCAN` says which pages those are (fresh instance and call: 97 → 64 µs).
const MEMORY_KEPT: usize = 4 << 20;
const TABLE_KEPT: usize = 256 << 10;

/// Runs policies. Cheap to clone; all clones are one engine.
#[derive(Clone)]
pub struct Runtime {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<State>,
    pub(crate) lane: Lane,
    pub(crate) compiler: Compiler,
    /// One module is compiled at a time: what each may use is a share of what there is.
    pub(crate) compiling: Arc<Semaphore>,
    slots: Semaphore,
    ticker: Ticker,
}

/// Room for one instance, with an epoch that moves.
pub(crate) struct Slot<'a> {
    _permit: Option<SemaphorePermit<'a>>,
    _live: Live,
}

impl Shared {
    /// Wait for room for an instance of a weight.
    pub(crate) async fn slot(&self, weight: u32) -> Slot<'_> {
        // Where there is room, at once: tokio would sometimes wait here only to be fair,
        // which a virtual clock takes for waiting. The semaphore is never closed.
        let permit = unconstrained(self.slots.acquire_many(weight)).await.ok();
        Slot { _permit: permit, _live: self.ticker.keep() }
    }
}

/// Why no policy can be run on this machine.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The engine could not be made.
    #[error("the WebAssembly engine can't be set up on this machine: {0}")]
    Engine(String),
    /// The thread that interrupts guests could not be started.
    #[error("the thread that interrupts policies could not be started: {0}")]
    Ticker(#[source] std::io::Error),
}

impl Runtime {
    /// Set up the engine, and say who compiles for it: pooled instances where the machine allows to reserve the
    /// address space (some terabytes, nothing of which is used), else on demand.
    ///
    /// # Errors
    /// Where WebAssembly can't be compiled or interrupted here.
    pub fn new(compiler: Compiler) -> Result<Self, RuntimeError> {
        let wrong = |error: wasmtime::Error| RuntimeError::Engine(format!("{error:#}"));
        let engine = engine().map_err(wrong)?;
        let mut linker = Linker::new(&engine);
        contract::add_to_linker(&mut linker).map_err(wrong)?;
        let ticker = Ticker::start(&engine).map_err(RuntimeError::Ticker)?;
        let slots = Semaphore::new(MAX_INSTANCES as usize);
        let (lane, compiling) = (Lane::new(), Arc::new(Semaphore::new(1)));
        Ok(Self { shared: Arc::new(Shared { engine, linker, lane, compiler, compiling, slots, ticker }) })
    }
}

/// How many places in the pool an instance takes.
pub(crate) fn weight(memories: u32, tables: u32) -> u32 {
    memories.max(tables.div_ceil(TABLES_EACH)).max(1)
}

/// The best engine that this machine has.
fn engine() -> wasmtime::Result<Engine> {
    let pooled = |scan| {
        let mut config = config();
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(scan)));
        Engine::new(&config)
    };
    // PAGEMAP_SCAN needs Linux 6.7 and a readable /proc.
    if let Ok(engine) = pooled(true) {
        return Ok(engine);
    }
    match pooled(false) {
        Ok(engine) => Ok(engine),
        Err(error) => {
            tracing::warn!(
                error = format!("{error:#}"),
                "no instance pool here; instances are made on demand"
            );
            Engine::new(&config())
        }
    }
}

/// An engine that compiles for those above, and runs nothing: it reserves no memory.
pub(crate) fn compiling() -> wasmtime::Result<Engine> {
    Engine::new(&config())
}

fn config() -> Config {
    let mut config = Config::new();
    config
        // A guest is interrupted by epochs: +21 % on a warm call, where fuel costs 32 %.
        .epoch_interruption(true)
        .max_wasm_stack(512 << 10)
        .async_stack_size(1 << 20)
        // The same bytes lead to the same calls on every machine.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        .wasm_memory64(false);
    config
}

fn pool(pagemap_scan: bool) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(MAX_INSTANCES)
        // Only counted: it takes no room until it is used.
        .total_core_instances(MAX_INSTANCES * MAX_CORE_INSTANCES)
        .total_memories(MAX_INSTANCES)
        .total_tables(MAX_INSTANCES * TABLES_EACH)
        .total_stacks(MAX_INSTANCES)
        .max_core_instances_per_component(MAX_CORE_INSTANCES)
        .max_tables_per_component(MAX_TABLES)
        // How many memories a component has is checked in `load`, with a message of its own.
        .max_memories_per_module(MAX_INSTANCES)
        .max_tables_per_module(MAX_TABLES)
        .table_elements(MAX_TABLE_ELEMENTS);
    if pagemap_scan {
        pool.pagemap_scan(Enabled::Yes)
            .linear_memory_keep_resident(MEMORY_KEPT)
            .table_keep_resident(TABLE_KEPT);
    }
    pool
}
