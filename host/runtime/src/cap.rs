//! How far an instance can grow.

use suture_core::{Limit, Limits};
use wasmtime::ResourceLimiter;

use crate::stop::Stop;

/// Core instances that a component may consist of; componentize-py makes about 60.
pub(crate) const MAX_CORE_INSTANCES: u32 = 128;
/// Linear memories of a component. One is usual, an adapter adds a second.
pub(crate) const MAX_MEMORIES: u32 = 8;
/// Tables of a component.
pub(crate) const MAX_TABLES: u32 = 64;
/// Elements of one table: about as many as a program has functions in function pointers.
pub(crate) const MAX_TABLE_ELEMENTS: usize = 16 * 1024;

/// Watches the memories and tables of one instance.
///
/// Going over a limit always ends the run: whether a guest can survive a failed
/// `memory.grow` depends on its language, and a run that went on would depend on it.
pub(crate) struct Cap {
    limits: Limits,
    /// Of all memories together, in bytes.
    memory: usize,
}

impl Cap {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, memory: 0 }
    }
}

impl ResourceLimiter for Cap {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let memory = self.memory.saturating_add(desired.saturating_sub(current));
        if u64::try_from(memory).unwrap_or(u64::MAX) > self.limits.memory.0 {
            return Err(Stop::limit(&self.limits, Limit::Memory).into());
        }
        self.memory = memory;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired > MAX_TABLE_ELEMENTS { Err(Stop::Table.into()) } else { Ok(true) }
    }

    fn instances(&self) -> usize {
        MAX_CORE_INSTANCES as usize
    }

    fn tables(&self) -> usize {
        MAX_TABLES as usize
    }

    fn memories(&self) -> usize {
        MAX_MEMORIES as usize
    }
}
