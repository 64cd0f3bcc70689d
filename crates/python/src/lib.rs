//! The extension `coulisse._core`: conversions, the protocol object, the sync thread.
//!
//! The only crate that names pyo3. What trades, frames and stores is in the crates below; here they
//! are put together ([`node_core`]) and shown to Python, whose loop drives them.
//!
//! Invariants
//! - One crossing per read and per tick, and per connection whose socket is full; never one per order.
//! - No borrow is held across a call into Python: a transport may call back.
//! - A panic in any entry point is written down and ends the process (`failure`).

mod candles_class;
mod cell;
mod clock;
mod conn_class;
mod copies;
mod core_class;
mod engine_class;
mod engine_view;
mod failure;
mod following;
mod history_class;
pub mod huge_pages;
mod key_file;
mod links;
mod listening;
mod node_core;
mod node_metrics;
mod node_people;
mod node_reads;
mod notes;
mod open;
mod outbox;
mod poison;
mod profits;
mod pure;
mod replica;
mod replica_class;
mod rows_class;
mod schema;
mod series;
mod sim_disk;
mod slow_pool;
mod socket;
mod source;
mod stages;
mod start;
mod sync;
mod traces;
mod uplink;
pub mod urgency;
mod voids;
mod wire;

use coulisse_wire::native::Op;
use coulisse_wire::native::spec::ROUTES;
use pyo3::prelude::*;
use std::borrow::Cow;

#[global_allocator]
static ALLOCATOR: huge_pages::HugePages = huge_pages::HugePages;

/// The generated pages of docs/protocol.
#[pyfunction]
fn protocol_docs() -> Vec<(String, String)> {
    coulisse_wire::schema::protocol_markdown()
        .into_iter()
        .chain([("http.md", coulisse_gateway::fault_page::markdown())])
        .map(|(name, text)| (name.to_string(), text))
        .collect()
}

/// The `OpenAPI` document of the private routes.
#[pyfunction]
fn openapi_json() -> String {
    coulisse_gateway::fault_page::openapi()
}

/// The `AsyncAPI` document of the native protocol.
#[pyfunction]
fn asyncapi_json() -> String {
    coulisse_wire::schema::documents::asyncapi_json()
}

/// Lets a process that has one thread, and those that it starts, go on for a short time only where others
/// wait; whether the kernel has that.
#[pyfunction]
fn take_short_turns(pid: i32) -> bool {
    urgency::set_slice(pid, true)
}

/// Whether 32 bytes are an Ed25519 public key that a logon can prove.
#[pyfunction]
fn is_public_key(key: [u8; 32]) -> bool {
    coulisse_gateway::logon::is_public_key(&key)
}

/// The Ed25519 public key of a private one.
#[pyfunction]
fn public_key(private_key: [u8; 32]) -> Cow<'static, [u8]> {
    Cow::Owned(coulisse_gateway::logon::public_key(&private_key).to_vec())
}

/// Every operation of the native protocol: its name, and who may ask for it.
#[pyfunction]
fn operations() -> Vec<(&'static str, &'static str)> {
    Op::ALL.iter().map(|op| (op.spec().name, op.spec().access.name())).collect()
}

/// The private REST routes: method, path, operation.
#[pyfunction]
fn rest_routes() -> Vec<(&'static str, &'static str, &'static str)> {
    ROUTES.iter().map(|route| (route.method, route.path, route.op.spec().name)).collect()
}

/// What this build asks of the processor. `coulisse/processor.py` looks for these words in the file, where
/// loading it could end in an illegal instruction.
const BUILT_FOR: &str = if cfg!(all(target_arch = "x86_64", target_feature = "avx2")) {
    "coulisse is built for x86-64-v3"
} else {
    "coulisse is built for every processor of its kind"
};

#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("VERSION", env!("CARGO_PKG_VERSION"))?;
    module.add("BUILT_FOR", BUILT_FOR)?;
    module.add("TIME_BOUNDS_US", coulisse_gateway::times::BOUNDS_US.to_vec())?;
    module.add("PUBLICATIONS_PER_S", coulisse_gateway::limits::PUBLICATIONS_PER_S)?;
    module.add("CoreError", module.py().get_type::<failure::CoreError>())?;
    module.add_function(wrap_pyfunction!(schema::schema_json, module)?)?;
    module.add_function(wrap_pyfunction!(protocol_docs, module)?)?;
    module.add_function(wrap_pyfunction!(openapi_json, module)?)?;
    module.add_function(wrap_pyfunction!(asyncapi_json, module)?)?;
    module.add_function(wrap_pyfunction!(take_short_turns, module)?)?;
    module.add_function(wrap_pyfunction!(is_public_key, module)?)?;
    module.add_function(wrap_pyfunction!(public_key, module)?)?;
    module.add_function(wrap_pyfunction!(operations, module)?)?;
    module.add_function(wrap_pyfunction!(rest_routes, module)?)?;
    module.add_function(wrap_pyfunction!(engine_class::planted_faults, module)?)?;
    module.add_function(wrap_pyfunction!(engine_class::plant_everywhere, module)?)?;
    module.add_class::<engine_class::Engine>()?;
    module.add_class::<pure::Book>()?;
    module.add_class::<sim_disk::SimDisk>()?;
    module.add_class::<core_class::Core>()?;
    module.add_class::<history_class::History>()?;
    module.add_class::<traces::TracesOf>()?;
    module.add_class::<replica_class::Replica>()?;
    module.add_class::<copies::CopyReplay>()?;
    module.add_function(wrap_pyfunction!(copies::copy_journal, module)?)?;
    module.add_function(wrap_pyfunction!(copies::renew_journal, module)?)?;
    module.add_function(wrap_pyfunction!(copies::newest_snapshot, module)?)?;
    module.add_class::<rows_class::Rows>()?;
    module.add_class::<rows_class::Tuples>()?;
    module.add_class::<rows_class::Fold>()?;
    module.add_function(wrap_pyfunction!(rows_class::tables_json, module)?)?;
    module.add_function(wrap_pyfunction!(replica_class::log_end, module)?)?;
    module.add_class::<candles_class::Candles>()?;
    module.add_class::<candles_class::SeriesFold>()?;
    module.add_class::<conn_class::Conn>()?;
    module.add_class::<conn_class::LocalSession>()?;
    Ok(())
}
