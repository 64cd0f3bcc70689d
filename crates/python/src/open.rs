//! Opening a node's core from what Python says.

use crate::failure::{failed, journal_failed, record_failed};
use crate::node_core::{NodeCore, OpenError, Setup};
use crate::uplink::WorkerSetup;
use coulisse_journal::{Durability, FileStorage, Preparer, SimDisk, Storage};
use coulisse_types::limits::{POISON_RECORDS_PER_START_MAX, VOID_RECORDS_MAX};
use pyo3::prelude::*;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// How Python wants the core.
pub(crate) struct Arguments<'a> {
    pub(crate) data_dir: Option<&'a str>,
    pub(crate) disk: Option<SimDisk>,
    pub(crate) durability: &'a str,
    pub(crate) segment_bytes: u64,
    pub(crate) node: u16,
    pub(crate) host: &'a str,
    pub(crate) origins: &'a str,
    pub(crate) hash_seed: u64,
    pub(crate) master_key: Option<[u8; 32]>,
    pub(crate) applying: Arc<AtomicU64>,
}

/// Opens the core.
pub(crate) fn open_core(arguments: &Arguments<'_>) -> PyResult<NodeCore> {
    let durability = match arguments.durability {
        "fsync" => Durability::Fsync,
        "os" => Durability::Os,
        other => {
            return Err(failed(
                "INVALID_VALUE",
                format!("durability {other:?} is neither \"fsync\" nor \"os\""),
            ));
        }
    };
    let (storage, preparer): (Arc<dyn Storage>, Preparer) =
        match (arguments.data_dir, &arguments.disk) {
            (Some(dir), None) => (files(dir)?, Preparer::Thread),
            (None, Some(disk)) => (Arc::new(disk.clone()), Preparer::Inline),
            _ => {
                return Err(failed("INVALID_VALUE", "give either data_dir or disk".to_string()));
            }
        };
    let setup = Setup {
        dir: arguments.data_dir.map(ToString::to_string),
        storage,
        durability,
        segment_bytes: arguments.segment_bytes,
        preparer,
        node: arguments.node,
        hosts: listed(arguments.host),
        origins: listed(arguments.origins),
        hash_seed: arguments.hash_seed,
        master_key: arguments.master_key,
        applying: Arc::clone(&arguments.applying),
    };
    // A core trades, and its tables are large.
    crate::huge_pages::want();
    NodeCore::open(&setup).map_err(|error| open_failed(&error))
}

/// Opens a worker of the core process whose journal is in `dir`.
pub(crate) fn open_worker(
    dir: &str,
    (node, number): (u16, u16),
    host: &str,
    origins: &str,
    master_key: Option<[u8; 32]>,
    applying: &Arc<AtomicU64>,
) -> PyResult<NodeCore> {
    let setup = WorkerSetup {
        dir: dir.to_string(),
        storage: files(dir)?,
        node,
        number,
        hosts: listed(host),
        origins: listed(origins),
        master_key,
        applying: Arc::clone(applying),
    };
    NodeCore::follow(&setup).map_err(|error| open_failed(&error))
}

/// What stands between commas.
pub(crate) fn listed(text: &str) -> Vec<String> {
    text.split(',').map(|one| one.trim().to_string()).filter(|one| !one.is_empty()).collect()
}

pub(crate) fn files(dir: &str) -> PyResult<Arc<dyn Storage>> {
    match FileStorage::new(Path::new(dir)) {
        Ok(storage) => Ok(Arc::new(storage)),
        Err(error) => Err(failed("JOURNAL_IO", format!("{dir}: {error}"))),
    }
}

pub(crate) fn too_many_voids() -> String {
    format!("more than {VOID_RECORDS_MAX} records of the journal are void")
}

pub(crate) fn open_failed(error: &OpenError) -> PyErr {
    match error {
        OpenError::Journal(error) => journal_failed(error),
        OpenError::Record { seq, reason } => record_failed(*seq, reason),
        OpenError::TooManyVoids => failed("JOURNAL_POISONED", too_many_voids()),
        OpenError::Poisoned { seq, reason } => failed(
            "JOURNAL_POISONED",
            format!(
                "more than {POISON_RECORDS_PER_START_MAX} records break the core; the last is at \
                 seq {seq}: {reason}"
            ),
        ),
        OpenError::Secrets(reason) => failed("SECRETS", reason.clone()),
        OpenError::Link(reason) => failed("LINK", reason.clone()),
        OpenError::Io(error) => failed("JOURNAL_IO", error.to_string()),
    }
}

/// Sixteen random bytes.
pub(crate) fn nonce() -> PyResult<[u8; 16]> {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(|error| failed("NO_RANDOMNESS", error.to_string()))?;
    Ok(nonce)
}
