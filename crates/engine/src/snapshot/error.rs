//! What a snapshot is made of, where it goes, and what can be wrong with one.

use core::fmt;

/// A part of the state, by its number in the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Section {
    /// Genesis, seq, time, hash, counters, starts of nodes.
    Core = 1,
    /// Accounts.
    Accounts = 2,
    /// Keys.
    Keys = 3,
    /// Assets and balances.
    Ledger = 4,
    /// Live orders.
    Orders = 5,
    /// Instruments and their books.
    Instruments = 6,
    /// Client order ids of closed orders.
    ClientIds = 7,
    /// Request ids.
    RequestIds = 8,
    /// Groups of accounts.
    Groups = 9,
    /// Dead men's switches.
    Timers = 10,
    /// Lists of orders.
    Lists = 11,
    /// Positions, limits, states, tiers.
    Risk = 12,
    /// Withdrawals: caps, what went out today, what waits.
    Withdrawals = 13,
}

impl Section {
    /// The number in the bytes.
    pub const fn number(self) -> u16 {
        match self {
            Self::Core => 1,
            Self::Accounts => 2,
            Self::Keys => 3,
            Self::Ledger => 4,
            Self::Orders => 5,
            Self::Instruments => 6,
            Self::ClientIds => 7,
            Self::RequestIds => 8,
            Self::Groups => 9,
            Self::Timers => 10,
            Self::Lists => 11,
            Self::Risk => 12,
            Self::Withdrawals => 13,
        }
    }

    /// The version of the body that this build writes, and the only one it reads.
    pub const fn version(self) -> u16 {
        match self {
            Self::Core
            | Self::Accounts
            | Self::Keys
            | Self::Ledger
            | Self::Orders
            | Self::Instruments
            | Self::RequestIds
            | Self::Groups
            | Self::Timers
            | Self::Lists
            | Self::Risk
            | Self::Withdrawals => 1,
            Self::ClientIds => 3,
        }
    }
}

/// Takes the bytes of a snapshot, in order.
pub trait SnapshotSink {
    /// Why it takes no more.
    type Error;

    /// Takes the next bytes.
    ///
    /// # Errors
    /// Nothing more is written after the first.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;
}

impl SnapshotSink for alloc::vec::Vec<u8> {
    type Error = core::convert::Infallible;

    fn write(&mut self, bytes: &[u8]) -> Result<(), Self::Error> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}

/// Gives the bytes of a snapshot, in order.
pub trait SnapshotSource {
    /// Reads the next bytes into the front of `into`; how many. None where there are no more, or
    /// where it failed: the reason stays with the source, and the snapshot seems to end there.
    fn read(&mut self, into: &mut [u8]) -> usize;
}

impl SnapshotSource for &[u8] {
    fn read(&mut self, into: &mut [u8]) -> usize {
        let (head, rest) = self.split_at(self.len().min(into.len()));
        for (to, byte) in into.iter_mut().zip(head) {
            *to = *byte;
        }
        *self = rest;
        head.len()
    }
}

/// What is wrong with the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotFault {
    /// They do not begin as a snapshot does.
    Magic,
    /// Another section than the one due.
    Section {
        /// The number found.
        found: u16,
    },
    /// A version of the section that this build does not read.
    Version {
        /// The version found.
        found: u16,
    },
    /// They end before the structure does, or a field means nothing.
    Malformed,
    /// The body of a section is not as long as it says.
    Length {
        /// What was read.
        bytes: u64,
        /// What it says.
        written: u64,
    },
    /// More bytes than the structure takes.
    Trailing,
    /// More rows than the table may have.
    Count {
        /// The count found.
        count: u32,
        /// The table's limit.
        max: u32,
    },
    /// A row contradicts another one or names what does not exist.
    Contradiction(&'static str),
}

/// Why bytes are no snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotError {
    /// The section that was read.
    pub section: Section,
    /// The offset in its body, in bytes.
    pub at: u64,
    /// What is wrong there.
    pub fault: SnapshotFault,
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "section {:?} at byte {}: {:?}", self.section, self.at, self.fault)
    }
}

impl core::error::Error for SnapshotError {}
